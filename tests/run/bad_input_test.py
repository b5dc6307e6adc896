"""Broken pictures, data files, checkpoints, disks and command lines, given to
the real program: each is answered by one clear line, or by a failed row.

    bad_input_test.py --lens build/bin/lens
"""

import argparse
import fcntl
import json
import os
import pathlib
import shutil
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
    import bad_inputs as bad
except ImportError as error:
    print(f"skipped: {error}; scripts/setup.sh --tests installs it")
    sys.exit(77)

MODEL, DATA = bad.MODEL, bad.DATA
LATEX = DATA / "latex_ocr"
LENS = None

OK, ERROR, USAGE, INTERRUPTED = 0, 1, 2, 75
UGLY = ("terminate called", "Traceback", "Assertion", "Segmentation",
        "basic_string", "std::", "c10::", "core dumped", "[json.exception")


class BadInputTest(unittest.TestCase):
    def setUp(self):
        folder = tempfile.TemporaryDirectory()
        self.addCleanup(folder.cleanup)
        self.folder = pathlib.Path(folder.name)
        self.out = self.folder / "run"

    def lens(self, *words, environment=None):
        return subprocess.run(
            [LENS, *map(str, words)], capture_output=True, text=True,
            stdin=subprocess.DEVNULL, timeout=120,
            env={**os.environ, **(environment or {})})

    def words(self, command, model=MODEL, dataset="latex_ocr", data=LATEX,
              out=None):
        return [command, "--model", model, "--dataset", f"{dataset}={data}",
                "--out", out or self.out, "--dtype", "float32", "--threads",
                "1", "--max-new-tokens", "4"]

    def plan(self, *more, **words):
        return self.lens(*self.words("plan", **words), *more)

    def run_it(self, *more, environment=None, **words):
        return self.lens(*self.words("run", **words), *more,
                         environment=environment)

    def passed(self, done):
        self.assertEqual(done.returncode, OK, done.stdout + done.stderr)
        return done

    def told(self, done, *words, code=ERROR):
        """One line of the error that has all words, and nothing ugly."""
        text = done.stdout + done.stderr
        self.assertEqual(done.returncode, code, text)
        for ugly in UGLY:
            self.assertNotIn(ugly, text)
        lines = [line for line in done.stderr.splitlines()
                 if line.startswith("lens")]
        self.assertEqual(len(lines), 1, text)
        for word in words:
            self.assertIn(str(word), lines[0])
        # What to do stands behind the reason.
        self.assertIn("; ", lines[0])
        self.assertLess(len(lines[0]), 1000)

    def told_alone(self, done, *words, code=ERROR):
        """As told, and nothing else on either stream."""
        self.told(done, *words, code=code)
        self.assertEqual(len(done.stderr.splitlines()), 1, done.stderr)
        self.assertEqual(done.stdout, "")

    def failures(self, dataset="latex_ocr", out=None):
        """Reason by row ("" where ok), of a run that `lens verify` likes."""
        out = out or self.out
        self.passed(self.lens("verify", out))
        with h5py.File(out / "results.h5") as file:
            group = file[dataset]
            reasons = list(group["failure"].asstr()[:])
            tokens = np.diff(group["token_offset"][:])
            for failed, reason, count in zip(group["status"][:], reasons,
                                             tokens):
                self.assertEqual(bool(failed), bool(reason))
                self.assertEqual(count > 0, not failed)
            for reason in reasons:
                self.assertNotIn("\n", reason)
                for ugly in UGLY:
                    self.assertNotIn(ugly, reason)
            return reasons

    # --- samples --------------------------------------------------------------

    def test_bad_pictures_and_texts_become_failed_rows(self):
        rows, schema = bad.rows_of("latex_ocr", 16)
        whole = rows[1]["image"]["bytes"]
        broken = bytearray(whole)
        for at in range(60, 200):
            broken[at] ^= 0x5A
        cases = [
            (1, bad.image(bytes(broken)), "cannot decode PNG"),
            (2, bad.image(whole[:len(whole) // 2]), "the data ends early"),
            (3, bad.image(b""), "empty"),
            (5, bad.image(None, None), "image"),
            (6, None, "image is null"),
            (7, bad.image(b"GIF89a" + bytes(100)), "GIF"),
            (8, bad.image(bad.png(20000, 20000, rows=1)), "20000 x 20000"),
            (10, bad.image(bad.png(5000, 1)), "5000 x 1"),
            (11, bad.image(b"\xff\xd8\xff\xe0" + bytes(50)), "JPEG"),
            (12, bad.image(b"no picture at all"), "unknown format"),
        ]
        for row, picture, _ in cases:
            rows[row]["image"] = picture
        rows[14]["text"] = None
        data = bad.write_rows(self.folder / "bad.parquet", rows, schema)
        done = self.passed(self.run_it("--unit-images", 8, data=data))
        self.assertIn("5 ok, 11 failed", done.stdout)
        reasons = self.failures()
        for row, _, word in cases + [(14, None, "text is null")]:
            self.assertIn(word, reasons[row])
        ok = [row for row, reason in enumerate(reasons) if not reason]
        self.assertEqual(ok, [0, 4, 9, 13, 15])
        self.neighbours_are_untouched(16, ok)

    def neighbours_are_untouched(self, count, ok):
        """The rows that are ok, as in a run without their bad neighbours."""
        rows, schema = bad.rows_of("latex_ocr", count)
        data = bad.write_rows(self.folder / "good.parquet",
                              [rows[i] for i in ok], schema)
        good = self.folder / "good"
        self.passed(self.run_it(data=data, out=good))
        with h5py.File(self.out / "results.h5") as some, \
                h5py.File(good / "results.h5") as all_good:
            np.testing.assert_allclose(
                some["latex_ocr/entropy_mean"][:][ok],
                all_good["latex_ocr/entropy_mean"][:], rtol=1e-4)

    def test_bad_questions_become_failed_rows(self):
        rows, schema = bad.rows_of("mtvqa", 6)
        pair = "{'question': '%s', 'answer': 'a'}"
        rows[0]["qa_pairs"] = "[" + pair % "Who?" + "]"
        rows[1]["qa_pairs"] = "[{'question': 'Wh"
        rows[2]["qa_pairs"] = "[" + pair % ("what " * 40000) + "]"
        rows[3]["qa_pairs"] = None
        rows[4]["qa_pairs"] = "[" + pair % "<|image_pad|>?" + "]"
        rows[5]["qa_pairs"] = "[" + pair % "When?" + "]"
        data = bad.write_rows(self.folder / "bad.parquet", rows, schema)
        self.passed(self.run_it("--max-pixels", 50176, dataset="mtvqa",
                                data=data))
        reasons = self.failures("mtvqa")
        for row, word in [(1, "qa_pairs cannot be read"),
                          (2, "shorten the question"),
                          (3, "qa_pairs is null"), (4, "<|image_pad|>")]:
            self.assertIn(word, reasons[row])
        self.assertEqual((reasons[0], reasons[5]), ("", ""))

    def test_prompt_over_a_short_context_fails_with_its_size(self):
        model = bad.Checkpoint(self.folder / "model").config(
            max_position_embeddings=60)
        rows, schema = bad.rows_of("latex_ocr", 3)
        rows[1]["image"] = bad.image(bad.png(600, 600))
        data = bad.write_rows(self.folder / "bad.parquet", rows, schema)
        self.passed(self.run_it(data=data, model=model.folder))
        reasons = self.failures()
        self.assertEqual((reasons[0], reasons[2]), ("", ""))
        self.assertIn("takes 60); lower --max-pixels", reasons[1])

    def test_row_group_that_cannot_be_decoded_fails_its_rows_alone(self):
        rows, schema = bad.rows_of("latex_ocr", 9)
        for column in ("image.bytes", "text"):
            with self.subTest(column):
                data = bad.write_rows(
                    self.folder / column / "bad.parquet", rows, schema,
                    row_group_size=3, write_statistics=False)
                bad.damage_row_group(data, 1, column)
                out = self.folder / column / "run"
                self.passed(self.run_it("--unit-images", 4, data=data,
                                        out=out))
                reasons = self.failures(out=out)
                self.assertEqual([bool(r) for r in reasons],
                                 [False] * 3 + [True] * 3 + [False] * 3)
                for reason in reasons[3:6]:
                    self.assertIn("row group 1", reason)
                    self.assertIn("bad.parquet", reason)

    def test_run_without_a_good_sample_still_ends(self):
        rows, schema = bad.rows_of("latex_ocr", 2)
        for row in rows:
            row["image"] = bad.image(b"")
        data = bad.write_rows(self.folder / "bad.parquet", rows, schema)
        self.passed(self.run_it(data=data))
        self.assertTrue(all(self.failures()))

    # --- data files -----------------------------------------------------------

    def test_data_files_that_cannot_be_used(self):
        rows, schema = bad.rows_of("latex_ocr", 3)
        whole = bad.write_rows(self.folder / "whole.parquet", rows, schema)
        table = pq.read_table(whole)
        content = whole.read_bytes()

        def written(name, data):
            file = self.folder / name
            if isinstance(data, bytes):
                file.write_bytes(data)
            else:
                pq.write_table(data, file)
            return file

        empty = self.folder / "empty"
        empty.mkdir()
        cases = [
            ("mtvqa", whole, "no column 'lang'", "image, text"),
            ("latex_ocr", written("less.parquet", table.drop_columns("text")),
             "no column 'text'", "less.parquet"),
            ("latex_ocr", written("type.parquet", table.set_column(
                1, "text", pa.array([1, 2, 3], pa.timestamp("s")))),
             "timestamp", "'text'"),
            ("latex_ocr", written("flat.parquet", table.set_column(
                0, "image", pa.array([1, 2, 3]))), "int64", "'image'"),
            ("latex_ocr", written("cut.parquet", content[:-200]),
             "cut.parquet"),
            ("latex_ocr", written("foreign.parquet", bad.png(9, 9)),
             "foreign.parquet"),
            ("latex_ocr", written("nothing.parquet", b""), "nothing.parquet"),
            ("latex_ocr", written("rows.parquet", table.slice(0, 0)),
             "no row"),
            ("latex_ocr", empty, empty, "no split 'test'"),
            ("latex_ocr", self.folder / "away", self.folder / "away", "no such"),
        ]
        for dataset, data, *words in cases:
            with self.subTest(data=data.name):
                self.told_alone(self.plan(dataset=dataset, data=data), *words)
                self.assertFalse(self.out.exists())

    def test_incomplete_download_is_no_smaller_data_set(self):
        folder = self.folder / "data"
        rows, schema = bad.rows_of("latex_ocr", 3)
        bad.write_rows(folder / "test-00000-of-00002.parquet", rows, schema)
        self.told_alone(self.plan(data=folder), "not complete", "1 of 2")

    # --- checkpoints ----------------------------------------------------------

    def test_checkpoints_that_cannot_be_used(self):
        norm = "model.norm.weight"

        def remove(*names):
            def change(model):
                for name in names:
                    (model.folder / name).unlink()
            return change

        def put(name, text):
            return lambda model: (model.folder / name).write_text(text)

        def overlap(model):
            header, _ = model.tensors()
            first = header["model.layers.0.input_layernorm.weight"]
            model.offsets(norm, lambda _: first["data_offsets"])

        cases = {
            "missing tensor": (lambda m: m.without(norm), norm, "missing"),
            "missing vision tensor": (
                lambda m: m.without("visual.merger.ln_q.weight"),
                "visual.merger.ln_q.weight"),
            "wrong shape": (lambda m: m.reshape(norm, [2, 32]), norm,
                            "[2, 32]"),
            "integer tensor": (self.integer_tensor, norm, "I32"),
            "header of 2^63": (
                lambda m: m.write({}, b"", length=1 << 63), m_file),
            "header over the file": (
                lambda m: m.write({}, b"", length=10_000), m_file),
            "header is a list": (lambda m: m.write([1], b""), m_file),
            "offsets over the file": (
                lambda m: m.offsets(norm, lambda o: [o[0] + 2**40,
                                                     o[1] + 2**40]),
                norm, m_file),
            "negative offsets": (
                lambda m: m.offsets(norm, lambda o: [-8, o[1]]), norm, m_file),
            "overlapping tensors": (overlap, "overlap", m_file),
            "shape overflows": (
                lambda m: m.reshape(norm, [2**40, 2**40]), norm, m_file),
            "truncated weights": (
                lambda m: os.truncate(m.weights,
                                      m.weights.stat().st_size // 2), m_file),
            "empty weights": (lambda m: os.truncate(m.weights, 0), m_file),
            "no weights": (remove(m_file), "neither model.safetensors"),
            "zero heads": (lambda m: m.config(num_attention_heads=0),
                           "config.json", "num_attention_heads"),
            "heads do not divide": (lambda m: m.config(num_attention_heads=5),
                                    "config.json"),
            "negative layers": (lambda m: m.config(num_hidden_layers=-1),
                                "num_hidden_layers"),
            "zero vision heads": (
                lambda m: m.config(vision_config={"num_heads": 0}),
                "num_heads"),
            "hidden size is text": (lambda m: m.config(hidden_size="64"),
                                    "hidden_size"),
            "broken JSON": (put("config.json", '{"hidden_size": 64'),
                            "config.json", "JSON"),
            "no config": (remove("config.json"), "config.json"),
            "broken generation_config.json": (
                put("generation_config.json", "{"), "generation_config.json"),
            "broken preprocessor_config.json": (
                put("preprocessor_config.json", "{"),
                "preprocessor_config.json"),
            "other patches": (
                put("preprocessor_config.json", '{"patch_size": 12}'),
                "preprocessor_config.json", "patch_size"),
            "missing shard": (
                lambda m: m.index(["one.safetensors", "two.safetensors"]),
                "two.safetensors"),
            "tensor not in its shard": (self.shard_without_its_tensor,
                                        "two.safetensors"),
            "shard elsewhere": (
                lambda m: m.index(["../one.safetensors"]), "one.safetensors"),
            "no tokenizer": (
                remove("tokenizer.json", "vocab.json", "merges.txt"),
                "tokenizer.json"),
            "broken tokenizer": (put("tokenizer.json", "{}"),
                                 "tokenizer.json"),
            "head lost": (lambda m: m.without("lm_head.weight"),
                          "lm_head.weight", "tie_word_embeddings"),
            "no preprocessor": (remove("preprocessor_config.json"),
                                "preprocessor_config.json"),
            "quantised": (
                lambda m: m.config(quantization_config={
                    "quant_method": "awq", "bits": 4}), "awq", "plain"),
            "adapter": (put("adapter_config.json", "{}"), "adapter"),
            "doubled key": (put("generation_config.json",
                                '{"eos_token_id": 5, "eos_token_id": 6}'),
                            "eos_token_id", "twice"),
            "another model": (lambda m: m.config(model_type="qwen3_vl"),
                              "qwen3_vl", "Qwen2-VL or Qwen2.5-VL"),
            "other image token": (lambda m: m.config(image_token_id=5),
                                  "image_token_id"),
        }
        for name, (change, *words) in cases.items():
            with self.subTest(name):
                model = bad.Checkpoint(self.folder / name / "model")
                change(model)
                self.told_alone(self.plan(model=model.folder), *words)
                self.assertFalse(self.out.exists())

    def test_link_into_nothing_is_not_absent(self):
        for name in ("config.json", "generation_config.json",
                     "preprocessor_config.json", "model.safetensors",
                     "tokenizer.json", "tokenizer_config.json", "vocab.json",
                     "merges.txt", "added_tokens.json",
                     "special_tokens_map.json", "chat_template.json"):
            with self.subTest(name):
                model = bad.Checkpoint(self.folder / name / "model")
                file = model.folder / name
                if name == "merges.txt":  # read where this one is not there
                    (model.folder / "tokenizer.json").unlink()
                if name == "special_tokens_map.json":
                    (model.folder / "tokenizer_config.json").unlink()
                if name == "added_tokens.json":
                    (model.folder / "tokenizer_config.json").write_text("{}")
                file.unlink(missing_ok=True)
                file.symlink_to("../../blobs/0a1b2c")
                self.told_alone(self.plan(model=model.folder), name,
                                "link into nothing", "../../blobs/0a1b2c")

    def test_settings_of_generation_are_followed_named_or_refused(self):
        model = bad.Checkpoint(self.folder / "model")
        file = model.folder / "generation_config.json"
        for key, value in [("suppress_tokens", [5]), ("min_new_tokens", 3),
                           ("bad_words_ids", [[5]]), ("num_beams", 2),
                           ("no_repeat_ngram_size", 2)]:
            file.write_text(json.dumps({"eos_token_id": 588, key: value}))
            self.told_alone(self.plan("--generation-config",
                                      model=model.folder),
                            "generation_config.json", key)
        self.assertFalse(self.out.exists())
        file.write_text(json.dumps({"eos_token_id": 588, "do_sample": True,
                                    "temperature": 0.7,
                                    "repetition_penalty": 1.05}))
        done = self.passed(self.plan("--generation-config",
                                     model=model.folder))
        notes = [line for line in done.stdout.splitlines()
                 if line.startswith("note: ")]
        self.assertEqual(len(notes), 1, done.stdout)
        self.assertIn("do_sample = true", notes[0])
        manifest = json.loads((self.out / "manifest.json").read_text())
        self.assertEqual([f"note: {note}" for note in manifest["notes"]],
                         notes)
        # Without the flag none of it is asked for.
        file.write_text(json.dumps({"eos_token_id": 588, "num_beams": 2}))
        done = self.passed(self.plan(model=model.folder,
                                     out=self.folder / "plain"))
        self.assertNotIn("note", done.stdout)

    def test_template_of_its_own_is_named_and_flags_give_another_prompt(self):
        model = bad.Checkpoint(self.folder / "model")
        (model.folder / "chat_template.jinja").write_text(
            "{% for m in messages %}<|im_start|>{{ m.role }}\n{{ m.content }}"
            "<|im_end|>\n{% endfor %}")
        done = self.passed(self.run_it(
            "--limit", 1, "--system-prompt", "", "--prompt",
            "latex_ocr=Read this: {image}", "--tokens", "all",
            model=model.folder))
        self.assertIn("note: the checkpoint's own chat template "
                      "(chat_template.jinja)", done.stderr)
        with h5py.File(self.out / "results.h5") as file:
            group = file["latex_ocr"]
            self.assertEqual(group["prompt"].asstr()[0], "Read this: {image}")
            tokens = (group["prompt_tokens"][0] - group["image_tokens"][0])
        self.assertEqual(tokens, self.tokens_of(
            "<|im_start|>user\nRead this: <|vision_start|><|vision_end|>"
            "<|im_end|>\n<|im_start|>assistant\n"))

    def tokens_of(self, text):
        done = subprocess.run(
            [LENS, "tokenize", "--model", MODEL], input=json.dumps(text),
            capture_output=True, text=True, timeout=60, check=True)
        return len(json.loads(done.stdout))

    def test_names_that_are_not_utf8_are_refused_when_planned(self):
        model = bad.Checkpoint(self.folder / "model").folder
        latin1 = os.fsencode(self.folder) + b"/mod\xe8le"
        os.rename(model, latin1)
        data = os.fsencode(self.folder) + b"/donn\xe9es"
        shutil.copytree(os.fsencode(LATEX), data)
        for words in (["--model", latin1],
                      ["--dataset", b"latex_ocr=" + data],
                      ["--out", latin1 + b"/run"],
                      ["--system-prompt", b"\xe8"]):
            given = {"--model": MODEL, "--dataset": f"latex_ocr={LATEX}",
                     "--out": self.out, words[0]: words[1]}
            done = subprocess.run(
                [LENS, "plan", *[os.fsencode(word) for pair in given.items()
                                 for word in pair]],
                capture_output=True, text=True, timeout=60)
            self.told_alone(done, words[0], "not UTF-8", "\\xe")
        self.assertFalse(self.out.exists())

    def test_tilde_is_the_home_in_flags_and_in_toml(self):
        home = self.folder / "home"
        home.mkdir()
        shutil.copytree(MODEL, home / "model")
        shutil.copytree(LATEX, home / "latex")
        toml = self.folder / "run.toml"
        toml.write_text('out = "~/run"\n[dataset]\nlatex_ocr = "~/latex"\n')
        environment = {"HOME": str(home)}
        self.passed(self.lens("plan", "--model=~/model", "--config", toml,
                              environment=environment))
        self.assertTrue((home / "run/manifest.json").is_file())
        self.passed(self.lens(
            "plan", "--model", "~/model", "--dataset", "latex_ocr=~/latex",
            "--out", "~/other", environment=environment))
        self.assertTrue((home / "other/manifest.json").is_file())
        self.assertFalse(pathlib.Path("~").exists())

    @staticmethod
    def integer_tensor(model):
        header, data = model.tensors()
        header["model.norm.weight"]["dtype"] = "I32"
        size = (header["model.norm.weight"]["data_offsets"][1]
                - header["model.norm.weight"]["data_offsets"][0]) // 4
        header["model.norm.weight"]["shape"] = [size]
        model.write(header, data)

    @staticmethod
    def shard_without_its_tensor(model):
        model.index(["one.safetensors", "two.safetensors"])
        shutil.copyfile(model.folder / "one.safetensors",
                        model.folder / "two.safetensors")
        short = bad.Checkpoint.__new__(bad.Checkpoint)
        short.folder = model.folder
        header = {"only": {"dtype": "F32", "shape": [1],
                           "data_offsets": [0, 4]}}
        short.write(header, bytes(4), file=model.folder / "two.safetensors")

    def test_model_that_does_not_fit_the_memory_is_refused_unread(self):
        model = bad.Checkpoint(self.folder / "model").grown(
            layers=40, width=8 << 20)
        begin = time.monotonic()
        self.told_alone(self.run_it(model=model.folder), "GB", "memory")
        self.assertFalse(self.out.exists())
        done = self.lens("doctor", "--model", model.folder)
        self.assertEqual(done.returncode, ERROR, done.stdout)
        problems = [line for line in done.stdout.splitlines()
                    if line.startswith("PROBLEM")]
        self.assertEqual(len(problems), 1, done.stdout)
        self.assertIn("GB", problems[0])
        # Terabytes that are not there: nobody has begun to hash them.
        self.assertLess(time.monotonic() - begin, 30)

    # --- run directories ------------------------------------------------------

    def test_run_directory_of_another_config_says_what_differs(self):
        self.passed(self.plan("--limit", 3))
        manifest = (self.out / "manifest.json").read_bytes()
        other = bad.Checkpoint(self.folder / "model").config(rope_theta=9999.0)
        rows, schema = bad.rows_of("latex_ocr", 3)
        data = bad.write_rows(self.folder / "d" / "a.parquet", rows, schema)
        for done, *words in [
                (self.plan("--limit", 4), "limit", "3", "4"),
                (self.plan("--limit", 3, "--top-k", 7), "top_k", "7"),
                (self.plan("--limit", 3, model=other.folder), "model"),
                (self.plan("--limit", 3, data=data), "files of latex_ocr")]:
            self.told_alone(done, self.out, "another run", "--out", *words)
            self.assertEqual((self.out / "manifest.json").read_bytes(),
                             manifest)

    def test_run_directory_that_cannot_be_made(self):
        file = self.folder / "file"
        file.write_text("")
        self.told_alone(self.run_it(out=file), file, "--out")
        self.told_alone(self.run_it(out=file / "run"), file, "--out")
        self.told_alone(self.run_it(out="/proc/lens-run"), "/proc/lens-run",
                        "--out")

    def test_damaged_manifest_is_told(self):
        self.passed(self.plan("--limit", 3))
        manifest = self.out / "manifest.json"
        text = manifest.read_text()
        for change in (text[:len(text) // 2], "", "[]",
                       text.replace('"limit"', '"limits"', 1)):
            manifest.write_text(change)
            self.told_alone(self.plan("--limit", 3), "manifest.json")
            self.told_alone(self.lens("verify", self.out), "manifest.json")

    def mount(self, size):
        """A small file system as run directory, or a skip with the reason."""
        self.out.mkdir()
        done = subprocess.run(
            ["mount", "-t", "tmpfs", "-o", f"size={size}", "lens-test",
             self.out], capture_output=True, text=True)
        if done.returncode != 0:
            self.skipTest("cannot mount a small file system: "
                          + done.stderr.strip())
        self.addCleanup(subprocess.run, ["umount", "--lazy", self.out],
                        check=True)

    def remount(self, options):
        subprocess.run(["mount", "-o", f"remount,{options}", self.out],
                       check=True)

    def test_read_only_disk_is_told(self):
        self.mount("1m")
        self.remount("ro")
        self.told_alone(self.run_it(), "Read-only file system", "--out")
        self.remount("rw")
        self.passed(self.run_it("--limit", 2))
        # The command repeats what is complete and writes nothing.
        self.remount("ro")
        done = self.passed(self.run_it("--limit", 2))
        self.assertIn("complete already", done.stderr)

    def test_full_disk_loses_nothing_that_is_committed(self):
        self.mount("2m")
        words = ("--unit-images", 2, "--limit", 24, "--tokens", "all",
                 "--save-hidden", "all")
        self.told(self.run_it(*words), "No space left", "same command")
        kept = {file: file.stat().st_mtime_ns
                for file in self.out.glob("parts/*/*.h5")}
        self.assertTrue(kept)
        self.remount("size=64m")
        self.passed(self.run_it(*words))
        for file, time_ns in kept.items():
            self.assertEqual(file.stat().st_mtime_ns, time_ns)
        self.assertFalse(any(self.failures()))

    def test_disk_that_is_full_at_once(self):
        self.mount("1m")
        filler = self.out / "filler"
        with open(filler, "wb", buffering=0) as file:
            try:
                while file.write(bytes(4096)):
                    pass
            except OSError:
                pass
        self.told_alone(self.run_it("--limit", 2), self.out, "No space left")
        filler.unlink()
        self.passed(self.run_it("--limit", 2))

    def test_second_run_is_refused_and_harms_nothing(self):
        self.passed(self.plan("--limit", 3))
        with open(self.out / ".run.lock", "w") as lock:
            fcntl.flock(lock, fcntl.LOCK_EX)
            self.told_alone(self.run_it("--limit", 3), self.out,
                            f"(pid {os.getpid()}) holds a lock")
        self.passed(self.run_it("--limit", 3))

    def test_damaged_ledger_is_rebuilt_from_the_parts(self):
        self.passed(self.run_it("--limit", 3, "--unit-images", 1))
        before = (self.out / "results.h5").read_bytes()
        kept = {file: file.stat().st_mtime_ns
                for file in self.out.glob("parts/*/*.h5")}
        self.assertEqual(len(kept), 3)
        ledger = self.out / "ledger.sqlite"
        ledger.write_bytes(b"no ledger" * 100)
        self.told(self.run_it("--limit", 3, "--unit-images", 1), ledger,
                  "move it away")
        ledger.unlink()
        (self.out / "results.h5").unlink()
        self.passed(self.run_it("--limit", 3, "--unit-images", 1))
        self.assertEqual((self.out / "results.h5").read_bytes(), before)
        for file, time_ns in kept.items():
            self.assertEqual(file.stat().st_mtime_ns, time_ns)

    def test_two_coordinators_do_not_share_a_run(self):
        self.passed(self.plan("--limit", 3))
        program = pathlib.Path(LENS).with_name("lens-coordinator")
        first = subprocess.Popen([program, self.out],
                                 stdout=subprocess.DEVNULL,
                                 stderr=subprocess.DEVNULL)
        try:
            deadline = time.monotonic() + 30
            while self.status() != "running" and time.monotonic() < deadline:
                time.sleep(0.05)
            second = subprocess.run([program, self.out], capture_output=True,
                                    text=True, timeout=30)
            self.told_alone(second, "another coordinator", "lens status")
            self.told(self.run_it("--limit", 3), "a coordinator is running",
                      "lens status")
        finally:
            first.terminate()
            first.wait(30)
        self.passed(self.run_it("--limit", 3))

    def status(self):
        done = self.lens("status", self.out, "--json")
        return json.loads(done.stdout)["state"] if done.stdout else ""

    # --- the command line and the machine -------------------------------------

    def test_wrong_usage_names_the_culprit(self):
        base = self.words("run")
        for words, *culprits in [
                ([*base, "--modle", "x"], "--modle"),
                ([*base, "--dataset", "co/co=x"], "co/co=x", "NAME of letters"),
                ([*base, "--limit", "-1"], "--limit", "-1"),
                ([*base, "--limit", "many"], "--limit", "many"),
                ([*base, "--device", "tpu"], "--device", "tpu"),
                ([*base, "--tokens", "answers"], "--tokens", "answers"),
                (["run"], "--model"),
                (["run", "--config", self.folder / "no.toml"], "no.toml"),
                (["walk"], "walk"),
                (["status"], "RUN_DIR")]:
            with self.subTest(words=words[-2:]):
                self.told_alone(self.lens(*words), *culprits, code=USAGE)
                self.assertFalse(self.out.exists())

    def test_folders_that_are_no_run_are_told(self):
        for command in ("status", "merge", "verify"):
            with self.subTest(command):
                self.told_alone(self.lens(command, self.folder / "none"),
                                self.folder / "none")

    def test_workers_without_mpirun(self):
        done = self.run_it("--limit", 2, "--workers", 2,
                           environment={"PATH": "/nowhere"})
        self.told(done, "mpirun", "Open MPI", "--workers 1")
        done = self.passed(self.run_it("--limit", 2, "--workers", 1,
                                       environment={"PATH": "/nowhere"}))
        self.assertFalse(any(self.failures()))

    def test_gpu_that_is_not_there(self):
        if pathlib.Path("/dev/nvidiactl").exists():
            self.skipTest("this machine has a GPU")
        self.told(self.run_it("--limit", 2, "--device", "cuda"), "cuda",
                  "--device cpu")


m_file = "model.safetensors"

if __name__ == "__main__":
    parser = argparse.ArgumentParser()
    parser.add_argument("--lens", required=True)
    known, rest = parser.parse_known_args()
    LENS = str(pathlib.Path(known.lens).resolve())
    unittest.main(argv=[sys.argv[0], *rest], verbosity=2)
