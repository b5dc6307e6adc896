"""slurm/lens.sbatch as it is, on a real Slurm of one node and of two.

Takes --bin FOLDER of the programs. Skipped (77) with a reason where Slurm or
the rights to start it are missing.
"""

import argparse
import contextlib
import hashlib
import json
import os
import pathlib
import re
import signal
import subprocess
import sys
import tempfile
import time
import unittest

ROOT = pathlib.Path(__file__).resolve().parents[2]
CLUSTER = ROOT / "tests/slurm/cluster.sh"
SECONDS = 240  # the longest that anything here is waited for
BIN = None
SKIPPED = 77


def until(condition, what):
    deadline = time.monotonic() + SECONDS
    while not (value := condition()):
        if time.monotonic() > deadline:
            raise AssertionError(f"{what} did not come in {SECONDS} s")
        time.sleep(0.1)
    return value


def processes(run, program):
    """Ids of the processes of `program` that work on the run."""
    found = []
    for entry in pathlib.Path("/proc").glob("[0-9]*"):
        with contextlib.suppress(OSError):
            words = (entry / "cmdline").read_bytes().split(b"\0")
            if (pathlib.Path(os.fsdecode(words[0])).name == program
                    and os.fsencode(run) in words):
                found.append(int(entry.name))
    return found


def steps(job):
    """Whether a process of Slurm still looks after a step of the job."""
    title = os.fsencode(f"slurmstepd: [{job}.")
    for entry in pathlib.Path("/proc").glob("[0-9]*"):
        with contextlib.suppress(OSError):
            if (entry / "cmdline").read_bytes().startswith(title):
                return True
    return False


