"""Samples that crash their worker: found, set aside, their neighbours kept."""

import json
import subprocess

import h5py

import programs
from programs import OK, RunCase, ledger, preload

CRASH = 2  # class in the ledger


class CrashTest(RunCase):
    WORDS = ["--unit-images", 4, "--limit", 12, "--max-new-tokens", 8]

    def run_with(self, name, crash):
        """A run in which a worker dies wherever it comes to `crash`."""
        out = self.new_run(name)
        done = subprocess.run(
            self.run_words(out), capture_output=True, text=True, timeout=240,
            env=preload("work", LENS_TEST_FAULTS=f"{crash}=segv"))
        self.assertEqual(done.returncode, OK,
                         self.story(out, done.stdout + done.stderr))
        self.lens("verify", out)
        return out

    def assert_alone_is_missing(self, out, dataset, ids):
        """`ids` failed for the crash, all other samples have their rows."""
        with h5py.File(out / "results.h5") as file:
            group = file[dataset]
            for row, sample in enumerate(group["sample_id"].asstr()[:]):
                failed = group["status"][row] == 1
                self.assertEqual(failed, sample in ids, sample)
                reason = group["failure"].asstr()[row]
                self.assertEqual("SIGSEGV" in reason, failed, reason)
                tokens = (group["token_offset"][row + 1]
                          - group["token_offset"][row])
                self.assertEqual(tokens == 0, failed)
            self.assertEqual(file.attrs["samples_failed"], len(ids))

    def deaths(self, out):
        return ledger(out, "SELECT unit, sample_id, counted FROM failures"
                           f" WHERE class = {CRASH} ORDER BY id")

    def test_sample_that_crashes_the_model(self):
        out = self.run_with("model", "model:5")
        self.assert_alone_is_missing(out, "latex_ocr", {"5"})
        # The first death is of four samples, the next two of the one alone.
        deaths = self.deaths(out)
        self.assertEqual([death[1] for death in deaths], ["", "5", "5"])
        self.assertEqual(len({death[0] for death in deaths}), 1)
        self.assertEqual([death[2] for death in deaths], [1, 1, 1])
        self.assertEqual(list((out / "crashes").iterdir()), [])

    def test_image_that_crashes_its_reader(self):
        with h5py.File(self.plain() / "results.h5") as file:
            questions = [name for name in
                         file["mtvqa"]["sample_id"].asstr()[:]
                         if name.startswith("1.")]
        self.assertTrue(questions)
        out = self.run_with("image", "image:1")
        # The row's key names the image, whichever data set: both have row 1.
        with h5py.File(out / "results.h5") as file:
            failed = {
                (dataset, name)
                for dataset in ("latex_ocr", "mtvqa")
                for name, status in zip(
                    file[dataset]["sample_id"].asstr()[:],
                    file[dataset]["status"][:]) if status == 1}
        self.assertEqual(failed, {("latex_ocr", "1")}
                         | {("mtvqa", name) for name in questions})
        self.assertEqual([death[1] for death in self.deaths(out)], ["1"] * 4)

    def test_status_tells_of_it(self):
        out = self.run_with("told", "model:5")
        told = json.loads(self.lens("status", out, "--json").stdout)
        self.assertEqual(told["state"], "complete")
        self.assertEqual(told["datasets"]["latex_ocr"]["failed"], 1)

    def plain(self):
        self.undisturbed()
        return self.folder / "undisturbed"


if __name__ == "__main__":
    programs.main()
