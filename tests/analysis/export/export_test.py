"""Exported tables hold every value of results.h5, read by readers of others.

usage: export_test.py ANALYSIS_TABLES ANALYSIS_HOSTILE_RUN QWEN2_TOKENIZER

Two runs are written: one with texts that break careless tables, one with the
whole vocabulary of Qwen2. What csv, pandas, pyarrow and duckdb read of the
export must equal what h5py reads of the file, floats bit for bit.
"""

import csv
import math
import pathlib
import subprocess
import sys
import tempfile

try:
    import duckdb
    import h5py
    import numpy as np
    import pandas as pd
    import pyarrow.csv
    import pyarrow.parquet
except ImportError as error:
    print("skipped:", error)
    sys.exit(77)

DATASETS = ("latex_ocr", "mtvqa")
ROLES = ["template", "image", "question", "answer", "end_of_answer"]
NUMBERS = ("entropy", "kl_final", "target_logprob", "top1_logprob",
           "varentropy")


class Results:
    """One data set of a results file, as h5py reads it."""

    def __init__(self, file, dataset):
        group = file[dataset]
        self.text = file["vocabulary/token_text"].asstr()[:]
        self.columns = {}
        for name, values in group.items():
            is_text = h5py.check_string_dtype(values.dtype)
            self.columns[name] = values.asstr()[:] if is_text else values[:]
        self.layers = len(file["layer"])
        self.dataset = dataset

    def __getitem__(self, name):
        return self.columns[name]

    def long(self):
        """Columns of the long tables, a value for each token and layer."""
        tokens, layers = self["entropy"].shape
        sample = self["token_sample"]

        def each(values):
            return np.repeat(values, layers)

        index = np.arange(tokens) - self["token_offset"][sample]
        top = self["top_id"][:, :, 0].ravel()
        return {
            "sample_id": each(self["sample_id"][sample]),
            "token_index": each(index),
            "role": each(np.array(ROLES)[self["token_role"]]),
            "position": each(self["token_position"]),
            "token_id": each(self["token_id"]),
            "token_text": each(self.text[self["token_id"]]),
            "layer": np.tile(np.arange(layers), tokens),
            "entropy": self["entropy"].ravel(),
            "kl_final": self["kl_final"].ravel(),
            "target_rank": self["target_rank"].ravel(),
            "target_logprob": self["target_logprob"].ravel(),
            "top1_id": top,
            "top1_text": self.text[top],
            "top1_logprob": self["top_logprob"][:, :, 0].ravel(),
            "varentropy": self["varentropy"].ravel(),
        }


def records_of(path):
    """Header and records, by Python's csv. Text and numbers are told apart."""
    raw = path.read_bytes()
    assert raw.endswith(b"\r\n"), path
    with open(path, newline="", encoding="utf-8") as file:
        rows = list(csv.reader(file, strict=True))
    with open(path, newline="", encoding="utf-8") as file:
        typed = list(csv.reader(file, strict=True, quoting=csv.QUOTE_NONNUMERIC))
    assert all(len(row) == len(rows[0]) for row in rows), path
    for row, types in zip(rows[1:], typed[1:]):
        for text, value in zip(row, types):
            assert isinstance(value, float) or text == value
    return rows[0], rows[1:]


def same_floats(texts, expected):
    """Bit for bit; the text has no more digits than are needed."""
    for text, value in zip(texts, expected, strict=True):
        if np.isnan(value):
            assert text == "NaN", text
            continue
        assert np.float32(text) == value, (text, value)
        assert float(text) == float(np.format_float_scientific(value)), text


def check_column(name, found, expected):
    if name in NUMBERS:
        same_floats(found, expected)
    else:
        assert list(found) == [str(value) for value in expected], name


def check_long_csv(path, results):
    header, rows = records_of(path)
    expected = results.long()
    assert header == list(expected), header
    for column, name in enumerate(header):
        check_column(name, [row[column] for row in rows], expected[name])
    check_other_csv_readers(path, expected)


