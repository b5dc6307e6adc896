"""How much of a long run is not spent in the engine.

    soak_overhead_test.py --bin build/bin

The main thread of the worker is looked at 100 times a second. It is in the
engine when it computes (neither in a system call nor asleep). Everything else
of the wall time of `lens run` is overhead: planning, start, waiting for images,
for leases and for parts, merging.
"""

import os
import pathlib
import time

import programs
from programs import OK, RepeatedCase, processes

SAMPLES = int(os.environ.get("LENS_SOAK_SAMPLES", "10000"))
MOST_OVERHEAD = 0.05
# Below this the model is too small for the question to make sense.
LEAST_ENGINE_MS = 5
STEP = 0.01


class Looker:
    """What the worker of a run is doing, by looking at it."""

    def __init__(self, run):
        self.run = run
        self.parts = run / "parts/latex_ocr"
        self.pid = None
        self.worked = False

    def look(self):
        if self.pid is None and not self.worked:
            self.pid = next(iter(processes(self.run)["lens-worker"]), None)
        if self.pid is None:
            return "after the worker" if self.worked else "before the worker"
        try:
            state = pathlib.Path(f"/proc/{self.pid}/task/{self.pid}/stat"
                                 ).read_text().rsplit(")", 1)[1].split()[0]
        except (OSError, IndexError):
            self.pid, self.worked = None, True
            return "after the worker"
        if not self.parts.exists():
            return "start of the worker, and its first unit"
        return "engine" if state == "R" else "waiting"


class SoakOverheadTest(RepeatedCase):
    # Of the size of the demo's: 12 layers, the smallest that a user would run.
    CHECKPOINT = programs.ROOT / "tests/data/random-checkpoint"
    SAMPLES = SAMPLES
    WORDS = ["--max-new-tokens", 32, "--workers", 1]

    def test_at_most_5_percent_outside_of_the_engine(self):
        run = self.new_run("long")
        begin = time.monotonic()
        process = self.start(self.run_words(run))
        looker = Looker(run)
        seconds = {}
        last = begin
        while process.poll() is None:
            what = looker.look()
            now = time.monotonic()
            seconds[what] = seconds.get(what, 0) + now - last
            last = now
            time.sleep(STEP)
        wall = time.monotonic() - begin
        self.assertEqual(process.returncode, OK, self.text_of(process))
        for what, spent in sorted(seconds.items(), key=lambda e: -e[1]):
            print(f"{what:<28} {spent:8.2f} s {spent / wall:7.2%}")
        engine = seconds["engine"]
        print(f"{SAMPLES} samples in {wall:.1f} s, engine "
              f"{1000 * engine / SAMPLES:.1f} ms a sample; outside of it "
              f"{1 - engine / wall:.2%}")
        print(f"load average {os.getloadavg()[0]:.1f} on {os.cpu_count()} "
              "cores")
        self.assertGreater(1000 * engine / SAMPLES, LEAST_ENGINE_MS)
        self.assertLess(1 - engine / wall, MOST_OVERHEAD)


if __name__ == "__main__":
    programs.main()
