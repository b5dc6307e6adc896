"""What `lens run` takes as its input grows: time, memory, per unit of input.

Whole runs on the CPU, a thread a worker, along one axis at a time:

    samples      1, 10 and 100 times as many formulas
    workers      1 to 4 of them over the same samples
    prompt       a longer and longer question
    vocabulary   checkpoints that differ in their vocabulary alone

Each step is measured several times, all steps in turns, and stands as the
median. What a step adds is compared with what the one before added, for each
unit of input: 1.0 is linear, and whatever start-up costs falls out. Processor
time counts (the wall of a busy machine lies), memory is that of the largest
process. A step that adds over --tolerance times as much is named.

    bench/growth.py --axis samples --axis workers
    bench/growth.py --small            # tiny sizes: that it runs, no figures
"""

import argparse
import json
import os
import pathlib
import statistics
import subprocess
import sys
import tempfile

import pyarrow as pa
import pyarrow.parquet as parquet

import process_memory

ROOT = pathlib.Path(__file__).resolve().parents[1]
TINY = ROOT / "tests/data/tiny-checkpoint"
AXES = ("samples", "workers", "prompt", "vocabulary")
MIB = 1 << 20


def arguments():
    parser = argparse.ArgumentParser(
        description=__doc__,
        formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--axis", choices=AXES, action="append",
                        help="only this one (repeat for several)")
    parser.add_argument("--repeats", type=int, default=3)
    parser.add_argument("--small", action="store_true")
    parser.add_argument("--tolerance", type=float, default=1.25)
    parser.add_argument("--lens-bin", type=pathlib.Path,
                        default=ROOT / "build/bin",
                        help="folder of the programs (default: build/bin)")
    parser.add_argument("--timeout", type=int, default=900,
                        help="seconds that one run may take")
    parser.add_argument("--json", type=pathlib.Path)
    return parser.parse_args()


def repeat_formulas(file, samples):
    """A data set of `samples` formulas: the demo's again and again."""
    source, = (ROOT / "demo/data/latex_ocr").rglob("test-*.parquet")
    table = parquet.read_table(source)
    times = -(-samples // table.num_rows)
    parquet.write_table(pa.concat_tables([table] * times).slice(0, samples),
                        file)


def steps_of(axis, small, folder):
    """(size, flags) of each step; the first is the smallest."""
    base = 4 if small else 60
    formulas = folder / "formulas.parquet"
    if not formulas.exists():
        repeat_formulas(formulas, 100 * base)
    flags = {"--model": TINY, "--dataset": f"latex_ocr={formulas}",
             "--limit": 10 * base, "--max-new-tokens": 8, "--workers": 1}
    if axis == "samples":
        return [(n * base, flags | {"--limit": n * base})
                for n in (1, 10, 100)]
    if axis == "workers":
        return [(n, flags | {"--workers": n, "--unit-images": 4 if small
                             else 32}) for n in (1, 2, 4)]
    if axis == "prompt":
        return [(n, flags | {"--limit": base,
                             "--prompt": "latex_ocr=" + "Read it. " * n})
                for n in ((1, 8, 64) if small else (1, 64, 256, 512))]
    steps = []
    for vocabulary in (1000, 2000, 4000) if small else (8000, 32000, 128000):
        model = folder / f"vocabulary-{vocabulary}"
        if not model.exists():
            subprocess.run(
                [sys.executable, ROOT / "scripts/make_random_checkpoint.py",
                 model, "--vocab", str(vocabulary)],
                check=True, stdout=subprocess.DEVNULL)
        steps.append((vocabulary, flags | {"--model": model, "--limit": base}))
    return steps


def run(given, flags, out):
    words = [given.lens_bin / "lens", "run", "--out", out, "--device", "cpu",
             "--threads", 1]
    for flag, value in flags.items():
        words += [flag, value]
    return process_memory.measure([str(word) for word in words], 1,
                                  given.timeout)


def measure(given, axis, folder):
    steps = steps_of(axis, given.small, folder)
    seen = [[] for _ in steps]
    for repeat in range(given.repeats):
        for i, (_, flags) in enumerate(steps):
            seen[i].append(run(given, flags,
                               folder / f"{axis}-{i}-{repeat}"))
    rows = []
    for (size, _), runs in zip(steps, seen):
        rows.append({
            "size": size,
            "wall_s": statistics.median(r.wall_s for r in runs),
            "cpu_s": statistics.median(r.cpu_s for r in runs),
            "largest_mib": statistics.median(
                r.largest_bytes for r in runs) / MIB,
            "all_mib": statistics.median(r.peak_bytes for r in runs) / MIB})
    return {"axis": axis, "steps": rows,
            "growth": {what: growth(rows, what)
                       for what in ("cpu_s", "largest_mib", "all_mib")}}


def growth(rows, what):
    """What each unit of input adds, over what it added one step earlier."""
    added = [(b[what] - a[what]) / (b["size"] - a["size"])
             for a, b in zip(rows, rows[1:])]
    return [b / a if a > 0 else None for a, b in zip(added, added[1:])]


def faster_than_linear(given, result):
    """Sentences; memory matters only where a step adds a tenth or more."""
    found = []
    rows = result["steps"]
    for what, ratios in result["growth"].items():
        for i, ratio in enumerate(ratios):
            before, after = rows[i + 1][what], rows[i + 2][what]
            if (ratio is not None and ratio > given.tolerance
                    and after > 1.1 * before):
                found.append(
                    f"{what} from {rows[i + 1]['size']} to "
                    f"{rows[i + 2]['size']} {result['axis']}: {ratio:.2f} "
                    "times what it added before")
    return found


def report(result):
    print(f"{result['axis']:>10} {'wall s':>8} {'cpu s':>8} {'cpu ms/unit':>12}"
          f" {'largest MiB':>12} {'all MiB':>8}")
    for row in result["steps"]:
        print(f"{row['size']:10} {row['wall_s']:8.2f} {row['cpu_s']:8.2f} "
              f"{1e3 * row['cpu_s'] / row['size']:12.3f} "
              f"{row['largest_mib']:12.1f} {row['all_mib']:8.1f}")
    for what, ratios in result["growth"].items():
        words = ", ".join("-" if ratio is None else f"{ratio:.2f}"
                          for ratio in ratios)
        print(f"  each unit adds to {what}, over the step before: {words}")
    for sentence in result["faster_than_linear"]:
        print(f"  FASTER THAN LINEAR: {sentence}")


def main():
    given = arguments()
    os.environ.setdefault("OMP_WAIT_POLICY", "passive")
    results = []
    with tempfile.TemporaryDirectory(prefix="lens-growth-") as name:
        for axis in given.axis or AXES:
            result = measure(given, axis, pathlib.Path(name))
            result["faster_than_linear"] = faster_than_linear(given, result)
            report(result)
            results.append(result)
    if given.json:
        given.json.write_text(json.dumps(results, indent=1) + "\n",
                              encoding="utf-8")


if __name__ == "__main__":
    main()
