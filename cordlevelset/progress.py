"""Progress of a run, and its cancellation by the caller."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

from cordlevelset.errors import Cancelled

__all__ = ["Callback", "Progress", "report"]


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
    if callback is not None and callback(Progress(stage, fraction)):
        raise Cancelled(f"cancelled by the caller before {stage}")
