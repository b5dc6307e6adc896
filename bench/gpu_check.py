"""Everything that a machine with one GPU can tell: tests that need one, whole
runs against transformers, and measurements, as one table and one JSON file.

    scripts/gpu_check.sh --pack build/gpu-pack.tar.xz
    scripts/gpu_check.sh --device cpu --only twice      to try the check itself

Needs a Python with torch for CUDA, transformers, pyarrow and h5py. Programs
come from scripts/gpu_pack.sh, or from build/; where neither is, model, engine
and lens are built here (nvcc, CMake, ninja, GoogleTest, nlohmann-json), without
whole runs. Each step has its own time limit, and one that fails stops no other.
Exit 0 when every step that ran passed.
"""

import argparse
import json
import os
import pathlib
import subprocess
import sys
import tarfile
import tempfile
import time

ROOT = pathlib.Path(__file__).resolve().parents[1]
sys.path.insert(0, str(ROOT / "scripts"))
import qwen2_tokenizer  # noqa: E402

ORACLES = ("untied_flat", "wide_spread", "bfloat16")
# Tokens of 29 states, hidden size, vocabulary: 2B and 7B.
LENS_SHAPES = ((71, 1536, 151936), (71, 3584, 152064))


def arguments():
    parser = argparse.ArgumentParser(
        prog="scripts/gpu_check.sh", description=__doc__,
        formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--pack", type=pathlib.Path,
                        help="archive from scripts/gpu_pack.sh")
    parser.add_argument("--out", type=pathlib.Path,
                        default=ROOT / "build-gpu/check",
                        help="for logs and figures")
    parser.add_argument("--device", choices=["cuda", "cpu"], default="cuda")
    parser.add_argument("--models", nargs="*", default=["2b"],
                        choices=["2b", "7b"], help="shapes to measure")
    parser.add_argument("--only", nargs="+", choices=list(STEPS),
                        default=list(STEPS))
    return parser.parse_args()


class Check:
    """Runs the steps, keeps what they said."""

    def __init__(self, given, work):
        self.given = given
        self.work = work
        self.out = given.out
        self.out.mkdir(parents=True, exist_ok=True)
        self.began = time.monotonic()
        self.failed = []
        self.figures = {"device": given.device}
        self.build = ROOT / "build"
        self.environment = dict(os.environ)

    def say(self, text):
        print(f"\n=== {text}  [{time.monotonic() - self.began:.0f} s]",
              flush=True)

    def command(self, name, limit, words, lines=12):
        """True where it ends with 0 in time; its output goes to NAME.log."""
        self.say(name)
        log = self.out / f"{name}.log"
        with open(log, "w", encoding="utf-8") as file:
            try:
                code = subprocess.run(
                    [str(word) for word in words], cwd=ROOT, stdout=file,
                    stderr=subprocess.STDOUT, timeout=limit, check=False,
                    env=self.environment).returncode
            except (subprocess.TimeoutExpired, OSError) as error:
                code = str(error)
        said = log.read_text(encoding="utf-8", errors="replace").splitlines()
        print("\n".join(said[-lines:]))
        self.figures[name] = {"log": said[-lines:], "exit": code}
        if code:
            print(f"gpu_check: {name} FAILED ({code})", flush=True)
            self.failed.append(name)
        return not code

    def machine(self):
        self.say("machine")
        if self.given.device == "cuda":
            self.command("gpu", 20, [
                "nvidia-smi", "--format=csv,noheader",
                "--query-gpu=name,memory.total,driver_version"])
        import torch
        import transformers
        self.figures["torch"] = torch.__version__
        self.figures["transformers"] = transformers.__version__
        print(f"torch {torch.__version__}, transformers "
              f"{transformers.__version__}, {os.cpu_count()} cores")
        return pathlib.Path(torch.__file__).parent

    def programs(self, torch_folder):
        if self.given.pack:
            self.build = self.work / "pack"
            with tarfile.open(self.given.pack) as archive:
                archive.extractall(self.build)
            # Its own libraries, then torch's: all of CUDA comes by torch.
            self.environment["LD_LIBRARY_PATH"] = (
                f"{self.build / 'lib'}:{torch_folder / 'lib'}")
            commit = (self.build / "commit").read_text(encoding="utf-8")
            self.figures["commit"] = commit.strip()
            print(f"programs of commit {commit.strip()}")
        elif not (self.build / "bin/lens").exists():
            self.build = ROOT / "build-gpu"
            self.command("configure", 60, [
                "cmake", "-S", ROOT, "-B", self.build, "-G", "Ninja",
                "-DLENS_ENGINE_ONLY=ON", "-DLENS_WITH_CUDA=ON",
                f"-DLENS_TORCH={torch_folder}"])
            self.command("build", 300, ["ninja", "-C", self.build])

    def run(self):
        self.programs(self.machine())
        for name in self.given.only:
            if STEPS[name].needs_runs and not self.lens().exists():
                print(f"{name}: left out, no programs for whole runs here")
                continue
            STEPS[name](self)
        self.say("end")
        self.figures["failed"] = self.failed
        (self.out / "gpu_check.json").write_text(
            json.dumps(self.figures, indent=2) + "\n", encoding="utf-8")
        print(f"gpu_check: FAILED: {', '.join(self.failed)}" if self.failed
              else "gpu_check: all steps passed")
        return 1 if self.failed else 0

    def lens(self):
        return self.build / "bin/lens"

    def model(self, shape):
        """Folder of a random checkpoint, made once."""
        folder = self.work / shape
        tokenizer = qwen2_tokenizer.unpack(self.work / "tokenizer")
        if not (folder / "model.safetensors").exists():
            self.command(f"checkpoint-{shape}", 120, [
                sys.executable, "bench/make_gpu_checkpoint.py", folder,
                "--preset", shape, "--tokenizer", tokenizer])
        return folder


