"""The live test: whole runs of `lens` against transformers.

    fidelity.py --lens build/bin/lens [--only NAME ...] [--work DIR]

For each checkpoint below: `lens run` over pictures of every kind in float32
with default units, compared with the oracle; for those with a small vocabulary
once more with one image a unit, so that every sample is also computed without
its neighbours; for one checkpoint in bfloat16 as well. Oracle results are kept
in a cache folder and made again when anything they depend on changes. Exit
status 1 when any comparison fails.
"""

import oracle_needs  # noqa: F401  (first: skips without the packages)

import argparse
import dataclasses
import pathlib
import subprocess
import sys
import tempfile
import time

import compare
import image_kinds
import oracle
import script_share

ROOT = pathlib.Path(__file__).resolve().parents[2]
sys.path.insert(0, str(ROOT / "scripts"))
import make_random_checkpoint as checkpoints  # noqa: E402
import qwen2_tokenizer  # noqa: E402

MAX_NEW_TOKENS = 12
TOP_K = 5
DATASETS = ("mtvqa", "latex_ocr")


@dataclasses.dataclass(frozen=True)
class Variant:
    """A checkpoint and how much data it sees (0: all)."""

    options: checkpoints.Options
    limit: int = 0
    bfloat16: bool = False
    real_tokenizer: bool = False  # Qwen2's own; otherwise a small one


def _options(**given):
    return checkpoints.Options(**({"eos_gain": 2.0} | given))


def _windowed(**given):
    """Qwen2.5-VL."""
    return _options(**({"family": "qwen2_5_vl"} | given))


VARIANTS = {
    "untied_flat": Variant(_options()),
    "tied_nested_sharded": Variant(
        _options(tied=True, layout="nested", prefix="memory", hidden=96,
                 heads=6, kv_heads=2, layers=5, shard_bytes=400_000,
                 head_gain=3.0, eos_gain=1.5, seed=2), limit=40),
    "one_kv_head_v5": Variant(
        _options(layout="v5", layers=6, heads=4, kv_heads=1, seed=3,
                 shard_bytes=500_000, dtype="float16", head_gain=2.5),
        limit=40),
    "small_pictures": Variant(
        _options(hidden=128, heads=4, kv_heads=4, layers=3, vision_depth=3,
                 vision_dim=64, vision_heads=4, layout="nested", seed=4,
                 min_pixels=28 * 28 * 3, max_pixels=28 * 28 * 12), limit=40),
    "wide_spread": Variant(
        _options(hidden=128, heads=8, kv_heads=4, layers=4, spread=1.5,
                 head_gain=5.0, prefix="memory", layout="v5", tied=True,
                 eos_gain=1.2, seed=5), limit=30),
    "vocab_151936_tied": Variant(
        _options(vocab=151936, tied=True, layers=3, eos_gain=2.0, seed=6),
        limit=10, real_tokenizer=True),
    "vocab_152064_untied": Variant(
        _options(vocab=152064, hidden=128, heads=4, kv_heads=2, layers=3,
                 layout="v5", shard_bytes=50_000_000, eos_gain=1.8, seed=7),
        limit=14, real_tokenizer=True),
    "windowed_untied_flat": Variant(
        _windowed(vision_depth=4, full_blocks="1,3", seed=9)),
    "windowed_tied_nested": Variant(
        _windowed(tied=True, layout="nested", prefix="memory", hidden=96,
                  heads=6, kv_heads=2, vocab=1003, vision_depth=3, window=56,
                  full_blocks="0", shard_bytes=400_000, head_gain=3.0,
                  seed=10), limit=40),
    "windowed_alone_v5": Variant(
        _windowed(layout="v5", heads=4, kv_heads=1, layers=6, vision_dim=64,
                  vision_heads=4, vision_depth=2, vision_intermediate=171,
                  window=84, full_blocks="", dtype="float16", head_gain=2.5,
                  seed=11), limit=40),
    "windowed_full_blocks": Variant(
        _windowed(layout="v5", prefix="memory", tied=True, hidden=128, heads=8,
                  kv_heads=4, vision_depth=3, full_blocks="2,0,1,7",
                  min_pixels=28 * 28 * 40, max_pixels=28 * 28 * 90, head_gain=2.5,
                  seed=12),
        limit=30),
    "windowed_152064_untied": Variant(
        _windowed(vocab=152064, hidden=128, heads=4, kv_heads=2, layers=3,
                  window=56, shard_bytes=50_000_000, eos_gain=1.8, seed=13),
        limit=14, real_tokenizer=True),
    "windowed_bfloat16": Variant(
        _windowed(dtype="bfloat16", hidden=128, heads=4, kv_heads=2, layers=6,
                  intermediate=320, vision_depth=4, window=56,
                  full_blocks="1,3", attention_gain=1.2, eos_gain=1.5,
                  seed=14), limit=40, bfloat16=True),
    "bfloat16": Variant(
        _options(dtype="bfloat16", hidden=128, heads=4, kv_heads=2, layers=6,
                 intermediate=320, attention_gain=1.2, eos_gain=1.5, seed=8),
        limit=40, bfloat16=True),
}


