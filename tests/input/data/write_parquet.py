#!/usr/bin/env python3
"""Writes the Parquet files that data_dataset_test reads: write_parquet.py DIR

good/*.parquet   the same eleven rows of a MTVQA-like table in every form a
                 writer may give them; the test expects equal rows from all
latex/*.parquet  the same for LaTeX_OCR
bad/*.parquet    files that must be refused, or of which rows must fail
"""

import pathlib
import struct
import sys

import pyarrow as pa
import pyarrow.parquet as pq

ROWS = 11
LANGUAGES = ["AR", "DE", "FR", "IT", "JA", "KR", "RU", "TH", "VI"]


def image_bytes(row):
    """row bytes of a pattern: 300,000 of them, so that a column's dictionary
    overflows and the writer changes to plain pages within a chunk."""
    if row == 4:
        return None
    return bytes((row * 31 + i) % 251 for i in range(256)) * (1 + 150 * row)


def qa_pairs(row):
    if row == 2:
        return "[{'question': 'open"
    if row == 3:
        return None
    if row == 6:
        return "[]"
    pairs = [
        {"question": f"q{row}.{i} \u0639\U0001f600 'it's\"\n", "answer": f"a{row}.{i}"}
        for i in range(1 + row % 3)
    ]
    return repr(pairs)


def language(row):
    return None if row == 5 else LANGUAGES[row % len(LANGUAGES)]


def image_column(bytes_type, path_type, rows=range(ROWS)):
    data = [image_bytes(r) for r in rows]
    paths = [f"{r}.jpg" for r in rows]
    if pa.types.is_null(path_type):
        paths = [None for _ in rows]
    # Row 8 has no struct at all.
    mask = pa.array([r == 8 for r in rows])
    return pa.StructArray.from_arrays(
        [array(data, bytes_type), array(paths, path_type)],
        fields=[pa.field("bytes", bytes_type), pa.field("path", path_type)],
        mask=mask,
    )


def array(values, kind):
    if pa.types.is_dictionary(kind):
        return pa.array(values, kind.value_type).dictionary_encode().cast(kind)
    return pa.array(values, kind)


def mtvqa(
    bytes_type=pa.binary(),
    text_type=pa.string(),
    path_type=None,
    order=("image", "qa_pairs", "lang", "id"),
    ids=None,
):
    columns = {
        "image": image_column(bytes_type, path_type or pa.string()),
        "qa_pairs": array([qa_pairs(r) for r in range(ROWS)], text_type),
        "lang": array([language(r) for r in range(ROWS)], text_type),
        "id": pa.array(list(range(ROWS)) if ids is None else ids),
        "extra": pa.array([[r] * r for r in range(ROWS)]),
    }
    return pa.table({name: columns[name] for name in order})


def latex(text_type=pa.string(), bytes_type=pa.binary()):
    texts = [None if r == 3 else f"\\frac {{ {r} }} {{ \u03b2 }}" for r in range(ROWS)]
    return pa.table(
        {"image": image_column(bytes_type, pa.string()), "text": array(texts, text_type)}
    )


