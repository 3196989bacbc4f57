"""A job in a process of its own, alone and under a host that keeps Python's lock.

``python benchmarks/host_lock.py [N]``. Slicer's event loop keeps the lock while it idles; a call through ctypes.PyDLL
does, too, here for 100 ms at a time. Both ways alternate N times (5). Wall time says little on a busy machine; the
child's processor time and the ratio of medians do.
"""

import ctypes
import resource
import statistics
import sys
import time
from pathlib import Path

from cordlevelset.phantom import make_phantom

sys.path.append(str(Path(__file__).parents[1] / "SlicerCordLevelSet" / "CordLevelSet"))
from CordLevelSetLib.job import Job

HOLD_SECONDS = 0.1
"""For so long at a time the lock is kept."""
N_TURNS = 5
"""Alternations; of five the median bears two that were disturbed."""


def hold():
    """Sleep and keep the lock."""
    ctypes.PyDLL(None).usleep(round(1e6 * HOLD_SECONDS))


def let_go():
    """Sleep and let go of it."""
    time.sleep(HOLD_SECONDS)


def seconds(image, wait):
    """Wall time and processor time of one job while the host waits in this way."""
    before, begin = resource.getrusage(resource.RUSAGE_CHILDREN), time.perf_counter()
    job = Job(image)
    while not job.poll():
        wait()
    if job.error is not None:
        raise SystemExit(job.error)
    after, wall = resource.getrusage(resource.RUSAGE_CHILDREN), time.perf_counter() - begin
    return wall, after.ru_utime + after.ru_stime - before.ru_utime - before.ru_stime


def main(n=N_TURNS):
    """Print a line a turn, then the medians."""
    image = make_phantom(scoliosis_mm=4.0, place_mm=(0.0, 1.5)).image
    seconds(image, let_go)  # kernels are compiled and files read
    turns = {let_go: [], hold: []}
    for turn in range(int(n)):
        for wait in (let_go, hold) if turn % 2 == 0 else (hold, let_go):
            turns[wait].append(seconds(image, wait))
    print("             wall s   processor s")
    medians = {}
    for wait, name in ((let_go, "alone"), (hold, "lock held")):
        for wall, processor in turns[wait]:
            print(f"{name:<12} {wall:6.2f}        {processor:6.2f}")
        medians[wait] = [statistics.median(column) for column in zip(*turns[wait], strict=True)]
    wall, processor = (held / alone for held, alone in zip(medians[hold], medians[let_go], strict=True))
    print(f"median, lock held / alone: wall {wall:.2f}, processor {processor:.2f}")


if __name__ == "__main__":
    main(*sys.argv[1:2])
