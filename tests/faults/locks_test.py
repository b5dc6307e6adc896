"""Who has a run: two commands at once, and locks of programs that are none of
ours.

    locks_test.py --bin build/bin
"""

import json
import subprocess
import sys
import time

import programs
from programs import ERROR, INTERRUPTED, OK, RunCase

# Holds the lock named by its words until its input ends.
HOLDER = """
import fcntl, sqlite3, sys
kind, path = sys.argv[1:]
if kind == "read":
    held = sqlite3.connect(path, isolation_level=None)
    held.execute("BEGIN")
    held.execute("SELECT count(*) FROM meta").fetchall()
else:
    held = open(path, "a")
    fcntl.flock(held, fcntl.LOCK_SH if kind == "shared" else fcntl.LOCK_EX)
print("held", flush=True)
sys.stdin.read()
"""


class LocksTest(RunCase):
    WORDS = ["--unit-images", 1, "--limit", 3, "--max-new-tokens", 8,
             "--workers", 1]

    def stranger(self, kind, path):
        process = subprocess.Popen(
            [sys.executable, "-c", HOLDER, kind, path], text=True,
            stdin=subprocess.PIPE, stdout=subprocess.PIPE)
        self.addCleanup(self.end, process)
        self.assertEqual(process.stdout.readline(), "held\n")
        return process

    @staticmethod
    def end(process):
        for pipe in (process.stdin, process.stdout):
            pipe.close()
        process.wait(10)

    def test_two_commands_with_different_flags_make_one_run(self):
        for attempt in range(4):
            with self.subTest(attempt):
                run = self.new_run(f"two-{attempt}")
                started = {limit: self.start(self.run_words(run, "--limit",
                                                            limit))
                           for limit in (1, 2)}
                codes = {limit: process.wait(120)
                         for limit, process in started.items()}
                said = {limit: self.text_of(process)
                        for limit, process in started.items()}
                # The second is refused, be it by the lock, or, where the first
                # was done already, by the plan.
                self.assertEqual(sorted(codes.values()), [OK, ERROR], said)
                [winner] = [limit for limit in codes if codes[limit] == OK]
                loser = 3 - winner
                self.assertEqual(len(said[loser].strip().splitlines()), 1,
                                 said[loser])
                self.assertIn(str(run), said[loser])
                manifest = json.loads((run / "manifest.json").read_text())
                self.assertEqual(manifest["config"]["limit"], winner)

    def test_plan_is_refused_while_the_directory_is_in_work(self):
        run = self.new_run("plan")
        process = self.start(self.run_words(run, "--limit", 20))
        self.await_parts(run, 1)
        words = self.run_words(run, "--limit", 20, command="plan")
        done = self.lens(*words[1:], expect=ERROR)
        self.assertIn("another `lens run`", done.stderr)
        self.assertIn(f"pid {process.pid}", done.stderr)
        self.wait_end(process, run, OK)

    def test_exclusive_lock_of_a_stranger_is_named(self):
        run = self.folder / "exclusive"
        self.plan(run)
        stranger = self.stranger("exclusive", run / ".run.lock")
        done = self.lens(*self.run_words(run)[1:], expect=ERROR)
        self.assertIn(f"(pid {stranger.pid}) holds a lock on "
                      f"{run / '.run.lock'}", done.stderr)
        self.assertNotIn("another `lens run`", done.stderr)
        self.end(stranger)
        self.run_to_end(run)

    def test_shared_lock_of_a_stranger_that_goes_is_waited_for(self):
        run = self.folder / "shared"
        self.plan(run)
        stranger = self.stranger("shared", run / ".run.lock")
        process = self.start(self.run_words(run))
        time.sleep(1)
        self.end(stranger)
        self.wait_end(process, run, OK)

    def test_lock_file_is_closed_to_others(self):
        run = self.folder / "closed"
        self.plan(run)
        self.run_to_end(run)
        for name in (".run.lock", ".coordinator.lock"):
            self.assertEqual((run / name).stat().st_mode & 0o777, 0o600, name)

    def test_foreign_reader_of_the_ledger_is_named_and_waited_for(self):
        run = self.new_run("reader")
        process = self.start(self.run_words(run, "--limit", 20))
        self.await_parts(run, 3)
        process.terminate()
        self.wait_end(process, run, INTERRUPTED)
        stranger = self.stranger("read", run / "ledger.sqlite")
        process = self.start(self.run_words(run, "--limit", 20))
        log = run / "logs/coordinator.log"
        programs.until(lambda: f"(pid {stranger.pid}) to let go" in
                       log.read_text(), 30, "the reader's name")
        self.end(stranger)
        self.wait_end(process, run, OK)
        self.assertNotIn("another coordinator", log.read_text())

    def test_partial_merge_under_way_at_the_end_is_waited_for(self):
        run = self.folder / "merge"
        self.plan(run)
        stranger = self.stranger("exclusive", run / ".merge.lock")
        process = self.start(self.run_words(run))
        programs.until(lambda: "waiting: " in self.text_of(process), 60,
                       "a word about the merge")
        self.assertIsNone(process.poll())
        self.end(stranger)
        self.wait_end(process, run, OK)
        self.assert_same_result(run)

    def test_leftovers_are_not_taken_from_a_merge_under_way(self):
        run = self.new_run("leftovers")
        self.plan(run)
        coordinator = self.start_coordinator(run)
        coordinator.terminate()
        self.wait_end(coordinator, run, INTERRUPTED)
        left = run / "parts/latex_ocr/000000.1-1.h5"
        left.parent.mkdir(parents=True)
        left.write_bytes(b"a part of a unit that is not committed")
        holder = self.stranger("exclusive", run / ".merge.lock")
        for kept in (True, False):
            coordinator = self.start_coordinator(run)
            self.assertEqual(left.exists(), kept, self.text_of(coordinator))
            self.assertEqual("a merge is under way" in
                             self.text_of(coordinator), kept)
            coordinator.terminate()
            self.wait_end(coordinator, run, INTERRUPTED)
            holder.stdin.close()
            holder.wait(10)

    def test_signal_ends_the_wait_for_a_merge(self):
        run = self.folder / "merge-signal"
        self.plan(run)
        self.stranger("exclusive", run / ".merge.lock")
        process = self.start(self.run_words(run))
        programs.until(lambda: "waiting: " in self.text_of(process), 60,
                       "a word about the merge")
        process.terminate()
        self.wait_end(process, run, INTERRUPTED, seconds=20)


if __name__ == "__main__":
    programs.main()
