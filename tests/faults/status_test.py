"""`lens status` in every state a run can be in.

    status_test.py --bin build/bin
"""

import contextlib
import json
import signal
import time

import programs
from programs import ERROR, INTERRUPTED, OK, RunCase, hit, processes, until

# Whatever happens, an answer comes within this.
ANSWER_SECONDS = 5
KEYS = {"state", "datasets", "workers", "samples_per_second", "eta_seconds",
        "samples_total", "samples_done", "samples_failed", "units", "failures",
        "oldest_lease_seconds", "uptime_seconds", "draining", "run_id",
        "source", "results", "message"}


@contextlib.contextmanager
def suspended(pids):
    hit(pids, signal.SIGSTOP)
    try:
        yield
    finally:
        hit(pids, signal.SIGCONT)


class StatusTest(RunCase):
    def seen(self, run, *states):
        """The JSON status, after checks that hold in every state."""
        done = self.lens("status", run, "--json")
        self.assertLess(done.seconds, ANSWER_SECONDS)
        status = json.loads(done.stdout)
        self.assertEqual(KEYS - set(status), set())
        self.assertIn(status["state"], states, status)
        self.assertTrue(status["message"])
        self.assertNotIn("\n", status["message"])
        text = self.lens("status", run).stdout
        self.assertIn(": ", text.splitlines()[0])
        return status

    def test_nothing_there(self):
        nowhere = self.folder / "nowhere"
        empty = self.folder / "empty"
        empty.mkdir()
        for place, why in ((nowhere, "no such folder"),
                           (empty, "manifest.json")):
            done = self.lens("status", place, expect=ERROR)
            self.assertIn(str(place), done.stderr)
            self.assertIn(why, done.stderr)
            self.assertIn("--out", done.stderr)
            self.assertEqual(len(done.stderr.strip().splitlines()), 1)
        self.assertEqual(list(empty.iterdir()), [])

    def test_planned_starting_running_complete(self):
        run = self.folder / "stages"
        self.plan(run)
        planned = self.seen(run, "interrupted", "planned")
        self.assertIn("not started", planned["message"])
        self.assertEqual(planned["samples_done"], 0)

        coordinator = self.start_coordinator(run)
        starting = self.seen(run, "running", "starting")
        self.assertIn("waiting for workers", starting["message"])
        self.assertIsNone(starting["eta_seconds"])

        world = self.start_world(run, 1)
        self.await_parts(run, 3)
        running = self.seen(run, "running")
        self.assertEqual(len(running["workers"]), 1)
        self.assertGreater(running["samples_done"], 0)
        self.assertIn("1 worker", running["message"])
        self.wait_end(world, run, OK)
        self.wait_end(coordinator, run, OK)

        merging = self.seen(run, "interrupted", "merging")
        self.assertIn("lens merge", merging["message"])
        self.lens("merge", run)
        complete = self.seen(run, "complete")
        self.assertEqual(complete["results"], str(run / "results.h5"))
        self.assertIn("results.h5", complete["message"])
        self.assertEqual(complete["samples_done"], complete["samples_total"])

    def test_draining_then_interrupted(self):
        run = self.folder / "draining"
        self.plan(run)
        coordinator = self.start_coordinator(run)
        world = self.start_world(run, 1)
        self.await_parts(run, 2)
        workers = processes(run)["lens-worker"]
        with suspended(workers):
            coordinator.send_signal(signal.SIGTERM)
            draining = self.await_status(
                run, lambda s: s["draining"], "draining", 5)
            self.assertIn(draining["state"], ("running", "draining"))
            self.assertIn("draining: waiting for", draining["message"])
            self.assertIn("draining",
                          self.lens("status", run).stdout.splitlines()[0])
        self.wait_end(world, run, INTERRUPTED)
        self.wait_end(coordinator, run, INTERRUPTED)
        interrupted = self.seen(run, "interrupted")
        self.assertIn("same command", interrupted["message"])
        self.assertEqual(interrupted["source"], "ledger")

    def test_killed_coordinator_leaves_a_status(self):
        run = self.folder / "killed"
        self.plan(run)
        coordinator = self.start_coordinator(run)
        world = self.start_world(run, 1)
        self.await_parts(run, 3)
        coordinator.kill()
        coordinator.wait()
        self.assertTrue((run / "coordinator.json").exists())
        status = self.seen(run, "interrupted")
        self.assertEqual(status["source"], "ledger")
        self.assertGreaterEqual(status["units"]["committed"], 2)
        hit([world.pid], signal.SIGTERM)
        self.wait_end(world, run, (INTERRUPTED, 143, 1), seconds=20)

    def test_suspended_coordinator_is_said_not_to_answer(self):
        run = self.new_run("silent")
        process = self.start(self.run_words(run))
        self.await_parts(run, 2)
        with suspended(processes(run)["lens-coordinator"]):
            done = self.lens("status", run, "--json", expect=None)
            self.assertLess(done.seconds, 20)
            if done.returncode == OK:
                self.assertIn(json.loads(done.stdout)["state"],
                              ("running", "stalled", "starting"))
            else:
                self.assertEqual(done.returncode, ERROR)
                self.assertEqual(len(done.stderr.strip().splitlines()), 1)
        self.wait_end(process, run, OK)
        self.assert_same_result(run)

    def test_suspended_worker_loses_its_units_and_shows(self):
        run = self.folder / "stalled"
        self.plan(run)
        coordinator = self.start_coordinator(
            run, "--lease-seconds", 2, "--heartbeat-seconds", 0.2)
        world = self.start_world(run, 1)
        self.await_parts(run, 2)
        with suspended(processes(run)["lens-worker"]):
            silent = self.await_status(
                run, lambda s: s["workers"]
                and s["workers"][0]["seconds_since_heartbeat"] > 1,
                "a silent worker", 5)
            self.assertIn(silent["state"], ("running", "stalled"))
            self.assertRegex(self.lens("status", run).stdout,
                             r"heard [1-9][0-9.]* s ago")
            lost = self.await_status(
                run, lambda s: s["units"]["leased"] == 0, "lost leases", 10)
            self.assertEqual(lost["failures"][0]["class"], "lost")
            self.assertEqual(lost["workers"], [])
            self.assertIn("waiting for workers", lost["message"])
        self.wait_end(world, run, OK)
        self.wait_end(coordinator, run, OK)
        self.lens("merge", run)
        self.assert_same_result(run)

    def test_merge_about_to_begin(self):
        run = self.new_run("merge")
        process = self.start(self.run_words(run))
        self.await_parts(run, 2)
        with suspended([process.pid]):
            merging = self.await_status(
                run, lambda s: s["units"]["committed"] == s["units"]["total"],
                "all committed", 60)
            self.assertEqual(merging["state"], "merging", merging)
            until(lambda: not processes(run)["lens-worker"], 20,
                  "workers that leave")
            self.assertEqual(self.seen(run, "merging")["samples_done"],
                             merging["samples_total"])
        self.wait_end(process, run, OK)
        self.assert_same_result(run)

    def test_failed_run_says_why_and_a_repaired_one_goes_on(self):
        run = self.folder / "failed"
        self.plan(run)
        # Where the parts of a data set are to go lies a file.
        (run / "parts").mkdir(exist_ok=True)
        obstacle = run / "parts/mtvqa"
        obstacle.write_text("not a folder")
        done = self.run_to_end(run, expect=ERROR)
        self.assertIn("mtvqa", done.stderr)
        failed = self.seen(run, "failed")
        self.assertIn("mtvqa", failed["message"])
        self.assertIn("same command", failed["message"])
        # The units in hand when the run ended are lost, in any order.
        self.assertIn("store", {failure["class"]
                                for failure in failed["failures"]})
        obstacle.unlink()
        self.run_to_end(run)
        self.assert_same_result(run)

    def test_watch_ends_with_the_run(self):
        run = self.new_run("watch")
        process = self.start(self.run_words(run))
        until(lambda: (run / "ledger.sqlite").exists(), 20, "a ledger")
        begin = time.monotonic()
        lines = self.lens("status", run, "--json", "--watch",
                          timeout=60).stdout.splitlines()
        self.wait_end(process, run, OK)
        states = [json.loads(line)["state"] for line in lines]
        self.assertEqual(states[-1], "complete", states)
        self.assertEqual(set(states) - {"starting", "running", "merging",
                                        "complete"}, set())
        self.assertLessEqual(len(lines), time.monotonic() - begin + 2)


if __name__ == "__main__":
    programs.main()
