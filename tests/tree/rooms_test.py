""".ci/rooms: what it finds and what it leaves alone."""

import pathlib
import shutil
import subprocess
import sys
import tempfile
import unittest

ROOMS = pathlib.Path(__file__).resolve().parents[2] / ".ci" / "rooms"


def run(files):
    """Exit code and output of the script in a tree of these files."""
    with tempfile.TemporaryDirectory() as folder:
        root = pathlib.Path(folder)
        for name, text in files.items():
            (root / name).parent.mkdir(parents=True, exist_ok=True)
            (root / name).write_text(text, encoding="utf-8")
        (root / ".ci").mkdir()
        shutil.copy(ROOMS, root / ".ci/rooms")
        subprocess.run(["git", "init", "-q"], cwd=root, check=True)
        subprocess.run(["git", "add", "."], cwd=root, check=True)
        done = subprocess.run([sys.executable, ".ci/rooms"], cwd=root,
                              capture_output=True, text=True, check=False)
        return done.returncode, done.stdout


class RoomsTest(unittest.TestCase):
    def test_circle_through_a_source_is_found(self):
        code, text = run({"base/a.h": "", "base/b.h": "",
                          "base/a.cc": '#include "base/b.h"\n',
                          "base/b.cc": '#include "base/a.h"\n'})
        self.assertEqual(code, 1)
        self.assertIn("base: a, b include each other in a circle", text)

    def test_one_direction_is_no_circle(self):
        code, text = run({"base/a.h": "", "base/b.h": "",
                          "base/b.cc": '#include "base/a.h"\n'})
        self.assertEqual(code, 0, text)

    def test_tower_of_units_is_found(self):
        files = {"base/f0.h": ""}
        for i in range(1, 7):
            files[f"base/f{i}.h"] = f'#include "base/f{i - 1}.h"\n'
        code, text = run(files)
        self.assertEqual(code, 1)
        self.assertIn("more than 6 floors (f6)", text)

    def test_arrow_up_is_found(self):
        code, text = run({"base/a.cc": '#include "cli/b.h"\n', "cli/b.h": ""})
        self.assertEqual(code, 1)
        self.assertIn("base/ stands below cli/", text)

    def test_header_of_the_worker_is_for_the_worker_alone(self):
        files = {"worker/a.h": "", "worker/b.cc": '#include "worker/a.h"\n',
                 "tests/c.cc": '#include "worker/a.h"\n'}
        self.assertEqual(run(files)[0], 0)
        code, text = run(files | {"cli/d.cc": '#include "worker/a.h"\n'})
        self.assertEqual(code, 1)
        self.assertIn("worker/ is a program", text)


if __name__ == "__main__":
    unittest.main()
