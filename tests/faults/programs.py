"""The programs of Lens as a user starts them, and their processes to hit.

Imported by the tests of this folder. Every process of a run carries the run
directory as an argument: that is how they are found, and why a test only ever
hits its own.
"""

import argparse
import contextlib
import hashlib
import json
import os
import pathlib
import signal
import sqlite3
import subprocess
import sys
import tempfile
import time
import unittest

try:
    import pyarrow as pa
    import pyarrow.parquet as pq
except ImportError as error:
    print(f"skipped: {error}; scripts/setup.sh --tests installs it")
    sys.exit(77)

ROOT = pathlib.Path(__file__).resolve().parents[2]
MODEL = ROOT / "tests/data/tiny-checkpoint"
DATA = ROOT / "demo/data"
BIN = None

OK, ERROR, USAGE, INTERRUPTED = 0, 1, 2, 75
PROGRAMS = ("lens", "lens-coordinator", "lens-worker", "mpirun")


def main():
    """Of every test file: --bin FOLDER, then what unittest takes."""
    global BIN
    parser = argparse.ArgumentParser()
    parser.add_argument("--bin", required=True, type=pathlib.Path,
                        help="folder of lens and the other programs")
    known, rest = parser.parse_known_args()
    BIN = known.bin.resolve()
    unittest.main(module="__main__", argv=[sys.argv[0], *rest], verbosity=2)


def preload(library, **variables):
    """An environment in which the programs load a library of preload/."""
    path = BIN.parent / "tests" / f"lens_{library}_faults.so"
    assert path.is_file(), path
    return os.environ | {"LD_PRELOAD": str(path)} | {
        name: str(value) for name, value in variables.items()}


def digest(path):
    return hashlib.sha256(path.read_bytes()).hexdigest()


def until(condition, seconds, what):
    """The first true value of condition(); an error names what was awaited."""
    deadline = time.monotonic() + seconds
    while True:
        value = condition()
        if value:
            return value
        if time.monotonic() > deadline:
            raise AssertionError(f"not within {seconds} s: {what}")
        time.sleep(0.01)


def processes(run):
    """Program name -> pids, of the living processes of one run directory."""
    found = {name: [] for name in PROGRAMS}
    wanted = str(run).encode()
    for entry in os.listdir("/proc"):
        if not entry.isdigit():
            continue
        try:
            words = pathlib.Path(f"/proc/{entry}/cmdline").read_bytes().split(
                b"\0")
            state = pathlib.Path(f"/proc/{entry}/stat").read_text().rsplit(
                ")", 1)[1].split()[0]
        except (OSError, IndexError):
            continue
        name = os.path.basename(words[0]).decode(errors="replace")
        if name in found and wanted in words and state not in "ZX":
            found[name].append(int(entry))
    return found


def rank_of(pid):
    """Of a process that mpirun started; None of any other."""
    with contextlib.suppress(OSError):
        for word in pathlib.Path(f"/proc/{pid}/environ").read_bytes().split(
                b"\0"):
            if word.startswith(b"OMPI_COMM_WORLD_RANK="):
                return int(word.split(b"=")[1])
    return None


def living(run):
    return [pid for pids in processes(run).values() for pid in pids]


def hit(pids, number):
    for pid in pids:
        with contextlib.suppress(ProcessLookupError):
            os.kill(pid, number)


def parts(run):
    return list((run / "parts").glob("*/*.h5"))


def ledger(run, query):
    """Rows of the ledger of a run at rest."""
    with contextlib.closing(sqlite3.connect(run / "ledger.sqlite")) as base:
        return base.execute(query).fetchall()


