"""Pictures and texts made ready for the model, against what transformers does.

On one thread each, in turns: build/bench/input_parts, which runs the code of
the worker, and the originals in this process (PIL and transformers' Qwen2-VL
image processor; tokenizers). What counts is processor time, which a busy
machine spoils least. The results are compared value for value: ratios are of
the same work. Prints the median of the ratios of neighbours and their range.

    bench/input_parts.py --model demo/model
"""

import argparse
import io
import json
import os
import pathlib
import statistics
import subprocess
import sys
import tempfile
import time

os.environ["TOKENIZERS_PARALLELISM"] = "false"
os.environ.setdefault("OMP_NUM_THREADS", "1")

import numpy as np
import pyarrow.parquet as parquet
import torch
from PIL import Image, ImageOps
from transformers import AutoImageProcessor, AutoTokenizer

ROOT = pathlib.Path(__file__).resolve().parents[1]
sys.path.insert(0, str(ROOT / "scripts"))
import qwen2_tokenizer  # noqa: E402
import sample_text  # noqa: E402


def arguments():
    parser = argparse.ArgumentParser(
        description=__doc__,
        formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--model", type=pathlib.Path,
                        default=ROOT / "demo/model",
                        help="checkpoint folder (default: demo/model)")
    parser.add_argument("--tokenizer", type=pathlib.Path,
                        help="folder of a tokenizer (default: that of Qwen2 "
                             "among the test data)")
    parser.add_argument("--program", type=pathlib.Path,
                        default=ROOT / "build/bench/input_parts")
    parser.add_argument("--rounds", type=int, default=9,
                        help="turns of each side (default 9)")
    parser.add_argument("--seconds", type=float, default=0.2,
                        help="about what a turn takes (default 0.2)")
    parser.add_argument("--json", type=pathlib.Path)
    return parser.parse_args()


class Ours:
    """The program, which takes a command a line."""

    def __init__(self, program, folder):
        self.out = folder / "out"
        self.process = subprocess.Popen([program], stdin=subprocess.PIPE,
                                        stdout=subprocess.PIPE, text=True)

    def seconds(self, kind, checkpoint, file, rounds):
        print(kind, checkpoint, file, rounds, self.out,
              file=self.process.stdin, flush=True)
        line = self.process.stdout.readline()
        if not line:
            sys.exit(f"{kind} {file}: the program has ended")
        return float(line)

    def values(self, dtype):
        return np.fromfile(self.out, dtype)


def seconds_a_round(work, rounds):
    begin = time.process_time()
    for _ in range(rounds):
        work()
    return (time.process_time() - begin) / rounds


def in_turns(given, ours, kind, checkpoint, file, work):
    """Medians of processor seconds, and the ratio of neighbours."""
    work()
    once = seconds_a_round(work, 1)
    rounds = max(1, int(given.seconds / once))
    mine, theirs = [], []
    for _ in range(given.rounds):
        mine.append(ours.seconds(kind, checkpoint, file, rounds))
        theirs.append(seconds_a_round(work, rounds))
    ratios = sorted(b / a for a, b in zip(mine, theirs))
    return {"ours_ms": 1e3 * statistics.median(mine),
            "theirs_ms": 1e3 * statistics.median(theirs),
            "ratio": statistics.median(ratios),
            "lowest": ratios[0], "highest": ratios[-1]}


def pictures():
    """(name, encoded): of both data sets of the demo, and a photo's size."""
    named = {}
    for name in ("latex_ocr", "mtvqa"):
        file, = (ROOT / "demo/data" / name).rglob("test-*.parquet")
        named[name] = parquet.read_table(file).column("image")[0].as_py()[
            "bytes"]
    photo = Image.open(ROOT / "demo/sources/chinese.jpg").convert("RGB")
    out = io.BytesIO()
    photo.resize((1600, 1200), Image.Resampling.BICUBIC).save(
        out, "JPEG", quality=90)
    named["jpeg 1600 x 1200"] = out.getvalue()
    out = io.BytesIO()
    photo.resize((1000, 750), Image.Resampling.BICUBIC).save(out, "PNG")
    named["png 1000 x 750"] = out.getvalue()
    return named


def measure_pictures(given, ours, folder):
    processor = AutoImageProcessor.from_pretrained(given.model)
    results = []
    for name, encoded in pictures().items():
        file = folder / "picture"
        file.write_bytes(encoded)

        def work(encoded=encoded):
            image = ImageOps.exif_transpose(Image.open(io.BytesIO(encoded)))
            return processor(images=image.convert("RGB"), return_tensors="pt")

        expected = work()["pixel_values"].numpy().reshape(-1)
        result = in_turns(given, ours, "image", given.model, file, work)
        got = ours.values(np.float32)
        if got.shape != expected.shape:
            sys.exit(f"{name}: {got.size} values, not {expected.size}")
        result |= {"part": "image", "name": name,
                   "patches": int(expected.size // (3 * 2 * 14 * 14)),
                   "equal": bool((got == expected).all()),
                   "largest_difference": float(np.abs(got - expected).max())}
        results.append(result)
    return results


def texts():
    """Questions and formulas as the data sets hold them, and a long text."""
    lines = [question for pairs in sample_text.QUESTIONS.values()
             for question, _ in pairs]
    return {"short questions": lines * 20,
            "documents": [(ROOT / "docs" / name).read_text(encoding="utf-8")
                          for name in ("architecture.md", "format.md")]}


def measure_texts(given, ours, folder):
    home = given.tokenizer or qwen2_tokenizer.unpack(folder / "tokenizer")
    # The Rust library itself, without what transformers does around it.
    theirs = AutoTokenizer.from_pretrained(home).backend_tokenizer
    results = []
    for name, lines in texts().items():
        file = folder / "texts"
        file.write_bytes(b"".join(line.encode() + b"\0" for line in lines))

        def work(lines=lines):
            return [theirs.encode(line, add_special_tokens=False).ids
                    for line in lines]

        result = in_turns(given, ours, "text", home, file, work)
        expected = [i for ids in work() for i in [*ids, -1]]
        result |= {"part": "tokenizer", "name": name,
                   "tokens": len(expected) - len(lines),
                   "equal": ours.values(np.int32).tolist() == expected}
        results.append(result)
    return results


def main():
    given = arguments()
    torch.set_num_threads(1)
    with tempfile.TemporaryDirectory() as name:
        folder = pathlib.Path(name)
        ours = Ours(given.program, folder)
        results = measure_pictures(given, ours, folder) + \
            measure_texts(given, ours, folder)
    for r in results:
        print(f"{r['part']:<9} {r['name']:<17} {r['ours_ms']:8.3f} ms, "
              f"theirs {r['theirs_ms']:8.3f} ms: {r['ratio']:.2f} "
              f"({r['lowest']:.2f} to {r['highest']:.2f}), "
              f"{'equal' if r['equal'] else 'DIFFERENT'}")
    if given.json:
        given.json.write_text(json.dumps(results, indent=1) + "\n",
                              encoding="utf-8")
    # A ratio of unlike work is none.
    if not all(r["equal"] or r.get("largest_difference", 1) <= 1e-6
               for r in results):
        sys.exit("the two sides differ")


if __name__ == "__main__":
    main()
