#!/usr/bin/env python3
"""Writes what others' tools read as a JSONL file that lens run reads.

Takes JSONL with `messages` (Qwen, TRL) or `conversations` (LLaVA), a line for
each question and its answer, or a TSV of VLMEvalKit, whose pictures are written
beside the output. Pictures that a JSONL names stay where they are: write OUT
into a folder that holds them.

Usage: scripts/convert_data.py IN.jsonl|IN.tsv OUT.jsonl
"""

import base64
import csv
import json
import pathlib
import sys


def text_of(content):
    """The text of a turn without the marks of its picture."""
    if isinstance(content, list):
        content = "".join(part.get("text") or "" for part in content)
    return content.replace("<image>", "").strip()


def from_turns(line):
    row = json.loads(line)
    turns = row.get("messages") or row.get("conversations")
    said = [(t.get("role") or t["from"], t.get("content", t.get("value"))) for t in turns]
    pictures = row.get("images") or row.get("image") or [
        part.get("image") or part.get("path")
        for _, content in said if isinstance(content, list)
        for part in content if part.get("type") == "image"]
    people = ("user", "human")
    for (who, question), (_, answer) in zip(said, said[1:]):
        if who in people:
            yield {"image": pictures, "question": text_of(question), "answer": text_of(answer)}


def from_tsv(file, folder):
    csv.field_size_limit(sys.maxsize)
    rows = list(csv.DictReader(file, delimiter="\t"))
    data = {row["index"]: row.get("image") or "" for row in rows}
    for row in rows:
        name, image = row["index"], row.get("image") or ""
        if 0 < len(image) <= 64:  # the index of the row that has it
            name, image = image, data.get(image, "")
        path = row.get("image_path") or f"{name}.jpg"
        if image:
            path = f"{pathlib.Path(name).name}.jpg"
            (folder / path).write_bytes(base64.b64decode(image))
        yield {"id": row["index"], "image": path, "question": row["question"],
               "answer": row.get("answer"), "language": row.get("category")}


source, target = map(pathlib.Path, sys.argv[1:])
with open(source, newline="", encoding="utf-8") as lines, open(target, "w", encoding="utf-8") as out:
    rows = from_tsv(lines, target.parent) if source.suffix == ".tsv" else (
        row for line in lines if line.strip() for row in from_turns(line))
    out.writelines(json.dumps(row, ensure_ascii=False) + "\n" for row in rows)