class RunCase(unittest.TestCase):
    """A folder, runs in it, and no process left behind by a failed test."""

    # Of every run of a class: its model, its samples and how long one takes.
    CHECKPOINT = MODEL
    WORDS = ["--unit-images", 1, "--limit", 30, "--max-new-tokens", 100]

    @classmethod
    def setUpClass(cls):
        folder = tempfile.TemporaryDirectory(prefix="lens-faults-")
        cls.folder = pathlib.Path(folder.name).resolve()
        cls.addClassCleanup(folder.cleanup)
        cls.addClassCleanup(cls.kill_left)
        cls.runs = []

    @classmethod
    def kill_left(cls):
        for run in cls.runs:
            hit(living(run), signal.SIGCONT)
            hit(living(run), signal.SIGKILL)

    @classmethod
    def undisturbed(cls):
        """Digest of the results of a run that was left in peace."""
        if not hasattr(cls, "_undisturbed"):
            out = cls.new_run("undisturbed")
            begin = time.monotonic()
            done = subprocess.run(cls.run_words(out), capture_output=True,
                                  text=True, timeout=600)
            if done.returncode != OK:
                raise AssertionError(done.stdout + done.stderr)
            cls.undisturbed_seconds = time.monotonic() - begin
            subprocess.run([BIN / "lens", "verify", out], check=True,
                           stdout=subprocess.DEVNULL, timeout=60)
            cls._undisturbed = digest(out / "results.h5")
        return cls._undisturbed

    @classmethod
    def new_run(cls, name):
        run = cls.folder / name
        cls.runs.append(run)
        return run

    @classmethod
    def run_words(cls, out, *more, command="run"):
        """The command line; flags in `more` stand in for those of WORDS."""
        pairs = list(zip(cls.WORDS[::2], cls.WORDS[1::2]))
        usual = [word for pair in pairs if pair[0] not in more
                 for word in pair]
        datasets = [word for data in cls.datasets()
                    for word in ("--dataset", data)]
        return [str(word) for word in (
            BIN / "lens", command, "--model", cls.CHECKPOINT, *datasets, "--out", out,
            "--dtype", "float32", "--device", "cpu", "--threads", 1,
            *usual, *more)]

    @classmethod
    def datasets(cls):
        return [f"latex_ocr={DATA / 'latex_ocr'}", f"mtvqa={DATA / 'mtvqa'}"]

    def lens(self, *words, expect=OK, timeout=120):
        begin = time.monotonic()
        done = subprocess.run([BIN / "lens", *map(str, words)],
                              capture_output=True, text=True, timeout=timeout)
        done.seconds = time.monotonic() - begin
        if expect is not None:
            self.assertEqual(done.returncode, expect,
                             done.stdout + done.stderr)
        return done

    def run_to_end(self, out, *more, expect=OK, timeout=300):
        done = subprocess.run(self.run_words(out, *more), capture_output=True,
                              text=True, timeout=timeout)
        self.assertEqual(done.returncode, expect, self.story(out, done.stdout
                                                             + done.stderr))
        return done

    def start(self, words, **options):
        """Starts a program in a process group of its own; output to a file."""
        log = tempfile.TemporaryFile("w+", dir=self.folder)
        process = subprocess.Popen([str(word) for word in words], stdout=log,
                                   stderr=subprocess.STDOUT,
                                   start_new_session=True, **options)
        process.log = log
        self.addCleanup(self.reap, process)
        return process

    @staticmethod
    def reap(process):
        if process.poll() is None:
            process.kill()
        process.wait()
        process.log.close()

    @staticmethod
    def text_of(process):
        process.log.seek(0)
        return process.log.read()

    def story(self, run, *more):
        """What a failed assertion is to show."""
        lines = list(more)
        for log in sorted((run / "logs").glob("*.log")):
            tail = log.read_text(errors="replace").splitlines()[-15:]
            lines += [f"--- {log.name}", *tail]
        return "\n".join(lines)

    def wait_end(self, process, run, expect, seconds=60):
        try:
            code = process.wait(seconds)
        except subprocess.TimeoutExpired:
            self.fail(self.story(run, f"still runs after {seconds} s",
                                 self.text_of(process)))
        wanted = expect if isinstance(expect, tuple) else (expect,)
        self.assertIn(code, wanted, self.story(run, self.text_of(process)))
        return code

    def await_parts(self, run, count, seconds=60):
        until(lambda: len(parts(run)) >= count, seconds, f"{count} parts")

    def status(self, run):
        return json.loads(self.lens("status", run, "--json").stdout)

    def await_status(self, run, condition, what, seconds=30):
        seen = []

        def matches():
            done = self.lens("status", run, "--json", expect=None)
            if done.returncode == OK:
                seen[:] = [json.loads(done.stdout)]
                if condition(seen[0]):
                    return seen[0]
            return None
        try:
            return until(matches, seconds, what)
        except AssertionError as error:
            raise AssertionError(f"{error}; last: {seen}") from None

    # Programs started by hand, as a batch script does.

    def plan(self, run, *more):
        self.runs.append(run)
        done = subprocess.run(self.run_words(run, *more, command="plan"),
                              capture_output=True, text=True, timeout=60)
        self.assertEqual(done.returncode, OK, done.stdout + done.stderr)

    def start_coordinator(self, run, *flags, **options):
        address = run / "coordinator.json"

        def serves():
            with contextlib.suppress(OSError, ValueError):
                return json.loads(address.read_text())["pid"] == process.pid
            self.assertIsNone(process.poll(), self.text_of(process))
        process = self.start([BIN / "lens-coordinator", run, *flags],
                             **options)
        until(serves, 20, "a coordinator that serves")
        return process

    def start_world(self, run, ranks):
        root = ["--allow-run-as-root"] if os.geteuid() == 0 else []
        return self.start(
            ["mpirun", *root, "--oversubscribe", "--bind-to", "none", "-n",
             ranks, BIN / "lens-worker", run],
            env=os.environ | {"OMP_NUM_THREADS": "1"})

    # What holds of a finished run whatever has hit it.

    def assert_same_result(self, run):
        self.assertEqual(digest(run / "results.h5"), self.undisturbed())
        return self.assert_ledger_consistent(run)

    def assert_ledger_consistent(self, run):
        units = len(json.loads((run / "manifest.json").read_text())["units"])
        commits = ledger(run, "SELECT unit, epoch, number, part_file"
                              " FROM commits ORDER BY unit")
        failures = ledger(run, "SELECT unit, epoch, number, attempt, class"
                               " FROM failures ORDER BY unit, attempt, id")
        meta = dict(ledger(run, "SELECT key, value FROM meta"))
        self.assertEqual([commit[0] for commit in commits], list(range(units)))
        self.assertEqual(meta["state"], "complete")
        for unit, epoch, number, file in commits:
            self.assertTrue((run / file).is_file(), file)
            self.assertTrue(file.endswith(f"{unit:06d}.{epoch}-{number}.h5"),
                            file)
            self.assertLessEqual(epoch, int(meta["epoch"]))
        # No lease both committed and failed, and none failed twice.
        tokens = [commit[1:3] for commit in commits]
        tokens += [failure[1:3] for failure in failures]
        self.assertEqual(len(tokens), len(set(tokens)))
        return failures, int(meta["epoch"])


