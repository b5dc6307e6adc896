"""One picture and one question, as a user asks them.

    try_test.py --lens build/bin/lens
"""

import argparse
import os
import pathlib
import signal
import subprocess
import sys
import tempfile
import time
import unittest

ROOT = pathlib.Path(__file__).resolve().parents[2]
MODEL = ROOT / "demo/model"
PICTURE = ROOT / "demo/sources/train_30.png"
LENS = None


class TryTest(unittest.TestCase):
    def setUp(self):
        self.folder = tempfile.TemporaryDirectory()
        self.top = pathlib.Path(self.folder.name)
        # What is left behind would lie here.
        self.passing = self.top / "tmp"
        self.passing.mkdir()
        self.environment = {**os.environ, "TMPDIR": str(self.passing)}

    def tearDown(self):
        self.folder.cleanup()

    def lens(self, *words):
        return subprocess.run([LENS, *map(str, words)], text=True, timeout=200,
                              capture_output=True, env=self.environment)

    def ask(self, picture, *words):
        return self.lens("try", "--model", MODEL, "--device", "cpu", "--dtype",
                         "float32", "--max-new-tokens", "6", picture, *words)

    def test_the_answer_and_its_map_are_printed_and_nothing_is_left(self):
        page = self.top / "page.html"
        done = self.ask(PICTURE, "--question", "What does it say?", "-o", page)
        self.assertEqual(done.returncode, 0, done.stderr)
        self.assertIn("prompt     What does it say?\n", done.stdout)
        self.assertRegex(done.stdout, r"(?m)^answer +\S")
        self.assertRegex(done.stdout, r"(?m)^ +12 .*\[.*\]")  # the last layer
        self.assertRegex(done.stdout, r"(?m)^ +0 ")  # and the first state
        self.assertNotIn("score", done.stdout)
        self.assertIn("data:image/", page.read_text())  # the picture
        self.assertEqual(list(self.passing.iterdir()), [])
        self.assertEqual(done.stderr, "")

    def test_the_run_is_kept_where_it_is_asked_for(self):
        out = self.top / "run"
        first = self.ask(PICTURE, "--out", out)
        self.assertEqual(first.returncode, 0, first.stderr)
        self.assertEqual(self.lens("verify", out).returncode, 0)
        # The same again is read, not computed: the same words.
        again = self.ask(PICTURE, "--out", out)
        self.assertEqual(again.stdout, first.stdout)
        # And they are those of a run over a folder of pictures.
        folder = self.top / "pictures"
        folder.mkdir()
        (folder / PICTURE.name).write_bytes(PICTURE.read_bytes())
        (folder / "zz.png").write_bytes(PICTURE.read_bytes())
        whole = self.lens("run", "--model", MODEL, "--device", "cpu", "--dtype",
                          "float32", "--max-new-tokens", 6, "--out",
                          self.top / "whole", "--dataset", f"picture={folder}",
                          "--question", "picture=Describe this image.")
        self.assertEqual(whole.returncode, 0, whole.stderr)
        shown = self.lens("show", self.top / "whole", PICTURE.name)
        self.assertEqual(shown.stdout, first.stdout)

    def test_what_is_no_picture_fails_in_one_line(self):
        broken = self.top / "broken.png"
        broken.write_bytes(PICTURE.read_bytes()[:90])
        done = self.ask(broken)
        self.assertEqual(done.returncode, 1)
        self.assertRegex(done.stdout, r"(?m)^failed +cannot decode PNG")
        for picture, why in ((self.top / "none.png", "there is no such file"),
                             (ROOT / "README.md", "is not named as a picture")):
            done = self.ask(picture)
            self.assertEqual(done.returncode, 1)
            self.assertIn(why, done.stderr)
            self.assertEqual(done.stderr.count("\n"), 1)
        self.assertEqual(list(self.passing.iterdir()), [])

    def test_interrupted_it_leaves_nothing(self):
        asked = subprocess.Popen(
            [LENS, "try", "--model", MODEL, PICTURE, "--max-new-tokens",
             "2000"], stdout=subprocess.DEVNULL, stderr=subprocess.PIPE,
            env=self.environment)
        deadline = time.monotonic() + 60
        while not list(self.passing.glob("lens-try-*/run/logs/worker*")):
            self.assertLess(time.monotonic(), deadline)
            self.assertIsNone(asked.poll())
            time.sleep(0.02)
        asked.send_signal(signal.SIGINT)
        asked.send_signal(signal.SIGINT)
        words = asked.communicate(timeout=60)[1].decode()
        self.assertEqual(asked.returncode, 75, words)
        self.assertIn("interrupted", words)
        self.assertEqual(list(self.passing.iterdir()), [])


if __name__ == "__main__":
    parser = argparse.ArgumentParser()
    parser.add_argument("--lens", required=True)
    options, rest = parser.parse_known_args()
    LENS = options.lens
    unittest.main(argv=sys.argv[:1] + rest)
