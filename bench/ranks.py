"""One model shared by N ranks (--tensor-parallel N) beside one process that has
all of it: memory, time and values, in the same sitting.

    bench/ranks.py --model DIR                     # N = 1 and 2, on the CPU
    bench/ranks.py --model DIR --ranks 2 --ranks 4 --dtype float32
    bench/ranks.py --small                         # tiny: that it runs

A model too large for one process is compared among the numbers given. Each is
run twice where --twice says so, and the bytes of both are compared. Prints a
table; exit status 1 where two runs differ in a byte, or in float32 ids differ,
values by more than 1e-4 + 1e-5 of the value, or a token's rank by more than one
and a thousandth of it: other sums order logits that are nearly equal otherwise.
"""

import argparse
import json
import pathlib
import sys
import tempfile

import h5py
import numpy as np

import process_memory
import run_twice

ROOT = pathlib.Path(__file__).resolve().parents[1]
ABSOLUTE, RELATIVE = 1e-4, 1e-5
IDS = ("token_id", "sample_id", "answer")
VALUES = ("entropy", "varentropy", "kl_final", "target_logprob")
GIB = 1 << 30


def arguments():
    parser = argparse.ArgumentParser(
        description=__doc__,
        formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--model", type=pathlib.Path,
                        default=ROOT / "tests/data/random-checkpoint")
    parser.add_argument("--ranks", type=int, action="append",
                        help="numbers of ranks, the first is what the others "
                             "are compared with (default: 1 and 2)")
    parser.add_argument("--dtype", default="float32",
                        choices=("float32", "bfloat16"))
    parser.add_argument("--limit", type=int, default=4,
                        help="formulas (default: 4)")
    parser.add_argument("--max-new-tokens", type=int, default=8)
    parser.add_argument("--cores", type=int, default=2,
                        help="that all ranks share (default: 2)")
    parser.add_argument("--twice", action="store_true")
    parser.add_argument("--small", action="store_true")
    parser.add_argument("--lens-bin", type=pathlib.Path,
                        default=ROOT / "build/bin")
    parser.add_argument("--timeout", type=int, default=1800)
    parser.add_argument("--json", type=pathlib.Path)
    given = parser.parse_args()
    given.ranks = given.ranks or [1, 2]
    if given.small:
        given.limit, given.max_new_tokens = 2, 4
    return given


def run(given, ranks, out):
    words = [given.lens_bin / "lens", "run", "--model", given.model,
             "--dataset", f"latex_ocr={ROOT / 'demo/data/latex_ocr'}",
             "--out", out, "--device", "cpu", "--dtype", given.dtype,
             "--threads", max(1, given.cores // ranks), "--workers", 1,
             "--limit", given.limit, "--max-new-tokens", given.max_new_tokens,
             "--tensor-parallel", ranks]
    return process_memory.measure([str(word) for word in words],
                                  max(1, given.cores // ranks), given.timeout)


def read(path):
    """Data sets of the tokens and samples, by their last name."""
    found = {}
    with h5py.File(path) as file:
        file.visititems(lambda name, item: found.update(
            {name.split("/")[-1]: item[()]})
            if isinstance(item, h5py.Dataset) and "latex_ocr/" in name
            else None)
    return found


def differences(one, other):
    """Ids that differ, and the largest error as a share of what is allowed."""
    ids = sum(int(np.sum(one[name] != other[name]))
              if one[name].shape == other[name].shape else one[name].size
              for name in IDS if name in one)
    worst = 0.0
    for name in VALUES:
        a, b = one[name].astype(np.float64), other[name].astype(np.float64)
        if a.shape != b.shape:
            return ids, float("inf")
        allowed = ABSOLUTE + RELATIVE * np.abs(a)
        error = np.abs(a - b) / allowed
        worst = max(worst, float(np.nanmax(error)) if error.size else 0.0)
    a = one["target_rank"].astype(np.float64)
    moved = np.abs(a - other["target_rank"]) / (1 + 1e-3 * a)
    return ids, max(worst, float(moved.max()) if moved.size else 0.0)


def main():
    given = arguments()
    rows, failed = [], []
    with tempfile.TemporaryDirectory() as folder:
        folder = pathlib.Path(folder)
        first = None
        for ranks in given.ranks:
            out = folder / str(ranks)
            seen = run(given, ranks, out)
            values = read(out / "results.h5")
            ids, worst = differences(first, values) if first else (0, 0.0)
            if given.twice:
                run(given, ranks, folder / f"{ranks}-again")
                differ, _ = run_twice.differing(
                    out / "results.h5",
                    folder / f"{ranks}-again" / "results.h5")
                if differ:
                    failed.append(f"{ranks} ranks: other bytes the second time")
            rows.append({"ranks": ranks, "wall_s": seen.wall_s,
                         "cpu_s": seen.cpu_s,
                         "largest_bytes": seen.largest_bytes,
                         "all_bytes": seen.peak_bytes, "ids_differ": ids,
                         "worst_share": worst})
            if given.dtype == "float32" and (ids or worst > 1):
                failed.append(f"{ranks} ranks: {ids} ids differ, values by "
                              f"{worst:.2f} of what is allowed")
            first = first or values
    print(f"{'ranks':>5} {'wall s':>8} {'ratio':>6} {'rank GiB':>9} {'ratio':>6}"
          f" {'all GiB':>8} {'ids':>5} {'error / allowed':>16}")
    base = rows[0]
    for row in rows:
        print(f"{row['ranks']:5} {row['wall_s']:8.1f}"
              f" {row['wall_s'] / base['wall_s']:6.2f}"
              f" {row['largest_bytes'] / GIB:9.2f}"
              f" {row['largest_bytes'] / base['largest_bytes']:6.2f}"
              f" {row['all_bytes'] / GIB:8.2f} {row['ids_differ']:5}"
              f" {row['worst_share']:16.3f}")
    for line in failed:
        print(line)
    if given.json:
        given.json.write_text(json.dumps({"rows": rows, "failed": failed}))
    sys.exit(1 if failed else 0)


if __name__ == "__main__":
    main()
