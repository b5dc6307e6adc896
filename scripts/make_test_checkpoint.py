"""Makes tests/data/random-checkpoint: a Qwen2-VL of a few megabytes for tests.

Official file formats, random seeded weights, and a byte-level tokenizer of its
own, whose files are kept as they are. It has learnt nothing: its answers are
noise of varying length, which is what tests need that count tokens or want a
run to last. Its layers write more and more into the channels that the head
reads, so that the entropies differ by layer.

    make_test_checkpoint.py [OUT]
"""

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
    out = pathlib.Path(sys.argv[1]) if len(sys.argv) > 1 else FOLDER
    o = checkpoints.write_checkpoint(out, OPTIONS)
    size = sum(f.stat().st_size for f in out.iterdir())
    print(f"{out}: {o.vocab} rows, {o.layers} layers, {size / 1e6:.1f} MB")


if __name__ == "__main__":
    main()
