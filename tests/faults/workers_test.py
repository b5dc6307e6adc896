"""Any number of workers, whenever they come, gives the same bytes.

    workers_test.py --bin build/bin
"""

import random
import signal
import threading
import time

import programs
from programs import (INTERRUPTED, OK, RunCase, hit, parts, processes, settle,
                      until)


def completion_order(run):
    """Units in the order in which their parts were placed."""
    placed = sorted(parts(run), key=lambda part: part.stat().st_mtime_ns)
    return [int(part.name.split(".")[0]) for part in placed]


class Suspender(threading.Thread):
    """Stops one worker after another for a moment, so that they finish out of
    turn."""

    def __init__(self, run):
        super().__init__(daemon=True)
        self.run_directory = run
        self.stopped = 0
        self.ended = threading.Event()

    def run(self):
        chance = random.Random(1)
        while not self.ended.wait(0.02):
            workers = processes(self.run_directory)["lens-worker"]
            if len(workers) < 2:
                continue
            victim = [chance.choice(workers)]
            hit(victim, signal.SIGSTOP)
            self.stopped += 1
            self.ended.wait(chance.uniform(0.05, 0.3))
            hit(victim, signal.SIGCONT)


class WorkersTest(RunCase):
    def test_1_2_and_3_workers_give_the_same_bytes_in_any_order(self):
        self.undisturbed()  # by one worker
        for workers in (2, 3):
            with self.subTest(workers=workers):
                run = self.new_run(f"workers{workers}")
                suspender = Suspender(run)
                suspender.start()
                self.run_to_end(run, "--workers", workers)
                suspender.ended.set()
                suspender.join()
                self.assertGreater(suspender.stopped, 0)
                order = completion_order(run)
                self.assertNotEqual(order, sorted(order))
                self.assert_same_result(run)

    def test_worlds_of_1_2_and_4_ranks_work_and_leave_with_0(self):
        for ranks in (1, 2, 4):
            with self.subTest(ranks=ranks):
                run = self.folder / f"world{ranks}"
                self.plan(run)
                coordinator = self.start_coordinator(run)
                world = self.start_world(run, ranks)
                joined = self.await_status(
                    run, lambda s: len(s["workers"]) == ranks,
                    f"{ranks} workers")["workers"]
                self.assertEqual(sorted(w["rank"] for w in joined),
                                 list(range(ranks)))
                self.wait_end(world, run, OK)
                self.wait_end(coordinator, run, OK)
                self.lens("merge", run)
                self.assert_same_result(run)

    def test_late_world_joins_and_gets_units(self):
        run = self.new_run("late")
        process = self.start(self.run_words(run, "--workers", 1))
        self.await_parts(run, 1)
        first = processes(run)["lens-worker"]
        late = self.start_world(run, 1)
        # Idle or not, it is told when no work is left.
        shares = {}

        def late_has_units():
            for worker in self.status(run)["workers"]:
                shares[worker["pid"]] = worker["samples_done"]
            return any(done for pid, done in shares.items()
                       if pid not in first)
        until(late_has_units, 30, f"a unit done by the late worker {shares}")
        self.wait_end(process, run, OK)
        self.wait_end(late, run, OK)
        self.assertEqual(len(first), 1)
        self.assert_same_result(run)

    def test_workers_before_their_coordinator_wait_for_it(self):
        run = self.folder / "early"
        self.plan(run)
        world = self.start_world(run, 1)
        until(lambda: processes(run)["lens-worker"], 20, "a worker")
        time.sleep(1)
        coordinator = self.start_coordinator(run)
        self.await_parts(run, 2)
        # It goes; another one comes; the same worker goes on with it.
        coordinator.send_signal(signal.SIGKILL)
        coordinator.wait()
        worker = processes(run)["lens-worker"]
        coordinator = self.start_coordinator(run)
        done = len(parts(run))
        self.await_parts(run, done + 2)
        self.assertEqual(processes(run)["lens-worker"], worker)
        self.wait_end(world, run, OK)
        self.wait_end(coordinator, run, OK)
        self.lens("merge", run)
        self.assert_same_result(run)

    def test_workers_without_a_coordinator_leave_on_request(self):
        run = self.folder / "alone"
        self.plan(run)
        worker = self.start([programs.BIN / "lens-worker", run])
        time.sleep(2)
        worker.send_signal(signal.SIGTERM)
        self.wait_end(worker, run, INTERRUPTED, seconds=10)
        settle(run, 5)


if __name__ == "__main__":
    programs.main()
