"""Whole runs of `lens` on the tiny checkpoint, as a user starts them.

    run_test.py --lens build/bin/lens
"""

import argparse
import hashlib
import io
import json
import pathlib
import signal
import subprocess
import sys
import tempfile
import time
import unittest

try:
    import h5py
    import numpy as np
    import pyarrow as pa
    import pyarrow.parquet as pq
    from PIL import Image
except ImportError as error:
    print(f"skipped: {error}; scripts/setup.sh --tests installs it")
    sys.exit(77)

ROOT = pathlib.Path(__file__).resolve().parents[2]
MODEL = ROOT / "tests/data/tiny-checkpoint"
DATA = ROOT / "demo/data"
LENS = None

OK, ERROR, USAGE, INTERRUPTED = 0, 1, 2, 75


def digest(path):
    return hashlib.sha256(path.read_bytes()).hexdigest()


class RunTest(unittest.TestCase):
    def setUp(self):
        self._folder = tempfile.TemporaryDirectory()
        self.folder = pathlib.Path(self._folder.name)
        self.addCleanup(self._folder.cleanup)

    def lens(self, *words, expect=OK):
        done = subprocess.run(
            [LENS, *map(str, words)], capture_output=True, text=True,
            stdin=subprocess.DEVNULL, timeout=300)
        self.assertEqual(done.returncode, expect,
                         done.stdout + "\n" + done.stderr)
        return done

    def run_words(self, out, *more, mtvqa=DATA / "mtvqa",
                  latex=DATA / "latex_ocr"):
        return ["run", "--model", MODEL, "--dataset", f"mtvqa={mtvqa}",
                "--dataset", f"latex_ocr={latex}", "--out", out,
                "--dtype", "float32", "--max-new-tokens", "6",
                "--threads", "1", *more]

    def status(self, out):
        return json.loads(self.lens("status", out, "--json").stdout)

    def test_worker_count_does_not_change_a_byte(self):
        digests = set()
        for workers in (1, 2):
            out = self.folder / f"w{workers}"
            done = self.lens(*self.run_words(
                out, "--limit", 10, "--unit-images", 2, "--workers", workers))
            self.assertIn(str(out / "results.h5"), done.stdout)
            self.assertIn("mean entropy", done.stdout)
            digests.add(digest(out / "results.h5"))
            self.assertEqual(self.status(out)["state"], "complete")
        self.assertEqual(len(digests), 1)

    def test_interrupted_run_goes_on_and_ends_with_the_same_bytes(self):
        whole, cut = self.folder / "whole", self.folder / "cut"
        words = ["--unit-images", 1, "--limit", 30]
        self.lens(*self.run_words(whole, *words))
        process = subprocess.Popen(
            [LENS, *map(str, self.run_words(cut, *words))],
            stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True)
        deadline = time.monotonic() + 60
        parts = cut / "parts"
        while not list(parts.glob("*/*.h5")) and time.monotonic() < deadline:
            time.sleep(0.02)
        process.send_signal(signal.SIGINT)
        output, _ = process.communicate(timeout=60)
        self.assertEqual(process.returncode, INTERRUPTED, output)
        self.assertFalse((cut / "results.h5").exists())
        state = self.status(cut)
        self.assertEqual(state["state"], "interrupted")
        self.assertLess(state["datasets"]["mtvqa"]["done"]
                        + state["datasets"]["latex_ocr"]["done"], 60)
        self.lens("merge", cut, expect=ERROR)
        self.lens("merge", cut, "--partial", "-o", self.folder / "some.h5")
        with h5py.File(self.folder / "some.h5") as partial:
            self.assertEqual(partial.attrs["complete"], 0)
        self.lens(*self.run_words(cut, *words))
        self.assertEqual(digest(cut / "results.h5"),
                         digest(whole / "results.h5"))

    def uniform_copy(self, folder, results, colour):
        """The demo's data with each picture all `colour`, of its size."""
        with h5py.File(results) as file:
            for name in ("mtvqa", "latex_ocr"):
                group = file[name]
                sizes = dict(zip(group["source_row"][:].tolist(), zip(
                    group["image_width"][:].tolist(),
                    group["image_height"][:].tolist())))
                for part in (DATA / name).glob("test-*.parquet"):
                    table = pq.read_table(part)
                    pictures = table["image"].to_pylist()
                    for row, size in sizes.items():
                        with io.BytesIO() as png:
                            Image.new("RGB", size, colour).save(png, "PNG")
                            pictures[row]["bytes"] = png.getvalue()
                    at = table.schema.get_field_index("image")
                    table = table.set_column(
                        at, table.schema.field(at), pa.array(
                            pictures, table.schema.field(at).type))
                    (folder / name).mkdir(parents=True,
                                          exist_ok=True)
                    pq.write_table(table, folder / name / part.name)

    def test_blank_images_are_those_of_uniform_pictures(self):
        shown, blank = self.folder / "shown", self.folder / "blank"
        words = ["--limit", 6, "--unit-images", 1]
        self.lens(*self.run_words(shown, *words))
        words += ["--image", "blank"]
        self.lens(*self.run_words(blank, *words))
        before = digest(blank / "results.h5")
        self.lens(*self.run_words(blank, *words))
        self.assertEqual(digest(blank / "results.h5"), before)
        self.assertIn("image: blank in the run directory, keep asked for",
                      self.lens(*self.run_words(blank, *words[:-2]),
                                expect=ERROR).stderr)
        processor = json.loads(
            (MODEL / "preprocessor_config.json").read_text())
        colour = tuple(round(255 * mean) for mean in processor["image_mean"])
        data = self.folder / "data"
        self.uniform_copy(data, shown / "results.h5", colour)
        uniform = self.folder / "uniform"
        self.lens(*self.run_words(uniform, *words[:-2], mtvqa=data / "mtvqa",
                                  latex=data / "latex_ocr"))
        with h5py.File(shown / "results.h5") as a, \
                h5py.File(blank / "results.h5") as b, \
                h5py.File(uniform / "results.h5") as c:
            self.assertEqual(json.loads(b.attrs["config_json"])["image"],
                             "blank")
            self.assertNotIn("image", json.loads(a.attrs["config_json"]))
            for name in ("mtvqa", "latex_ocr"):
                for column in b[name]:
                    if b[name][column].dtype.names is None:
                        np.testing.assert_array_equal(
                            b[name][column][:], c[name][column][:],
                            err_msg=f"{name}/{column}")
                for column in ("image_tokens", "prompt_tokens", "image_width",
                               "grid_height"):
                    np.testing.assert_array_equal(a[name][column][:],
                                                  b[name][column][:])
                self.assertFalse(np.array_equal(a[name]["entropy_mean"][:],
                                                b[name]["entropy_mean"][:],
                                                equal_nan=True))

    def test_same_command_again_is_done_and_another_config_is_refused(self):
        out = self.folder / "run"
        self.lens(*self.run_words(out, "--limit", 3))
        before = digest(out / "results.h5")
        self.lens(*self.run_words(out, "--limit", 3))
        refused = self.lens(*self.run_words(out, "--limit", 4), expect=ERROR)
        self.assertIn("limit", refused.stderr)
        self.assertEqual(digest(out / "results.h5"), before)

    def test_verify_finds_a_flipped_byte(self):
        out = self.folder / "run"
        self.lens(*self.run_words(out, "--limit", 3))
        self.lens("verify", out)
        self.lens("verify", out / "results.h5")
        results = out / "results.h5"
        with h5py.File(results) as file:
            entropy = file["latex_ocr/entropy"]
            at = entropy.id.get_chunk_info(0).byte_offset + 8
        content = bytearray(results.read_bytes())
        content[at] ^= 0x10
        results.write_bytes(content)
        found = self.lens("verify", results, expect=ERROR)
        self.assertTrue(found.stdout + found.stderr)

    def test_contract_of_the_rows(self):
        out = self.folder / "run"
        self.lens(*self.run_words(out, "--limit", 5, "--tokens", "all",
                                  "--save-hidden", "0,4"))
        with h5py.File(out / "results.h5") as file:
            for name in ("mtvqa", "latex_ocr"):
                group = file[name]
                offsets = group["token_offset"][:]
                role = group["token_role"][:]
                position = group["token_position"][:]
                self.assertEqual(offsets[-1], len(role))
                self.assertEqual(group["hidden"].shape[:2], (len(role), 2))
                for sample in range(len(offsets) - 1):
                    rows = slice(offsets[sample], offsets[sample + 1])
                    prompt = group["prompt_tokens"][sample]
                    answer = group["answer_tokens"][sample]
                    # Every token but the first of the sequence, in order.
                    np.testing.assert_array_equal(
                        position[rows], 1 + np.arange(len(position[rows])))
                    roles = role[rows]
                    self.assertEqual((roles == 1).sum(),
                                     group["image_tokens"][sample])
                    self.assertEqual((roles == 3).sum(), answer)
                    self.assertEqual((roles < 3).sum(), prompt - 1)
                    mean = group["entropy"][rows][roles == 3].mean(0)
                    np.testing.assert_allclose(
                        group["entropy_mean"][sample], mean, rtol=1e-5)
                generated = role >= 3
                # Greedy: the last state's first token is the one emitted.
                np.testing.assert_array_equal(
                    group["top_id"][:][generated, -1, 0],
                    group["token_id"][:][generated])
                self.assertEqual(np.abs(group["kl_final"][:][:, -1]).max(), 0)
                np.testing.assert_allclose(
                    group["script_share"][:].sum(-1), 1, rtol=1e-4)

    def test_bad_images_become_failed_rows_and_neighbours_stay(self):
        table = pq.read_table(DATA / "latex_ocr/test-00000-of-00001.parquet")
        rows = table.slice(0, 5).to_pylist()
        rows[1]["image"] = {"bytes": rows[1]["image"]["bytes"][:200],
                            "path": "cut.png"}
        rows[2]["image"] = {"bytes": None, "path": None}
        rows[3]["image"] = {"bytes": b"GIF89a" + bytes(100), "path": "a.gif"}
        bad = self.folder / "bad.parquet"
        pq.write_table(pa.Table.from_pylist(rows, schema=table.schema), bad)
        out = self.folder / "run"
        self.lens("run", "--model", MODEL, "--dataset", f"latex_ocr={bad}",
                  "--out", out, "--max-new-tokens", 4, "--dtype", "float32")
        with h5py.File(out / "results.h5") as file:
            np.testing.assert_array_equal(file["latex_ocr/status"][:],
                                          [0, 1, 1, 1, 0])
            failure = file["latex_ocr/failure"].asstr()[:]
            self.assertIn("GIF", failure[3])
            self.assertTrue(all(failure[1:4]))
            self.assertEqual(file.attrs["samples_failed"], 3)
        self.assertEqual(self.status(out)["datasets"]["latex_ocr"],
                         {"total": 5, "done": 5, "failed": 3})

    def test_usage_errors_exit_2_in_one_line(self):
        for words in (["run", "--modle", "x"], ["walk"], ["run"]):
            done = self.lens(*words, expect=USAGE)
            self.assertTrue(done.stderr.strip())

    def test_missing_inputs_are_named(self):
        nowhere = self.folder / "nowhere"
        done = self.lens("run", "--model", nowhere, "--dataset",
                         f"mtvqa={DATA / 'mtvqa'}", "--out",
                         self.folder / "run", expect=ERROR)
        self.assertIn("nowhere", done.stderr)
        self.lens("status", nowhere, expect=ERROR)


if __name__ == "__main__":
    parser = argparse.ArgumentParser()
    parser.add_argument("--lens", required=True)
    known, rest = parser.parse_known_args()
    LENS = str(pathlib.Path(known.lens).resolve())
    unittest.main(argv=[sys.argv[0], *rest], verbosity=2)
