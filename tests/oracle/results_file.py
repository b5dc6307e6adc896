"""Reads results.h5 and oracle files into the same per-sample form."""

import dataclasses

import h5py
import numpy as np

LENS = ("entropy", "varentropy", "kl_final", "target_logprob")
ATTENTION = ("image_attention", "image_attention_max",
             "image_attention_entropy")


@dataclasses.dataclass
class Record:
    """One sample; token columns are empty where it failed."""

    fields: dict  # name -> str or int
    failure: str
    token_id: np.ndarray
    columns: dict  # name -> [token, layer, ...]


def _text(value):
    return value.decode() if isinstance(value, bytes) else str(value)


def read_results(path, name):
    """Sample id -> Record of one data set, in file order."""
    out = {}
    with h5py.File(path) as file:
        group = file[name]
        columns = {key: group[key][:] for key in group
                   if isinstance(group[key], h5py.Dataset)}
    offset = columns["token_offset"]
    token_columns = LENS + ATTENTION + ("target_rank", "top_id", "top_logprob",
                            "token_position", "token_role", "hidden",
                            "script_share")
    strings = ("prompt", "language", "reference", "answer")
    numbers = ("source_row", "question_index", "image_height", "image_width",
               "grid_height", "grid_width", "image_tokens", "prompt_tokens",
               "answer_tokens")
    for s, sample_id in enumerate(columns["sample_id"]):
        rows = slice(offset[s], offset[s + 1])
        fields = {k: _text(columns[k][s]) for k in strings}
        fields |= {k: int(columns[k][s]) for k in numbers}
        fields["status"] = int(columns["status"][s])
        own = {k: columns[k][rows] for k in token_columns if k in columns}
        own["hidden_layer"] = columns.get("hidden_layer", np.empty(0, int))
        own["entropy_mean"] = columns["entropy_mean"][s]
        out[_text(sample_id)] = Record(fields, _text(columns["failure"][s]),
                                       columns["token_id"][rows], own)
    return out


def read_oracle(path, name):
    """The same of an oracle file; `columns` as oracle.py stores them."""
    out = {}
    with h5py.File(path) as file:
        end_ids = set(file.attrs["end_ids"].tolist())
        for sample_id, group in file[name].items():
            attrs = dict(group.attrs)
            fields = {k: _text(attrs[k])
                      for k in ("prompt", "language", "reference")}
            fields |= {"source_row": int(attrs["row"]),
                       "question_index": int(attrs["question_index"])}
            columns = {k: group[k][:] for k in group}
            failure = _text(attrs.get("failure", ""))
            fields["status"] = int("failure" in attrs)
            ids = columns.pop("token_id", np.empty(0, np.int32))
            if not fields["status"]:
                height, width = attrs["image_size"].tolist()
                _, rows, across = attrs["grid"].tolist()
                ends = len(ids) > 0 and int(ids[-1]) in end_ids
                prompt = len(columns["prompt_ids"])
                fields |= {
                    "answer": _text(attrs["answer"]), "image_height": height,
                    "image_width": width, "grid_height": rows,
                    "grid_width": across, "image_tokens": rows * across // 4,
                    "prompt_tokens": prompt, "answer_tokens": len(ids) - ends}
                columns["token_position"] = prompt + np.arange(len(ids))
                columns["token_role"] = np.full(len(ids), 3)
                if ends:
                    columns["token_role"][-1] = 4
            out[sample_id] = Record(fields, failure, ids, columns)
    return out


def ties_of(path):
    with h5py.File(path) as file:
        return file.attrs["ties"].tolist()


def datasets_of(path):
    """Names of the data sets in an oracle file."""
    with h5py.File(path) as file:
        return list(file)
