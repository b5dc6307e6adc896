"""A model spread over two ranks, any of which dies, stops or is asked to leave.

    ranks_test.py --bin build/bin
"""

import json
import random
import signal
import subprocess
import time

import h5py

import programs
from programs import (ERROR, INTERRUPTED, OK, RunCase, hit, ledger,
                      living, preload, processes, rank_of, settle, until)

# A rank that is missed is waited for a minute (collective/collective.h).
DEADLINE_SECONDS = 60
CRASH = 2  # class in the ledger


class RanksTest(RunCase):
    WORDS = ["--unit-images", 1, "--limit", 8, "--max-new-tokens", 16,
             "--tensor-parallel", 2]

    def started(self, name, *more):
        run = self.new_run(name)
        process = self.start(self.run_words(run, *more))
        self.await_parts(run, 3)
        return run, process

    def pid_of(self, run, rank):
        return until(lambda: [pid for pid in processes(run)["lens-worker"]
                              if rank_of(pid) == rank], 20, f"rank {rank}")

    def test_one_worker_of_two_ranks_and_two_of_them_give_the_same_bytes(self):
        self.undisturbed()
        again = self.new_run("two-workers")
        process = self.start(self.run_words(again, "--workers", 2))
        status = self.await_status(again, lambda s: len(s["workers"]) == 2,
                                   "two workers")
        self.assertEqual(sorted(w["rank"] for w in status["workers"]), [0, 2])
        self.assertEqual(status["tensor_parallel"], 2)
        self.wait_end(process, again, OK)
        self.assert_same_result(again)
        self.assertIn("workers of 2 ranks", self.text_of(process))

    def test_killed_rank_is_replaced_whichever_it_is(self):
        chance = random.Random(1)
        for rank in (0, 1):
            with self.subTest(rank=rank):
                run, process = self.started(f"killed{rank}")
                for _ in range(2):
                    before = len(programs.parts(run))
                    time.sleep(chance.uniform(0, 0.3))
                    hit(self.pid_of(run, rank), signal.SIGKILL)
                    self.await_parts(run, before + 2)
                self.wait_end(process, run, OK)
                self.assertIn("starting them again", self.text_of(process))
                self.assertEqual(living(run), [])
                self.assert_same_result(run)

    def test_everything_killed_and_the_same_command_again(self):
        run, process = self.started("everything")
        hit(living(run), signal.SIGKILL)
        process.wait(10)
        self.run_to_end(run)
        self.assertEqual(living(run), [])
        self.assert_same_result(run)

    def test_no_rank_outlives_a_killed_lens(self):
        run, process = self.started("orphans")
        hit(processes(run)["lens"] + processes(run)["mpirun"], signal.SIGKILL)
        process.wait(10)
        settle(run, 20)

    def test_stop_ends_both_ranks_and_the_same_command_goes_on(self):
        run, process = self.started("stopped")
        process.send_signal(signal.SIGINT)
        self.wait_end(process, run, INTERRUPTED)
        self.assertEqual(living(run), [])
        self.assertLess(len(programs.parts(run)), 16)
        self.run_to_end(run)
        failures, _ = self.assert_same_result(run)
        self.assertEqual([f for f in failures if f[4] == CRASH], [])

    def test_all_ranks_asked_to_leave_end_as_one_worker_does(self):
        run = self.folder / "asked"
        self.plan(run)
        coordinator = self.start_coordinator(run, "--linger", "1")
        world = self.start_world(run, 2)
        self.await_parts(run, 3)
        hit(processes(run)["lens-worker"], signal.SIGTERM)
        self.wait_end(world, run, INTERRUPTED)
        again = self.start_world(run, 2)
        self.wait_end(again, run, OK)
        self.wait_end(coordinator, run, OK)
        self.lens("merge", run)
        self.assert_same_result(run)

    def test_second_rank_that_is_asked_to_leave_alone_stays(self):
        run, process = self.started("alone")
        pids = self.pid_of(run, 1)
        hit(pids, signal.SIGTERM)
        self.wait_end(process, run, OK)
        self.assertNotIn("starting them again", self.text_of(process))
        self.assertIn("the first rank of the model decides",
                      (run / "logs/workers.log").read_text())
        self.assert_same_result(run)

    def test_rank_that_stops_ends_its_world_within_the_deadline(self):
        run, process = self.started("hangs")
        begin = time.monotonic()
        hit(self.pid_of(run, 1), signal.SIGSTOP)
        until(lambda: "starting them again" in self.text_of(process),
              DEADLINE_SECONDS + 20, "another world")
        print(f"another world after {time.monotonic() - begin:.1f} s")
        self.wait_end(process, run, OK)
        self.assertIn("did not take part",
                      (run / "logs/workers.log").read_text())
        failures, _ = self.assert_same_result(run)
        self.assertEqual([f for f in failures if f[4] == CRASH], [])

    def test_sample_that_crashes_one_rank_is_found_and_left_out(self):
        for rank in (0, 1):
            with self.subTest(rank=rank):
                out = self.new_run(f"crash{rank}")
                done = subprocess.run(
                    self.run_words(out, "--unit-images", 4, "--limit", 12,
                                   "--max-new-tokens", 8),
                    capture_output=True, text=True, timeout=240,
                    env=preload("work", LENS_TEST_FAULTS="model:5=segv",
                                LENS_TEST_RANK=rank))
                self.assertEqual(done.returncode, OK, self.story(
                    out, done.stdout + done.stderr))
                with h5py.File(out / "results.h5") as file:
                    group = file["latex_ocr"]
                    failed = [name for name, status in zip(
                        group["sample_id"].asstr()[:], group["status"][:])
                        if status == 1]
                    self.assertEqual(failed, ["5"])
                    self.assertEqual(file.attrs["samples_failed"], 1)
                deaths = ledger(out, "SELECT sample_id FROM failures WHERE"
                                     f" class = {CRASH} ORDER BY id")
                self.assertEqual([d[0] for d in deaths], ["", "5", "5"])
                self.assertEqual(list((out / "crashes").iterdir()), [])

    def test_world_that_cannot_be_shared_out_ends_with_one_line(self):
        run = self.folder / "odd"
        self.plan(run)
        world = self.start_world(run, 3)
        self.wait_end(world, run, ERROR)
        told = [line for line in self.text_of(world).splitlines()
                if "cannot start 3 of these processes" in line]
        self.assertEqual(len(told), 1, self.text_of(world))
        self.assertIn("start a multiple of 2", told[0])

    def test_another_number_of_ranks_is_another_run(self):
        run = self.folder / "another"
        self.plan(run)
        self.assertEqual(json.loads((run / "manifest.json").read_text())
                         ["config"]["tensor_parallel"], 2)
        done = subprocess.run(
            self.run_words(run, "--tensor-parallel", 1, command="plan"),
            capture_output=True, text=True, timeout=60)
        self.assertEqual(done.returncode, ERROR)
        self.assertIn("tensor_parallel: 2 in the run directory, 1 asked for",
                      done.stderr)


if __name__ == "__main__":
    programs.main()
