"""Best paths along axis 0 through stacks of scores, by dynamic programming.

With r the score per mm of a place and h the step from plane to plane,

    S(k, p) = r(k, p) h  +  max_q [S(k-1, q) - c |p - q|^2 / h]

The best path runs from the first plane to the last (Bellman 1957): where the cord ends is decided on what is seen along
the path, not by the path itself. A path that is open below may start in any plane, where its sum would else be negative
(Smith and Waterman 1981).
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
    """A path through the planes from `first` to the last of a stack.

    Attributes
    ----------
    first : int
        Lowest plane; 0 unless the path is open below.
    places : (P, 2) array of int
        Row and column in each plane.
    total : float
        Sum of score over its length, less its bends, mm (a perfect tube gains 1 per mm); -inf if there is none.
    """

    first: int
    places: NDArray[np.int64]
    total: float

    __repr__ = one_line


def best_track(score: FloatArray, spacing: tuple[float, float, float], *, open_below: bool = False) -> Track:
    """Best path to the last plane.

    Parameters
    ----------
    score : (K, J, I) array of float32
        Score per mm of each voxel; -inf forbids.
    spacing : (3,) tuple of float
        Voxel size in mm.
    open_below : bool
        Whether it may start in any plane; else it starts in the first.

    Returns
    -------
    Track
    """
    from cordlevelset.detection import _kernels

    n_k, n_y, n_x = score.shape
    step = np.float32(spacing[0])
    reach = np.array([max(1, int(np.ceil(MAX_LEAN * step / s))) for s in spacing[1:]])
    cost = np.array([BEND_COST_PER_MM * s**2 / spacing[0] for s in spacing[1:]])
    total, source = score[0] * step, np.full((n_k, n_y, n_x), -1, np.int32)
    best = np.empty((n_y, n_x), np.float32)
    for k in range(1, n_k):
        _kernels.spread(total, reach, cost, best, source[k])
        if open_below:
            source[k][best <= 0] = -1
            np.maximum(best, 0, out=best)
        total = score[k] * step + best
    k, flat = n_k - 1, int(total.argmax())
    places = [divmod(flat, n_x)]
    while k and (flat := int(source[k].flat[flat])) >= 0:
        k -= 1
        places.append(divmod(flat, n_x))
    return Track(k, np.array(places[::-1]), float(total.max()))
