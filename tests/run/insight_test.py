"""From a run to report, statistics, tables and maps, as a user asks for them.

    insight_test.py --lens build/bin/lens

One run of the tiny checkpoint with rows of all tokens; what the commands write is
held against results.h5 as h5py reads it.
"""

import argparse
import csv
import json
import pathlib
import random
import subprocess
import sys
import tempfile
import unittest

try:
    import h5py
    import numpy as np
except ImportError as error:
    print(f"skipped: {error}; scripts/setup.sh --tests installs it")
    sys.exit(77)

ROOT = pathlib.Path(__file__).resolve().parents[2]
MODEL = ROOT / "tests/data/tiny-checkpoint"
DATA = ROOT / "demo/data"
LENS = None
OK, ERROR, USAGE = 0, 1, 2
ANSWER = 3


def lens(*words):
    return subprocess.run([LENS, *map(str, words)], capture_output=True,
                          text=True, stdin=subprocess.DEVNULL, timeout=300)


def table(path):
    with open(path, newline="", encoding="utf-8") as file:
        return list(csv.DictReader(file))


class InsightTest(unittest.TestCase):
    @classmethod
    def setUpClass(cls):
        folder = tempfile.TemporaryDirectory()
        cls.addClassCleanup(folder.cleanup)
        cls.folder = pathlib.Path(folder.name)
        cls.run_directory = cls.folder / "run"
        done = lens("run", "--model", MODEL, "--dataset",
                    f"mtvqa={DATA / 'mtvqa'}", "--dataset",
                    f"latex_ocr={DATA / 'latex_ocr'}", "--out",
                    cls.run_directory, "--dtype", "float32", "--threads", 1,
                    "--max-new-tokens", 6, "--limit", 8, "--unit-images", 2,
                    "--tokens", "all", "--device", "cpu")
        assert done.returncode == OK, done.stdout + done.stderr
        cls.file = h5py.File(cls.run_directory / "results.h5")
        cls.addClassCleanup(cls.file.close)

    def call(self, *words, expect=OK):
        done = lens(*words)
        self.assertEqual(done.returncode, expect, done.stdout + done.stderr)
        return done

    def rows(self, name, sample):
        offsets = self.file[name]["token_offset"][:]
        place = self.file[name]["sample_id"].asstr()[:].tolist().index(sample)
        return slice(offsets[place], offsets[place + 1])

    def test_attention_has_the_blocks_as_its_scale(self):
        layers = self.file["layer"].size
        self.assertEqual(self.file["block"][:].tolist(),
                         list(range(1, layers)))
        group = self.file[next(n for n in self.file if n in ("mtvqa", "latex_ocr"))]
        column = group["image_attention"]
        self.assertEqual(column.dims[1][0], self.file["block"])
        self.assertEqual(column.shape, (group["token_id"].size, layers - 1))

    def test_image_maps_show_the_states_at_the_image_tokens(self):
        figures = self.folder / "figures"
        page = self.folder / "report.html"
        self.call("report", self.run_directory, "-o", page, "--figures",
                  figures)
        maps = sorted(figures.glob("image-*.csv"))
        self.assertGreaterEqual(len(maps), 4)
        text = self.file["vocabulary/token_text"].asstr()[:]
        for path in maps:
            _, name, sample, _, layer = path.stem.split("-")
            group, rows = self.file[name], self.rows(name, sample)
            layer = int(layer)
            role = group["token_role"][rows]
            position = group["token_position"][rows]
            at = {p: i for i, p in enumerate(position)}
            # The state at a token gives the row of the position after it.
            read = [at[p + 1] for p in position[role == 1]]
            cells = table(path)
            place = (self.file[name]["sample_id"].asstr()[:].tolist()
                     .index(sample))
            self.assertEqual(len(cells), group["image_tokens"][place])
            np.testing.assert_array_equal(
                [float(cell["entropy"]) for cell in cells],
                group["entropy"][rows][read, layer].astype(float))
            self.assertEqual([cell["top_text"] for cell in cells],
                             text[group["top_id"][rows][read, layer, 0]]
                             .tolist())
            columns = group["grid_width"][place] // 2
            self.assertEqual([(int(c["row"]), int(c["column"]))
                              for c in cells],
                             [divmod(i, columns) for i in range(len(cells))])
            svg = path.with_suffix(".svg").read_text(encoding="utf-8")
            self.assertIn("data:image/jpeg;base64,", svg)
        self.assertIn("contested", page.read_text(encoding="utf-8"))

    def test_statistics_are_those_of_the_file(self):
        study = json.loads(self.call("stats", self.run_directory, "--json",
                                     "-").stdout)
        for name in ("mtvqa", "latex_ocr"):
            group = next(g for g in study["groups"]
                         if g["dataset"] == name and g["by"] == "dataset")
            per_sample = self.file[name]["entropy_mean"][:]
            used = ~np.isnan(per_sample[:, 0])
            self.assertEqual(group["samples"], used.sum())
            np.testing.assert_allclose(group["entropy"]["mean"],
                                       per_sample[used].mean(0), atol=1e-6)
        words = self.call("stats", self.run_directory).stdout
        self.assertIn("At which layer does the entropy begin to fall?", words)

    def test_a_run_beside_itself_differs_in_nothing(self):
        page = self.folder / "diff.html"
        self.call("diff", self.run_directory, self.run_directory, "-o", page)
        self.assertIn("software and configuration are the same",
                      page.read_text(encoding="utf-8"))
        diff = json.loads(self.call("diff", self.run_directory,
                                    self.run_directory, "--json", "-").stdout)
        self.assertEqual(diff["settings"], [])
        self.assertEqual(diff["changed"], [])
        for group in diff["groups"]:
            for curve in group["curves"].values():
                self.assertFalse(np.any(curve["difference"]["mean"]))
        self.assertFalse([t for t in diff["tests"] if t["significant"]])

    def test_tables_hold_every_answer_token_at_every_layer(self):
        out = self.folder / "tables"
        self.call("export", self.run_directory, "--csv", out, "--parquet", out)
        for name in ("mtvqa", "latex_ocr"):
            group = self.file[name]
            answers = [row for row in table(out / name / "long.csv")
                       if row["role"] == "answer"]
            self.assertEqual(len(answers),
                             (group["token_role"][:] == ANSWER).sum()
                             * self.file["layer"].size)
            self.assertEqual(len(table(out / name / "samples.csv")),
                             group["status"].size)
        self.call("export", self.run_directory, expect=USAGE)

    def test_show_and_query_find_the_samples(self):
        sample = self.file["mtvqa/sample_id"].asstr()[0]
        shown = self.call("show", self.run_directory, f"mtvqa/{sample}").stdout
        self.assertIn("answer", shown)
        self.assertNotIn("\x1b", shown)  # no terminal, no colour
        found = self.call("query", self.run_directory,
                          "ok and dataset = mtvqa", "--json").stdout
        self.assertEqual(len(found.strip().splitlines()),
                         (self.file["mtvqa/status"][:] == 0).sum())
        wrong = self.call("query", self.run_directory, "entropy@ < 1",
                          expect=USAGE)
        self.assertIn("^", wrong.stderr)
        self.call("show", self.run_directory, "no-such", expect=ERROR)

    def test_what_is_missing_is_said(self):
        moved = self.folder / "alone.h5"
        moved.write_bytes((self.run_directory / "results.h5").read_bytes())
        page = self.folder / "alone.html"
        self.call("report", moved, "-o", page)
        self.assertIn("No manifest stands beside the file",
                      page.read_text(encoding="utf-8"))
        nothing = self.folder / "nothing"
        nothing.mkdir()
        refused = self.call("report", nothing, expect=ERROR)
        self.assertEqual(len(refused.stderr.strip().splitlines()), 1)
        self.assertIn("not a run directory", refused.stderr)
        cut = self.folder / "cut.h5"
        cut.write_bytes(moved.read_bytes()[:20000])
        damaged = self.call("stats", cut, expect=ERROR)
        self.assertEqual(len(damaged.stderr.strip().splitlines()), 1)

    def test_damage_is_told_in_one_line_and_never_drawn(self):
        good = (self.run_directory / "results.h5").read_bytes()
        bad = self.folder / "bad.h5"
        sample = f"mtvqa/{self.file['mtvqa/sample_id'].asstr()[0]}"
        bad.write_bytes(good)
        shown = self.call("show", bad, sample).stdout
        draw = random.Random(3)
        refused = 0
        for _ in range(80):
            flipped = bytearray(good)
            # The structure, which HDF5 parses, stands in front.
            flipped[draw.randrange(20000)] ^= 1 << draw.randrange(8)
            bad.write_bytes(flipped)
            # show reads its sample alone, and that is either right or refused.
            done = lens("show", bad, sample)
            if done.returncode == OK:
                self.assertEqual(done.stdout, shown)
                continue
            refused += 1
            self.assertEqual(done.returncode, ERROR, done.stderr)
            self.assertEqual(len(done.stderr.strip().splitlines()), 1)
        self.assertGreater(refused, 5)
        for command in (["stats"], ["report", "-o", self.folder / "bad.html"],
                        ["export", "--csv", self.folder / "bad"],
                        ["query", "ok"]):
            refused = self.call(command[0], bad, *command[1:], expect=ERROR)
            self.assertIn("is damaged", refused.stderr)
            self.assertEqual(len(refused.stderr.strip().splitlines()), 1)
        self.assertFalse((self.folder / "bad.html").exists())
        self.assertFalse((self.folder / "bad").exists())


if __name__ == "__main__":
    parser = argparse.ArgumentParser()
    parser.add_argument("--lens", required=True, type=pathlib.Path)
    known, rest = parser.parse_known_args()
    LENS = str(known.lens.resolve())
    unittest.main(argv=[sys.argv[0], *rest], verbosity=2)
