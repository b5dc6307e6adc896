"""Writes a random checkpoint of a published shape with torch, on a GPU if one
is there: seconds instead of the minutes of scripts/make_random_checkpoint.py,
for measurements that need no particular bytes.

    make_gpu_checkpoint.py OUT --preset 2b --tokenizer DIR [--device cuda]
"""

import argparse
import pathlib
import sys

import torch
from safetensors.torch import save_file

ROOT = pathlib.Path(__file__).resolve().parents[1]
sys.path.insert(0, str(ROOT / "scripts"))
import make_random_checkpoint as checkpoints  # noqa: E402


def tensors(o, device):
    """Official name -> bfloat16 tensor on the CPU."""
    generator = torch.Generator(device).manual_seed(o.seed)

    def normal(shape):
        return torch.randn(shape, generator=generator, device=device)

    out = {}
    for name, shape in checkpoints.tensor_shapes(o).items():
        scales = checkpoints.tensor_scales(o, name, shape)
        values = normal(shape) * scales.values
        if scales.columns is not None:
            values *= torch.from_numpy(scales.columns).to(device)
        if scales.row_spread:
            values *= torch.exp(scales.row_spread * normal((shape[0], 1)))
        if scales.rows is not None:
            values *= torch.from_numpy(scales.rows).to(device)[:, None]
        out[name] = (values + scales.around).to(torch.bfloat16).cpu()
    return out


def main():
    parser = argparse.ArgumentParser(description=__doc__.split("\n\n")[0])
    parser.add_argument("out", type=pathlib.Path)
    parser.add_argument("--preset", choices=sorted(checkpoints.PRESETS),
                        default="2b")
    parser.add_argument("--tokenizer", required=True)
    parser.add_argument("--device", default="cuda"
                        if torch.cuda.is_available() else "cpu")
    given = parser.parse_args()
    o = checkpoints.Options(**(
        checkpoints.preset_options(given.preset)
        | {"tokenizer": given.tokenizer, "shard_bytes": 0}))
    o, _ = checkpoints.write_side_files(given.out, o)
    save_file(tensors(o, given.device), given.out / "model.safetensors",
              metadata={"format": "pt"})


if __name__ == "__main__":
    main()
