"""Samples of a results.h5 by the definitions of docs/metrics.md, sections 2 to 5,
with NumPy alone: what study_oracle.py computes its statistics from.
"""

import numpy as np

FRACTION, RANGE, RIGHT = 0.5, 1.0, 0.9
SCRIPTS = {
    "AR": "Arabic", "DE": "Latin", "FR": "Latin", "IT": "Latin",
    "JA": "Kana and Han", "KR": "Hangul", "RU": "Cyrillic", "TH": "Thai",
    "VI": "Latin",
}


# Layers of curves.

def onset(curve):
    peak = len(curve) - 1 - int(np.argmax(curve[::-1]))
    high, last = float(curve[peak]), float(curve[-1])
    if high - last < RANGE:
        return np.nan
    inside = curve.astype(np.float64) <= last + FRACTION * (high - last)
    for layer in range(peak + 1, len(curve)):
        if inside[layer:].all():
            return layer
    return np.nan


def steepest(curve):
    falls = np.diff(curve.astype(np.float64))
    return np.nan if not (falls < 0).any() else int(np.argmin(falls)) + 1


def change_point(curve):
    def within(values):
        return ((values - values.mean()) ** 2).sum()
    costs = [within(curve[:l]) + within(curve[l:]) for l in range(1, len(curve))]
    return int(np.argmin(costs)) + 1


def depth(top):
    return next(l for l in range(len(top)) if (top[l:] == top[-1]).all())


def first_hit(top, token):
    hits = np.flatnonzero(top == token)
    return hits[0] if hits.size else np.nan


# Samples.

class Sample:
    """What one sample gives, from its rows of the file alone."""

    def __init__(self, group, index, rows):
        role = group["token_role"][rows]
        answer = role == 3
        read = {name: group[name][rows] for name in (
            "entropy", "kl_final", "target_rank", "script_share", "token_id")}
        top = group["top_id"][rows][:, :, 0]
        token = read["token_id"]
        self.tokens = int(answer.sum())
        self.picture = int(group["source_row"][index])
        # Means are kept as 32-bit floats.
        mean = lambda values: values[answer].mean(
            axis=0, dtype=np.float64).astype(np.float32).astype(np.float64)
        self.curves = {
            "entropy": mean(read["entropy"]),
            "kl_final": mean(read["kl_final"]),
            "log_rank": mean(np.log(read["target_rank"].astype(np.float64))),
            "agreement": mean(top == token[:, None]),
        }
        self.script_share = mean(read["script_share"]).ravel()
        self.curves["same_answer"] = (
            (top == token[:, None])[role >= 3].all(axis=0).astype(float))
        of_answer = np.flatnonzero(answer)
        self.layers = {
            "onset": [onset(read["entropy"][t]) for t in of_answer],
            "steepest": [steepest(read["entropy"][t]) for t in of_answer],
            "depth": [depth(top[t]) for t in of_answer],
            "first_hit": [first_hit(top[t], token[t]) for t in of_answer],
        }
        found = [layer for layer in self.layers["onset"] if layer == layer]
        self.onset = np.mean(found) if found else np.nan
        text = lambda name: group[name].asstr()[index]
        self.language = text("language")
        self.script = SCRIPTS.get(self.language, "")
        score = group["score"][index]
        self.verdict = "right" if score >= np.float32(RIGHT) else "wrong"
        self.sizes = {
            "image area": float(group["image_height"][index])
            * float(group["image_width"][index]),
            "reference length": len(text("reference")),
            "answer length": int(group["answer_tokens"][index]),
        }


def read_samples(group):
    samples = []
    offset = group["token_offset"][:]
    for index in range(len(offset) - 1):
        rows = slice(offset[index], offset[index + 1])
        if group["status"][index] != 0:
            continue
        if not (group["token_role"][rows] == 3).any():
            continue
        samples.append(Sample(group, index, rows))
    return samples


def groups_of(dataset, samples):
    yield "dataset", "", samples
    for by in ("language", "script", "verdict"):
        values = {getattr(sample, by) for sample in samples} - {""}
        for value in sorted(values):
            yield by, value, [s for s in samples if getattr(s, by) == value]