def settle(run, seconds):
    """Seconds until no process of the run is left."""
    begin = time.monotonic()
    until(lambda: not living(run), seconds,
          f"the end of all processes ({processes(run)})")
    return time.monotonic() - begin


def repeat_samples(path, samples, pictures=40):
    """A LaTeX_OCR file of `samples` rows: the first pictures of the demo, in
    turn; returns its path."""
    source = DATA / "latex_ocr/test-00000-of-00001.parquet"
    rows = pq.read_table(source).to_pylist()[:pictures]
    schema = pq.read_schema(source)
    with pq.ParquetWriter(path, schema) as writer:
        for begin in range(0, samples, 100):
            batch = [rows[i % len(rows)]
                     for i in range(begin, min(samples, begin + 100))]
            writer.write_table(pa.Table.from_pylist(batch, schema=schema))
    return path


class RepeatedCase(RunCase):
    """Runs over SAMPLES formulas, the pictures of the demo in turn."""

    SAMPLES = 0
    PICTURES = 40

    @classmethod
    def setUpClass(cls):
        super().setUpClass()
        cls.data = repeat_samples(cls.folder / "samples.parquet", cls.SAMPLES,
                                  cls.PICTURES)

    @classmethod
    def datasets(cls):
        return [f"latex_ocr={cls.data}"]
