"""Who holds a lease keeps it: through a pause of the coordinator, and beside a
process of the same host name and pid.

    leases_test.py --bin build/bin
"""

import os
import signal
import subprocess
import time
import unittest

import programs
from programs import OK, RunCase, hit, ledger, until

# A process that is number 1 of a PID name space of its own, as in a container.
CONTAINER = ["unshare", "--pid", "--fork", "--kill-child", "--mount-proc"]


def containers_work():
    return subprocess.run([*CONTAINER, "true"], capture_output=True,
                          check=False).returncode == 0


class LeasesTest(RunCase):
    def start_worker(self, run, *launcher):
        return self.start([*launcher, programs.BIN / "lens-worker", run],
                          env=os.environ | {"OMP_NUM_THREADS": "1"})

    def finish(self, run, processes):
        for process in processes:
            self.wait_end(process, run, OK, seconds=200)
        self.lens("merge", run)
        self.assert_same_result(run)

    def test_two_workers_of_one_host_name_and_pid_work_side_by_side(self):
        if not containers_work():
            raise unittest.SkipTest("no PID name spaces here (unshare --pid)")
        run = self.folder / "containers"
        self.plan(run)
        coordinator = self.start_coordinator(run)
        workers = [self.start_worker(run, *CONTAINER) for _ in range(2)]
        status = self.await_status(
            run, lambda s: sum(w["samples_done"] > 0
                               for w in s["workers"]) == 2, "work of both")
        self.assertEqual([worker["pid"] for worker in status["workers"]],
                         [1, 1])
        self.finish(run, (*workers, coordinator))
        self.assertEqual(ledger(run, "SELECT count(*) FROM failures"), [(0,)])
        log = self.text_of(coordinator)
        self.assertEqual(log.count("worker joined"), 2, log)

    def test_pause_of_the_coordinator_costs_no_lease(self):
        run = self.folder / "pause"
        self.plan(run)
        coordinator = self.start_coordinator(
            run, "--lease-seconds", 2, "--heartbeat-seconds", 0.5)
        worker = self.start_worker(run)
        until(lambda: programs.parts(run), 60, "a first part")
        hit([coordinator.pid], signal.SIGSTOP)
        time.sleep(5)
        hit([coordinator.pid], signal.SIGCONT)
        until(lambda: "stood still for" in self.text_of(coordinator), 10,
              "a word about the pause")
        self.finish(run, (worker, coordinator))
        self.assertEqual(ledger(run, "SELECT count(*) FROM failures"), [(0,)])


if __name__ == "__main__":
    programs.main()
