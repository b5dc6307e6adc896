"""Measures what docs/performance.md says of CPUs, and writes it there.

    scripts/bench.sh                        all parts, in under 30 minutes
    scripts/bench.sh --only coordinator     one of them
    scripts/bench.sh --small                tiny sizes: that it runs, no figures

Parts:
    lens         the lens over the plain product of its shape (bench/lens_gemm)
    formulas     `lens run` over transformers scripts, formulas, 2B shape
    photos       the same with photos and several questions of each
    engine       tower, prefill, decode alone (bench/engine_parts)
    input        pictures and texts over PIL, transformers, tokenizers
                 (bench/input_parts.py)
    coordinator  thousands of workers over TLS (bench/coordinator_load)
    growth       more samples, workers, prompt, vocabulary (bench/growth.py)

Each part has a time limit, and one that fails stops no other. What a part finds
replaces its own block in the document, between two comments; all else there,
what was measured on other machines included, stays as it is. Let nothing else
run on the machine. Wants a built tree (scripts/test.sh) and, for formulas,
photos and engine, 5 GB for a random checkpoint (kept in --out). Exit 0 when
every part ran.
"""

import argparse
import datetime
import json
import os
import pathlib
import re
import shutil
import signal
import subprocess
import sys
import time

ROOT = pathlib.Path(__file__).resolve().parents[1]
sys.path.insert(0, str(ROOT / "scripts"))
import qwen2_tokenizer  # noqa: E402

DOCUMENT = ROOT / "docs/performance.md"
TINY = ROOT / "tests/data/random-checkpoint"
FORMULAS = ROOT / "demo/data/latex_ocr"
PHOTOS = ROOT / "demo/data/mtvqa/test-00000-of-00001.parquet"


class PartFailed(Exception):
    """Said in the table of parts; the others go on."""


class Bench:
    """Runs programs, within limits, with their words kept in files."""

    def __init__(self, given):
        self.given = given
        self.small = given.small
        self.out = given.out.resolve()
        self.out.mkdir(parents=True, exist_ok=True)
        self.build = given.build.resolve()
        self.deadline = time.monotonic() + 60 * given.minutes

    def command(self, name, limit, words):
        """What the command says; PartFailed when it fails or takes longer."""
        words = [str(word) for word in words]
        left = self.deadline - time.monotonic()
        if left < 1:
            raise PartFailed("no time is left (--minutes)")
        log = self.out / f"{name}.log"
        with open(log, "w", encoding="utf-8") as file, subprocess.Popen(
                words, cwd=ROOT, stdout=file, stderr=subprocess.STDOUT,
                stdin=subprocess.DEVNULL, start_new_session=True) as process:
            try:
                code = process.wait(min(limit, left))
            except BaseException as error:  # too long, Ctrl-C, asked to end
                # To all of the session: programs that the command started.
                os.killpg(process.pid, signal.SIGTERM)
                if isinstance(error, subprocess.TimeoutExpired):
                    raise PartFailed(f"{name} took over "
                                     f"{min(limit, left):.0f} s") from None
                raise
        text = log.read_text(encoding="utf-8")
        if code != 0:
            last = text.strip().splitlines()[-1:] or ["it said nothing"]
            raise PartFailed(f"{name} ended with {code} ({last[0]}); see {log}")
        return text

    def python(self, name, limit, script, *words):
        return self.command(name, limit,
                            [sys.executable, ROOT / "bench" / script, *words])

    def result(self, name):
        return json.loads((self.out / f"{name}.json").read_text())

    def model(self):
        """A random checkpoint of the 2B shape, made once."""
        if self.small:
            return TINY
        model = self.out / "random-2b"
        if not (model / "done").exists():
            shutil.rmtree(model, ignore_errors=True)
            home = qwen2_tokenizer.unpack(self.out / "tokenizer")
            self.command("make-2b", 300, [
                sys.executable, ROOT / "scripts/make_random_checkpoint.py",
                model, "--preset", "2b", "--tokenizer", home])
            (model / "done").touch()
        return model


def lens(bench):
    rows = []
    for dtype in ("bfloat16", "float32"):
        for tokens in (16, 64):
            sizes = (["--hidden", 64, "--vocabulary", 1000, "--rounds", 1]
                     if bench.small else ["--rounds", 3])
            text = bench.command(f"lens-{dtype}-{tokens}", 240, [
                bench.build / "bench/lens_gemm", "--dtype", dtype, "--tokens",
                tokens, *sizes])
            ratio = float(re.search(r"ratio ([\d.]+)", text).group(1))
            rows.append((f"lens, {dtype}, {29 * tokens} rows: rate over that "
                         "of the plain product", f"{1 / ratio:.2f}", ">= 1.0",
                         "the product"))
    return rows


