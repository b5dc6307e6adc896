"""The time left that `lens status` tells after a tenth of an even run.

    soak_eta_test.py --bin build/bin
"""

import os
import time

import programs
from programs import OK, RepeatedCase

MOST_ERROR = 0.15
MOST_UNEVEN = 0.10


class SoakEtaTest(RepeatedCase):
    SAMPLES = 2000
    PICTURES = 1  # so that every sample takes as long
    WORDS = ["--unit-images", 8, "--max-new-tokens", 64]

    def test_within_15_percent_after_a_tenth(self):
        for workers in (1, 2):
            with self.subTest(workers=workers):
                self.measure(workers)

    def measure(self, workers):
        run = self.new_run(f"eta{workers}")
        process = self.start(self.run_words(run, "--workers", workers))
        seen = []  # (time, share done, seconds left)
        last_commit = None
        while process.poll() is None:
            done = self.lens("status", run, "--json", expect=None)
            now = time.monotonic()
            if done.returncode == OK:
                status = programs.json.loads(done.stdout)
                share = status["samples_done"] / status["samples_total"]
                if status["eta_seconds"] is not None:
                    seen.append((now, share, status["eta_seconds"]))
                if share == 1 and last_commit is None:
                    last_commit = now
            time.sleep(0.2)
        end = time.monotonic()
        self.assertEqual(process.returncode, OK, self.text_of(process))
        last_commit = last_commit or end
        errors = []
        for at, share, left in seen:
            if 0.1 <= share <= 0.9:
                errors.append((share, (left - (last_commit - at))
                               / (last_commit - at)))
        share, first = errors[0]
        worst = max(errors, key=lambda entry: abs(entry[1]))
        # The pace of the machine: samples a second before and after a tenth.
        tenth = next(entry for entry in seen if entry[1] >= 0.1)
        first_pace = (tenth[1] - seen[0][1]) / max(tenth[0] - seen[0][0], 1e-9)
        later_pace = (1 - tenth[1]) / (last_commit - tenth[0])
        print(f"{workers} workers: at {share:.0%} the ETA is {first:+.1%} off; "
              f"worst {worst[1]:+.1%} at {worst[0]:.0%}; "
              f"{end - last_commit:.1f} s from the last commit to the end")
        uneven = later_pace / first_pace - 1 if first_pace > 0 else 0
        print(f"pace after the first tenth: {uneven:+.1%}; load average "
              f"{os.getloadavg()[0]:.1f} on {os.cpu_count()} cores")
        if abs(uneven) > MOST_UNEVEN:
            self.skipTest(f"the machine changed its pace by {uneven:+.0%}: "
                          "other programs run on it")
        self.assertLess(abs(first), MOST_ERROR)


if __name__ == "__main__":
    programs.main()
