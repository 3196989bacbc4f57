"""Best paths along axis 0 through stacks of scores, by dynamic programming.

With r the score per mm of a place and h the step from plane to plane,

    S(k, p) = r(k, p) h  +  max_q [S(k-1, q) - c |p - q|^2 / h]

and the best path runs from the first plane to the last (Bellman 1957): where the cord ends is decided on what is seen
along the path, not by the path itself.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from cordlevelset.brief import one_line

__all__ = ["Track", "best_track"]

FloatArray = NDArray[np.float32]

BEND_COST_PER_MM = 0.3
"""c: score lost per mm when a path leans 45 degrees; at 30 degrees, as far as spines lean, a third of what a good tube
gains: with slices 10 mm and more apart nothing else keeps a path from going to and fro."""
MAX_LEAN = 0.84
"""Steepest step, tangent of 40 degrees, in each in-plane direction."""


@dataclass(frozen=True, slots=True)
class Track:
    """A path through all planes of a stack.

    Attributes
    ----------
    places : (K, 2) array of int
        Row and column in each plane.
    total : float
        Sum of score over its length, less its bends, mm (a perfect tube gains 1 per mm); -inf if there is none.
    """

    places: NDArray[np.int64]
    total: float

    __repr__ = one_line


def best_track(score: FloatArray, spacing: tuple[float, float, float]) -> Track:
    """Best path from the first plane to the last.

    Parameters
    ----------
    score : (K, J, I) array of float32
        Score per mm of each voxel; -inf forbids.
    spacing : (3,) tuple of float
        Voxel size in mm.

    Returns
    -------
    Track
    """
    from cordlevelset.detection import _kernels

    n_k, n_y, n_x = score.shape
    step = spacing[0]
    reach = np.array([max(1, int(np.ceil(MAX_LEAN * step / s))) for s in spacing[1:]])
    cost = np.array([BEND_COST_PER_MM * s**2 / step for s in spacing[1:]])
    total = score[0] * np.float32(step)
    source = np.empty((n_k, n_y, n_x), np.int32)
    best = np.empty((n_y, n_x), np.float32)
    for k in range(1, n_k):
        _kernels.spread(total, reach, cost, best, source[k])
        total = score[k] * np.float32(step) + best
    flat = int(total.argmax())
    places = [divmod(flat, n_x)]
    for k in range(n_k - 1, 0, -1):
        flat = int(source[k].flat[flat])
        places.append(divmod(flat, n_x))
    return Track(np.array(places[::-1]), float(total.max()))
