#!/usr/bin/env python3
"""Makes demo/data: small data sets with the schemas of LaTeX_OCR and MTVQA.

Everything is drawn from demo/sources (real pictures, formulas, texts of signs)
with a fixed seed: the same versions of Pillow, Matplotlib, pyarrow and the Noto
fonts give the same files. Needs those three Python packages, Pillow with Raqm,
and the Debian packages fonts-noto-core and fonts-noto-cjk.

    make_demo_data.py [--sheet FOLDER]   also writes PNG sheets of all pictures
"""

import argparse
import json
import pathlib
import random

import pyarrow as pa
import pyarrow.parquet as pq

import demo_formulas
import demo_signs

DEMO = pathlib.Path(__file__).resolve().parent.parent / "demo"
SOURCES = DEMO / "sources"
ROW_GROUP = 100  # what the Hub's writer takes for pictures
TEST_FORMULAS = 40
TEST_SIGNS_PER_LANGUAGE = 4
FORMULAS = 209


def read_lines(name):
    text = (SOURCES / name).read_text(encoding="utf-8")
    return [json.loads(line) for line in text.splitlines()]


def feature(dtype):
    return {"dtype": dtype, "_type": "Value"}


def write(path, rows, columns):
    """Parquet as the Hub's own writer leaves it: an image struct, the features
    under the key "huggingface", SNAPPY, row groups of 100 rows."""
    image = pa.struct([("bytes", pa.binary()), ("path", pa.string())])
    fields = [pa.field("image", image)]
    features = {"image": {"_type": "Image"}}
    for name, kind in columns:
        fields.append(pa.field(name, kind))
        features[name] = feature(str(kind))
    metadata = {"huggingface": json.dumps({"info": {"features": features}})}
    table = pa.Table.from_pylist(rows, schema=pa.schema(fields, metadata))
    path.parent.mkdir(parents=True, exist_ok=True)
    pq.write_table(table, path, compression="snappy", row_group_size=ROW_GROUP)
    print(f"{path.relative_to(DEMO.parent)}: {len(rows)} rows, "
          f"{path.stat().st_size} bytes")


def write_splits(folder, test, train, columns):
    for split, rows in (("test", test), ("train", train)):
        write(DEMO / "data" / folder / f"{split}-00000-of-00001.parquet", rows,
              columns)


def formula_rows():
    rows = []
    for real in read_lines("real_formulas.jsonl"):
        data = (SOURCES / real["file"]).read_bytes()
        rows.append({"image": {"bytes": data, "path": real["file"]},
                     "text": real["text"]})
    rng = random.Random(20240117)
    sources = (SOURCES / "formulas.txt").read_text(encoding="utf-8").splitlines()
    labels = demo_formulas.labels(sources, FORMULAS - len(rows), rng)
    for number, label in enumerate(labels):
        rows.append({"image": {"bytes": demo_formulas.render(label, rng),
                               "path": f"made_{number}.png"}, "text": label})
    return rows


def photo_row():
    """The real photo, a street sign that readers of Japanese can read."""
    questions = [("看板の左側の番号は何番ですか。", "315"),
                 ("看板の右側の番号は何番ですか。", "309"),
                 ("通りの英語の名前は何ですか。", "Yuyuan Rd")]
    return sign_row((SOURCES / "chinese.jpg").read_bytes(), "chinese.jpg", "JA",
                    questions)


def sign_row(data, path, language, questions):
    pairs = [{"question": q, "answer": a} for q, a in questions]
    return {"image": {"bytes": data, "path": path}, "qa_pairs": repr(pairs),
            "lang": language}


def sign_rows():
    by_language = {"JA": [photo_row()]}
    rng = random.Random(20240202)
    for number, sign in enumerate(read_lines("signs.jsonl")):
        rows = by_language.setdefault(sign["lang"], [])
        data, kind = demo_signs.render(
            sign["lang"], sign["look"], sign["lines"], rng,
            as_png=number % 3 == 0, turned=number == 1)
        name = f"{sign['lang'].lower()}_{len(rows):02d}.{kind}"
        rows.append(sign_row(data, name, sign["lang"], sign["questions"]))
    # Languages in turn, so that the first rows of a split show all of them.
    longest = max(len(rows) for rows in by_language.values())
    turns = [[rows[i] for _, rows in sorted(by_language.items()) if i < len(rows)]
             for i in range(longest)]
    splits = []
    for part in (turns[:TEST_SIGNS_PER_LANGUAGE], turns[TEST_SIGNS_PER_LANGUAGE:]):
        rows = [row for turn in part for row in turn]
        splits.append([{**row, "id": i} for i, row in enumerate(rows)])
    return splits


def main():
    arguments = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    arguments.add_argument("--sheet", type=pathlib.Path)
    sheet = arguments.parse_args().sheet

    formulas = formula_rows()
    write_splits("latex_ocr", formulas[:TEST_FORMULAS], formulas[TEST_FORMULAS:],
                 [("text", pa.string())])
    test, train = sign_rows()
    write_splits("mtvqa", test, train, [("qa_pairs", pa.string()),
                                        ("lang", pa.string()),
                                        ("id", pa.int64())])
    if sheet:
        demo_signs.contact_sheets(sheet, "signs", test + train, 6)
        demo_signs.contact_sheets(sheet, "formulas", formulas, 4)


if __name__ == "__main__":
    main()
