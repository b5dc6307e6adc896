"""No clock of a worker matters.

    clock_test.py --bin build/bin
"""

import programs
from programs import OK, RunCase, preload

DAY = 24 * 60 * 60


class ClockTest(RunCase):
    def test_workers_days_behind_and_years_ahead_work(self):
        run = self.folder / "clocks"
        self.plan(run)
        coordinator = self.start_coordinator(run)
        workers = [self.start(
            [programs.BIN / "lens-worker", run],
            env=preload("clock", OMP_NUM_THREADS=1,
                        LENS_TEST_CLOCK_SHIFT=days * DAY))
            for days in (-3, 10 * 366)]
        self.await_status(run, lambda s: len(s["workers"]) == 2, "two workers")
        for process in (*workers, coordinator):
            self.wait_end(process, run, OK, seconds=120)
        years = sorted({line.split("-")[0] for worker in workers
                        for line in self.text_of(worker).splitlines()
                        if " in the model, " in line})
        self.assertEqual(int(years[-1]) - int(years[0]), 10)
        self.lens("merge", run)
        self.assert_same_result(run)


if __name__ == "__main__":
    programs.main()