def check_other_csv_readers(path, expected):
    """With the options that docs/reading-results.md names."""
    text = [name for name in expected
            if name in ("sample_id", "role", "token_text", "top1_text")]
    frame = pd.read_csv(path, keep_default_na=False, na_filter=False,
                        dtype={name: str for name in text})
    table = pyarrow.csv.read_csv(
        path, parse_options=pyarrow.csv.ParseOptions(newlines_in_values=True),
        convert_options=pyarrow.csv.ConvertOptions(
            column_types={name: pyarrow.string() for name in text},
            strings_can_be_null=False))
    for name, values in expected.items():
        for found in (frame[name].to_numpy(), table[name].to_numpy()):
            if name in NUMBERS:
                assert np.array_equal(found.astype(np.float32), values,
                                      equal_nan=True), name
            else:
                assert list(found) == list(values), name


def check_long_parquet(path, results):
    table = pyarrow.parquet.read_table(path)
    expected = results.long()
    sample = results["token_sample"].repeat(results.layers)
    expected["dataset"] = np.full(len(sample), results.dataset)
    expected["language"] = results["language"][sample]
    assert set(table.column_names) == set(expected)
    for name, values in expected.items():
        found = table[name].to_numpy()
        if name in NUMBERS:
            assert found.dtype == np.float32
            assert np.array_equal(found, values, equal_nan=True), name
        else:
            assert list(found) == list(values), name
    file = pyarrow.parquet.ParquetFile(path)
    for group in range(file.metadata.num_row_groups):
        assert file.metadata.row_group(group).num_rows <= 1 << 17
        for column in range(file.metadata.num_columns):
            chunk = file.metadata.row_group(group).column(column)
            assert chunk.compression == "ZSTD"
            if file.schema_arrow.field(column).type == "string":
                assert chunk.has_dictionary_page, column
    rows = duckdb.sql(f"select count(*), count(distinct sample_id) "
                      f"from '{path}'").fetchall()[0]
    assert rows == (table.num_rows, len(set(results["sample_id"][sample])))


def check_samples_csv(path, results):
    header, rows = records_of(path)
    assert len(rows) == len(results["sample_id"])
    names = [name for name in header if not name.startswith("entropy_mean_")]
    per_sample = {name for name, values in results.columns.items()
                  if len(values) == len(rows) and values.ndim == 1
                  and name not in ("sample", "token_offset", "sample_bound")
                  and not name.startswith("token")}
    assert per_sample == set(names), per_sample ^ set(names)
    for column, name in enumerate(names):
        found = [row[column] for row in rows]
        if name == "score":
            same_floats(found, results["score"])
        elif name == "status":
            assert found == [("ok", "failed")[s] for s in results["status"]]
        else:
            assert found == [str(value) for value in results[name]], name
    for layer in range(results.layers):
        same_floats([row[len(names) + layer] for row in rows],
                    results["entropy_mean"][:, layer])


def sample_means(results, values, sample):
    begin, end = results["token_offset"][sample:sample + 2]
    answer = results["token_role"][begin:end] == 3
    return values[begin:end][answer].astype(np.float64).mean(axis=0)


def has_answer(results):
    sample = results["token_sample"][results["token_role"] == 3]
    return np.isin(np.arange(len(results["sample_id"])), sample)


def check_samples_parquet(path, results):
    table = pyarrow.parquet.read_table(path).to_pydict()
    assert table["sample_id"] == list(results["sample_id"])
    assert table["answer"] == list(results["answer"])
    assert table["failure"] == list(results["failure"])
    right = np.where(results["status"] == 1, "",
                     np.where(results["score"] >= np.float32(0.9), "right",
                              "wrong"))
    assert table["verdict"] == list(right)
    answered = has_answer(results)
    agree = results["top_id"][:, :, 0] == results["token_id"][:, None]
    means = {"kl_final_mean": results["kl_final"],
             "target_logprob_mean": results["target_logprob"],
             "log_rank_mean": np.log(results["target_rank"]),
             "agreement_mean": agree}
    for sample in range(len(answered)):
        found = table["entropy_mean"][sample]
        if answered[sample]:
            assert found == results["entropy_mean"][sample].tolist()
        else:
            assert found is None
        for name, values in means.items():
            found = table[name][sample]
            if not answered[sample]:
                assert found is None, (name, sample)
                continue
            assert np.allclose(found, sample_means(results, values, sample),
                               rtol=1e-6, atol=1e-6), (name, sample)


