"""Runs a command; measures time, memory and load of its process tree."""

import dataclasses
import os
import pathlib
import resource
import subprocess
import threading
import time

INTERVAL_S = 0.25


@dataclasses.dataclass
class Measured:
    """One finished command."""

    wall_s: float
    cpu_s: float  # user and system, of the tree; waiting in a loop counts
    mean_load: float  # runnable processes of the machine, one minute's average
    peak_bytes: int  # of the tree: largest sum of Pss seen
    largest_bytes: int  # VmHWM of the largest single process
    output: str  # stdout


def _children(pid):
    found = [pid]
    for task in pathlib.Path(f"/proc/{pid}/task").glob("*/children"):
        for child in task.read_text().split():
            found += tree(int(child))
    return found


def tree(pid):
    """The process ids of `pid` and all below it that still exist."""
    try:
        return _children(pid)
    except OSError:
        return []


def _field_bytes(path, field):
    try:
        for line in path.read_text().splitlines():
            if line.startswith(field):
                return int(line.split()[1]) * 1024
    except OSError:
        pass  # the process has ended
    return 0


class Watch(threading.Thread):
    """Samples a process tree until stopped.

    Pss counts a page that n processes map as 1/n of a page for each, so the
    sum is what the tree really holds; file pages that it maps (the weights)
    are in it. Peaks shorter than the interval can be missed, which VmHWM, kept
    by the kernel for each process, cannot.
    """

    def __init__(self, pid):
        super().__init__(daemon=True)
        self._pid = pid
        self._done = threading.Event()
        self.peak_bytes = 0
        self.largest_bytes = 0
        self.loads = []

    def run(self):
        while not self._done.wait(INTERVAL_S):
            self.loads.append(os.getloadavg()[0])
            total = 0
            for pid in tree(self._pid):
                process = pathlib.Path(f"/proc/{pid}")
                total += _field_bytes(process / "smaps_rollup", "Pss:")
                self.largest_bytes = max(
                    self.largest_bytes,
                    _field_bytes(process / "status", "VmHWM:"))
            self.peak_bytes = max(self.peak_bytes, total)

    def stop(self):
        self._done.set()
        self.join()


def _children_cpu_s():
    used = resource.getrusage(resource.RUSAGE_CHILDREN)
    return used.ru_utime + used.ru_stime


def measure(words, threads, timeout_s):
    """Runs `words` with `threads` OpenMP threads; raises when it fails."""
    environment = os.environ | {"OMP_NUM_THREADS": str(threads)}
    cpu_before = _children_cpu_s()
    begin = time.monotonic()
    with subprocess.Popen(words, stdout=subprocess.PIPE,
                          stderr=subprocess.PIPE, stdin=subprocess.DEVNULL,
                          text=True, env=environment) as process:
        watch = Watch(process.pid)
        watch.start()
        try:
            output, errors = process.communicate(timeout=timeout_s)
        except BaseException:  # a timeout, Ctrl-C or a request to end
            process.terminate()  # lens stops its own processes
            raise
        finally:
            watch.stop()
    wall = time.monotonic() - begin
    if process.returncode != 0:
        raise SystemExit(f"{words[0]} ended with {process.returncode}\n"
                         f"{output}\n{errors}")
    return Measured(wall, _children_cpu_s() - cpu_before,
                    sum(watch.loads) / max(1, len(watch.loads)),
                    watch.peak_bytes, watch.largest_bytes, output)
