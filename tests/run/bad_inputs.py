"""Makers of broken pictures, Parquet files and checkpoints for
bad_input_test.py."""

import json
import os
import pathlib
import shutil
import struct
import zlib

import pyarrow as pa
import pyarrow.parquet as pq

ROOT = pathlib.Path(__file__).resolve().parents[2]
MODEL = ROOT / "tests/data/tiny-checkpoint"
DATA = ROOT / "demo/data"


def rows_of(dataset, count):
    """The first rows of a demo data set, as dictionaries, and its schema."""
    table = pq.read_table(DATA / dataset / "test-00000-of-00001.parquet")
    return table.slice(0, count).to_pylist(), table.schema


def write_rows(file, rows, schema, **options):
    file.parent.mkdir(parents=True, exist_ok=True)
    pq.write_table(pa.Table.from_pylist(rows, schema=schema), file, **options)
    return file


def image(data, name="picture"):
    return {"bytes": data, "path": name}


def png(width, height, rows=None):
    """A grey PNG; `rows` of its pixel rows are there (all where not given)."""
    def chunk(kind, body):
        return (struct.pack(">I", len(body)) + kind + body
                + struct.pack(">I", zlib.crc32(kind + body)))
    header = struct.pack(">2I5B", width, height, 8, 0, 0, 0, 0)
    pixels = b"\0".join([b""] + [b"\x80" * width]
                        * (height if rows is None else rows))
    return (b"\x89PNG\r\n\x1a\n" + chunk(b"IHDR", header)
            + chunk(b"IDAT", zlib.compress(pixels)) + chunk(b"IEND", b""))


def damage_row_group(file, group, column):
    """Zeroes the pages of one column of one row group; the footer stays."""
    footer = pq.ParquetFile(file).metadata
    meta = next(footer.row_group(group).column(i)
                for i in range(footer.num_columns)
                if footer.row_group(group).column(i).path_in_schema == column)
    begin = meta.data_page_offset
    if meta.has_dictionary_page:
        begin = min(begin, meta.dictionary_page_offset)
    content = bytearray(file.read_bytes())
    # The page's header stays; what it holds does not.
    for at in range(begin + 60, begin + meta.total_compressed_size):
        content[at] ^= 0xA5
    file.write_bytes(content)


class Checkpoint:
    """A copy of the tiny checkpoint that a test changes."""

    def __init__(self, folder):
        self.folder = folder
        folder.mkdir(parents=True)
        for file in MODEL.iterdir():
            shutil.copyfile(file, folder / file.name)

    @property
    def weights(self):
        return self.folder / "model.safetensors"

    def config(self, **changes):
        file = self.folder / "config.json"
        config = json.loads(file.read_text())
        for key, value in changes.items():
            if isinstance(value, dict):
                config.setdefault(key, {}).update(value)
            else:
                config[key] = value
        file.write_text(json.dumps(config))
        return self

    def tensors(self):
        """The header of the weights, and their bytes."""
        content = self.weights.read_bytes()
        length = struct.unpack("<Q", content[:8])[0]
        return json.loads(content[8:8 + length]), content[8 + length:]

    def write(self, header, data, file=None, length=None):
        text = json.dumps(header).encode()
        (file or self.weights).write_bytes(
            struct.pack("<Q", len(text) if length is None else length)
            + text + data)
        return self

    def without(self, name):
        """Drops a tensor; the others stay dense."""
        header, data = self.tensors()
        begin, end = header.pop(name)["data_offsets"]
        for entry in header.values():
            offsets = entry.get("data_offsets")
            if offsets and offsets[0] >= end:
                entry["data_offsets"] = [at - (end - begin) for at in offsets]
        return self.write(header, data[:begin] + data[end:])

    def reshape(self, name, shape):
        header, data = self.tensors()
        header[name]["shape"] = shape
        return self.write(header, data)

    def offsets(self, name, change):
        header, data = self.tensors()
        header[name]["data_offsets"] = change(header[name]["data_offsets"])
        return self.write(header, data)

    def index(self, shards):
        """An index that spreads the tensors over files of these names, all of
        them in the first."""
        header, _ = self.tensors()
        names = sorted(n for n in header if n != "__metadata__")
        weight_map = {n: shards[i % len(shards)] for i, n in enumerate(names)}
        (self.folder / "model.safetensors.index.json").write_text(
            json.dumps({"weight_map": weight_map}))
        os.rename(self.weights, self.folder / shards[0])
        return self

    def grown(self, layers, width):
        """The same family with `layers` of a huge size: the headers tell of
        it, and the file is sparse."""
        header, _ = self.tensors()
        config = json.loads((self.folder / "config.json").read_text())
        old = config["intermediate_size"]
        config["intermediate_size"] = width
        config["num_hidden_layers"] = layers
        (self.folder / "config.json").write_text(json.dumps(config))
        sizes = {"F32": 4, "BF16": 2, "F16": 2}
        first = {n: e for n, e in header.items()
                 if n.startswith("model.layers.0.")}
        entries = {n: e for n, e in header.items()
                   if n != "__metadata__" and not n.startswith("model.layers.")}
        for layer in range(layers):
            for name, entry in first.items():
                entries[name.replace(".0.", f".{layer}.", 1)] = dict(
                    entry, shape=[width if side == old else side
                                  for side in entry["shape"]])
        at = 0
        for entry in entries.values():
            size = sizes[entry["dtype"]]
            for side in entry["shape"]:
                size *= side
            entry["data_offsets"] = [at, at + size]
            at += size
        self.write(entries, b"")
        os.truncate(self.weights, self.weights.stat().st_size + at)
        return self
