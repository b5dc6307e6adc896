"""The comparison accepts the oracle's own numbers and refuses altered ones.

Writes files in the layout of results.h5 from an oracle run over the tiny
checkpoint, changes one thing in each, and expects the verdict.
"""

import oracle_needs  # noqa: F401  (first: skips without the packages)

import io
import pathlib
import tempfile

import h5py
import numpy as np

import compare
import image_kinds
import oracle
import results_file as files

ROOT = pathlib.Path(__file__).resolve().parents[2]
TOP_K = 5


def write_results(path, oracle_path):
    """A results.h5 with what the oracle found, columns of the contract."""
    with h5py.File(path, "w") as out:
        for name in files.datasets_of(oracle_path):
            records = files.read_oracle(oracle_path, name)
            _write_group(out.create_group(name), records)


def _write_group(group, records):
    text = h5py.string_dtype()
    group.create_dataset("sample_id", data=list(records), dtype=text)
    for key in ("prompt", "language", "reference", "answer"):
        group.create_dataset(key, dtype=text, data=[
            r.fields.get(key, "") for r in records.values()])
    group.create_dataset("failure", dtype=text, data=[
        r.failure for r in records.values()])
    for key in ("source_row", "question_index", "image_height", "image_width",
                "grid_height", "grid_width", "image_tokens", "prompt_tokens",
                "answer_tokens", "status"):
        group.create_dataset(key, data=[r.fields.get(key, 0)
                                        for r in records.values()])
    counts = [len(r.token_id) for r in records.values()]
    group.create_dataset("token_offset", data=np.cumsum([0] + counts))
    good = [r for r in records.values() if not r.fields["status"]]
    group.create_dataset("token_id", data=np.concatenate(
        [r.token_id for r in good]))
    layers = good[0].columns["entropy"].shape[1]
    means = np.full((len(records), layers), np.nan, np.float32)
    for s, r in enumerate(records.values()):
        if counts[s] and (r.columns["token_role"] == 3).any():
            means[s] = r.columns["entropy"][r.columns["token_role"] == 3].mean(0)
    group.create_dataset("entropy_mean", data=means)
    for key in files.LENS + ("target_rank", "token_position", "token_role",
                             "top_id", "top_logprob", "states"):
        values = np.concatenate([r.columns[key] for r in good])
        if key.startswith("top_"):
            values = values[..., :TOP_K]
        if values.dtype == np.float64:
            values = values.astype(np.float32)
        name = "hidden" if key == "states" else key
        group.create_dataset(name, data=values)
    group.create_dataset("hidden_layer", data=np.arange(layers))


def _swap_top(group):
    ids = group["top_id"][:]
    ids[3, 2, :2] = ids[3, 2, 1::-1]
    group["top_id"][:] = ids


def _add(key, amount, at=(4, 1)):
    def change(group):
        values = group[key][:]
        values[at] += amount
        group[key][:] = values
    return change


def _set_text(key, value):
    def change(group):
        group[key][0] = value
    return change


ALTERED = {
    "entropy 2e-4 off": _add("entropy", 2e-4),
    "entropy NaN": _add("entropy", np.nan),
    "varentropy 1e-2 off": _add("varentropy", 1e-2),
    "kl 2e-4 off": _add("kl_final", 2e-4),
    "logprob 3e-4 off": _add("target_logprob", -3e-4),
    "rank 1 off": _add("target_rank", 1),
    "top ids swapped": _swap_top,
    "top id foreign": _add("top_id", 1, (2, 3, 4)),
    "top logprob off": _add("top_logprob", 5e-4, (2, 3, 4)),
    "token id": _add("token_id", 1, 2),
    "token position": _add("token_position", 1, 2),
    "token role": _add("token_role", 1, 0),
    "state": _add("hidden", 0.05, (5, 2, 7)),
    "states shifted by a layer": lambda group: group["hidden"].write_direct(
        np.roll(group["hidden"][:], 1, axis=1)),
    "status": _add("status", 1, 0),
    "failed sample called good": lambda group: group["status"].write_direct(
        np.zeros(len(group["status"]), group["status"].dtype)),
    "prompt": _set_text("prompt", "x"),
    "answer": _set_text("answer", "x"),
    "reference": _set_text("reference", "x"),
    "grid": _add("grid_width", 2, 0),
    "size before EXIF": _add("image_height", 1, 0),
    "entropy mean": _add("entropy_mean", 2e-4, (0, 1)),
    "order of samples": lambda group: group["sample_id"].write_direct(
        group["sample_id"][:][::-1].copy()),
}

ACCEPTED = {
    "nothing": lambda group: None,
    "entropy 5e-5 off": _add("entropy", 5e-5),
    "state within rounding": _add("hidden", 1e-6, (5, 2, 7)),
}


def verdict(results, oracle_path):
    return compare.compare(results, oracle_path, out=io.StringIO())


def check_float32(folder, exact):
    results = folder / "results.h5"
    for cases, expected in ((ACCEPTED, True), (ALTERED, False)):
        for name in ("mtvqa", "latex_ocr"):
            for label, change in cases.items():
                write_results(results, exact)
                with h5py.File(results, "r+") as file:
                    change(file[name])
                assert verdict(results, exact) == expected, (name, label)
    print(f"ok {len(ACCEPTED)} accepted, {len(ALTERED)} refused")


def check_bfloat16(folder, exact, rounded):
    results = folder / "results.h5"
    write_results(results, rounded)
    run = lambda: compare.compare_bfloat16(results, rounded, exact,
                                           io.StringIO())
    assert run(), "transformers' own numbers must pass"
    with h5py.File(results, "r+") as file:
        for name in ("mtvqa", "latex_ocr"):
            noise = np.random.default_rng(1).normal(
                0, 0.05, file[name]["entropy"].shape)
            file[name]["entropy"][:] += noise
    assert not run(), "larger errors must not pass"
    write_results(results, exact)
    assert run(), "exact numbers must pass"
    print("ok bfloat16")


def check_order(exact):
    ids = list(files.read_oracle(exact, "latex_ocr"))
    assert ids == [str(i) for i in range(len(ids))] and len(ids) > 10, ids
    assert compare.shared_tokens([1, 2, 3], [1, 5, 3]) == 2
    assert compare.shared_tokens([1, 2], [1, 2, 3]) == 2
    assert compare.shared_tokens([4], [5]) == 1


def main():
    with tempfile.TemporaryDirectory() as name:
        folder = pathlib.Path(name)
        data = {n: folder / f"{n}.parquet" for n in ("mtvqa", "latex_ocr")}
        image_kinds.write_pair(data["mtvqa"], data["latex_ocr"], every=4)
        paths = {}
        for dtype in ("float32", "bfloat16"):
            paths[dtype] = folder / f"{dtype}.h5"
            oracle.run(ROOT / "tests/data/tiny-checkpoint", data, paths[dtype],
                       dtype=dtype, max_new_tokens=6, top_k=TOP_K)
        check_order(paths["float32"])
        check_float32(folder, paths["float32"])
        check_bfloat16(folder, paths["float32"], paths["bfloat16"])


if __name__ == "__main__":
    main()
