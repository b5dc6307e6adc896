"""bench/end_to_end.py runs, and all sides do the same work.

    end_to_end_test.py --lens build/bin/lens

Speed is not asserted: a machine that runs tests does other things, too.
"""

import json
import pathlib
import subprocess
import sys
import tempfile
import unittest

ROOT = pathlib.Path(__file__).resolve().parents[2]
sys.path.insert(0, str(ROOT / "tests"))
import needs  # noqa: E402

NEEDS = ("torch", "torchvision", "transformers", "pyarrow", "h5py", "PIL")
LENS = None
LIMIT, NEW_TOKENS = 3, 4


class EndToEndTest(unittest.TestCase):
    def bench(self, *words):
        return subprocess.run(
            [sys.executable, ROOT / "bench/end_to_end.py", "--lens-bin",
             LENS.parent, "--model", ROOT / "tests/data/random-checkpoint",
             "--dtype", "float32", "--threads", "1", *map(str, words)],
            capture_output=True, text=True, timeout=240, check=False)

    def test_all_sides_give_the_same_answers(self):
        with tempfile.TemporaryDirectory() as folder:
            out = pathlib.Path(folder) / "result.json"
            done = self.bench(
                "--dataset", f"latex_ocr={ROOT / 'demo/data/latex_ocr'}",
                "--dataset", f"mtvqa={ROOT / 'demo/data/mtvqa'}",
                "--limit", LIMIT, "--max-new-tokens", NEW_TOKENS,
                "--max-pixels", 28 * 28 * 40, "--batch", 2, "--json", out)
            self.assertEqual(done.returncode, 0, done.stdout + done.stderr)
            result = json.loads(out.read_text(encoding="utf-8"))
        self.assertIn("samples/s", done.stdout)
        self.assertEqual(result["samples"], 2 * LIMIT)
        self.assertEqual(result["batched"]["batch"], 2)
        for side in ("lens", "plain", "batched"):
            self.assertEqual(result[side]["samples"], 2 * LIMIT)
            self.assertLessEqual(result[side]["tokens"],
                                 2 * LIMIT * NEW_TOKENS)
            # Python with torch, or the worker with its weights: never less.
            self.assertGreater(result[side]["largest_bytes"], 50 << 20)
        for script in ("plain", "batched"):
            self.assertEqual(result["lens"]["tokens"],
                             result[script]["tokens"])
            same = result["agreement"][script]
            self.assertEqual(same["ids_equal"], 1)
            self.assertEqual(same["samples_equal"], 1)
            self.assertLess(same["entropy_max_difference_nats"], 1e-3)
            self.assertGreater(same["values_compared"], 0)

    def test_unknown_data_set_is_refused(self):
        done = self.bench("--dataset", "other=demo/data/mtvqa")
        self.assertEqual(done.returncode, 2)
        self.assertIn("mtvqa=PATH", done.stderr)


if __name__ == "__main__":
    needs.skip_without(*NEEDS)
    if len(sys.argv) < 3 or sys.argv[1] != "--lens":
        sys.exit("usage: end_to_end_test.py --lens PATH")
    LENS = pathlib.Path(sys.argv[2]).resolve()
    unittest.main(argv=sys.argv[:1] + sys.argv[3:])
