"""Input fields of the level-set engine: missing data are filled, and marked so that the result leaves them out."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

from cordlevelset.levelset.distance import fill_missing

__all__ = ["Fields", "without_gaps"]

FloatArray = NDArray[np.floating[Any]]


class Fields(NamedTuple):
    """A stack of contours and what they move in, without gaps where there is a contour."""

    phi: FloatArray
    g: FloatArray
    region: FloatArray | None
    gaps: list[NDArray[np.bool_]]  # where phi, or g, was missing


def without_gaps(
    phi: FloatArray, g: FloatArray, region: FloatArray | None, drawn: Sequence[int], spacing: tuple[float, ...]
) -> Fields:
    """The fields of a stack, the gaps of each of the drawn slices filled from within it."""
    (phi, missing), (g, no_g) = _filled(phi, drawn, spacing), _filled(g, drawn, spacing)
    region = None if region is None else _filled(region, drawn, spacing)[0]
    return Fields(phi, g, region, [m for m in (missing, no_g) if m is not None])


def _filled(
    stack: FloatArray, drawn: Sequence[int], spacing: tuple[float, ...]
) -> tuple[FloatArray, NDArray[np.bool_] | None]:
    """The stack itself if nothing is missing, else a copy, filled; and where the gaps were (None: nowhere)."""
    if not np.isnan(stack.min()):
        return stack, None
    filled = stack.copy()
    for s in drawn:
        filled[s] = fill_missing(stack[s], spacing)[0]
    return filled, np.isnan(stack)
