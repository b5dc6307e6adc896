"""Runs transformers over data sets, one sample at a time, and keeps its lens.

    oracle.py --model DIR --dataset mtvqa=FILE --dataset latex_ocr=FILE \
              --out oracle.h5 [--dtype float32] [--max-new-tokens 64] ...

The output has one group per data set and in it one group per sample, in row
order, named by the sample id:

    attributes   prompt, language, reference, answer, image_size, grid; failure
                 where the sample cannot be read (then nothing else)
    prompt_ids [prompt], token_id [token]
    entropy, lse, kl_final, target_logprob  [token, layer] float64, nats
    varentropy [token, layer] float64, nats squared
    target_rank [token, layer], rank_window [token, layer, tie, low and high]
    image_attention, image_attention_max, image_attention_entropy
        [token, block] float64
    top_id, top_logprob [token, layer, top_k + more, best first]
    states [token, layer, hidden] float32, with --save-states
"""

import argparse
import hashlib
import json
import pathlib
import time

import h5py
import numpy as np

import lens_math
import reference
import samples as data

TOOLS = ("oracle.py", "lens_math.py", "reference.py", "samples.py")


def _store(group, oracle, sample, options):
    group.attrs.update(
        prompt=sample.prompt, language=sample.language, row=sample.row,
        question_index=sample.question_index, reference=sample.reference)
    failure = oracle.refused(sample)
    if failure:
        group.attrs["failure"] = failure
        return
    answer = oracle.answer(sample, options["max_new_tokens"])
    # HDF5 text holds no NUL; results.h5 writes one in the same way.
    group.attrs["answer"] = answer.text.replace("\0", "\\x00")
    group.attrs["image_size"] = answer.source_size
    group.attrs["grid"] = answer.inputs["image_grid_thw"][0].numpy()
    columns = oracle.lens(answer, options["top_k"])
    columns |= answer.attention
    columns |= {"prompt_ids": answer.prompt_ids,
                "token_id": answer.generated_ids}
    if options["save_states"]:
        columns["states"] = answer.states.float().numpy()
    for name, values in columns.items():
        group.create_dataset(name, data=values)


def run(checkpoint, datasets, out, dtype="float32", max_new_tokens=64, top_k=5,
        limit=0, min_pixels=None, max_pixels=None, prompts=None,
        save_states=True, progress=print):
    """Writes `out` (a path) from `datasets` (name -> Parquet path)."""
    started = time.monotonic()
    oracle = reference.Reference(checkpoint, dtype, min_pixels, max_pixels)
    options = {"max_new_tokens": max_new_tokens, "top_k": top_k,
               "save_states": save_states}
    tmp = pathlib.Path(f"{out}.tmp")
    with h5py.File(tmp, "w") as file:
        file.attrs.update(
            dtype=dtype, top_k=top_k, max_new_tokens=max_new_tokens,
            end_ids=oracle.end_ids, min_pixels=oracle.min_pixels,
            max_pixels=oracle.max_pixels, ties=lens_math.TIES)
        for name, path in datasets.items():
            group = file.create_group(name, track_order=True)
            todo = data.read(name, path, limit, prompts)
            for sample in todo:
                _store(group.create_group(sample.sample_id), oracle, sample,
                       options)
            progress(f"oracle {dtype} {name}: {len(todo)} samples, "
                     f"{time.monotonic() - started:.1f} s")
    tmp.rename(out)


def cached_run(cache, checkpoint, datasets, **options):
    """`run` into a file of `cache` named by all that decides its content."""
    digest = hashlib.sha256(json.dumps(options, sort_keys=True).encode())
    here = pathlib.Path(__file__).parent
    files = sorted(pathlib.Path(checkpoint).iterdir())
    files += [pathlib.Path(p) for p in datasets.values()]
    files += [here / name for name in TOOLS]
    for path in files:
        digest.update(path.name.encode())
        digest.update(path.read_bytes())
    cache = pathlib.Path(cache)
    cache.mkdir(parents=True, exist_ok=True)
    out = cache / f"{digest.hexdigest()[:24]}.h5"
    if not out.exists():
        run(checkpoint, datasets, out, **options)
    return out


def main():
    parser = argparse.ArgumentParser(description=__doc__.split("\n")[0])
    parser.add_argument("--model", required=True)
    parser.add_argument("--dataset", action="append", required=True,
                        metavar="NAME=FILE")
    parser.add_argument("--out", required=True)
    parser.add_argument("--dtype", default="float32",
                        choices=["float32", "bfloat16", "float64"])
    parser.add_argument("--max-new-tokens", type=int, default=64)
    parser.add_argument("--top-k", type=int, default=5)
    parser.add_argument("--limit", type=int, default=0)
    parser.add_argument("--min-pixels", type=int)
    parser.add_argument("--max-pixels", type=int)
    parser.add_argument("--prompt", action="append", default=[],
                        metavar="NAME=TEMPLATE")
    parser.add_argument("--save-states", default=True,
                        action=argparse.BooleanOptionalAction)
    given = vars(parser.parse_args())
    datasets = dict(d.split("=", 1) for d in given.pop("dataset"))
    prompts = data.PROMPTS | dict(p.split("=", 1) for p in given.pop("prompt"))
    run(given.pop("model"), datasets, given.pop("out"), prompts=prompts,
        **given)


if __name__ == "__main__":
    main()
