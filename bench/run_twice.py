"""Two runs of the same command give the same bytes, column by column.

    run_twice.py --lens build/bin/lens --device cuda
"""

import argparse
import pathlib
import subprocess
import sys
import tempfile

import h5py

ROOT = pathlib.Path(__file__).resolve().parents[1]


def run(lens, device, out):
    words = [lens, "run", "--model", ROOT / "tests/data/random-checkpoint",
             "--device", device, "--out", out, "--max-new-tokens", 8,
             "--save-hidden", "all"]
    for name in ("mtvqa", "latex_ocr"):
        words += ["--dataset", f"{name}={ROOT / 'demo/data' / name}"]
    done = subprocess.run([str(word) for word in words], text=True,
                          stdout=subprocess.PIPE, stderr=subprocess.STDOUT)
    if done.returncode:
        sys.exit(f"lens run ends with {done.returncode}:\n{done.stdout[-4000:]}")
    return out / "results.h5"


def columns(path):
    found = {}
    with h5py.File(path) as file:
        file.visititems(lambda name, item: found.update({name: item[()]})
                        if isinstance(item, h5py.Dataset) else None)
    return found


def differing(one, other):
    """The data sets of two files that are not the same bytes, and how many
    there are."""
    first, second = columns(one), columns(other)
    if first.keys() != second.keys():
        sys.exit("the two files hold other data sets")
    return [name for name, values in first.items()
            if (values.tolist() != second[name].tolist()
                if values.dtype == object
                else values.tobytes() != second[name].tobytes())], len(first)


def main():
    parser = argparse.ArgumentParser(description=__doc__.split("\n\n")[0])
    parser.add_argument("--lens", type=pathlib.Path, required=True)
    parser.add_argument("--device", default="cuda")
    given = parser.parse_args()
    with tempfile.TemporaryDirectory() as folder:
        first, second = (run(given.lens, given.device,
                             pathlib.Path(folder) / name)
                         for name in ("first", "second"))
        differ, total = differing(first, second)
    print(f"{total - len(differ)} of {total} data sets equal"
          + (f"; not: {', '.join(differ)}" if differ else ""))
    sys.exit(1 if differ else 0)


if __name__ == "__main__":
    main()
