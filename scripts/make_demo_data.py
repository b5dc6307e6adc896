#!/usr/bin/env python3
"""Makes demo/data: small data sets with the schemas of LaTeX_OCR and MTVQA.

Everything is drawn from demo/sources (real pictures, words of signs) and random
numbers of a fixed seed: the same versions of Pillow, Matplotlib, pyarrow and the Noto
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
# Rows of the splits that are made; the train splits begin with real pictures.
FORMULAS = {"test": 40, "train": 391}
SIGNS_PER_LANGUAGE = {"test": 4, "train": 30}


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


def write_splits(folder, splits, columns):
    for split, rows in splits.items():
        write(DEMO / "data" / folder / f"{split}-00000-of-00001.parquet", rows,
              columns)


def real_formulas():
    """Pictures of the real data set, longer than the made ones."""
    return [{"image": {"bytes": (SOURCES / real["file"]).read_bytes(),
                       "path": real["file"]}, "text": real["text"]}
            for real in read_lines("real_formulas.jsonl")]


def formula_rows():
    """Split -> rows. No label stands in both."""
    rng = random.Random(20240117)
    labels = []
    while len(labels) < sum(FORMULAS.values()):
        label = demo_formulas.composed(rng)
        if label not in labels:
            labels.append(label)
    rows = [{"image": {"bytes": demo_formulas.render(label),
                       "path": f"made_{number}.png"}, "text": label}
            for number, label in enumerate(labels)]
    test = rows[:FORMULAS["test"]]
    return {"test": test, "train": real_formulas() + rows[len(test):]}


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
    """Split -> rows, languages in turn, so that the first rows show all of them.
    No number on a test sign stands on a training sign of its language."""
    rng = random.Random(20240202)
    taken = set()
    splits = {}
    for split, count in SIGNS_PER_LANGUAGE.items():
        rows = splits[split] = []
        while len(rows) < count * len(demo_signs.LANGUAGES):
            language = demo_signs.LANGUAGES[len(rows) % len(demo_signs.LANGUAGES)]
            sign = demo_signs.compose(language, rng)
            if demo_signs.shares_number(sign, taken):
                continue
            if split == "test":
                taken.update((language, number) for number in sign.numbers)
            number = len(rows)
            data, kind = demo_signs.render(sign, rng, as_png=number % 3 == 0,
                                           turned=number == 1)
            name = f"{split}_{language.lower()}_{number:03d}.{kind}"
            rows.append(sign_row(data, name, language, sign.questions))
    splits["train"].insert(0, photo_row())
    return {split: [{**row, "id": i} for i, row in enumerate(rows)]
            for split, rows in splits.items()}


def main():
    arguments = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    arguments.add_argument("--sheet", type=pathlib.Path)
    sheet = arguments.parse_args().sheet

    formulas, signs = formula_rows(), sign_rows()
    write_splits("latex_ocr", formulas, [("text", pa.string())])
    write_splits("mtvqa", signs, [("qa_pairs", pa.string()),
                                  ("lang", pa.string()), ("id", pa.int64())])
    if sheet:
        for split in ("test", "train"):
            demo_signs.contact_sheets(sheet, f"signs_{split}", signs[split], 6)
            demo_signs.contact_sheets(sheet, f"formulas_{split}",
                                      formulas[split], 6)


if __name__ == "__main__":
    main()
