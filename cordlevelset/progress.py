"""Progress of a run, and its cancellation by the caller."""

from __future__ import annotations

import logging
from collections.abc import Callable
from dataclasses import dataclass

from cordlevelset.errors import Cancelled

__all__ = ["COMPILED", "Callback", "Compiled", "Progress", "report"]

log = logging.getLogger(__name__)


@dataclass(frozen=True, slots=True)
class Progress:
    """What a callback gets.

    Attributes
    ----------
    stage : str
        Name of the running stage.
    fraction : float
        Share done of the whole, 0 to 1.
    """

    stage: str
    fraction: float


Callback = Callable[[Progress], bool | None]


def report(callback: Callback | None, stage: str, fraction: float) -> None:
    """Call back, if anybody wants it; stop if told so."""
    log.info("%s", stage)
    if callback is not None and callback(Progress(stage, fraction)):
        raise Cancelled(f"cancelled by the caller before {stage}")


@dataclass(slots=True)
class Compiled:
    """What was compiled in this process so far.

    Attributes
    ----------
    seconds : float
        Time taken.
    functions : int
        Number of kernels and their parts; what Numba adds of its own is not counted.
    watcher : callable or None
        Told before and after each function; it reads `functions`.
    """

    seconds: float = 0.0
    functions: int = 0
    watcher: Callable[[], None] | None = None


COMPILED = Compiled()
"""Of this process: a run's seconds are counted without it."""
