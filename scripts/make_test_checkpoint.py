"""Makes tests/data/random-checkpoint: a Qwen2-VL of a few megabytes for tests.

Official file formats, random seeded weights, and a byte-level tokenizer of its
own, whose files are kept as they are. It has learnt nothing: its answers are
noise of varying length, which is what tests need that count tokens or want a
run to last. Its layers write more and more into the channels that the head
reads, so that the entropies differ by layer.

    make_test_checkpoint.py [OUT] [--family qwen2_5_vl]
"""

import argparse
import dataclasses
import pathlib
import sys

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parent))
import make_random_checkpoint as checkpoints  # noqa: E402

FOLDER = (pathlib.Path(__file__).resolve().parents[1]
          / "tests/data/random-checkpoint")
OPTIONS = checkpoints.Options(
    hidden=128, layers=12, heads=4, kv_heads=2, intermediate=384, vocab=2048,
    vision_depth=4, vision_dim=64, vision_heads=4, dtype="bfloat16",
    tokenizer=str(FOLDER), head_gain=6.0, spread=1.0, trend=0.9, growth=0.6,
    eos_gain=2.5, max_pixels=1003520, seed=11)


def main():
    parser = argparse.ArgumentParser(description=__doc__.split("\n")[0])
    parser.add_argument("out", type=pathlib.Path, nargs="?", default=FOLDER)
    parser.add_argument("--family", choices=list(checkpoints.CLASSES),
                        default=OPTIONS.family, help="of another OUT")
    given = parser.parse_args()
    out = given.out
    if out == FOLDER and given.family != OPTIONS.family:
        parser.error(f"the folder of the tests is {OPTIONS.family} (--family "
                     f"{given.family}); give OUT")
    o = checkpoints.write_checkpoint(out, dataclasses.replace(
        OPTIONS, family=given.family, full_blocks="1,3"))
    size = sum(f.stat().st_size for f in out.iterdir())
    print(f"{out}: {o.vocab} rows, {o.layers} layers, {size / 1e6:.1f} MB")


if __name__ == "__main__":
    main()
