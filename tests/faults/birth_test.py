"""kill -9 of everything while a run is born, and what such a kill may leave:
the same command goes on.

    birth_test.py --bin build/bin
"""

import os
import shutil
import signal
import sqlite3
import subprocess
import sys
import time

import programs
from programs import MODEL, OK, RunCase, hit, living, processes

# Seconds after the start of the command, and after the ledger has appeared.
AFTER_START = (0.1, 0.3, 0.6, 0.9)
AFTER_LEDGER = (0.0, 0.001, 0.003, 0.01)


class BirthCase(RunCase):
    """Kills at a moment of the birth, and what has to follow."""

    WORDS = ["--unit-images", 1, "--limit", 3, "--max-new-tokens", 8,
             "--workers", 1]

    def resumes(self, run):
        self.assertEqual(living(run), [])
        self.run_to_end(run)
        self.assert_same_result(run)

    def kill_after_start(self, run, seconds):
        process = self.start(self.run_words(run))
        time.sleep(seconds)
        self.kill_all(run, process)

    def kill_after_ledger(self, run, seconds):
        process = self.start(self.run_words(run))
        [coordinator] = programs.until(
            lambda: processes(run)["lens-coordinator"], 60, "a coordinator")
        deadline = time.monotonic() + 60
        while not os.path.exists(run / "ledger.sqlite"):  # no pause: a moment
            self.assertLess(time.monotonic(), deadline)
        time.sleep(seconds)
        hit([coordinator], signal.SIGKILL)
        self.kill_all(run, process)

    def kill_all(self, run, process):
        process.kill()
        process.wait(10)
        programs.until(lambda: not living(run)
                       or hit(living(run), signal.SIGKILL), 20, "the end")


class BirthTest(BirthCase):
    def test_killed_in_the_first_second_the_same_command_goes_on(self):
        for seconds in AFTER_START:
            with self.subTest(after_start=seconds):
                run = self.new_run(f"start-{seconds}")
                self.kill_after_start(run, seconds)
                self.resumes(run)

    def test_killed_as_the_ledger_is_born_the_same_command_goes_on(self):
        for seconds in AFTER_LEDGER:
            with self.subTest(after_ledger=seconds):
                run = self.new_run(f"ledger-{seconds}")
                self.kill_after_ledger(run, seconds)
                self.resumes(run)

    # What a kill or a full disk can leave, made by hand.

    def empty_ledger(self, run):
        (run / "ledger.sqlite").touch()

    def ledger_with_a_header_alone(self, run):
        with sqlite3.connect(run / "ledger.sqlite") as base:
            base.execute("PRAGMA user_version = 1")

    def ledger_with_a_hot_journal(self, run):
        subprocess.run([sys.executable, "-c", f"""
import os, signal, sqlite3
base = sqlite3.connect({str(run / 'ledger.sqlite')!r}, isolation_level=None)
base.execute("PRAGMA cache_size = 1")
base.execute("BEGIN EXCLUSIVE")
base.execute("CREATE TABLE meta(key TEXT, value TEXT)")
base.executemany("INSERT INTO meta VALUES(?, ?)",
                 [(str(i), "x" * 1000) for i in range(500)])
os.kill(os.getpid(), signal.SIGKILL)"""])
        self.assertTrue((run / "ledger.sqlite-journal").exists())

    def no_manifest(self, run):
        (run / "manifest.json").unlink()

    def vocabulary_of_a_plan_that_was_cut_short(self, run):
        # A token of another model in it; nothing says that it belongs here.
        (run / "manifest.json").unlink()
        (run / "vocabulary.h5").write_bytes(b"of another model")

    def no_vocabulary(self, run):
        (run / "vocabulary.h5").unlink()

    def temporary_files(self, run):
        for name in ("manifest.json", "vocabulary.h5", "results.h5",
                     "coordinator.json"):
            (run / f"{name}.tmp").write_bytes(b"half")

    def credentials_that_were_never_filled(self, run):
        (run / ".auth").mkdir(mode=0o700)

    def no_folders(self, run):
        shutil.rmtree(run / "logs")
        shutil.rmtree(run / "parts")

    def address_that_is_none(self, run):
        (run / "coordinator.json").write_bytes(b"{")

    def test_half_born_directory_goes_on(self):
        for leave in (self.empty_ledger, self.ledger_with_a_header_alone,
                      self.ledger_with_a_hot_journal, self.no_manifest,
                      self.vocabulary_of_a_plan_that_was_cut_short,
                      self.no_vocabulary, self.temporary_files,
                      self.credentials_that_were_never_filled,
                      self.no_folders, self.address_that_is_none):
            with self.subTest(leave.__name__):
                run = self.folder / leave.__name__
                self.plan(run)
                leave(run)
                self.resumes(run)

    def test_status_of_a_half_born_run_says_that_it_has_not_started(self):
        run = self.folder / "status"
        self.plan(run)
        self.empty_ledger(run)
        state = self.status(run)
        self.assertEqual(state["state"], "interrupted")
        self.assertIn("not started", state["message"])

    def test_refused_plan_leaves_nothing_behind(self):
        run = self.folder / "deep/er/refused"
        words = [word if word != str(MODEL) else "/no/model"
                 for word in self.run_words(run, command="plan")]
        self.lens(*words[1:], expect=programs.ERROR)
        self.assertFalse((self.folder / "deep").exists())


if __name__ == "__main__":
    programs.main()
