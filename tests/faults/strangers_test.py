"""Whoever knows the port, and no more, cannot stop a run or learn its token.

    strangers_test.py --bin build/bin
"""

import contextlib
import json
import os
import re
import resource
import signal
import socket
import threading
import unittest

import programs
from network_test import NetworkCase
from programs import OK, RunCase, hit, ledger, until

LOST, KILLED = 1, 6  # classes in the ledger


class Strangers:
    """Connections that say nothing, made again when they are closed."""

    def __init__(self, port, count):
        self.port = port
        self.count = count
        self.sockets = []
        self.ended = threading.Event()
        self.thread = threading.Thread(target=self.hold)

    def __enter__(self):
        self.limits = resource.getrlimit(resource.RLIMIT_NOFILE)
        resource.setrlimit(resource.RLIMIT_NOFILE, (self.limits[1],) * 2)
        for _ in range(self.count):
            self.knock()
        self.thread.start()
        return self

    def __exit__(self, *_):
        self.ended.set()
        self.thread.join()
        for connection in self.sockets:
            connection.close()
        resource.setrlimit(resource.RLIMIT_NOFILE, self.limits)

    def knock(self):
        connection = socket.socket()
        connection.settimeout(10)
        try:
            connection.connect(("127.0.0.1", self.port))
        except OSError:
            connection.close()
            return
        connection.setblocking(False)
        self.sockets.append(connection)

    def hold(self):
        while not self.ended.wait(0.2):
            for connection in list(self.sockets):
                with contextlib.suppress(ConnectionError):
                    try:
                        if connection.recv(1):
                            continue
                    except BlockingIOError:
                        continue
                self.sockets.remove(connection)
                connection.close()
                self.knock()


class StrangersTest(NetworkCase):
    SAMPLES = 120

    @unittest.skipIf(resource.getrlimit(resource.RLIMIT_NOFILE)[1] < 1300,
                     "this process may not open 1,300 files")
    def test_strangers_that_take_all_descriptors_do_not_stop_a_run(self):
        run = self.folder / "strangers"
        self.plan(run)
        coordinator = self.start_coordinator(
            run, preexec_fn=lambda: resource.setrlimit(
                resource.RLIMIT_NOFILE, (1024, 1024)))
        workers = [self.start_worker(run) for _ in range(2)]
        self.await_parts(run, 2)
        port = json.loads((run / "coordinator.json").read_text())["port"]
        with Strangers(port, 1100):
            # Of the two that work, for the run must not end without the third.
            hit([workers[1].pid], signal.SIGSTOP)
            hit([workers[0].pid], signal.SIGKILL)
            workers[0].wait()
            workers[0] = self.start_worker(run)
            until(lambda: self.text_of(coordinator).count("worker joined") == 3,
                  60, "the third worker")
            hit([workers[1].pid], signal.SIGCONT)
            for process in (*workers, coordinator):
                self.wait_end(process, run, OK, seconds=200)
        said = self.text_of(coordinator)
        self.assertIn("1024 files may be open", said)
        # The one that was stopped comes in again where its leases ran out: the
        # third may have needed longer than that.
        self.assertEqual(
            len(set(re.findall(r"worker joined: \S+ pid (\d+) ", said))), 3)
        self.lens("merge", run)
        self.assert_same_result(run)
        classes = {row[0] for row in ledger(
            run, "SELECT class FROM failures")}
        self.assertLessEqual(classes, {LOST, KILLED})


class SecretsTest(RunCase):
    WORDS = ["--limit", 2, "--max-new-tokens", 2]

    def test_no_trace_of_grpc_spells_the_token(self):
        """GRPC_TRACE asks gRPC for all that it sends."""
        run = self.new_run("traced")
        traced = os.environ | {"GRPC_TRACE": "all", "GRPC_VERBOSITY": "DEBUG"}
        process = self.start(self.run_words(run, "--workers", 2), env=traced)
        programs.until(lambda: (run / "coordinator.json").exists(), 60,
                       "a coordinator")
        token = (run / ".auth/token").read_text()
        status = self.start([programs.BIN / "lens", "status", run], env=traced)
        self.wait_end(status, run, OK)
        self.wait_end(process, run, OK, seconds=200)
        said = {"lens": self.text_of(process), "status": self.text_of(status)}
        said |= {log.name: log.read_text(errors="replace")
                 for log in (run / "logs").iterdir()}
        self.assertGreaterEqual(len(said), 4)
        for name, text in said.items():
            self.assertNotIn(token, text, name)
            self.assertNotIn(".cc:", text, name)


if __name__ == "__main__":
    programs.main()
