"""One bad sample costs one row: killed, hung or without numbers at it, the run
ends well, and the others have the bytes that they have where it cannot be read.
"""

import collections
import json
import shutil
import subprocess

import h5py
import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
import safetensors.numpy

import programs
from programs import DATA, OK, RunCase, ledger, preload

KILLED, CRASH = 6, 2  # classes in the ledger
COLUMNS = ("token_id", "token_position", "token_role", "entropy", "kl_final",
           "target_logprob", "target_rank", "top_id", "top_logprob",
           "script_share")


def samples_of(results):
    """(data set, sample id) -> status, failure, all else as a list."""
    found = {}
    with h5py.File(results) as file:
        for dataset in ("latex_ocr", "mtvqa"):
            group = file[dataset]
            offset = group["token_offset"][:]
            for i, name in enumerate(group["sample_id"].asstr()[:]):
                rows = slice(offset[i], offset[i + 1])
                values = [group[column][rows] for column in COLUMNS]
                values.append(group["entropy_mean"][i])
                found[dataset, name] = (int(group["status"][i]),
                                        group["failure"].asstr()[i], values)
    return found


def with_broken_images(source, target, rows):
    """The demo's Parquet file with pictures that cannot be decoded."""
    table = pq.read_table(next(source.glob("test-*.parquet")))
    content = table.to_pylist()
    for row in rows:
        content[row]["image"]["bytes"] = b"no picture"
    pq.write_table(pa.Table.from_pylist(content, schema=table.schema), target)
    return target


