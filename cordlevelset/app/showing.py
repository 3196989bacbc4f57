"""What a person at a terminal sees of a run: its stages and a bar, that kernels are compiled, or the library's log."""

from __future__ import annotations

import argparse
import logging
import sys
import threading
from collections.abc import Iterator
from contextlib import contextmanager

from cordlevelset.progress import COMPILED, Callback, Progress

__all__ = ["add_options", "shown"]

FUNCTIONS_TO_COMPILE = 36
"""Functions that a first run compiles, about: how far it is. A test counts them."""
TICK_S = 0.5
"""Seconds between two looks at the clock: the bar shows that the process lives while a long stage runs."""
STAGE_WORDS = {"centerline": "looking for the cord", "border": "drawing its border", "rasterise": "filling voxels"}
"""Stages of the callback, as a person would say them."""


def add_options(parser: argparse.ArgumentParser) -> None:
    """Options `--quiet` and `--verbose`."""
    how = parser.add_mutually_exclusive_group()
    how.add_argument("--quiet", action="store_true", help="no bar on a terminal")
    how.add_argument("--verbose", action="store_true", help="what the library logs: stages, sizes, choices")


@contextmanager
def shown(args: argparse.Namespace) -> Iterator[Callback | None]:
    """Show a run as the options ask for, a bar on a terminal by default; gives the callback for it."""
    from cordlevelset.app.lines import progress_line, write_line

    if getattr(args, "progress", None):
        COMPILED.watcher = lambda: write_line(compiled=COMPILED.functions, of=FUNCTIONS_TO_COMPILE)
        try:
            yield progress_line
        finally:
            COMPILED.watcher = None
    elif getattr(args, "verbose", False):
        with _logged():
            yield None
    elif not hasattr(args, "quiet") or args.quiet or sys.stderr is None or not sys.stderr.isatty():
        yield None
    else:
        bar = _Bar()
        COMPILED.watcher = bar.compiling
        try:
            yield bar
        finally:
            COMPILED.watcher = None
            bar.close()


@contextmanager
def _logged() -> Iterator[None]:
    log, handler = logging.getLogger("cordlevelset"), logging.StreamHandler()
    handler.setFormatter(logging.Formatter("%(relativeCreated)7d ms  %(module)s: %(message)s"))
    log.addHandler(handler)
    level = log.level
    log.setLevel(logging.INFO)
    try:
        yield
        log.info("compiled %d functions in %.1f s", COMPILED.functions, COMPILED.seconds)
    finally:
        log.setLevel(level)
        log.removeHandler(handler)


class _Bar:
    """A bar on standard error that is gone when the work is done. Its instance is the callback."""

    def __init__(self) -> None:
        from tqdm import tqdm

        self.bar = tqdm(
            total=1.0, desc="reading", leave=False, file=sys.stderr, bar_format="{desc} |{bar:30}| {elapsed}", delay=0
        )
        self.stage, self.told = "reading", False
        self.done = threading.Event()
        self.clock = threading.Thread(target=self._tick, daemon=True)
        self.clock.start()

    def __call__(self, progress: Progress) -> None:
        self.stage, self.bar.n = STAGE_WORDS.get(progress.stage, progress.stage), progress.fraction
        self.bar.set_description_str(self.stage)

    def compiling(self) -> None:
        """Say how far the compiler is."""
        if not self.told:
            self.told = True
            self.bar.write("first run: kernels are compiled, this once, for about half a minute", file=sys.stderr)
        self.bar.set_description_str(
            f"{self.stage}: compiled {COMPILED.functions} of about {FUNCTIONS_TO_COMPILE} functions"
        )

    def close(self) -> None:
        """Take the bar away."""
        self.done.set()
        self.clock.join()
        self.bar.close()

    def _tick(self) -> None:
        while not self.done.wait(TICK_S):
            self.bar.refresh()
