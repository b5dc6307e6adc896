"""kill -9 of anything, then the same command: the same bytes.

    kill_test.py --bin build/bin
"""

import signal
import time

import programs
from programs import ERROR, OK, RunCase, hit, living, processes, settle

# Workers that have lost their launcher or their coordinator, and coordinators
# that have lost their workers, are gone within this.
ORPHAN_SECONDS = 20


class KillTest(RunCase):
    def started(self, name, *more):
        run = self.new_run(name)
        process = self.start(self.run_words(run, "--workers", 2, *more))
        self.await_parts(run, 4)
        return run, process

    def test_killed_worker_is_replaced(self):
        run, process = self.started("worker")
        hit(processes(run)["lens-worker"][:1], signal.SIGKILL)
        self.wait_end(process, run, OK)
        self.assertIn("starting them again", self.text_of(process))
        self.assertEqual(living(run), [])
        self.assert_same_result(run)
        self.lens("verify", run)

    def test_killed_launcher_is_replaced(self):
        run, process = self.started("mpirun")
        hit(processes(run)["mpirun"], signal.SIGKILL)
        self.wait_end(process, run, OK)
        self.assertEqual(living(run), [])
        self.assert_same_result(run)

    def test_killed_coordinator_is_replaced_and_workers_stay(self):
        run, process = self.started("coordinator")
        workers = processes(run)["lens-worker"]
        hit(processes(run)["lens-coordinator"], signal.SIGKILL)
        programs.until(lambda: processes(run)["lens-coordinator"], 10,
                       "another coordinator")
        time.sleep(0.5)
        self.assertEqual(processes(run)["lens-worker"], workers)
        self.wait_end(process, run, OK)
        self.assertIn("the coordinator ended", self.text_of(process))
        _, epoch = self.assert_same_result(run)
        self.assertEqual(epoch, 2)

    def resume_after(self, run, process, victims):
        hit(victims, signal.SIGKILL)
        process.wait(10)
        begin = time.monotonic()
        self.run_to_end(run, "--workers", 2)
        print(f"{run.name}: done {time.monotonic() - begin:.1f} s after the "
              "kill")
        self.assertEqual(living(run), [])
        self.assert_same_result(run)
        self.lens("verify", run)

    def test_same_command_right_after_lens_was_killed(self):
        run, process = self.started("lens")
        self.resume_after(run, process, processes(run)["lens"])

    def test_same_command_right_after_everything_was_killed(self):
        run, process = self.started("everything")
        self.resume_after(run, process, living(run))

    def test_same_command_right_after_lens_and_the_launcher_were_killed(self):
        run, process = self.started("lens-mpirun")
        found = processes(run)
        self.resume_after(run, process, found["lens"] + found["mpirun"])

    def test_no_process_outlives_a_killed_lens(self):
        for victims in (("lens",), ("lens", "mpirun", "lens-coordinator")):
            name = "orphans-" + "-".join(victims)
            with self.subTest(name):
                run, process = self.started(name)
                found = processes(run)
                hit([pid for name in victims for pid in found[name]],
                    signal.SIGKILL)
                process.wait(10)
                print(f"{name}: all processes gone after "
                      f"{settle(run, ORPHAN_SECONDS):.1f} s")
                self.assertIn(self.status(run)["state"],
                              ("interrupted", "complete"))

    def test_parts_lost_after_their_commit_are_made_again(self):
        run, process = self.started("lost")
        hit(living(run), signal.SIGKILL)
        process.wait(10)
        committed = [run / row[0] for row in programs.ledger(
            run, "SELECT part_file FROM commits")]
        committed[0].unlink()
        with open(committed[-1], "r+b") as cut:
            cut.truncate(100)
        self.run_to_end(run, "--workers", 2)
        self.assertIn("is gone: it is done again",
                      (run / "logs/coordinator.log").read_text())
        self.assert_same_result(run)
        # After the merge, too, where its file has gone with a part.
        (run / "results.h5").unlink()
        committed[1].unlink()
        self.run_to_end(run, "--workers", 1)
        self.assert_same_result(run)
        self.lens("verify", run)

    def test_second_lens_is_refused_while_one_runs(self):
        run, process = self.started("twice")
        second = self.lens(*self.run_words(run)[1:], expect=ERROR)
        self.assertIn("lens status", second.stderr)
        self.assertEqual(len(second.stderr.strip().splitlines()), 1)
        self.wait_end(process, run, OK)
        self.assert_same_result(run)


if __name__ == "__main__":
    programs.main()