class Cluster(unittest.TestCase):
    """A Slurm of NODES nodes, brought up for the class."""

    NODES = 0
    DATASETS = ("latex_ocr",)

    @classmethod
    def setUpClass(cls):
        folder = tempfile.TemporaryDirectory(prefix="lens-slurm-")
        cls.addClassCleanup(folder.cleanup)
        cls.known = {}  # digests of runs in peace, by their ranks
        cls.folder = pathlib.Path(folder.name)
        cls.folder.chmod(0o755)  # munged runs as a user of its own
        cluster = cls.folder / "cluster"
        cls.addClassCleanup(subprocess.run, [CLUSTER, "down", cluster],
                            check=False)
        up = subprocess.run([CLUSTER, "up", cluster, str(cls.NODES)],
                            text=True, check=False, stdout=subprocess.PIPE)
        if up.returncode == SKIPPED:
            raise unittest.SkipTest(up.stdout.strip())
        if up.returncode != 0:
            raise AssertionError(up.stdout)
        cls.environment = os.environ | {
            "SLURM_CONF": str(cluster / "slurm.conf"), "LENS_BIN": str(BIN)}

    def slurm(self, *words, **settings):
        return subprocess.run(
            [str(word) for word in words], env=self.environment | settings,
            text=True, check=True, capture_output=True,
            timeout=SECONDS).stdout.strip()

    def flags(self, run, ranks=1):
        # Ranks that share a model wait for each other at every layer.
        limit, tokens = (60, 100) if ranks == 1 else (16, 24)
        datasets = [word for name in self.DATASETS for word in
                    ("--dataset", f"{name}={ROOT / 'demo/data' / name}")]
        return ["--model", ROOT / "tests/data/random-checkpoint", *datasets, "--limit", limit, "--unit-images", 2, "--max-new-tokens", tokens,
                "--device", "cpu", "--dtype", "float32", "--threads", 1,
                "--out", run]

    def submit(self, run, ranks=1, **settings):
        if ranks > 1:
            settings["LENS_TENSOR_PARALLEL"] = str(ranks)
        job = self.slurm("sbatch", "--parsable", f"--nodes={self.NODES}",
                         f"--output={self.folder}/%j.log",
                         ROOT / "slurm/lens.sbatch", *self.flags(run, ranks),
                         **settings)
        self.addCleanup(subprocess.run, ["scancel", "--quiet", job],
                        env=self.environment, check=False)
        return job

    def field(self, job, name):
        for word in self.slurm("scontrol", "show", "job", job).split():
            if word.startswith(name + "="):
                return word[len(name) + 1:]
        return ""

    def started_now(self, job):
        subprocess.run(["scontrol", "update", f"JobId={job}", "StartTime=now"],
                       env=self.environment, check=False, capture_output=True,
                       timeout=SECONDS)
        state = self.field(job, "JobState")
        self.assertNotIn(state, ("FAILED", "NODE_FAIL"), self.log(job))
        return state in ("RUNNING", "COMPLETED")

    def log(self, job):
        return (self.folder / f"{job}.log").read_text()

    def await_parts(self, run, count):
        until(lambda: len(list(run.glob("parts/*/*.h5"))) >= count,
              f"part {count}")

    def await_state(self, job, *states):
        until(lambda: self.field(job, "JobState") in states,
              f"one of {states}")

    def assert_complete(self, job, run):
        self.await_state(job, "COMPLETED", "FAILED", "CANCELLED", "TIMEOUT")
        log = self.log(job)
        self.assertEqual(self.field(job, "JobState"), "COMPLETED", log)
        self.assertEqual(self.field(job, "ExitCode"), "0:0", log)
        self.assertIn(f"complete: {run}/results.h5", log)
        self.assertEqual(self.undisturbed(self.ranks(run)), self.digest(run))

    def ranks(self, run):
        plan = json.loads((run / "manifest.json").read_text())
        return plan["config"].get("tensor_parallel", 1)

    def digest(self, run):
        subprocess.run([BIN / "lens", "verify", run], check=True,
                       stdout=subprocess.DEVNULL, timeout=SECONDS)
        return hashlib.sha256((run / "results.h5").read_bytes()).hexdigest()

    def undisturbed(self, ranks):
        """Of a run of so many ranks that was left in peace."""
        known = type(self).known
        if ranks not in known:
            run = self.folder / f"undisturbed-{ranks}"
            words = (BIN / "lens", "run", *self.flags(run, ranks),
                     "--tensor-parallel", ranks)
            subprocess.run([str(word) for word in words], check=True,
                           stdout=subprocess.DEVNULL,
                           stderr=subprocess.DEVNULL, timeout=SECONDS)
            known[ranks] = self.digest(run)
        return known[ranks]

    def rank_pids(self, run):
        return until(lambda: len(found := processes(run, "lens-worker")) == 2
                     and sorted(found), "two ranks")


class OneNodeTest(Cluster):
    NODES = 1

    def test_killed_cancelled_and_submitted_again(self):
        run = self.folder / "cancelled"
        job = self.submit(run)
        self.await_parts(run, 2)
        os.kill(processes(run, "lens-worker")[0], signal.SIGKILL)
        until(lambda: "starting it again" in self.log(job), "a new world")
        os.kill(processes(run, "lens-coordinator")[0], signal.SIGKILL)
        self.await_parts(run, 6)
        self.slurm("scancel", job)
        self.await_state(job, "CANCELLED")
        until(lambda: not processes(run, "lens-worker"), "the workers' end")
        until(lambda: not processes(run, "lens-coordinator"), "its end")
        self.assertFalse((run / "results.h5").exists())
        before = sorted(run.glob("parts/*/*.h5"))
        self.assertGreaterEqual(len(before), 6)

        again = self.submit(run)
        self.assert_complete(again, run)
        for part in before:  # nothing that was committed was done again
            self.assertTrue(part.exists(), part)
        for line in ("watch it", "workers      1 on each node", str(run)):
            self.assertIn(line, self.log(again))

    def test_two_ranks_that_share_a_model_are_started_again_together(self):
        run = self.folder / "ranks"
        job = self.submit(run, ranks=2)
        self.await_parts(run, 2)
        first = self.rank_pids(run)
        os.kill(first[1], signal.SIGKILL)
        until(lambda: "starting it again" in self.log(job), "a new world")
        until(lambda: not set(first) & set(processes(run, "lens-worker")),
              "the end of both")
        self.assert_complete(job, run)
        self.assertEqual(self.ranks(run), 2)
        self.assertIn("workers      1 on each node, of 2 processes each",
                      self.log(job))

    def test_time_limit_requeues(self):
        run = self.folder / "requeued"
        job = self.submit(run)
        self.await_parts(run, 3)
        # What Slurm sends ahead of the time limit.
        self.slurm("scancel", "--signal=USR1", "--batch", job)
        until(lambda: self.field(job, "Restarts") == "1", "the requeue")
        self.assertFalse((run / "results.h5").exists())
        # Slurm waits two minutes before it starts a requeued job. Started at
        # once, it would take what the first attempt's steps report as they end
        # for the end of the second.
        until(lambda: not steps(job), "the end of the first attempt")
        until(lambda: self.started_now(job), "the second attempt")
        self.assert_complete(job, run)
        self.assertIn("attempt 2", self.log(job))

    def test_usage_is_one_line(self):
        job = self.slurm("sbatch", "--parsable", "--wait-all-nodes=0",
                         f"--output={self.folder}/%j.log",
                         ROOT / "slurm/lens.sbatch", "--model", "nowhere")
        self.await_state(job, "FAILED")
        self.assertEqual(len(self.log(job).splitlines()), 1, self.log(job))
        self.assertIn("--out is missing", self.log(job))


