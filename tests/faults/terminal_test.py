"""Terminals that go away.

    terminal_test.py --bin build/bin
"""

import os
import pty
import shlex
import signal

import programs
from programs import INTERRUPTED, OK, RunCase


class TerminalTest(RunCase):
    def in_terminal(self, line):
        """A shell at a terminal of its own; its pid and the terminal's end."""
        pid, terminal = pty.fork()
        if pid == 0:
            os.execvp("bash", ["bash", "-c", line])
        self.addCleanup(self.gone, pid)
        return pid, terminal

    @staticmethod
    def gone(pid):
        try:
            os.kill(pid, signal.SIGKILL)
            os.waitpid(pid, 0)
        except (ProcessLookupError, ChildProcessError):
            pass

    def close_terminal(self, name, before):
        """A run in a terminal that is closed half-way; its exit code."""
        run = self.new_run(name)
        code = self.folder / f"{name}.code"
        words = shlex.join(self.run_words(run, "--workers", 2))
        # The inner shell is to outlive the terminal: it notes the hangup.
        inner = (f"trap : HUP; {before} {words} > {name}.out 2>&1;"
                 f" echo $? > {code}.new; mv {code}.new {code}")
        line = f"cd {self.folder}; bash -c {shlex.quote(inner)} & wait"
        pid, terminal = self.in_terminal(line)
        self.await_parts(run, 3)
        os.close(terminal)
        programs.until(code.exists, 120, "the end of the run")
        return run, int(code.read_text())

    def test_nohup_goes_on_when_its_terminal_closes(self):
        run, code = self.close_terminal("nohup", "nohup")
        self.assertEqual(code, OK, self.story(run))
        self.assert_same_result(run)

    def test_without_it_the_run_stops_in_an_orderly_way(self):
        run, code = self.close_terminal("plain", "")
        self.assertEqual(code, INTERRUPTED, self.story(run))
        self.assertEqual(programs.living(run), [])

    def test_interrupt_that_was_ignored_stays_ignored(self):
        # What `sh -c 'lens run ... &'` does.
        run = self.new_run("background")

        def ignore():
            signal.signal(signal.SIGINT, signal.SIG_IGN)
        process = self.start(self.run_words(run, "--workers", 1),
                             preexec_fn=ignore)
        self.await_parts(run, 3)
        process.send_signal(signal.SIGINT)
        self.wait_end(process, run, OK, seconds=120)

    def test_child_signal_that_was_ignored_does_not_hide_an_end(self):
        run = self.new_run("sigchld")

        def ignore():
            signal.signal(signal.SIGCHLD, signal.SIG_IGN)
        process = self.start(self.run_words(run, "--workers", 1),
                             preexec_fn=ignore)
        self.await_parts(run, 3)
        programs.hit(programs.processes(run)["lens-worker"], signal.SIGKILL)
        self.wait_end(process, run, OK, seconds=120)
        self.assertIn("killed by signal 9", self.text_of(process))
        self.assert_same_result(run)


if __name__ == "__main__":
    programs.main()
