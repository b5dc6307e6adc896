"""`lens run` against transformers scripts, on the same samples.

Runs one after the other, as processes of their own with the same number of
threads: the whole command `lens run` (plan with all hashes, start, work,
merge, verification), bench/plain_lens.py, which does the same with
transformers, a sample at a time, and with --batch bench/batched_lens.py, which
does it many samples at a time. Compares their answers and entropies, so that
the rates are of the same work, and prints rates, ratio and peak memory.

All answer greedily and stop at the checkpoint's end tokens. Lens adds the
head's products up in float32 whatever the dtype, the scripts' logits have the
model's dtype.

    bench/end_to_end.py --model demo/model --dtype float32 \\
        --dataset latex_ocr=demo/data/latex_ocr --limit 8 --max-new-tokens 8
    bench/end_to_end.py --model ~/Qwen2-VL-2B-Instruct --max-pixels 240000 \\
        --dataset mtvqa=~/MTVQA/data/test-00000-of-00003.parquet --limit 18 \\
        --json result.json
"""

import argparse
import json
import os
import pathlib
import signal
import sys
import tempfile

import h5py
import numpy as np

import process_memory

ROOT = pathlib.Path(__file__).resolve().parents[1]
TOP_K = 5
GIB = 1 << 30


def arguments():
    parser = argparse.ArgumentParser(
        description=__doc__,
        formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--model", required=True, help="checkpoint folder")
    parser.add_argument("--dataset", required=True, action="append",
                        metavar="NAME=PATH", help="mtvqa or latex_ocr, and a "
                        "Parquet file or a folder with one of the test split")
    parser.add_argument("--limit", type=int, default=16,
                        help="samples of each data set (0: all; default 16)")
    parser.add_argument("--max-new-tokens", type=int, default=20)
    parser.add_argument("--threads", type=int,
                        default=len(os.sched_getaffinity(0)),
                        help="of each worker; the plain script gets threads x "
                             "workers (default: the cores)")
    parser.add_argument("--workers", type=int, default=1)
    parser.add_argument("--dtype", choices=["float32", "bfloat16"],
                        default="bfloat16")
    parser.add_argument("--device", choices=["cpu", "cuda"], default="cpu")
    parser.add_argument("--batch", type=int, action="append", default=[],
                        help="also run bench/batched_lens.py with so many "
                             "samples at a time; the fastest of several counts")
    parser.add_argument("--no-plain", dest="plain", action="store_false",
                        help="leave the plain script out (needs --batch)")
    parser.add_argument("--min-pixels", type=int, default=0,
                        help="of both (0: the checkpoint's)")
    parser.add_argument("--max-pixels", type=int, default=0,
                        help="of both (0: the checkpoint's)")
    parser.add_argument("--lens-bin", type=pathlib.Path,
                        default=ROOT / "build/bin",
                        help="folder of the programs (default: build/bin)")
    parser.add_argument("--plain-first", action="store_true",
                        help="run the plain script first; without it Lens is "
                             "first, and the other finds the files in memory")
    parser.add_argument("--timeout", type=int, default=3600,
                        help="seconds that each may take")
    parser.add_argument("--json", type=pathlib.Path,
                        help="also write the result here")
    given = parser.parse_args()
    given.model = pathlib.Path(given.model).expanduser().resolve()
    try:
        given.datasets = dict(map(parse_dataset, given.dataset))
    except ValueError as error:
        parser.error(str(error))
    if not given.plain and not given.batch:
        parser.error("--no-plain leaves nothing to compare with; give --batch")
    return given


def parse_dataset(word):
    """(name, Parquet file) of NAME=PATH."""
    name, equals, path = word.partition("=")
    if not equals or name not in ("mtvqa", "latex_ocr"):
        raise ValueError(f"--dataset {word}: mtvqa=PATH or latex_ocr=PATH "
                         "expected")
    path = pathlib.Path(path).expanduser().resolve()
    if path.is_dir():
        files = sorted(path.rglob("test-*.parquet"))
        if len(files) != 1:
            raise ValueError(f"{path} holds {len(files)} files of the test "
                             "split; name one file")
        path = files[0]
    return name, str(path)


def run_lens(given, work):
    run = work / "run"
    words = [given.lens_bin / "lens", "run", "--model", given.model, "--out",
             run, "--device", given.device, "--dtype", given.dtype, "--threads",
             given.threads, "--workers", given.workers, "--limit", given.limit,
             "--max-new-tokens", given.max_new_tokens, "--top-k", TOP_K]
    for name, path in given.datasets.items():
        words += ["--dataset", f"{name}={path}"]
    for flag, value in (("--min-pixels", given.min_pixels),
                        ("--max-pixels", given.max_pixels)):
        words += [flag, value] if value else []
    done = process_memory.measure([str(word) for word in words],
                                  given.threads, given.timeout)
    answers, prompt_tokens, image_tokens = {}, 0, 0
    with h5py.File(run / "results.h5") as file:
        for name in given.datasets:
            group = file[name]
            offset = group["token_offset"][:]
            columns = {key: group[key][:]
                       for key in ("token_id", "entropy", "top_id")}
            prompt_tokens += int(group["prompt_tokens"][:].sum())
            image_tokens += int(group["image_tokens"][:].sum())
            for s, sample in enumerate(group["sample_id"].asstr()[:]):
                rows = slice(offset[s], offset[s + 1])
                answers[f"{name}/{sample}"] = {
                    "ids": columns["token_id"][rows],
                    "entropy": columns["entropy"][rows],
                    "top": columns["top_id"][rows]}
    return done, answers, {"prompt_tokens": prompt_tokens,
                           "image_tokens": image_tokens}


def run_script(given, work, name):
    """bench/NAME_lens.py; (Measured, answers, what it says of itself)."""
    job = {"model": str(given.model), "datasets": given.datasets,
           "limit": given.limit, "max_new_tokens": given.max_new_tokens,
           "min_pixels": given.min_pixels, "max_pixels": given.max_pixels,
           "dtype": given.dtype, "threads": given.threads * given.workers,
           "device": given.device, "batches": given.batch,
           "top_k": TOP_K, "out": str(work / f"{name}.npz")}
    path = work / f"{name}.json"
    path.write_text(json.dumps(job), encoding="utf-8")
    done = process_memory.measure(
        [sys.executable, str(ROOT / f"bench/{name}_lens.py"), str(path)],
        job["threads"], given.timeout)
    answers = {}
    with np.load(job["out"]) as columns:
        for key in columns.files:
            sample, column = key.rsplit("/", 1)
            answers.setdefault(sample, {})[column] = columns[key]
    return done, answers, json.loads(done.output.splitlines()[-1])


def compare(lens, plain):
    """How far two sets of answers agree.

    Rows count as comparable while all earlier ids of the sample agree: then
    both computed the same thing. In bfloat16 two logits may tie, one side takes
    the other id, and what follows is another text.
    """
    if lens.keys() != plain.keys():
        raise SystemExit("the two sides answered different samples: "
                         f"{sorted(lens.keys() ^ plain.keys())[:5]}")
    same_ids = ids = same_answers = 0
    differences, same_top = [], []
    for sample, ours in lens.items():
        theirs = plain[sample]
        length = min(len(ours["ids"]), len(theirs["ids"]))
        equal = ours["ids"][:length] == theirs["ids"][:length]
        ids += max(len(ours["ids"]), len(theirs["ids"]))
        same_ids += int(equal.sum())
        same_answers += int(np.array_equal(ours["ids"], theirs["ids"]))
        rows = min(length, 1 + int(np.cumprod(equal).sum()))
        differences.append(np.abs(ours["entropy"][:rows].astype(float)
                                  - theirs["entropy"][:rows]).ravel())
        same_top.append((ours["top"][:rows, :, 0]
                         == theirs["top"][:rows, :, 0]).ravel())
    differences = np.concatenate(differences)
    return {"samples_equal": same_answers / len(lens),
            "ids_equal": same_ids / ids,
            "values_compared": len(differences),
            "entropy_max_difference_nats": float(differences.max()),
            "entropy_median_difference_nats": float(np.median(differences)),
            "top_token_equal": float(np.concatenate(same_top).mean())}


def side(done, answers, work_s=None):
    tokens = sum(len(answer["ids"]) for answer in answers.values())
    out = {"wall_s": done.wall_s, "samples": len(answers), "tokens": tokens,
           "samples_per_s": len(answers) / done.wall_s,
           "tokens_per_s": tokens / done.wall_s, "cpu_s": done.cpu_s,
           "mean_load": done.mean_load,
           "peak_bytes": done.peak_bytes, "largest_bytes": done.largest_bytes}
    if work_s:
        out |= {"work_s": work_s, "work_tokens_per_s": tokens / work_s}
    return out


def report(result):
    def line(name, s, wall):
        print(f"{name:28} {wall:8.1f} s {s['samples'] / wall:9.3f} samples/s "
              f"{s['tokens'] / wall:9.2f} tokens/s   "
              f"{s['peak_bytes'] / GIB:5.2f} GiB (largest process "
              f"{s['largest_bytes'] / GIB:.2f})")

    lens = result["lens"]
    print(f"{result['samples']} samples, {result['prompt_tokens']} prompt "
          f"tokens ({result['image_tokens']} of images), {result['dtype']} on "
          f"{result['device']}, {result['workers']} x {result['threads']} "
          f"threads; order: {result['order']}")
    line("lens run, whole command", lens, lens["wall_s"])
    for name in result["scripts"]:
        script, same = result[name], result["agreement"][name]
        title = f"{name} script"
        if "batch" in script:
            title += f", batch {script['batch']}"
        if script["batches"] < 2:
            line(f"{title}, whole command", script, script["wall_s"])
        line(f"{title}, model loaded", script, script["work_s"])
        print(f"  ratio {result['ratio'][name]['loaded']:.2f} to the script "
              "without its loading"
              + (f", {result['ratio'][name]['whole']:.2f} with all loading on "
                 "both sides" if script["batches"] < 2 else ""))
        print(f"  processor time: lens {lens['cpu_s']:.1f} s, script "
              f"{script['cpu_s']:.1f} s; load of the machine meanwhile "
              f"{lens['mean_load']:.1f} and {script['mean_load']:.1f}: a ratio "
              "counts where the two are alike")
        print(f"  same answers: {same['samples_equal']:.1%} of samples, "
              f"{same['ids_equal']:.1%} of ids; entropy differs by at most "
              f"{same['entropy_max_difference_nats']:.2g} nat (median "
              f"{same['entropy_median_difference_nats']:.2g}) over "
              f"{same['values_compared']} values; top token equal in "
              f"{same['top_token_equal']:.1%}")


def main():
    given = arguments()
    # So that what was started is stopped, too.
    signal.signal(signal.SIGTERM, lambda number, frame: sys.exit(143))
    scripts = ["plain"] if given.plain else []
    scripts += ["batched"] if given.batch else []
    order = ["lens", *scripts]
    if given.plain_first:
        order.reverse()
    results = {}
    with tempfile.TemporaryDirectory(prefix="lens-bench-") as folder:
        work = pathlib.Path(folder)
        for name in order:
            results[name] = (run_lens(given, work) if name == "lens"
                             else run_script(given, work, name))
    done, lens, sizes = results["lens"]
    result = {
        "model": given.model.name, "dtype": given.dtype,
        "device": given.device, "threads": given.threads,
        "workers": given.workers, "max_new_tokens": given.max_new_tokens,
        "samples": len(lens), **sizes, "order": ", then ".join(order),
        "scripts": scripts, "lens": side(done, lens), "agreement": {},
        "ratio": {}}
    for name in scripts:
        script_done, answers, says = results[name]
        script = side(script_done, answers, says["work_s"])
        script["batches"] = len(says.get("work_s_by_batch", [1]))
        script |= {key: says[key] for key in ("batch", "work_s_by_batch")
                   if key in says}
        result |= {key: says[key] for key in ("transformers", "torch")}
        result[name] = script
        result["agreement"][name] = compare(lens, answers)
        if sizes["prompt_tokens"] != says["prompt_tokens"]:
            raise SystemExit(f"prompts differ: {sizes['prompt_tokens']} tokens "
                             f"in lens, {says['prompt_tokens']} in the "
                             f"{name} script")
        rate = result["lens"]["tokens_per_s"]
        result["ratio"][name] = {"whole": rate / script["tokens_per_s"],
                                 "loaded": rate / script["work_tokens_per_s"]}
    report(result)
    if given.json:
        given.json.write_text(json.dumps(result, indent=2) + "\n",
                              encoding="utf-8")


if __name__ == "__main__":
    main()
