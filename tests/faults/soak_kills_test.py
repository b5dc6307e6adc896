"""50 random kill -9 over one run: nothing lost, nothing twice, same bytes.

    soak_kills_test.py --bin build/bin
"""

import os
import random
import signal
import time

import programs
from programs import INTERRUPTED, OK, RepeatedCase, hit, living, parts

KILLS = 50
VICTIMS = ("lens-worker", "mpirun", "lens-coordinator", "lens", "everything")
# Another order of events, when one is looked for.
SEED = int(os.environ.get("LENS_SOAK_SEED", "1"))
# After a kill or a start; a start to the first commit takes about 2 s.
PAUSES = (0.1, 4.0)


class SoakKillsTest(RepeatedCase):
    SAMPLES = 4800  # more than is done between 50 kills
    WORDS = ["--unit-images", 8, "--max-new-tokens", 100, "--workers", 2]

    def test_50_random_kills(self):
        whole = self.undisturbed()
        print(f"undisturbed: {self.undisturbed_seconds:.1f} s")
        chance = random.Random(SEED)
        run = self.new_run("killed")
        hits = dict.fromkeys(VICTIMS, 0)
        refused = {}  # last line -> how often the command ended with 1
        commands = 0
        process = None
        begin = time.monotonic()
        while sum(hits.values()) < KILLS:
            if process is None or process.poll() is not None:
                if process is not None and process.returncode not in (
                        -signal.SIGKILL, INTERRUPTED):
                    # Nobody has asked for any other end.
                    self.assertNotEqual(process.returncode, OK,
                                        "done before the last kill")
                    why = self.text_of(process).strip().splitlines()[-1]
                    refused[why] = refused.get(why, 0) + 1
                    self.assertLess(sum(refused.values()), 1000)
                    time.sleep(0.5)
                process = self.start(self.run_words(run))
                commands += 1
            time.sleep(chance.uniform(*PAUSES))
            victim = chance.choice(VICTIMS)
            found = (living(run) if victim == "everything"
                     else programs.processes(run)[victim])
            if not found or process.poll() is not None:
                continue
            if victim == "lens-worker":
                found = [chance.choice(found)]
            hit(found, signal.SIGKILL)
            hits[victim] += 1
            if victim in ("lens", "everything"):
                process.wait(10)
        if process.poll() is None:
            self.wait_end(process, run, (OK, INTERRUPTED, -9), seconds=300)
        if process.returncode != OK:
            self.run_to_end(run, timeout=300)
        seconds = time.monotonic() - begin
        self.assertEqual(living(run), [])
        failures, epochs = self.assert_ledger_consistent(run)
        units = len(programs.ledger(run, "SELECT unit FROM commits"))
        print(f"{KILLS} kills {hits}, {commands} commands, {epochs} epochs, "
              f"{seconds:.0f} s; {units} units, {len(failures)} leases lost, "
              f"{len(parts(run)) - units} parts without a commit")
        self.assertEqual(programs.digest(run / "results.h5"), whole)
        self.lens("verify", run)
        self.assertEqual(refused, {}, "the same command was refused")


if __name__ == "__main__":
    programs.main()
