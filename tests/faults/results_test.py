"""A results.h5 that is there already: taken only if it is this run's and whole.

    results_test.py --bin build/bin
"""

import contextlib
import shutil
import sqlite3

import programs
from programs import ERROR, OK, RunCase, digest, ledger


class ResultsTest(RunCase):
    WORDS = ["--unit-images", 1, "--limit", 3, "--max-new-tokens", 8,
             "--workers", 1]

    @classmethod
    def setUpClass(cls):
        super().setUpClass()
        cls.undisturbed()
        cls.original = cls.folder / "undisturbed"

    def copy(self, name):
        run = self.new_run(name)
        shutil.copytree(self.original, run)
        return run

    def flip(self, run):
        with open(run / "results.h5", "r+b") as file:
            file.seek(file.seek(0, 2) // 2)
            byte = file.read(1)
            file.seek(-1, 1)
            file.write(bytes([byte[0] ^ 1]))

    def set_state(self, run, state):
        with contextlib.closing(sqlite3.connect(run / "ledger.sqlite")) as base:
            base.execute("UPDATE meta SET value = ? WHERE key = 'state'",
                         [state])
            base.commit()

    def both(self, run):
        return (self.run_words(run)[1:], ["merge", run])

    def test_whole_results_are_taken(self):
        run = self.copy("whole")
        before = (run / "results.h5").stat().st_mtime_ns
        done = self.run_to_end(run)
        self.assertIn("complete already", done.stderr)
        done = self.lens("merge", run)
        self.assertIn("complete already", done.stdout)
        self.assertEqual((run / "results.h5").stat().st_mtime_ns, before)

    def test_damaged_results_are_made_again_from_the_parts(self):
        for number, words in enumerate(self.both("")):
            with self.subTest(words[0]):
                run = self.copy(f"flip-{number}")
                self.flip(run)
                done = self.lens(*self.both(run)[number])
                self.assertIn("making it again", done.stderr)
                self.assert_same_result(run)

    def test_damaged_results_without_parts_are_named(self):
        run = self.copy("no-parts")
        self.flip(run)
        shutil.rmtree(run / "parts")
        for words in self.both(run):
            with self.subTest(words[0]):
                done = self.lens(*words, expect=ERROR)
                last = done.stderr.strip().splitlines()[-1]
                self.assertIn(f"{run / 'results.h5'} is damaged", last)
                self.assertIn("delete it", last)
        (run / "results.h5").unlink()
        self.run_to_end(run)
        self.assert_same_result(run)

    def test_results_of_another_run_are_named_and_kept(self):
        other = self.folder / "other"
        self.runs.append(other)
        self.run_to_end(other, "--limit", 1)
        run = self.copy("foreign")
        shutil.copy(other / "results.h5", run)
        for words in self.both(run):
            with self.subTest(words[0]):
                done = self.lens(*words, expect=ERROR)
                last = done.stderr.strip().splitlines()[-1]
                self.assertIn("it is of run", last)
                self.assertIn("move it away", last)
        self.assertEqual(digest(run / "results.h5"),
                         digest(other / "results.h5"))
        (run / "results.h5").unlink()
        self.run_to_end(run)
        self.assert_same_result(run)

    def test_partial_results_are_no_results(self):
        run = self.copy("partial")
        whole = (run / "ledger.sqlite").read_bytes()
        with contextlib.closing(sqlite3.connect(run / "ledger.sqlite")) as base:
            base.execute("DELETE FROM commits WHERE unit = 0")
            base.commit()
        self.lens("merge", "--partial", run, "-o", run / "results.h5")
        (run / "ledger.sqlite").write_bytes(whole)
        done = self.lens(*self.run_words(run)[1:], expect=ERROR)
        self.assertIn("partial", done.stderr)

    def test_state_that_a_killed_merge_has_left_is_completed(self):
        for number, words in enumerate(self.both("")):
            with self.subTest(words[0]):
                run = self.copy(f"merging-{number}")
                self.set_state(run, "merging")
                self.lens(*self.both(run)[number], expect=OK)
                state = dict(ledger(run, "SELECT key, value FROM meta"))
                self.assertEqual(state["state"], "complete")


if __name__ == "__main__":
    programs.main()
