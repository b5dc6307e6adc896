"""Models that 2 and 4 ranks share give what one process gives.

    shared_model_test.py --lens build/bin/lens

Random checkpoints, float32, over MPI: tied and untied heads, key heads that
ranks divide among them and that several hold, an odd vocabulary and both of
Qwen2-VL's. Ids are equal, values within 1e-4 + 1e-5 of the value; the programs
themselves compare the lens of the last state with the model's own logits.
"""

import argparse
import pathlib
import sys
import tempfile
import unittest

ROOT = pathlib.Path(__file__).resolve().parents[2]
sys.path[:0] = [str(ROOT / folder) for folder in ("scripts", "bench", "tests")]
import needs  # noqa: E402

needs.skip_without("h5py", "numpy")
import make_random_checkpoint as checkpoints  # noqa: E402
import ranks  # noqa: E402

LENS = None


class SharedModelTest(unittest.TestCase):
    @classmethod
    def setUpClass(cls):
        folder = tempfile.TemporaryDirectory()
        cls.addClassCleanup(folder.cleanup)
        cls.folder = pathlib.Path(folder.name)

    def compare(self, name, **options):
        model = self.folder / name
        checkpoints.write_checkpoint(model, checkpoints.Options(**options))
        given = argparse.Namespace(
            model=model, dtype="float32", limit=6, max_new_tokens=8, cores=1,
            lens_bin=LENS.parent, timeout=240)
        alone = None
        for size in (1, 2, 4):
            out = self.folder / f"{name}-{size}"
            ranks.run(given, size, out)
            values = ranks.read(out / "results.h5")
            if alone is None:
                self.assertGreater(len(values["token_id"]), 20)
                alone = values
                continue
            with self.subTest(ranks=size):
                ids, worst = ranks.differences(alone, values)
                self.assertEqual(ids, 0)
                self.assertLessEqual(worst, 1)

    def test_tied_head_with_an_odd_vocabulary(self):
        self.compare("tied", tied=True, vocab=1003)

    def test_head_of_its_own_and_one_key_head_for_all(self):
        self.compare("untied", hidden=96, heads=12, kv_heads=1, layers=3,
                     intermediate=163)

    def test_vocabularies_of_qwen2_vl(self):
        self.compare("2b", vocab=151936, tied=True, layers=2)
        self.compare("7b", vocab=152064, layers=2, kv_heads=4)


    def test_windowed_tower_of_qwen2_5_vl(self):
        self.compare("windowed", family="qwen2_5_vl", vision_depth=4, window=56,
                     full_blocks="2", vision_intermediate=45, vocab=1003)
        self.compare("windowed-tied", family="qwen2_5_vl", hidden=96, heads=12,
                     kv_heads=1, layers=3, tied=True, vision_heads=4)


if __name__ == "__main__":
    parser = argparse.ArgumentParser()
    parser.add_argument("--lens", required=True, type=pathlib.Path)
    given, words = parser.parse_known_args()
    LENS = given.lens.resolve()
    unittest.main(argv=sys.argv[:1] + words, verbosity=2)