def check_sample_files(folder, results):
    expected = set()
    for sample, sample_id in enumerate(results["sample_id"]):
        if results["status"][sample] == 1:
            continue
        expected |= {f"{sample_id}.tokens.csv", f"{sample_id}.entropy.csv"}
        rows = slice(*results["token_offset"][sample:sample + 2])
        emitted = list(results.text[results["token_id"][rows]])
        header, texts = records_of(folder / f"{sample_id}.tokens.csv")
        assert header == ["layer", *emitted]
        entropy_header, entropies = records_of(
            folder / f"{sample_id}.entropy.csv")
        assert entropy_header == ["layer", *emitted, "mean"]
        for layer in range(results.layers):
            top = results["top_id"][rows, layer, 0]
            assert texts[layer] == [str(layer), *results.text[top]]
            assert entropies[layer][0] == str(layer)
            same_floats(entropies[layer][1:-1],
                        results["entropy"][rows, layer])
            same_floats(entropies[layer][-1:],
                        results["entropy_mean"][sample, layer:layer + 1])
        assert len(texts) == len(entropies) == results.layers
    assert {path.name for path in folder.iterdir()} == expected


def check_means(path, results):
    header, rows = records_of(path)
    found = {tuple(row[1:3]): [] for row in rows}
    for row in rows:
        found[tuple(row[1:3])].append([float(value) for value in row[3:]])
        assert row[0] == results.dataset
    answered = has_answer(results)
    groups = {("dataset", ""): answered}
    for language in set(results["language"][answered]) - {""}:
        groups["language", language] = answered & (results["language"] ==
                                                   language)
    right = results["score"] >= np.float32(0.9)
    groups["verdict", "right"] = answered & right
    groups["verdict", "wrong"] = answered & ~right
    groups = {name: chosen for name, chosen in groups.items() if chosen.any()}
    assert set(found) == set(groups), (set(found), set(groups))
    agree = results["top_id"][:, :, 0] == results["token_id"][:, None]
    columns = [results["entropy"], results["kl_final"],
               np.log(results["target_rank"]), agree]
    assert header[6:] == ["entropy", "kl_final", "log_rank", "agreement"]
    for name, chosen in groups.items():
        table = np.array(found[name])
        assert table[:, 0].tolist() == list(range(results.layers))
        assert (table[:, 1] == chosen.sum()).all(), name
        for column, values in enumerate(columns):
            mean = np.mean([sample_means(results, values, sample)
                            for sample in np.flatnonzero(chosen)], axis=0)
            assert np.allclose(table[:, 3 + column], mean, rtol=1e-6,
                               atol=1e-6), (name, header[6 + column])


def check_vocabulary(path, file):
    header, rows = records_of(path)
    assert header == ["id", "text", "script"]
    scripts = file["script"].asstr()[:][file["vocabulary/token_script"][:]]
    texts = file["vocabulary/token_text"].asstr()[:]
    assert [row[0] for row in rows] == [str(id) for id in range(len(texts))]
    assert [row[1] for row in rows] == list(texts)
    assert [row[2] for row in rows] == list(scripts)


def check_metadata(path, file):
    metadata = pyarrow.parquet.read_schema(path).metadata
    assert metadata[b"lens.run_id"].decode() == file.attrs["run_id"]
    assert metadata[b"lens.config_json"].decode() == file.attrs["config_json"]
    assert metadata[b"lens.complete"] == b"1"
    assert b"samples failed" in metadata[b"lens.note"]


def check_run(folder, tables):
    out = folder / "tables"
    subprocess.run([tables, folder / "run", out, out], check=True)
    with h5py.File(folder / "run" / "results.h5") as file:
        check_vocabulary(out / "vocabulary.csv", file)
        for dataset in DATASETS:
            results = Results(file, dataset)
            at = out / dataset
            check_long_csv(at / "long.csv", results)
            check_samples_csv(at / "samples.csv", results)
            check_sample_files(at / "samples", results)
            check_means(at / "means.csv", results)
            check_long_parquet(at / "long.parquet", results)
            check_samples_parquet(at / "samples.parquet", results)
            check_metadata(at / "long.parquet", file)
    left = [path for path in out.rglob("*.tmp")]
    assert not left, left


def main():
    tables, hostile_run, tokenizer = sys.argv[1:]
    for name, arguments in (("hostile texts", []),
                            ("vocabulary of Qwen2", [tokenizer])):
        with tempfile.TemporaryDirectory() as folder:
            folder = pathlib.Path(folder)
            subprocess.run([hostile_run, folder / "run", *arguments],
                           check=True)
            check_run(folder, tables)
        print("equal:", name)


if __name__ == "__main__":
    main()
