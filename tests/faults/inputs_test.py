"""An input that changes under a run ends it in one line, and mixes nothing.

    inputs_test.py --bin build/bin
"""

import os
import shutil

import programs
from programs import ERROR, RepeatedCase, repeat_samples


class InputsTest(RepeatedCase):
    SAMPLES = 200
    WORDS = ["--unit-images", 1, "--max-new-tokens", 30]

    def setUp(self):
        self.kept = self.folder / "kept.parquet"
        shutil.copy2(self.data, self.kept)
        self.addCleanup(self.restore)

    def restore(self):
        shutil.copy2(self.kept, self.folder / "back.parquet")
        os.replace(self.folder / "back.parquet", self.data)

    def change_under(self, name, change):
        """The run fails with the file's name; restored, it ends as ever."""
        self.undisturbed()
        run = self.new_run(name)
        process = self.start(self.run_words(run))
        self.await_parts(run, 3)
        file = change()
        self.wait_end(process, run, ERROR, seconds=120)
        said = self.text_of(process)
        self.assertIn(f"{file} changed since the run was planned", said)
        self.assertEqual(self.status(run)["state"], "failed")
        self.assertEqual(self.status(run)["samples_failed"], 0)
        return run

    def goes_on(self, run):
        self.run_to_end(run)
        self.assert_same_result(run)
        self.lens("verify", run)

    def test_file_that_is_replaced(self):
        def replace():
            other = repeat_samples(self.folder / "other.parquet", 200,
                                   pictures=7)
            os.replace(other, self.data)
            return self.data
        run = self.change_under("replaced", replace)
        self.restore()
        self.goes_on(run)

    def test_file_that_is_cut_short(self):
        def cut():
            os.truncate(self.data, self.data.stat().st_size // 2)
            return self.data
        run = self.change_under("cut", cut)
        self.restore()
        self.goes_on(run)

    def test_weights_that_are_written_to(self):
        checkpoint = self.folder / "copy" / self.CHECKPOINT.name
        shutil.copytree(self.CHECKPOINT, checkpoint)
        former, type(self).CHECKPOINT = self.CHECKPOINT, checkpoint
        self.addCleanup(setattr, type(self), "CHECKPOINT", former)
        weights = checkpoint / "model.safetensors"
        whole = weights.stat()

        def touch():
            os.utime(weights, (whole.st_atime, whole.st_mtime + 100))
            return weights
        run = self.change_under("weights", touch)
        # The same bytes at another time are the same weights, planned again.
        self.goes_on(run)


if __name__ == "__main__":
    programs.main()
