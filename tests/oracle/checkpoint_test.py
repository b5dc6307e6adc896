"""transformers loads every variant of scripts/make_random_checkpoint.py.

No missing, unexpected or mismatched weight; every value is the one made; the
config says the same in all three layouts.
"""

import oracle_needs  # noqa: F401  (first: skips without the packages)

import dataclasses
import itertools
import pathlib
import sys
import tempfile

import numpy as np
import torch
from transformers import AutoModelForImageTextToText, AutoProcessor

ROOT = pathlib.Path(__file__).resolve().parents[2]
sys.path.insert(0, str(ROOT / "scripts"))
import make_random_checkpoint as checkpoints  # noqa: E402


def variants():
    base = checkpoints.Options()
    for layout, prefix, tied, shard in itertools.product(
            ("flat", "nested", "v5"), ("official", "memory"), (False, True),
            (0, 300_000)):
        yield dataclasses.replace(base, layout=layout, prefix=prefix, tied=tied,
                                  shard_bytes=shard)
    yield dataclasses.replace(base, dtype="bfloat16", layout="v5")
    yield dataclasses.replace(base, dtype="float16")
    yield dataclasses.replace(base, vocab=152064, hidden=64, layers=3)
    yield dataclasses.replace(base, hidden=96, heads=6, kv_heads=1, layers=6)
    # Missing keys of the vision config mean the sizes of the published models,
    # here all but the depth and the width.
    yield dataclasses.replace(base, minimal_vision_config=True,
                              vision_heads=16, vision_dim=64)
    windowed = dataclasses.replace(base, family="qwen2_5_vl")
    for layout, prefix in itertools.product(("flat", "nested", "v5"),
                                            ("official", "memory")):
        yield dataclasses.replace(windowed, layout=layout, prefix=prefix,
                                  tied=prefix == "memory", full_blocks="",
                                  window=84)
    yield dataclasses.replace(windowed, minimal_vision_config=True,
                              vision_heads=16, vision_dim=64,
                              vision_intermediate=3420,
                              full_blocks="7,15,23,31")


def check(o, folder):
    o = checkpoints.write_checkpoint(folder, o)
    model, report = AutoModelForImageTextToText.from_pretrained(
        folder, attn_implementation="eager", output_loading_info=True,
        dtype="auto")
    faults = {k: v for k, v in report.items() if v}
    assert not faults, faults
    end_ids = model.generation_config.eos_token_id
    state = model.state_dict()
    shapes = checkpoints.tensor_shapes(o)
    expected = {checkpoints.stored_name(n, "memory"): n for n in shapes}
    assert set(state) - set(expected) <= {"lm_head.weight"}, set(state)
    for name, official in expected.items():
        values = checkpoints.make_tensor(o, official, shapes[official], end_ids)
        raw = np.frombuffer(checkpoints.to_bytes(values, o.dtype), np.uint8)
        tensor = state[name].contiguous()
        assert tensor.dtype == getattr(torch, o.dtype), (name, tensor.dtype)
        loaded = tensor.view(torch.uint8).numpy().reshape(-1)
        assert np.array_equal(loaded, raw), name
    text = model.config.text_config
    assert text.rms_norm_eps == 1e-6
    assert sum(text.rope_parameters["mrope_section"]) * 2 * o.heads == o.hidden
    assert text.rope_parameters["rope_theta"] == 1e6
    assert model.config.model_type == o.family
    if o.family == "qwen2_5_vl":
        tower = model.model.visual.config
        assert tower.window_size == o.window
        assert ",".join(map(str, tower.fullatt_block_indexes)) == o.full_blocks
    assert model.config.tie_word_embeddings == o.tied
    tied = model.lm_head.weight.data_ptr() == (
        model.model.language_model.embed_tokens.weight.data_ptr())
    assert tied == o.tied
    processor = AutoProcessor.from_pretrained(folder)
    assert processor.image_processor.size["longest_edge"] == 12845056
    pad = model.config.image_token_id
    assert processor.tokenizer.encode("<|image_pad|>") == [pad]


def main():
    for o in variants():
        with tempfile.TemporaryDirectory() as folder:
            check(o, folder)
        print("ok", {k: v for k, v in dataclasses.asdict(o).items()
                     if v != getattr(checkpoints.Options(), k)})


if __name__ == "__main__":
    main()
