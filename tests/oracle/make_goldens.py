"""Writes tests/data/tiny-checkpoint, tiny-windowed-checkpoint and goldens.

Small reference tensors for the C++ unit tests, one safetensors file per case,
float32 and int64 only. Run it again only when a contract changes; the files
are committed.
"""

import io
import json
import pathlib
import sys

import numpy as np
import torch
from PIL import Image
from safetensors.torch import save_file

ROOT = pathlib.Path(__file__).resolve().parents[2]
sys.path.insert(0, str(ROOT / "scripts"))
import make_random_checkpoint as checkpoints  # noqa: E402
import reference  # noqa: E402
import samples as data  # noqa: E402

MAX_NEW_TOKENS = 8
TOP_K = 5
OPTIONS = checkpoints.Options(hidden=64, layers=4, heads=4, kv_heads=2,
                              intermediate=160, attention_gain=1.0,
                              eos_gain=1.5, head_gain=3.0, seed=3)


# Qwen2.5-VL: windows of two tokens a side, which the pictures cross.
WINDOWED = checkpoints.Options(
    family="qwen2_5_vl", layers=3, intermediate=96, tied=True, vision_depth=4,
    vision_intermediate=44, window=56, full_blocks="1,3", dtype="bfloat16",
    attention_gain=1.0, head_gain=3.0, seed=5)


def ramps_picture(width, height):
    """A JPEG of colour ramps: smooth, and different in every patch."""
    y, x = np.mgrid[0:height, 0:width].astype(np.float64)
    rgb = np.stack([255 * x / width, 255 * y / height,
                    127 + 120 * np.sin(x / 9) * np.cos(y / 7)], -1)
    out = io.BytesIO()
    Image.fromarray(rgb.astype(np.uint8)).save(out, "JPEG", quality=90)
    return out.getvalue()


def cases():
    """Checkpoint -> its options and its cases."""
    formula = ("train_40.png",
               (ROOT / "tests/data/images/train_40.png").read_bytes(),
               data.PROMPTS["latex_ocr"])
    question = data.PROMPTS["mtvqa"].replace("{question}",
                                             "Was steht auf dem Schild? 7 ไทย")
    return {
        "tiny-checkpoint": (OPTIONS, {
            "case0": formula,
            "case1": ("ramps.jpg", ramps_picture(118, 85), question)}),
        "tiny-windowed-checkpoint": (WINDOWED, {
            "case2": formula,
            "case3": ("ramps_wide.jpg", ramps_picture(143, 85), question)}),
    }


def tensors_of(oracle, sample):
    """Everything the unit tests of tower, decoder and lens compare with."""
    answer = oracle.answer(sample, MAX_NEW_TOKENS)
    inputs = answer.inputs
    positions, delta = oracle.positions(inputs)
    with torch.no_grad():
        prefill = oracle.model(**inputs, output_hidden_states=True)
    lens = oracle.lens(answer, TOP_K)
    # Invariant: the lens of the last state is the model's own distribution.
    last = torch.log_softmax(answer.logits.double(), -1).max(-1).values
    assert np.allclose(lens["top_logprob"][:, -1, 0], last, atol=1e-5)
    assert (lens["top_id"][:, -1, 0] == answer.generated_ids).all()
    as_int = lambda a: torch.as_tensor(a).to(torch.int64)
    as_float = lambda a: torch.as_tensor(a).to(torch.float32)
    out = {
        "pixel_values": inputs["pixel_values"],
        "image_grid_thw": inputs["image_grid_thw"],
        "input_ids": inputs["input_ids"][0],
        "position_ids": positions,
        "rope_delta": torch.tensor([delta]),
        "vision_output": oracle.vision(inputs),
        "hidden_states": torch.stack(
            [s[0] for s in prefill.hidden_states]),
        "prefill_logits": prefill.logits[0, -1],
        "generated_ids": as_int(answer.generated_ids),
        "step_states": answer.states,
        "step_logits": answer.logits,
        "target_rank": as_int(lens["target_rank"]),
        "top_id": as_int(lens["top_id"][..., :TOP_K]),
        "top_logprob": as_float(lens["top_logprob"][..., :TOP_K]),
    }
    for name in ("entropy", "kl_final", "target_logprob", "lse"):
        out[name] = as_float(lens[name])
    return {k: v.contiguous().clone() for k, v in out.items()}, answer


def main():
    folder = ROOT / "tests/data/goldens"
    folder.mkdir(parents=True, exist_ok=True)
    for checkpoint, (options, of_it) in cases().items():
        tiny = ROOT / "tests/data" / checkpoint
        checkpoints.write_checkpoint(tiny, options)
        oracle = reference.Reference(tiny, "float32")
        for name, (image_name, encoded, prompt) in of_it.items():
            (ROOT / "tests/data/images" / image_name).write_bytes(encoded)
            sample = data.Sample(name, 0, 0, "", prompt, "", encoded)
            tensors, answer = tensors_of(oracle, sample)
            save_file(tensors, folder / f"{name}.safetensors", metadata={
                "image": image_name, "prompt": prompt, "answer": answer.text,
                "end_ids": json.dumps(oracle.end_ids),
                "max_new_tokens": str(MAX_NEW_TOKENS)})
            (folder / f"{name}.safetensors").chmod(0o644)
            print(name, {k: list(v.shape) for k, v in tensors.items()})
            print("  ids", answer.generated_ids.tolist(), repr(answer.text))


if __name__ == "__main__":
    main()