def write_good(folder):
    folder.mkdir(parents=True)
    plain = mtvqa()
    write = pq.write_table
    for codec in ["snappy", "zstd", "none", "gzip", "brotli", "lz4"]:
        write(plain, folder / f"codec_{codec}.parquet", compression=codec)
    for version in ["1.0", "2.0"]:
        for dictionary in [True, False]:
            name = f"pages_{version}_{'dictionary' if dictionary else 'plain'}.parquet"
            write(
                plain,
                folder / name,
                data_page_version=version,
                use_dictionary=dictionary,
            )
    write(plain, folder / "small_dictionary.parquet", dictionary_pagesize_limit=64)
    write(plain, folder / "small_pages.parquet", data_page_size=1024)
    write(plain, folder / "page_index.parquet", write_page_index=True)
    write(plain, folder / "page_checksums.parquet", write_page_checksum=True)
    write(plain, folder / "no_statistics.parquet", write_statistics=False)
    write(plain, folder / "no_arrow_schema.parquet", store_schema=False)
    for size in [1, 3, 5]:
        write(plain, folder / f"row_groups_of_{size}.parquet", row_group_size=size)
    with pq.ParquetWriter(folder / "empty_row_group.parquet", plain.schema) as out:
        out.write_table(plain.slice(0, 4), row_group_size=100)
        out.write_table(plain.slice(0, 0))
        out.write_table(plain.slice(4), row_group_size=100)
    write(
        mtvqa(order=("extra", "lang", "id", "qa_pairs", "image")),
        folder / "other_order.parquet",
    )
    write(mtvqa(order=("lang", "image", "qa_pairs")), folder / "without_id.parquet")
    write(mtvqa(ids=[f"id{r}" for r in range(ROWS)]), folder / "text_id.parquet")
    write(mtvqa(pa.large_binary(), pa.large_string()), folder / "large.parquet")
    try:
        views = mtvqa(pa.binary_view(), pa.string_view(), pa.string_view())
        write(views, folder / "views.parquet")
    except (pa.ArrowException, TypeError):
        # This writer has no views; the reader still gets them from those that do.
        pass
    coded = pa.dictionary(pa.int32(), pa.string())
    write(
        mtvqa(text_type=coded, path_type=pa.string()), folder / "dictionary.parquet"
    )
    write(mtvqa(path_type=pa.null()), folder / "null_path.parquet")


def write_latex(folder):
    folder.mkdir(parents=True)
    pq.write_table(latex(), folder / "plain.parquet")
    pq.write_table(latex(), folder / "groups.parquet", row_group_size=2)
    pq.write_table(
        latex(pa.large_string(), pa.large_binary()),
        folder / "large.parquet",
        compression="zstd",
    )


# lmms-lab/textvqa, DocVQA, ChartQA, VQAv2 and echo840/OCRBench: names and types
# as on the Hub.
def write_known(folder):
    folder.mkdir(parents=True)
    image = pa.StructArray.from_arrays(
        [pa.array([b"one", b"two"], pa.binary()), pa.array(["1.jpg", None])],
        names=["bytes", "path"],
    )
    text = pa.list_(pa.string())
    tables = {
        "textvqa": {
            "image_id": pa.array(["a", "b"]),
            "question_id": pa.array([34602, 34603], pa.int32()),
            "question": pa.array(["what is it?", "which?"]),
            "question_tokens": pa.array([["what"], []], text),
            "image": image,
            "image_width": pa.array([1, 2], pa.int32()),
            "answers": pa.array([["nous"] * 10, []], text),
            "ocr_tokens": pa.array([["MIA"], []], text),
            "set_name": pa.array(["val", "val"]),
        },
        "docvqa": {
            "questionId": pa.array(["49153", "24580"]),
            "question": pa.array(["Where?", "Who?"]),
            "question_types": pa.array([["layout"], []], text),
            "image": image,
            "docId": pa.array([14465, 7], pa.int64()),
            "ucsf_document_id": pa.array(["pybv0228", "x"]),
            "answers": pa.array([["0.28", "0,28"], None], text),
            "data_split": pa.array(["val", "val"]),
        },
        "chartqa": {
            "type": pa.array(["human_test", "augmented_test"]),
            "question": pa.array(["How many?", "How much?"]),
            "answer": pa.array(["14", "0.57"]),
            "image": image,
        },
        "vqav2": {
            "question_type": pa.array(["where is the", "what"]),
            "multiple_choice_answer": pa.array(["table", "cat"]),
            "answers": pa.array(
                [
                    [
                        {"answer": "table", "answer_confidence": "yes", "answer_id": 1},
                        {"answer": "desk", "answer_confidence": "no", "answer_id": 2},
                    ],
                    None,
                ],
                pa.list_(
                    pa.struct(
                        {
                            "answer": pa.string(),
                            "answer_confidence": pa.string(),
                            "answer_id": pa.int64(),
                        }
                    )
                ),
            ),
            "image_id": pa.array([262148, 5], pa.int64()),
            "answer_type": pa.array(["other", "other"]),
            "question_id": pa.array([262148000, 5001], pa.int64()),
            "question": pa.array(["Where is it?", "What?"]),
            "image": image,
        },
        "ocrbench": {
            "dataset": pa.array(["IIIT5K", "HME100k"]),
            "question": pa.array(["what is written?", "formula?"]),
            "question_type": pa.array(
                ["Regular Text Recognition", "Handwriting Recognition"]
            ),
            "answer": pa.array([["CENTRE"], []], text),
            "image": image,
        },
    }
    for name, columns in tables.items():
        pq.write_table(pa.table(columns), folder / f"{name}.parquet")
        shuffled = dict(sorted(columns.items(), reverse=True))
        pq.write_table(pa.table(shuffled), folder / f"{name}_shuffled.parquet")


