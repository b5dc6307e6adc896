"""A signal to any of the programs ends the work in hand in an orderly way.

    drain_test.py --bin build/bin
"""

import signal

import programs
from programs import INTERRUPTED, OK, RunCase, living, parts, settle

LOST = 1  # failure class of the ledger
SIGNALS = (signal.SIGTERM, signal.SIGUSR1)


class DrainTest(RunCase):
    def drained(self, name, number, program):
        """A run of lens, its `program` having got the signal half-way."""
        run = self.new_run(f"{name}-{signal.Signals(number).name}")
        process = self.start(self.run_words(run, "--workers", 2))
        self.await_parts(run, 4)
        programs.hit(programs.processes(run)[program], number)
        return run, process

    def goes_on(self, run):
        """The same command completes and keeps what was committed."""
        state = self.status(run)
        self.assertEqual(state["state"], "interrupted", state)
        self.assertIn("same command", state["message"])
        self.assertGreaterEqual(state["units"]["committed"], 3)
        self.assertLess(state["units"]["committed"], state["units"]["total"])
        kept = {part: part.stat().st_mtime_ns for part in parts(run)}
        committed = {file for file, in programs.ledger(
            run, "SELECT part_file FROM commits")}
        self.assertEqual(len(committed), state["units"]["committed"])
        # A drain finishes or hands back: no part is without its commit.
        self.assertEqual({str(part.relative_to(run)) for part in kept},
                         committed)
        done = self.run_to_end(run, "--workers", 2)
        self.assertIn("resuming", done.stderr)
        for part, time_ns in kept.items():
            self.assertEqual(part.stat().st_mtime_ns, time_ns, part)
        self.assert_same_result(run)

    def test_signal_to_lens_drains(self):
        for number in SIGNALS:
            with self.subTest(signal=number):
                run, process = self.drained("lens", number, "lens")
                self.wait_end(process, run, INTERRUPTED, seconds=20)
                self.assertIn("go on with", self.text_of(process))
                self.assertEqual(living(run), [])
                if number == SIGNALS[0]:
                    self.goes_on(run)

    def test_signal_to_the_coordinator_drains_the_whole_run(self):
        for number in SIGNALS:
            with self.subTest(signal=number):
                run, process = self.drained("coordinator", number,
                                            "lens-coordinator")
                self.wait_end(process, run, INTERRUPTED, seconds=20)
                self.assertEqual(living(run), [])
                if number == SIGNALS[0]:
                    self.goes_on(run)

    def test_signal_to_the_workers_of_lens_has_them_started_again(self):
        for number, program in ((signal.SIGTERM, "mpirun"),
                                (signal.SIGUSR1, "mpirun"),
                                (signal.SIGTERM, "lens-worker")):
            with self.subTest(signal=number, program=program):
                run, process = self.drained(program, number, program)
                self.wait_end(process, run, OK)
                self.assertIn("starting them again", self.text_of(process))
                failures, _ = self.assert_same_result(run)
                self.assertEqual({row[4] for row in failures} - {LOST}, set())

    def test_world_of_a_batch_script_ends_with_75(self):
        for ranks, number, target in (
                (1, signal.SIGTERM, "lens-worker"),
                (2, signal.SIGUSR1, "mpirun"),
                (2, signal.SIGTERM, "lens-coordinator")):
            name = f"batch{ranks}-{target}-{signal.Signals(number).name}"
            with self.subTest(name):
                run = self.folder / name
                self.plan(run)
                coordinator = self.start_coordinator(run)
                world = self.start_world(run, ranks)
                self.await_parts(run, 3)
                programs.hit(programs.processes(run)[target], number)
                self.wait_end(world, run, INTERRUPTED, seconds=20)
                if target != "lens-coordinator":
                    # Nobody holds a unit any more, and work is left.
                    left = self.await_status(
                        run, lambda s: not s["workers"], "no workers", 5)
                    self.assertEqual(left["units"]["leased"], 0)
                    coordinator.send_signal(signal.SIGTERM)
                self.wait_end(coordinator, run, INTERRUPTED, seconds=15)
                settle(run, 5)
                self.assertEqual(self.status(run)["state"], "interrupted")


if __name__ == "__main__":
    programs.main()
