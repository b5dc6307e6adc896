"""40 kills of everything, spread over the birth of a run: 40 go on.

    soak_birth_test.py --bin build/bin
"""

import programs
from birth_test import BirthCase

KILLS = 40


class SoakBirthTest(BirthCase):
    def test_40_kills(self):
        for number in range(KILLS):
            with self.subTest(number):
                run = self.new_run(f"soak-{number}")
                # Every other one hits the ledger, whose birth is short.
                if number % 2:
                    self.kill_after_ledger(run, 0.0005 * (number // 2))
                else:
                    self.kill_after_start(run, number / KILLS)
                self.resumes(run)


if __name__ == "__main__":
    programs.main()
