"""One short run of all programs: two samples of each data set, one worker.

    short_run_test.py --lens build/bin/lens

Made for the sanitizers, whose findings can stand in any program's words: a run
survives the end of a worker.
"""

import argparse
import json
import pathlib
import re
import subprocess
import sys
import tempfile
import unittest

ROOT = pathlib.Path(__file__).resolve().parents[2]
FOUND = re.compile(rb"ERROR: \w+Sanitizer|WARNING: \w+Sanitizer|"
                   rb": runtime error: ")
LENS = None


class ShortRunTest(unittest.TestCase):
    def test_run_is_complete_and_no_program_reports_a_finding(self):
        with tempfile.TemporaryDirectory() as folder:
            out = pathlib.Path(folder) / "run"
            done = subprocess.run(
                [LENS, "run", "--model", ROOT / "tests/data/random-checkpoint",
                 "--dataset", f"mtvqa={ROOT / 'demo/data/mtvqa'}",
                 "--dataset", f"latex_ocr={ROOT / 'demo/data/latex_ocr'}",
                 "--out", out, "--limit", "2", "--workers", "1",
                 "--threads", "1", "--max-new-tokens", "4",
                 "--dtype", "float32"],
                stdout=subprocess.PIPE, stderr=subprocess.STDOUT,
                stdin=subprocess.DEVNULL, timeout=500)
            words = done.stdout.decode(errors="replace")
            self.assertEqual(done.returncode, 0, words)
            logs = b"".join(path.read_bytes()
                            for path in sorted((out / "logs").iterdir()))
            self.assertIn(b"waiting for units", logs)  # the worker's last words
            self.assertNotRegex(logs, FOUND)
            self.assertNotRegex(done.stdout, FOUND)
            status = json.loads(subprocess.run(
                [LENS, "status", out, "--json"], check=True, timeout=100,
                capture_output=True).stdout)
            self.assertEqual(status["state"], "complete")


if __name__ == "__main__":
    parser = argparse.ArgumentParser()
    parser.add_argument("--lens", required=True)
    options, rest = parser.parse_known_args()
    LENS = options.lens
    unittest.main(argv=sys.argv[:1] + rest)
