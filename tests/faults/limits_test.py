"""A coordinator whose machine gives it too little says so, at once.

    limits_test.py --bin build/bin
"""

import resource
import signal
import subprocess

import programs
from programs import ERROR, RunCase, hit, until

KIB = 1024


class LimitsTest(RunCase):
    WORDS = ["--limit", 2, "--max-new-tokens", 2]

    def setUp(self):
        self.run_directory = self.folder / self._testMethodName
        self.plan(self.run_directory)

    def one_line(self, process):
        said = self.text_of(process).strip()
        self.assertEqual(len(said.splitlines()), 1, said)
        return said

    def test_address_space_that_is_too_small_is_named(self):
        address = self.run_directory / "coordinator.json"
        served = 0
        for size in (60_000, 150_000, 300_000, 400_000, 4_000_000):
            with self.subTest(kib=size):
                process = self.start(
                    [programs.BIN / "lens-coordinator", self.run_directory],
                    preexec_fn=lambda size=size: resource.setrlimit(
                        resource.RLIMIT_AS, (size * KIB, size * KIB)))
                until(lambda process=process: process.poll() is not None
                      or address.exists(), 30, "an end or a coordinator")
                if process.poll() is None:
                    served += 1
                    process.terminate()
                    process.wait(30)
                    continue
                # Between the two gRPC meets the limit first.
                self.assertIn(process.returncode, (ERROR, -signal.SIGABRT),
                              self.text_of(process))
                self.assertRegex(self.one_line(process), "`ulimit -[va]`")
        self.assertGreater(served, 0)

    def test_status_names_a_coordinator_that_does_not_answer(self):
        process = self.start_coordinator(self.run_directory)
        hit([process.pid], signal.SIGSTOP)
        done = self.lens("status", self.run_directory, expect=ERROR)
        hit([process.pid], signal.SIGCONT)
        self.assertIn("the coordinator at 127.0.0.1:", done.stderr)
        self.assertIn(" does not answer (", done.stderr)
        self.assertEqual(len(done.stderr.strip().splitlines()), 1, done.stderr)

    def test_loopback_interface_that_is_down_is_named(self):
        lone = ["unshare", "--map-root-user", "--net"]
        if subprocess.run([*lone, "true"], capture_output=True,
                          check=False).returncode != 0:
            self.skipTest("no network name space can be made here")
        process = self.start([*lone, programs.BIN / "lens-coordinator",
                              self.run_directory])
        self.wait_end(process, self.run_directory, ERROR, seconds=30)
        said = self.one_line(process)
        self.assertIn("cannot reach my own address 127.0.0.1:", said)
        self.assertIn("loopback", said)


if __name__ == "__main__":
    programs.main()