def tests(check):
    if check.given.device == "cpu":
        return
    programs = check.build / "tests"
    for program in (*sorted(programs.glob("*cuda_test")),
                    *programs.glob("nccl_collective_test")):
        if check.command(program.name, 120, [program]):
            log = check.out / f"{program.name}.log"
            # A test that is skipped here has not seen its GPU.
            if "SKIPPED" in log.read_text(encoding="utf-8"):
                check.failed.append(program.name)


def fidelity(check):
    """The oracle computes on one thread: the checkpoints side by side."""
    check.command("fidelity", 180, [
        "bash", "-c", "code=0; " + " ".join(
            f"{sys.executable} tests/oracle/fidelity.py --lens {check.lens()} "
            f"--device {check.given.device} --only {name} --cache "
            f"{check.work}/{name} >{check.out}/fidelity-{name}.log 2>&1 &"
            for name in ORACLES)
        + " ".join("wait -n || code=1;" for _ in ORACLES)
        + f" tail -n 28 {check.out}/fidelity-*.log; exit $code"], lines=90)


def twice(check):
    check.command("twice", 60, [sys.executable, "bench/run_twice.py", "--lens",
                                check.lens(), "--device", check.given.device])


def lens(check):
    for dtype in ("bfloat16", "float32"):
        for tokens, hidden, vocabulary in LENS_SHAPES:
            check.command(f"lens-{dtype}-{hidden}-{tokens}", 40, [
                check.build / "bench/lens_gemm", "--device",
                check.given.device, "--dtype", dtype, "--tokens", tokens,
                "--hidden", hidden, "--vocabulary", vocabulary])


def parts(check):
    for shape in check.given.models:
        check.command(f"parts-{shape}", 90, [
            check.build / "bench/engine_parts", "--model", check.model(shape),
            "--device", check.given.device, "--small",
            int(check.given.device == "cpu")], lines=40)


def whole(check):
    for shape in check.given.models:
        check.command(f"whole-{shape}", 120, [
            sys.executable, "bench/end_to_end.py", "--lens-bin",
            check.build / "bin", "--model", check.model(shape), "--device",
            check.given.device, "--dataset",
            "latex_ocr=demo/data/latex_ocr/train-00000-of-00001.parquet",
            "--no-plain", "--batch", 128, "--limit", 400,
            "--max-new-tokens", 20, "--json", check.out / f"whole-{shape}.json"
        ], lines=20)


STEPS = {"tests": tests, "fidelity": fidelity, "twice": twice, "lens": lens,
         "parts": parts, "whole": whole}
for step in STEPS.values():
    step.needs_runs = step in (fidelity, twice, whole)


def main():
    given = arguments()
    with tempfile.TemporaryDirectory() as folder:
        return Check(given, pathlib.Path(folder)).run()


if __name__ == "__main__":
    sys.exit(main())
