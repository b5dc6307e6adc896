"""20 random kills of the ranks of a spread model: the same bytes.

    soak_ranks_test.py --bin build/bin
"""

import os
import random
import signal
import time

import programs
from programs import INTERRUPTED, OK, RepeatedCase, hit, living, rank_of

KILLS = 20
SEED = int(os.environ.get("LENS_SOAK_SEED", "1"))
KILLED = 6  # class in the ledger
PAUSES = (0.1, 5.0)  # after a kill; a start to the first commit takes 2 s


class SoakRanksTest(RepeatedCase):
    SAMPLES = 2400  # more than is done between the kills
    WORDS = ["--unit-images", 8, "--max-new-tokens", 100, "--workers", 2,
             "--tensor-parallel", 2]

    def test_20_random_kills_of_ranks(self):
        whole = self.undisturbed()
        chance = random.Random(SEED)
        run = self.new_run("killed")
        hits = {}
        commands = 0
        process = None
        while sum(hits.values()) < KILLS:
            if process is None or process.poll() is not None:
                if process is not None:
                    self.assertNotEqual(process.returncode, OK,
                                        "done before the last kill")
                process = self.start(self.run_words(run))
                commands += 1
            time.sleep(chance.uniform(*PAUSES))
            workers = programs.processes(run)["lens-worker"]
            if not workers or process.poll() is not None:
                continue
            # Now and then all of them, for the next command to go on.
            if chance.random() < 0.2:
                victims, name = living(run), "everything"
            else:
                victims = [chance.choice(workers)]
                name = f"rank {rank_of(victims[0])}"
            hit(victims, signal.SIGKILL)
            hits[name] = hits.get(name, 0) + 1
            if name == "everything":
                process.wait(10)
        if process.poll() is None:
            self.wait_end(process, run, (OK, INTERRUPTED), seconds=600)
        if process.returncode != OK:
            self.run_to_end(run, timeout=600)
        self.assertEqual(living(run), [])
        failures, _ = self.assert_ledger_consistent(run)
        print(f"{KILLS} kills {dict(sorted(hits.items()))}, {commands} "
              f"commands, {len(failures)} leases lost")
        # A unit that is killed twice is run a sample at a time, which may give
        # other last bits (docs/protocol.md).
        killed = [unit for unit, _, _, _, kind in failures if kind == KILLED]
        twice = sorted({unit for unit in killed if killed.count(unit) > 1})
        self.assertEqual(twice, [], "choose another LENS_SOAK_SEED")
        self.assertEqual(programs.digest(run / "results.h5"), whole)
        self.lens("verify", run)


if __name__ == "__main__":
    programs.main()
