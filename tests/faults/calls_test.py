"""Killed, torn or refused at one of its calls that change files, a program
costs nothing: the same command goes on to the same bytes.

    calls_test.py --bin build/bin
"""

import errno
import subprocess

import programs
from programs import RunCase, preload, settle

PROGRAMS = ("lens", "lens-coordinator", "lens-worker")


class CallsTest(RunCase):
    WORDS = ["--unit-images", 4, "--limit", 8, "--max-new-tokens", 8]

    def calls_of_a_run(self):
        """Program -> how many such calls it makes in an undisturbed run."""
        out, count = self.new_run("counted"), self.folder / "count"
        subprocess.run(
            self.run_words(out), check=True, timeout=120, capture_output=True,
            env=preload("call", LENS_TEST_ROOT=out, LENS_TEST_COUNT=count))
        calls = dict.fromkeys(PROGRAMS, 0)
        for line in count.read_text().splitlines():
            program, number = line.split()
            if program in calls:
                calls[program] = max(calls[program], int(number))
        return calls

    def test_fault_at_a_call_costs_nothing(self):
        self.undisturbed()
        calls = self.calls_of_a_run()
        print(f"calls: {calls}")
        for program in PROGRAMS:
            self.assertGreater(calls[program], 5, program)
            for place, fault in ((0.1, "kill"), (0.5, "tear"),
                                 (0.9, errno.ENOSPC)):
                at = max(1, int(calls[program] * place))
                name = f"{program}-{at}-{fault}"
                with self.subTest(name):
                    out = self.new_run(name)
                    subprocess.run(
                        self.run_words(out), check=False, timeout=200,
                        capture_output=True,
                        env=preload("call", LENS_TEST_ROOT=out,
                                    LENS_TEST_CALL=f"{program}:{at}:{fault}",
                                    LENS_TEST_ONCE=self.folder / f"{name}.met"))
                    self.assertTrue((self.folder / f"{name}.met").exists())
                    settle(out, 60)
                    self.run_to_end(out)
                    self.assert_same_result(out)
                    self.assertEqual(list(out.rglob("*.h5.tmp")), [])


if __name__ == "__main__":
    programs.main()
