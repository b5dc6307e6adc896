"""scripts/bench.sh runs each of its parts, and writes no more than its own.

    figures_test.py --build build

Sizes are tiny: figures are not asserted.
"""

import pathlib
import subprocess
import sys
import tempfile
import unittest

ROOT = pathlib.Path(__file__).resolve().parents[2]
sys.path.insert(0, str(ROOT / "tests"))
import needs  # noqa: E402

NEEDS = ("torch", "torchvision", "transformers", "pyarrow", "h5py", "PIL")
BUILD = None
BEFORE, MARKER, AFTER = ("# On a GPU\n\nas measured\n\n",
                         "<!-- bench.sh: new parts above -->",
                         "\n\n## Not measured\n")


class FiguresTest(unittest.TestCase):
    def setUp(self):
        folder = tempfile.TemporaryDirectory()
        self.addCleanup(folder.cleanup)
        self.folder = pathlib.Path(folder.name)
        self.document = self.folder / "performance.md"
        self.document.write_text(BEFORE + MARKER + AFTER, encoding="utf-8")

    def bench(self, *words, build=None):
        return subprocess.run(
            [sys.executable, ROOT / "bench/cpu_figures.py", "--small",
             "--build", build or BUILD, "--out", self.folder / "out",
             "--document", self.document, *words],
            capture_output=True, text=True, timeout=900, check=False)

    def check_part(self, part, *figures):
        """Twice: the second block takes the place of the first."""
        for _ in range(2):
            done = self.bench("--only", part)
            self.assertEqual(done.returncode, 0, done.stdout + done.stderr)
            text = self.document.read_text(encoding="utf-8")
            self.assertTrue(text.startswith(BEFORE))
            self.assertTrue(text.endswith(MARKER + AFTER))
            self.assertEqual(text.count(f"<!-- bench.sh {part} -->"), 1)
            for figure in figures:
                self.assertEqual(text.count(figure), 1, text)
            self.assertIn(" cores (", text)

    def test_lens(self):
        self.check_part("lens", "lens, bfloat16, 464 rows",
                        "lens, float32, 1856 rows")

    def test_formulas(self):
        self.check_part("formulas", "over the plain script",
                        "over the batched script")

    def test_photos(self):
        self.check_part("photos", "over the plain script")

    def test_engine(self):
        self.check_part("engine", "prefill 1 prompts of 64 tokens")

    def test_input(self):
        self.check_part("input", "image, mtvqa", "tokenizer, documents")

    def test_coordinator(self):
        self.check_part("coordinator", "join of 16 workers",
                        "acquire + commit a second", "heartbeats of 16")

    def test_growth(self):
        self.check_part("growth", "samples 4 / 40 / 400: s of processor",
                        "vocabulary 1000 / 2000 / 4000: MiB")

    def test_a_part_that_fails_is_named_and_stops_no_other(self):
        done = self.bench("--only", "lens", "coordinator",
                          build=self.folder / "nothing")
        self.assertNotEqual(done.returncode, 0)
        self.assertIn("failed: lens, coordinator", done.stderr)
        self.assertEqual(self.document.read_text(encoding="utf-8"),
                         BEFORE + MARKER + AFTER)


if __name__ == "__main__":
    needs.skip_without(*NEEDS)
    if len(sys.argv) < 3 or sys.argv[1] != "--build":
        sys.exit("usage: figures_test.py --build FOLDER")
    BUILD = pathlib.Path(sys.argv[2]).resolve()
    unittest.main(argv=sys.argv[:1] + sys.argv[3:])
