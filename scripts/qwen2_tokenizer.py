"""The official tokenizer of Qwen2, of the test data."""

import pathlib
import shutil
import tarfile

ROOT = pathlib.Path(__file__).resolve().parents[1]


def unpack(folder):
    """`folder` with its files, unpacked there once."""
    if not folder.exists():
        shutil.copytree(ROOT / "tests/data/qwen2-tokenizer", folder)
        with tarfile.open(folder / "tokenizer.tar.xz") as archive:
            archive.extractall(folder)
    return folder