def write_bad(folder):
    folder.mkdir(parents=True)
    plain = mtvqa()
    no_image = plain.drop_columns(["image"])
    pq.write_table(no_image, folder / "no_image.parquet")
    pq.write_table(plain.drop_columns(["lang"]), folder / "no_lang.parquet")
    pq.write_table(
        plain.set_column(1, "qa_pairs", pa.array(range(ROWS))),
        folder / "number_pairs.parquet",
    )
    pq.write_table(
        plain.set_column(0, "image", pa.array([b"x"] * ROWS)),
        folder / "flat_image.parquet",
    )
    pq.write_table(
        plain.set_column(
            0,
            "image",
            pa.StructArray.from_arrays([pa.array(range(ROWS))], names=["bytes"]),
        ),
        folder / "number_bytes.parquet",
    )
    pq.write_table(
        pa.Table.from_arrays(
            plain.columns + [plain["lang"]], names=plain.column_names + ["lang"]
        ),
        folder / "twice.parquet",
    )
    (folder / "empty.parquet").write_bytes(b"")
    (folder / "foreign.parquet").write_bytes(b"\x89PNG\r\n\x1a\n" + b"0" * 500)
    (folder / "magic_only.parquet").write_bytes(b"PAR1PAR1")

    # lang of row 1 is not UTF-8: the same schema, the bytes written behind it.
    broken = pa.Array.from_buffers(
        pa.string(),
        2,
        [None, pa.py_buffer(struct.pack("<3i", 0, 2, 4)), pa.py_buffer(b"DE\xff\xfe")],
    )
    pq.write_table(
        pa.table(
            {
                "image": image_column(pa.binary(), pa.string(), range(2)),
                "qa_pairs": pa.array([qa_pairs(0), qa_pairs(1)]),
                "lang": broken,
            }
        ),
        folder / "not_utf8.parquet",
    )
    pq.write_table(plain.slice(0, 0), folder / "no_rows.parquet")

    for column in ["image.bytes", "qa_pairs"]:
        file = folder / f"damaged_{column}.parquet"
        pq.write_table(plain, file, row_group_size=3, write_page_checksum=True)
        flip_pages(file, 1, column)


def flip_pages(file, group, column):
    """Flips the pages of one column of one row group; the footer stays."""
    row_group = pq.ParquetFile(file).metadata.row_group(group)
    columns = [row_group.column(i) for i in range(row_group.num_columns)]
    chunk = next(c for c in columns if c.path_in_schema == column)
    begin = chunk.data_page_offset
    if chunk.has_dictionary_page:
        begin = min(begin, chunk.dictionary_page_offset)
    content = bytearray(file.read_bytes())
    for at in range(begin, begin + chunk.total_compressed_size):
        content[at] ^= 0xA5
    file.write_bytes(content)


def main():
    top = pathlib.Path(sys.argv[1])
    write_good(top / "good")
    write_latex(top / "latex")
    write_known(top / "known")
    write_bad(top / "bad")


if __name__ == "__main__":
    main()