class Bench:
    """Makes the inputs of a variant, runs both programs, compares."""

    def __init__(self, lens, work, cache, extra, device="cpu"):
        self.lens = lens
        self.device = device
        self.work = work
        self.cache = cache
        self.extra = extra
        self.data = {n: work / f"{n}.parquet" for n in DATASETS}
        image_kinds.write_pair(self.data["mtvqa"], self.data["latex_ocr"])

    def tokenizer(self):
        """Folder of Qwen2's tokenizer files, unpacked once."""
        return qwen2_tokenizer.unpack(self.work / "qwen2-tokenizer")

    def run_lens(self, name, variant, dtype, *flags):
        out = self.work / f"{name}-{dtype}-{len(flags)}"
        command = [self.lens, "run", "--model", self.work / name, "--out", out,
                   "--dtype", dtype, "--max-new-tokens", MAX_NEW_TOKENS,
                   "--top-k", TOP_K, "--save-hidden", "all", "--device", self.device,
                   "--limit", variant.limit, *flags, *self.extra]
        for dataset, path in self.data.items():
            command += ["--dataset", f"{dataset}={path}"]
        started = time.monotonic()
        done = subprocess.run([str(c) for c in command], text=True,
                              stdout=subprocess.PIPE, stderr=subprocess.STDOUT)
        print(f"lens run {dtype} {' '.join(flags)}: "
              f"{time.monotonic() - started:.1f} s")
        if done.returncode:
            print(f"{done.stdout[-4000:]}\n{' '.join(map(str, command))}\n"
                  f"WRONG exit status {done.returncode}")
            return None
        return out / "results.h5"

    def run_oracle(self, name, variant, dtype):
        return oracle.cached_run(
            self.cache, self.work / name, self.data, dtype=dtype,
            max_new_tokens=MAX_NEW_TOKENS, top_k=TOP_K, limit=variant.limit)

    def check_shares(self, name, results, exact):
        error = script_share.largest_error(results, exact, self.work / name)
        good = error <= script_share.ABSOLUTE
        print(f"script_share: max error {error:.3g}"
              f"{'' if good else '  WRONG'}")
        return good

    def check(self, name, variant):
        """True where everything agrees."""
        print(f"== {name}", flush=True)
        options = variant.options
        if variant.real_tokenizer:
            options = dataclasses.replace(options,
                                          tokenizer=str(self.tokenizer()))
        checkpoints.write_checkpoint(self.work / name, options)
        exact = self.run_oracle(name, variant, "float32")
        good = True
        for flags in ((), ("--unit-images", "1")):
            if flags and (variant.bfloat16 or variant.real_tokenizer):
                continue
            results = self.run_lens(name, variant, "float32", *flags)
            good &= bool(results) and compare.compare(results, exact)
            if results and not flags and not variant.real_tokenizer:
                good &= self.check_shares(name, results, exact)
        if variant.bfloat16:
            rounded = self.run_oracle(name, variant, "bfloat16")
            results = self.run_lens(name, variant, "bfloat16")
            good &= bool(results) and compare.compare_bfloat16(
                results, rounded, exact)
        return good


def main():
    parser = argparse.ArgumentParser(description=__doc__.split("\n")[0])
    parser.add_argument("--lens", type=pathlib.Path,
                        default=ROOT / "build/bin/lens")
    parser.add_argument("--only", nargs="+", choices=list(VARIANTS),
                        default=list(VARIANTS))
    parser.add_argument("--work", type=pathlib.Path,
                        help="kept afterwards (default: a temporary folder)")
    parser.add_argument("--cache", type=pathlib.Path,
                        default=ROOT / ".cache/oracle")
    parser.add_argument("--device", choices=["cpu", "cuda"], default="cpu",
                        help="of `lens run`; the oracle stays on the CPU")
    parser.add_argument("lens_flags", nargs="*", metavar="-- FLAG",
                        help="more flags for `lens run`")
    given = parser.parse_args()
    if not given.lens.exists():
        print(f"no program {given.lens} (not built); run scripts/setup.sh")
        return 1
    with tempfile.TemporaryDirectory() as temporary:
        work = given.work or pathlib.Path(temporary)
        work.mkdir(parents=True, exist_ok=True)
        bench = Bench(given.lens.resolve(), work, given.cache,
                      given.lens_flags, given.device)
        started = time.monotonic()
        failed = [n for n in given.only if not bench.check(n, VARIANTS[n])]
    print(f"{len(given.only) - len(failed)} of {len(given.only)} checkpoints "
          f"agree, {time.monotonic() - started:.0f} s"
          + (f"; not: {', '.join(failed)}" if failed else ""))
    return 1 if failed else 0


if __name__ == "__main__":
    sys.exit(main())
