"""Recomputes /DS/script_share from the oracle's states and the checkpoint.

The class of each token is taken from the results (/vocabulary/token_script);
what is checked is the mass that falls on each class.
"""

import pathlib

import h5py
import numpy as np
from safetensors import safe_open

import results_file as files

ABSOLUTE = 1e-4
NORM_EPSILON = 1e-6  # rms_norm_eps of every checkpoint made here


def _weight(checkpoint, *endings):
    """float64 values of the first tensor whose name ends so."""
    for ending in endings:
        for path in sorted(pathlib.Path(checkpoint).glob("*.safetensors")):
            with safe_open(path, "pt") as file:
                for name in file.keys():
                    if name.endswith(ending) and "visual" not in name:
                        return file.get_tensor(name).double().numpy()
    raise SystemExit(f"{checkpoint} has no tensor {endings[0]}")


def largest_error(results, oracle, checkpoint):
    """Of all shares of all samples the two files have in common."""
    head = _weight(checkpoint, "lm_head.weight", "embed_tokens.weight")
    gain = _weight(checkpoint, "model.norm.weight", "language_model.norm.weight")
    with h5py.File(results) as file:
        classes = file["vocabulary/token_script"][:]
        count = len(file["script"])
    one_hot = np.eye(count)[classes]  # [vocab, script]
    worst = 0.0
    for name in files.datasets_of(oracle):
        ours = files.read_results(results, name)
        for sample_id, truth in files.read_oracle(oracle, name).items():
            if truth.fields["status"] or sample_id not in ours:
                continue
            x = truth.columns["states"].astype(np.float64)
            scale = np.sqrt((x[:, :-1] ** 2).mean(-1, keepdims=True)
                            + NORM_EPSILON)
            x[:, :-1] = x[:, :-1] / scale * gain
            for t, rows in enumerate(x):
                z = rows @ head.T
                p = np.exp(z - z.max(-1, keepdims=True))
                share = (p / p.sum(-1, keepdims=True)) @ one_hot
                got = ours[sample_id].columns["script_share"][t]
                error = np.abs(got - share).max()
                worst = max(worst, error) if np.isfinite(error) else np.inf
    return worst
