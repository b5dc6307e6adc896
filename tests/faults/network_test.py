"""The network between coordinator and workers fails, and heals: every worker
works again, and the bytes are the same.

    network_test.py --bin build/bin
"""

import contextlib
import json
import os
import signal
import time

import programs
from programs import OK, RepeatedCase, hit
from proxy import Proxy

# A worker works again within this of the return of its coordinator, with the
# heartbeat that is the default.
BACK_SECONDS = 10


class NetworkCase(RepeatedCase):
    """A run that lasts, in short units, and what can be done to its network."""

    SAMPLES = 600
    TO_ITS_END = 300  # seconds, on a busy machine
    WORDS = ["--unit-images", 2, "--max-new-tokens", 60]

    def start_worker(self, run, **environment):
        return self.start([programs.BIN / "lens-worker", run],
                          env=os.environ | {"OMP_NUM_THREADS": "1"}
                          | environment)

    @contextlib.contextmanager
    def disturbed(self, name, workers=2):
        """Yields the run, its coordinator, its workers and the proxy they come
        through; then the run has to end well."""
        run = self.folder / name
        self.plan(run)
        coordinator = self.start_coordinator(run)
        with Proxy(run) as proxy:
            ranks = [self.start_worker(run) for _ in range(workers)]
            self.await_parts(run, workers)
            yield run, coordinator, ranks, proxy
            for process in (*ranks, coordinator):
                self.wait_end(process, run, OK, seconds=self.TO_ITS_END)
        self.lens("merge", run)
        self.assert_same_result(run)

    def assert_all_work_again(self, run, workers, what):
        """Call it at the moment of the return."""
        begin = time.monotonic()
        waiting = {process.pid for process in workers}
        while waiting:
            done = self.lens("status", run, "--json", expect=None)
            since = time.monotonic() - begin
            if done.returncode == OK:
                status = json.loads(done.stdout)
                waiting -= {worker["pid"] for worker in status["workers"]
                            if worker["seconds_since_heartbeat"] < since - 0.2
                            and worker["units"]}
            ended = [self.text_of(process) for process in workers
                     if process.poll() is not None]
            self.assertFalse(ended, what)
            if since > BACK_SECONDS:
                self.fail("\n".join(
                    [f"{what}: {len(waiting)} workers do not work after "
                     f"{since:.1f} s",
                     *(self.text_of(process) for process in workers)]))
        print(f"{what}: all work after {time.monotonic() - begin:.1f} s",
              flush=True)

    def cut(self, proxy, _, seconds):
        proxy.refuse()
        time.sleep(seconds)
        proxy.passes()

    def drop(self, proxy, _, seconds):
        proxy.drop()
        time.sleep(seconds)

    def black_hole(self, proxy, _, seconds):
        proxy.stall()
        time.sleep(seconds)
        proxy.forget()  # what went into it is lost
        proxy.passes()

    def half_open(self, proxy, _, seconds):
        proxy.stall()
        proxy.forget()
        time.sleep(seconds)
        proxy.passes()

    def stop_coordinator(self, _, coordinator, seconds):
        hit([coordinator.pid], signal.SIGSTOP)
        time.sleep(seconds)
        hit([coordinator.pid], signal.SIGCONT)


class NetworkTest(NetworkCase):
    def test_workers_work_again_after_every_fault(self):
        with self.disturbed("faults") as (run, coordinator, workers, proxy):
            for fault, seconds in ((self.cut, 1), (self.cut, 2), (self.cut, 5),
                                   (self.drop, 0), (self.black_hole, 5),
                                   (self.half_open, 3),
                                   (self.stop_coordinator, 5)):
                fault(proxy, coordinator, seconds)
                self.assert_all_work_again(
                    run, workers, f"{fault.__name__} of {seconds} s")
            for worker in workers:
                self.assertIn("waiting for the coordinator at 127.0.0.1:"
                              f"{proxy.port} (", self.text_of(worker))
                self.assertIn("the coordinator answers again after ",
                              self.text_of(worker))

    def test_trickling_network_slows_a_run_and_no_more(self):
        with self.disturbed("trickle") as (run, _, workers, proxy):
            proxy.trickle(2000)
            time.sleep(5)
            for worker in workers:
                self.assertIsNone(worker.poll(), self.text_of(worker))
            proxy.passes()
            self.assert_all_work_again(run, workers, "trickle of 5 s")


if __name__ == "__main__":
    programs.main()