class TwoNodesTest(Cluster):
    NODES = 2
    DATASETS = ("latex_ocr", "mtvqa")

    def joined(self, run):
        """Host name -> pids of the workers that have joined the run."""
        log = run / "logs/coordinator.log"
        found = {}
        if log.exists():
            for host, pid in re.findall(r"worker joined: (\S+) pid (\d+)",
                                        log.read_text()):
                found.setdefault(host, []).append(int(pid))
        return found

    def test_both_work_and_a_world_that_dies_costs_no_other(self):
        run = self.folder / "two"
        job = self.submit(run)
        until(lambda: len(self.joined(run)) == 2, "a worker of each node")
        first = self.joined(run)
        self.assertEqual(sorted(first), ["n1", "n2"])
        os.kill(first["n2"][0], signal.SIGKILL)
        until(lambda: "workers-n2 ended" in self.log(job), "its supervisor")
        self.assert_complete(job, run)
        self.assertEqual(self.joined(run)["n1"], first["n1"])
        self.assertNotIn("workers-n1 ended", self.log(job))

    def test_model_over_two_nodes_is_one_world(self):
        run = self.folder / "ranks"
        job = self.submit(run, ranks=2, LENS_RANKS="1")
        self.await_parts(run, 2)
        first = self.rank_pids(run)
        os.kill(first[1], signal.SIGKILL)
        until(lambda: "workers-n1+n2 ended" in self.log(job), "its supervisor")
        until(lambda: not set(first) & set(processes(run, "lens-worker")),
              "the end of both")
        self.assert_complete(job, run)
        self.assertIn("workers      1 on 2 nodes, 1 of its 2 processes on each",
                      self.log(job))
        self.assertEqual(list(self.joined(run)), ["n1"], "the first rank leads")

    def test_nodes_that_cannot_be_shared_out_are_refused_in_one_line(self):
        run = self.folder / "odd"
        job = self.submit(run, ranks=4, LENS_RANKS="1")
        self.await_state(job, "FAILED")
        self.assertIn("2 nodes cannot be shared out (each model takes 4 of "
                      "them); give sbatch -N a multiple of 4",
                      self.log(job).splitlines()[-1])


if __name__ == "__main__":
    parser = argparse.ArgumentParser()
    parser.add_argument("--bin", required=True, type=pathlib.Path)
    known, rest = parser.parse_known_args()
    BIN = known.bin.resolve()
    outcome = unittest.main(argv=[sys.argv[0], *rest], verbosity=2,
                            exit=False).result
    if not outcome.wasSuccessful():
        sys.exit(1)
    sys.exit(0 if outcome.testsRun > 0 else SKIPPED)