class BadSampleTest(RunCase):
    # 20 samples of each data set: batches of several.
    WORDS = ["--unit-images", 4, "--limit", 20, "--max-new-tokens", 8]

    @classmethod
    def setUpClass(cls):
        super().setUpClass()
        cls.undisturbed()
        cls.whole = samples_of(cls.folder / "undisturbed/results.h5")

    def token_of_one_sample(self):
        """An id that a single question has, and no answer; and whose it is."""
        questions, answers = {}, set()
        with h5py.File(self.folder / "undisturbed/results.h5") as file:
            for dataset in ("latex_ocr", "mtvqa"):
                group = file[dataset]
                answers |= set(group["token_id"][:].tolist())
                for name, prompt in zip(group["sample_id"].asstr()[:],
                                        group["prompt"].asstr()[:]):
                    questions[dataset, name] = prompt
        done = subprocess.run(
            [programs.BIN / "lens", "tokenize", "--model", programs.MODEL],
            input="\n".join(map(json.dumps, questions.values())),
            capture_output=True, text=True, timeout=60, check=True)
        ids = [json.loads(line) for line in done.stdout.splitlines()]
        owners = collections.defaultdict(set)
        for sample, tokens in zip(questions, ids):
            for token in tokens:
                owners[token].add(sample)
        for token, samples in sorted(owners.items()):
            if len(samples) == 1 and token not in answers:
                return token, samples.pop()
        raise AssertionError("no token of one question alone")

    def checkpoint_without_numbers_for(self, token):
        folder = self.folder / "nan-checkpoint"
        shutil.copytree(programs.MODEL, folder)
        weights = safetensors.numpy.load_file(folder / "model.safetensors")
        rows = weights["model.embed_tokens.weight"].copy()
        rows[token] = float("nan")
        weights["model.embed_tokens.weight"] = rows
        safetensors.numpy.save_file(weights, folder / "model.safetensors",
                                    metadata={"format": "pt"})
        return folder

    def reference(self, name, checkpoint, latex_rows, mtvqa_rows=()):
        """The samples of a run whose bad ones cannot be read."""
        latex = with_broken_images(DATA / "latex_ocr",
                                   self.folder / f"{name}-latex.parquet",
                                   latex_rows)
        mtvqa = with_broken_images(DATA / "mtvqa",
                                   self.folder / f"{name}-mtvqa.parquet",
                                   mtvqa_rows)
        out = self.new_run(name)
        words = [str(word) for word in (
            programs.BIN / "lens", "run", "--model", checkpoint,
            "--dataset", f"latex_ocr={latex}", "--dataset", f"mtvqa={mtvqa}",
            "--out", out, "--dtype", "float32", "--device", "cpu",
            "--threads", 1, *self.WORDS)]
        done = subprocess.run(words, capture_output=True, text=True,
                              timeout=120)
        self.assertEqual(done.returncode, OK, done.stdout + done.stderr)
        return samples_of(out / "results.h5")

    def assert_only_these_failed(self, out, reasons, reference):
        """reasons: (data set, id) -> a piece of its failure."""
        self.lens("verify", out)
        found = samples_of(out / "results.h5")
        self.assertEqual(found.keys(), self.whole.keys())
        for sample, (status, failure, values) in found.items():
            if sample in reasons:
                self.assertEqual(status, 1, sample)
                self.assertIn(reasons[sample], failure)
                self.assertEqual(len(values[0]), 0, sample)
                continue
            self.assertEqual(status, 0, (sample, failure))
            for name, value, other, whole in zip(
                    (*COLUMNS, "entropy_mean"), values, reference[sample][2],
                    self.whole[sample][2]):
                self.assertEqual(value.tobytes(), other.tobytes(),
                                 (sample, name))
                # Without its neighbour a sample may differ in its last bits.
                np.testing.assert_allclose(value, whole, rtol=1e-4, atol=1e-4,
                                           err_msg=str((sample, name)))
        self.assertEqual({path.name: path.read_text(errors="replace")
                          for path in (out / "crashes").iterdir()}, {})

    def run_with(self, out, checkpoint, faults):
        words = self.run_words(out)
        words[words.index("--model") + 1] = str(checkpoint)
        done = subprocess.run(
            words, capture_output=True, text=True, timeout=280,
            env=preload("work", LENS_TEST_FAULTS=faults,
                        LENS_STALL_SECONDS=0.5))
        self.assertEqual(done.returncode, OK,
                         self.story(out, done.stdout + done.stderr))
        return done

    def test_killed_hung_and_without_numbers_all_in_one_run(self):
        token, nan_sample = self.token_of_one_sample()
        checkpoint = self.checkpoint_without_numbers_for(token)
        out = self.new_run("all")
        done = self.run_with(out, checkpoint, "model:5=kill,model:14=hang")
        self.assertIn("40 samples: 37 ok, 3 failed", done.stdout)
        self.assert_only_these_failed(
            out,
            {("latex_ocr", "5"): "killed (SIGKILL",
             ("latex_ocr", "14"): "made no step for",
             nan_sample: "no numbers"},
            self.reference("all-reference", checkpoint, [5, 14]))
        deaths = ledger(out, "SELECT class, sample_id FROM failures"
                             f" WHERE class IN ({KILLED}, {CRASH})")
        killed = [sample for kind, sample in deaths if kind == KILLED]
        hung = [sample for kind, sample in deaths if kind == CRASH]
        self.assertEqual(killed, ["", "", "5"])
        self.assertEqual(hung, ["", "14", "14"])

    def test_image_that_kills_or_hangs_its_reader(self):
        out = self.new_run("images")
        self.run_with(out, programs.MODEL, "image:1=hang,image:6=kill")
        reasons = {sample: "made no step for" if row == "1" else "killed"
                   for sample in self.whole
                   for row in [sample[1].split(".")[0]] if row in ("1", "6")}
        self.assert_only_these_failed(
            out, reasons, self.reference("images-reference", programs.MODEL,
                                         [1, 6], [1, 6]))

    def test_one_that_kills_keeps_nothing_from_the_others(self):
        """What stands behind it in the queue is done before its last death."""
        out = self.new_run("queue")
        self.run_with(out, programs.MODEL, "model:5=kill")
        commits = dict(ledger(out, "SELECT unit, number FROM commits"))
        last = max(commits.values())
        units = json.loads((out / "manifest.json").read_text())["units"]
        bad = [i for i, unit in enumerate(units)
               if unit["dataset"] == "latex_ocr"
               and unit["row_begin"] <= 5 < unit["row_end"]]
        self.assertEqual([unit for unit, number in commits.items()
                          if number == last], bad)


if __name__ == "__main__":
    programs.main()