def whole_run(bench, name, dataset, words, goals):
    model = bench.model()
    sizes = (["--limit", 2, "--max-new-tokens", 2, "--dtype", "float32",
              "--batch", 2] if bench.small else
             ["--max-new-tokens", 20, "--batch", 8, "--batch", 16, *words])
    bench.python(name, 1000, "end_to_end.py", "--lens-bin",
                 bench.build / "bin", "--model", model, "--dataset", dataset,
                 "--json", bench.out / f"{name}.json", *sizes)
    result = bench.result(name)
    bound = (f"{result['samples']} samples, {result['prompt_tokens']} prompt "
             f"tokens, {result['lens']['wall_s']:.1f} s; products of tower, "
             "prefill and lens")
    return [(f"{name}: whole command over the plain script, loaded",
             f"{result['ratio']['plain']['loaded']:.2f}", goals[0], bound),
            (f"{name}: over the batched script at "
             f"{result['batched']['batch']}, loaded",
             f"{result['ratio']['batched']['loaded']:.2f}", goals[1], bound),
            (f"{name}: same ids as the batched script",
             f"{result['agreement']['batched']['ids_equal']:.0%}", "",
             "ties of bfloat16, after which texts part"),
            (f"{name}: memory of the process tree",
             f"{result['lens']['peak_bytes'] / 2**30:.2f} GiB", "<= 5 GiB",
             "weights, 4.1 GiB")]


def formulas(bench):
    return whole_run(bench, "formulas", f"latex_ocr={FORMULAS}",
                     ["--limit", 16], (">= 6.5 (AMX), 5", ">= 2"))


def photos(bench):
    data = bench.out / "photos.parquet"
    bench.python("make-photos", 60, "make_question_set.py", PHOTOS, data)
    return whole_run(bench, "photos", f"mtvqa={data}",
                     ["--limit", 9, "--min-pixels", 220000, "--max-pixels",
                      240000], (">= 6", ">= 2"))


def engine(bench):
    text = bench.command("engine", 240, [
        bench.build / "bench/engine_parts", "--model", bench.model(),
        "--rounds", 1 if bench.small else 3, "--small", 1])
    rows = []
    for line in text.splitlines():
        bound = re.search(r"(products|bytes) alone .*\(([\d.]+)\)", line)
        if bound:
            what = " ".join(line.split(":")[0].split())
            rows.append((f"{what}: share of what its {bound.group(1)} alone "
                         "would need", bound.group(2), "",
                         "products at the rate of a large one" if
                         bound.group(1) == "products" else
                         "bytes at the rate of a large copy"))
    return rows


INPUT_BOUNDS = {
    "image": "decoding by libjpeg, libpng and zlib; memory of the patches",
    "tokenizer": "looking up merges"}


def prepared(bench):
    words = ["--rounds", 1, "--seconds", 0.01] if bench.small else []
    bench.python("input", 180, "input_parts.py", "--program",
                 bench.build / "bench/input_parts", "--json",
                 bench.out / "input.json", *words)
    rows = []
    for r in bench.result("input"):
        rows.append((f"{r['part']}, {r['name']}: over the original, processor "
                     f"time, {'equal' if r['equal'] else 'not'} bit for bit",
                     f"{r['ratio']:.1f}", ">= 3",
                     INPUT_BOUNDS[r["part"]]))
    return rows


def coordinator(bench):
    words = (["--workers", 16, "--callers", 8, "--units", 200, "--seconds", 1]
             if bench.small else [])
    bench.command("coordinator", 240, [
        bench.build / "bench/coordinator_load", "--coordinator",
        bench.build / "bin/lens-coordinator", "--json",
        bench.out / "coordinator.json", *words])
    result = bench.result("coordinator")
    join, commit, beat = (result[k] for k in ("join", "commit", "heartbeat"))
    shared = "TLS and gRPC, on cores that the workers share"

    def of_a_core(part):
        return (f"the coordinator itself: "
                f"{part['coordinator_share_of_a_core']:.0%} of a core, "
                f"{part['coordinator_microseconds_each']:.0f} us each; ")

    return [(f"join of {result['workers']} workers", f"{join['seconds']:.1f} s",
             "<= 20 s", of_a_core(join) + "handshakes of both ends"),
            (f"acquire + commit a second, {result['callers']} at a time",
             f"{commit['a_second']:.0f}", ">= 5,000",
             of_a_core(commit) + shared),
            (f"heartbeats of {result['workers']} workers, "
             f"{beat['a_second']:.0f} a second, of a core",
             f"{beat['coordinator_share_of_a_core']:.1%}", "<= 10 %",
             of_a_core(beat) + "TLS and gRPC"),
            ("resident memory of the coordinator",
             f"{result['memory_mib']:.0f} MiB", "",
             "connections, about 100 KiB each")]


