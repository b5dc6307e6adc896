"""Makes demo/model: a Qwen2-VL checkpoint of a few megabytes for the demo.

Official file formats, random seeded weights, and a byte-level tokenizer of its
own, trained on the texts of demo/data where they exist and on sample_text. It
has learnt nothing: its answers are noise of varying length. Its layers write
more and more into the channels that the head reads, so that the lens has
something to show.

    make_demo_model.py [OUT]
"""

import ast
import pathlib
import sys

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parent))
import make_random_checkpoint as checkpoints  # noqa: E402
import sample_text  # noqa: E402

ROOT = pathlib.Path(__file__).resolve().parents[1]
OPTIONS = checkpoints.Options(
    hidden=128, layers=12, heads=4, kv_heads=2, intermediate=384, vocab=2048,
    vision_depth=4, vision_dim=64, vision_heads=4, dtype="bfloat16",
    base_tokens=2000, head_gain=6.0, spread=1.0, trend=0.9, growth=0.6,
    eos_gain=2.5, max_pixels=1003520, seed=11)


def demo_lines():
    """Questions, answers and formulas of the demo's Parquet files."""
    files = sorted((ROOT / "demo/data").rglob("*.parquet"))
    if not files:
        return []
    import pyarrow.parquet as parquet
    lines = []
    for file in files:
        names = parquet.read_schema(file).names
        if "text" in names:
            lines += parquet.read_table(file, columns=["text"])[0].to_pylist()
        if "qa_pairs" in names:
            column = parquet.read_table(file, columns=["qa_pairs"])[0]
            for literal in column.to_pylist():
                for pair in ast.literal_eval(literal):
                    lines += [pair["question"], pair["answer"] or ""]
    return lines


def main():
    out = sys.argv[1] if len(sys.argv) > 1 else ROOT / "demo/model"
    # The demo's own texts twice: a merge needs to be seen two times.
    corpus = (sample_text.corpus() + sample_text.words()
              + 2 * demo_lines())
    o = checkpoints.write_checkpoint(out, OPTIONS, corpus)
    size = sum(f.stat().st_size for f in pathlib.Path(out).iterdir())
    print(f"{out}: {o.vocab} rows, {o.layers} layers, {size / 1e6:.1f} MB")


if __name__ == "__main__":
    main()
