"""Best paths along axis 0 through stacks of scores: dynamic programming, two states, open ends.

From bottom to top a path is in the state *sac* (no cord in it: cauda equina) and then in the state *cord*; either may
be empty. With r the score per mm of a place in each state and d the step from plane to plane,

    S_sac(k, p)  = r_sac(k, p) h  + max(0, max_q S_sac(k-1, q) - c |p - q|^2 / h)
    S_cord(k, p) = r_cord(k, p) h + max(0, max_q max(S_cord, S_sac)(k-1, q) - c |p - q|^2 / h)

The zero lets a path start anywhere, its best total may stand anywhere: both ends are open (Bellman 1957; the running
sum is that of Smith and Waterman 1981).
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
    """A path through the planes `first` .. `first` + P - 1.

    Attributes
    ----------
    first : int
        Lowest plane.
    places : (P, 2) array of int
        Row and column in each plane.
    is_cord : (P,) array of bool
        State of each place: cord in the sac, or sac alone.
    total : float
        Sum of score over its length, mm (a perfect tube gains 1 per mm).
    """

    first: int
    places: NDArray[np.int64]
    is_cord: NDArray[np.bool_]
    total: float

    __repr__ = one_line


def best_track(
    cord: FloatArray,
    sac: FloatArray,
    spacing: tuple[float, float, float],
    *,
    through: tuple[int, int] | None = None,
) -> Track:
    """Best path that ends in the cord.

    Parameters
    ----------
    cord, sac : (K, J, I) array of float32
        Score per mm of each voxel as cord in its sac, and as sac without cord; a threshold is subtracted already.
        -inf forbids.
    spacing : (3,) tuple of float
        Voxel size in mm.
    through : (2,) tuple of int, optional
        The path runs through these two planes and all between them, whatever it gains there.

    Returns
    -------
    Track
        Of total -inf if there is no such path.
    """
    from cordlevelset.detection import _kernels

    n_k, n_y, n_x = cord.shape
    step = spacing[0]
    reach = np.array([max(1, int(np.ceil(MAX_LEAN * step / s))) for s in spacing[1:]])
    cost = np.array([BEND_COST_PER_MM * s**2 / step for s in spacing[1:]])
    low, high = (n_k, 0) if through is None else through
    s_cord, s_sac = np.empty_like(cord), np.empty_like(cord)
    from_cord, from_sac = np.full(cord.shape, -1, np.int32), np.full(cord.shape, -1, np.int32)
    was_sac = np.zeros(cord.shape, bool)
    best, source = np.empty((n_y, n_x), np.float32), np.empty((n_y, n_x), np.int32)
    s_cord[0], s_sac[0] = cord[0] * step, sac[0] * step
    for k in range(1, n_k):
        start = np.float32(-np.inf if k > low else 0.0)
        _kernels.spread(s_sac[k - 1], reach, cost, best, source)
        s_sac[k] = sac[k] * step + np.maximum(best, start)
        from_sac[k] = np.where(best > start, source, -1)
        both = np.maximum(s_cord[k - 1], s_sac[k - 1])
        _kernels.spread(both, reach, cost, best, source)
        s_cord[k] = cord[k] * step + np.maximum(best, start)
        from_cord[k] = np.where(best > start, source, -1)
        was_sac[k] = (s_sac[k - 1] > s_cord[k - 1]).ravel()[source]
    return _trace(s_cord, from_cord, from_sac, was_sac, high)


def _trace(
    score: FloatArray,
    from_cord: NDArray[np.int32],
    from_sac: NDArray[np.int32],
    was_sac: NDArray[np.bool_],
    lowest_end: int,
) -> Track:
    """Follow the winners back from the best end."""
    n_x = score.shape[2]
    k, flat = divmod(int(score[lowest_end:].argmax()), score[0].size)
    k += lowest_end
    total = float(score[k].flat[flat])
    places, states = [divmod(flat, n_x)], [True]
    while True:
        is_cord = states[-1]
        came = int((from_cord if is_cord else from_sac)[k].flat[flat])
        if came < 0:
            break
        states.append(is_cord and not was_sac[k].flat[flat])
        k, flat = k - 1, came
        places.append(divmod(flat, n_x))
    return Track(k, np.array(places[::-1]), np.array(states[::-1]), total)
