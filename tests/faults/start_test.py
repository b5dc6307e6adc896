"""Processes that cannot start: who asked reads why, within half a minute.

    start_test.py --bin build/bin
"""

import os
import pathlib
import resource
import shutil
import signal
import subprocess
import time
import unittest

import programs
from programs import ERROR, INTERRUPTED, OK, RunCase

HALF_A_MINUTE = 40  # and what a loaded machine adds
# A user who has no other process, which the limit would count.
NOBODY = 61_000 + os.getpid() % 4000


def new_network():
    """Whether a network of one's own can be had here."""
    return (shutil.which("unshare") is not None and subprocess.run(
        ["unshare", "-n", "true"], capture_output=True).returncode == 0)


class StartTest(RunCase):
    WORDS = ["--unit-images", 1, "--limit", 3, "--max-new-tokens", 8]

    def refused(self, run, words, expect=ERROR, **options):
        """The error output of a command that cannot work."""
        begin = time.monotonic()
        done = subprocess.run([str(word) for word in words], text=True,
                              capture_output=True, timeout=300, **options)
        self.assertEqual(done.returncode, expect,
                         self.story(run, done.stdout + done.stderr))
        self.assertLess(time.monotonic() - begin, HALF_A_MINUTE, done.stderr)
        self.assertEqual(programs.living(run), [])
        return done.stderr

    @unittest.skipUnless(new_network(), "no right to make a network")
    def test_loopback_that_is_down_is_named(self):
        run = self.new_run("loopback")
        said = self.refused(run, ["unshare", "-n",
                                  *self.run_words(run, "--workers", 1)])
        last = said.strip().splitlines()[-1]
        self.assertRegex(last, r"cannot reach .*127\.0\.0\.1:\d+")
        self.assertIn("loopback interface", last)
        done = subprocess.run(["unshare", "-n", programs.BIN / "lens",
                               "doctor"], text=True, capture_output=True,
                              timeout=120)
        self.assertEqual(done.returncode, ERROR, done.stdout)
        self.assertIn("PROBLEM  network   the loopback interface is down",
                      done.stdout)

    def test_process_that_finds_no_memory_is_quoted(self):
        run = self.new_run("memory")

        def limit():
            resource.setrlimit(resource.RLIMIT_AS, (400_000 << 10,) * 2)
        said = self.refused(run, self.run_words(run, "--workers", 1),
                            preexec_fn=limit)
        # Of whichever process met the limit first.
        self.assertRegex(said, "failed to map|bad_alloc|allocate memory")

    def test_reason_of_several_workers_comes_before_the_words_of_mpirun(self):
        weights = self.folder / "gone"
        shutil.copytree(programs.MODEL, weights)
        run = self.new_run("several")
        words = [str(weights) if word == str(programs.MODEL) else word
                 for word in self.run_words(run, "--workers", 2, "--limit", 30,
                                            "--max-new-tokens", 100)]
        process = self.start(words)
        self.await_parts(run, 1)
        for file in weights.glob("*.safetensors"):
            file.unlink()
        programs.hit(programs.processes(run)["lens-worker"], signal.SIGKILL)
        self.wait_end(process, run, ERROR, seconds=120)
        said = self.text_of(process)
        self.assertIn(".safetensors", said.split("last lines of")[1])
        self.assertNotIn("Primary job", said)

    def test_one_worker_needs_nothing_of_its_surroundings(self):
        run = self.new_run("bare")
        done = subprocess.run(["env", "-i",
                               *self.run_words(run, "--workers", 1)],
                              text=True, capture_output=True, timeout=120)
        self.assertEqual(done.returncode, OK, self.story(run, done.stderr))
        run = self.new_run("tmpdir-1")
        done = subprocess.run(self.run_words(run, "--workers", 1), text=True,
                              capture_output=True, timeout=120,
                              env=os.environ | {"TMPDIR": "/proc/nowhere"})
        self.assertEqual(done.returncode, OK, self.story(run, done.stderr))
        self.assert_same_result(run)

    def test_several_workers_are_told_the_name_of_tmpdir(self):
        run = self.new_run("tmpdir-2")
        said = self.refused(run, self.run_words(run, "--workers", 2),
                            env=os.environ | {"TMPDIR": "/proc/nowhere"})
        last = said.strip().splitlines()[-1]
        self.assertIn("TMPDIR=/proc/nowhere", last)
        self.assertIn("--workers 1", last)
        done = subprocess.run([programs.BIN / "lens", "doctor"], text=True,
                              capture_output=True, timeout=120,
                              env=os.environ | {"TMPDIR": "/proc/nowhere"})
        self.assertIn("TMPDIR=/proc/nowhere", done.stdout)

    def test_outer_launcher_is_not_handed_on(self):
        for workers in (1, 2):
            with self.subTest(workers=workers):
                run = self.new_run(f"outer-{workers}")
                outer = {"OMPI_COMM_WORLD_SIZE": "8", "PMIX_RANK": "5",
                         "OMPI_COMM_WORLD_RANK": "5",
                         "PMIX_NAMESPACE": "gone", "PMI_RANK": "5"}
                done = subprocess.run(
                    self.run_words(run, "--workers", workers), text=True,
                    capture_output=True, timeout=120, env=os.environ | outer)
                self.assertEqual(done.returncode, OK,
                                 self.story(run, done.stderr))
                self.assertIn(f"of {workers} on",
                              (run / "logs/workers.log").read_text())

    def test_one_worker_is_started_without_a_launcher(self):
        run = self.new_run("alone")
        process = self.start(self.run_words(run, "--workers", 1))
        programs.until(lambda: programs.processes(run)["lens-worker"], 60,
                       "a worker")
        self.assertEqual(programs.processes(run)["mpirun"], [])
        self.wait_end(process, run, OK)

    def test_frozen_coordinator_does_not_keep_the_command_for_ever(self):
        run = self.new_run("frozen")
        process = self.start(self.run_words(run, "--limit", 30,
                                            "--max-new-tokens", 100,
                                            "--workers", 1))
        self.await_parts(run, 3)
        programs.hit(programs.processes(run)["lens-coordinator"],
                     signal.SIGSTOP)
        time.sleep(1)
        process.terminate()
        self.wait_end(process, run, INTERRUPTED, seconds=100)
        self.assertIn("has not answered for 1 min", self.text_of(process))
        self.assertEqual(programs.living(run), [])

    # Of another user: only root can become one.

    def as_nobody(self, words, **limits):
        def become():
            for name, value in limits.items():
                resource.setrlimit(getattr(resource, name), (value, value))
            os.setgroups([])
            os.setgid(NOBODY)
            os.setuid(NOBODY)
        return subprocess.run([str(word) for word in words], text=True,
                              capture_output=True, timeout=120,
                              preexec_fn=become, cwd="/")

    def reachable(self):
        """Whether another user can start the programs at all."""
        if os.geteuid() != 0:
            self.skipTest("only root can become another user")
        done = self.as_nobody([programs.BIN / "lens", "--version"])
        if done.returncode != OK:
            self.skipTest("another user cannot start the programs here")
        for folder in (self.folder, self.folder.parent):
            if folder != pathlib.Path("/tmp"):
                folder.chmod(0o755)

    def test_status_of_a_run_of_another_user_says_whom_to_ask(self):
        self.reachable()
        run = self.new_run("others")
        process = self.start(self.run_words(run, "--limit", 30,
                                            "--max-new-tokens", 100,
                                            "--workers", 1))
        self.await_parts(run, 1)
        done = self.as_nobody([programs.BIN / "lens", "status", run])
        self.assertEqual(done.returncode, ERROR, done.stdout)
        self.assertEqual(len(done.stderr.strip().splitlines()), 1, done.stderr)
        self.assertIn("credentials in .auth are not yours to read); ask root",
                      done.stderr)
        process.terminate()
        self.wait_end(process, run, (INTERRUPTED, OK))

    def test_limit_of_processes_is_named(self):
        self.reachable()
        # Too few for lens, for the coordinator beside it, for a worker beside
        # both, where there are few cores.
        for limit in (1, 12, 34):
            with self.subTest(limit=limit):
                out = self.new_run(f"limited-{limit}")
                out.mkdir()
                os.chown(out, NOBODY, NOBODY)
                done = self.as_nobody(self.run_words(out, "--workers", 1),
                                      RLIMIT_NPROC=limit)
                if done.returncode == OK and limit > 30:
                    continue
                self.assertEqual(done.returncode, ERROR,
                                 done.stdout + done.stderr)
                self.assertIn("ulimit -u", done.stderr)


if __name__ == "__main__":
    programs.main()
