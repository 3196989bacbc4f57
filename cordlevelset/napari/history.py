"""Results of one image one after the other, each with the drawings it was told."""

from __future__ import annotations

from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

import cordlevelset as cls

if TYPE_CHECKING:
    from napari.layers import Layer

__all__ = ["Drawing", "History", "Step", "painted"]

CORD = 1
"""Label of a seed that is cord."""
NOT_CORD = 2
"""Label of a seed that is not."""


@dataclass(frozen=True, eq=False)
class Drawing:
    """A layer that a user draws corrections on, and what was on it.

    Attributes
    ----------
    layer : napari.layers.Layer
        Points or labels.
    content : array
        A copy of its data.
    """

    layer: Layer
    content: NDArray[Any]

    @classmethod
    def of(cls, layer: Layer) -> Drawing:
        """As it is now."""
        return cls(layer, np.array(layer.data))


@dataclass(frozen=True, eq=False)
class Step:
    """A result.

    Attributes
    ----------
    result : CordSegmentation
        What came out.
    honoured : frozenset of str
        Names of the corrections it was told.
    drawings : dict of str to Drawing
        What was chosen in the panel under these names.
    """

    result: cls.CordSegmentation
    honoured: frozenset[str]
    drawings: dict[str, Drawing]


@dataclass
class History:
    """The steps of one image and where the user stands among them."""

    steps: list[Step] = field(default_factory=list)
    at: int = -1

    @property
    def current(self) -> Step | None:
        """What is shown."""
        return self.steps[self.at] if self.steps else None

    @property
    def can_undo(self) -> bool:
        """Whether there is an earlier one."""
        return self.at > 0

    @property
    def can_redo(self) -> bool:
        """Whether there is a later one."""
        return self.at + 1 < len(self.steps)

    def add(self, step: Step) -> None:
        """A new result; what was undone is forgotten, as in any editor."""
        self.steps[self.at + 1 :] = [step]
        self.at += 1

    def keep(self, drawings: dict[str, Drawing]) -> None:
        """Store the drawings as they are now with the current result, before another is shown."""
        self.steps[self.at] = replace(self.steps[self.at], drawings=drawings)


def painted(shown: NDArray[Any], now: NDArray[Any]) -> NDArray[np.uint8]:
    """What was painted into a mask, or erased from it.

    Parameters
    ----------
    shown, now : (K, J, I) array
        As it was, and as it is; any label is cord.

    Returns
    -------
    (K, J, I) array of uint8
        `CORD` where it was painted, `NOT_CORD` where it was erased, else 0.
    """
    before, after = shown != 0, now != 0
    out = np.zeros(before.shape, np.uint8)
    out[after & ~before] = CORD
    out[before & ~after] = NOT_CORD
    return out