def growth(bench):
    words = ["--small", "--repeats", 1] if bench.small else []
    bench.python("growth", 500, "growth.py", "--lens-bin", bench.build / "bin",
                 "--json", bench.out / "growth.json", *words)
    rows = []
    for axis in bench.result("growth"):
        sizes = " / ".join(str(step["size"]) for step in axis["steps"])
        for what, unit in (("cpu_s", "s of processor time"),
                           ("largest_mib", "MiB, largest process")):
            values = " / ".join(f"{step[what]:.4g}" for step in axis["steps"])
            found = [s for s in axis["faster_than_linear"]
                     if s.startswith(what)]
            rows.append((f"{axis['axis']} {sizes}: {unit}", values,
                         "linear", "; ".join(found) or "no faster"))
    return rows


PARTS = {"lens": lens, "formulas": formulas, "photos": photos,
         "engine": engine, "input": prepared, "coordinator": coordinator,
         "growth": growth}


def machine():
    name, features = "unknown processor", []
    for line in pathlib.Path("/proc/cpuinfo").read_text().splitlines():
        key, _, value = line.partition(":")
        if key.strip() == "model name":
            name = value.strip()
        elif key.strip() == "flags":
            flags = value.split()
            features = [word for word in ("avx2", "avx512f", "avx512_bf16",
                                          "amx_bf16") if word in flags]
            break
    return (f"{name}, {len(os.sched_getaffinity(0))} cores "
            f"({', '.join(features)})")


def commit_name():
    done = subprocess.run(
        ["git", "describe", "--always", "--dirty", "--exclude", "*"], cwd=ROOT,
        capture_output=True, text=True, check=False)
    return done.stdout.strip() or "unknown commit"


def block(part, rows, load):
    """The part's lines in the document."""
    lines = [f"*{part}*: {machine()}; commit {commit_name()}, "
             f"{datetime.date.today()}; load average before it {load:.1f}.",
             "", "| figure | measured | goal | what bounds it |",
             "| --- | --- | --- | --- |"]
    lines += ["| " + " | ".join(row) + " |" for row in rows]
    return "\n".join(lines)


def place(text, part, new):
    """`text` with the part's block replaced, or put behind the last one."""
    begin, end = f"<!-- bench.sh {part} -->", f"<!-- end of {part} -->"
    whole = f"{begin}\n{new}\n{end}"
    if begin in text and end in text:
        head, rest = text.split(begin, 1)
        return head + whole + rest.split(end, 1)[1]
    marker = "<!-- bench.sh: new parts above -->"
    if marker not in text:
        raise SystemExit(f"the document has no line {marker}; put it where "
                         "the figures of CPUs belong")
    return text.replace(marker, f"{whole}\n\n{marker}")


def arguments():
    parser = argparse.ArgumentParser(
        prog="scripts/bench.sh", description=__doc__,
        formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--only", nargs="+", choices=list(PARTS),
                        default=list(PARTS), metavar="PART")
    parser.add_argument("--small", action="store_true",
                        help="tiny sizes; writes no document but one given")
    parser.add_argument("--document", type=pathlib.Path,
                        help="where the figures go (default: "
                             "docs/performance.md)")
    parser.add_argument("--out", type=pathlib.Path,
                        default=ROOT / "build/bench-figures",
                        help="for logs, figures and the checkpoint")
    parser.add_argument("--build", type=pathlib.Path, default=ROOT / "build")
    parser.add_argument("--minutes", type=float, default=30,
                        help="after which no part goes on (default 30)")
    return parser.parse_args()


def main():
    given = arguments()
    # So that what was started is stopped, too.
    signal.signal(signal.SIGTERM, lambda number, frame: sys.exit(143))
    bench = Bench(given)
    document = given.document or (None if given.small else DOCUMENT)
    failed = []
    for part in given.only:
        load, begin = os.getloadavg()[0], time.monotonic()
        try:
            rows = PARTS[part](bench)
        except (PartFailed, OSError) as problem:
            failed.append(part)
            print(f"== {part}: FAILED: {problem}", flush=True)
            continue
        print(f"== {part} ({time.monotonic() - begin:.0f} s)")
        for figure, value, goal, bound in rows:
            print(f"   {figure}: {value}" + (f" (goal {goal})" if goal else "")
                  + f"; {bound}", flush=True)
        if document:
            document.write_text(
                place(document.read_text(encoding="utf-8"), part,
                      block(part, rows, load)), encoding="utf-8")
    if failed:
        sys.exit(f"failed: {', '.join(failed)}")


if __name__ == "__main__":
    main()
