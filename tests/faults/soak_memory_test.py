"""Peak memory of a run does not depend on the number of samples.

    soak_memory_test.py --bin build/bin
"""

import pathlib
import time

import programs
from programs import OK, RepeatedCase, processes

# Enough for the workers to reach their peak, and to fill the fixed buffers of
# the merge.
FEW = 4000
MOST_GROWTH = 1.05


def peaks(run, into):
    """Peak resident kB so far of each program of a run; of several, the
    largest."""
    for program, pids in processes(run).items():
        for pid in pids:
            try:
                text = pathlib.Path(f"/proc/{pid}/status").read_text()
            except OSError:
                continue
            for line in text.splitlines():
                if line.startswith("VmHWM:"):
                    into[program] = max(into.get(program, 0),
                                        int(line.split()[1]))


class SoakMemoryTest(RepeatedCase):
    SAMPLES = 10 * FEW
    # Units large enough that each reaches what one needs at most.
    WORDS = ["--unit-images", 32, "--max-new-tokens", 12, "--workers", 2]

    def measured(self, name, *more):
        run = self.new_run(name)
        process = self.start(self.run_words(run, *more))
        found = {}
        begin = time.monotonic()
        while process.poll() is None:
            peaks(run, found)
            time.sleep(0.05)
        print(f"{name}: {time.monotonic() - begin:.1f} s, peaks in MB: "
              + ", ".join(f"{program} {kilobytes / 1024:.1f}"
                          for program, kilobytes in sorted(found.items())))
        self.assertEqual(process.returncode, OK, self.text_of(process))
        return found

    def test_ten_times_the_samples_need_no_more(self):
        few = self.measured("few", "--limit", FEW)
        many = self.measured("many")
        growth = {program: many[program] / few[program] for program in few}
        # A launcher and a coordinator beside the two workers.
        growth["all together"] = sum(
            many[p] * (1 + (p == "lens-worker")) for p in many) / sum(
            few[p] * (1 + (p == "lens-worker")) for p in few)
        for program, factor in growth.items():
            print(f"{program}: x {factor:.3f}")
        # Of lens, 75 MB, the buffers of the merge are a tenth: the sum says
        # whether anything grows that matters.
        for program in ("lens-worker", "all together"):
            with self.subTest(program):
                self.assertLess(growth[program], MOST_GROWTH)


if __name__ == "__main__":
    programs.main()
