"""From the log odds of each window to the cord's extent: is there one, where does it end, how sure is each place.

The cord is one interval i .. j of the windows along the curve. Let u(k) be the log odds that window k shows a cord in
its sac, h the distance of windows, and l the length over which neighbouring windows share their noise. An end that lies
inside the image has a prior cost c:

    log P(i, j | image) = sum_(k = i .. j) (h / l) u(k)  -  c_low [i > 0]  -  c_high [j < W - 1]  +  const

against log P(no cord) = const. The sum over all intervals is the log odds of a cord on this curve, and the sums over
one end give the distribution of the other: the forward-backward recursion of a one-way chain (Rabiner 1989,
doi:10.1109/5.18626), written out. The change point of `ends` speaks for its own place as one more observation, and for
nothing else where what lies above it is no cord: below a brain everything changes too.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from scipy.special import logsumexp

from cordlevelset.brief import one_line

__all__ = ["Extent", "extent"]

FloatArray = NDArray[np.float64]

SHARED_MM = 15.0
"""l: half a window. Windows farther apart than that share less than half of their planes."""
MOST_ODDS = 5.0
"""No window speaks louder than 150 to 1: figures far from all that was fitted prove no more."""
LOWER_END_COST = 7.0
"""c_low, nats: a lower end is 1 in 1,000 a priori at any one window, as one in three images holds a conus and has some
hundred windows."""
UPPER_END_COST = 8.0
"""c_high, nats: the foramen magnum is in view in one of ten images."""
TIP_ODDS = 4.0
"""Log odds that the change point adds at its own place: right in four of five lumbar images, against one in a hundred
windows."""
TIP_MM = 5.0
"""Standard deviation of its place about the tip; two readers of one conus differ by 3 to 6 mm."""

LOST_MM = 100.0
"""Votes lost below a change point from which on it is hardly chance: images without a conus lose 84 mm at most, a whole
lumbar sac 130 to 270."""
LOST_ODDS = 2.0
"""Log odds a mm beyond: 15 mm more outweigh a cauda equina that looks like a cord window by window."""


@dataclass(frozen=True, slots=True)
class Extent:
    """Where a cord lies along a curve, if one does.

    Attributes
    ----------
    log_odds : float
        For a cord somewhere on the curve, against none.
    low, high : int
        Median of the lowest and of the highest window.
    ends_below, ends_above : float
        Probability that the end lies inside the image.
    low_spread_mm, high_spread_mm : float
        Half the range that holds nine tenths of the lower, of the upper end.
    inside : (W,) array
        Probability of each window to lie in the cord.
    """

    log_odds: float
    low: int
    high: int
    ends_below: float
    ends_above: float
    low_spread_mm: float
    high_spread_mm: float
    inside: FloatArray

    __repr__ = one_line


def extent(
    odds: FloatArray,
    plane_mm: float,
    *,
    tip: int | None = None,
    tip_loss_mm: float = 0.0,
    known: tuple[int, int] | None = None,
    bottom: bool = False,
    top: bool = False,
) -> Extent:
    """Extent of the cord by the log odds of its windows.

    Parameters
    ----------
    odds : (W,) array
        Log odds of cord, from the lowest window up.
    plane_mm : float
        Distance of windows.
    tip : int, optional
        Window at which a change point was found.
    tip_loss_mm : float
        Votes against the cord below it.
    known : (2,) tuple of int, optional
        Lowest and highest window that are known to hold cord.
    bottom, top : bool
        Whether the lowest, the highest of these is known to be the cord's end.

    Returns
    -------
    Extent
    """
    w = len(odds)
    sums = np.r_[0.0, np.cumsum(min(1.0, plane_mm / SHARED_MM) * np.clip(odds, -MOST_ODDS, MOST_ODDS))]
    rows = np.arange(w)
    start = -sums[:-1] - LOWER_END_COST * (rows > 0)
    near = np.zeros(w)
    if tip is not None and tip > 0:
        near = np.exp(-(((rows - tip) * plane_mm / TIP_MM) ** 2) / 2)
    start += TIP_ODDS * near
    stop = sums[1:] - UPPER_END_COST * (rows < w - 1)
    possible = rows[:, None] <= rows
    if known is not None:
        low, high = known
        possible &= (rows[:, None] == low if bottom else rows[:, None] <= low) & (rows == high if top else rows >= high)
    joint = np.where(possible, start[:, None] + stop, -np.inf)
    total = float(logsumexp(joint))
    if tip is not None and logsumexp(joint[tip]) > 0:  # a cord above it: it says where that ends, not whether it is one
        joint += (LOST_ODDS * max(tip_loss_mm - LOST_MM, 0) * near)[:, None]
    share = np.exp(joint - logsumexp(joint))
    lowest, highest = share.sum(1), share.sum(0)
    return Extent(
        total,
        _quantile(lowest, 0.5),
        _quantile(highest, 0.5),
        1 - float(lowest[0]),
        1 - float(highest[-1]),
        _half_range(lowest) * plane_mm,
        _half_range(highest) * plane_mm,
        np.clip(np.cumsum(lowest) - np.r_[0.0, np.cumsum(highest)[:-1]], 0, 1),
    )


def _quantile(share: FloatArray, q: float) -> int:
    """First row at which the summed shares reach q."""
    return min(int(np.searchsorted(np.cumsum(share), q)), len(share) - 1)


def _half_range(share: FloatArray) -> float:
    """Half the distance between the 5th and the 95th percentile."""
    return (_quantile(share, 0.95) - _quantile(share, 0.05)) / 2
