"""Progress, warnings and failures as JSON lines on standard error, for the program that started this process."""

from __future__ import annotations

import json
import sys
import warnings
from collections.abc import Iterator
from contextlib import contextmanager

from cordlevelset.progress import Progress

__all__ = ["progress_line", "warning_lines", "write_line"]


def write_line(**fields: object) -> None:
    """One JSON object on one line of standard error, at once."""
    if sys.stderr is not None:
        sys.stderr.write(json.dumps(fields) + "\n")
        sys.stderr.flush()


def progress_line(progress: Progress) -> None:
    """A callback: ``{"stage": "border", "fraction": 0.63}``."""
    write_line(stage=progress.stage, fraction=round(progress.fraction, 3))


@contextmanager
def warning_lines() -> Iterator[None]:
    """Warnings of Python and its libraries as ``{"warning": "..."}`` while it is open."""
    with warnings.catch_warnings():
        warnings.showwarning = lambda message, *_: write_line(warning=" ".join(str(message).split()))
        yield
