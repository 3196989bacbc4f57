"""Find the cord: which path, which polarity, where it ends, how sure.

Per polarity two curves are tried: the best path of cord and sac, and that of the sac alone, which holds where the
cord's own border is lost. Along each the image is averaged over windows of 30 mm (`windows`). Ten figures of a window
give the log odds that it shows a cord in its sac (`coefficients`). The sum over the best stretch of windows says
whether there is a cord, of which polarity, and where it ends (`chain`). Only then the cord's own path is sought, close
to the curve and between its ends.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from scipy import ndimage as ndi
from scipy.special import expit

from cordlevelset.brief import one_line
from cordlevelset.detection import coefficients
from cordlevelset.detection.chain import Extent, extent
from cordlevelset.detection.hints import PathHint, SearchHint, onward
from cordlevelset.detection.maps import CORD_SHARE, RING_SHARE, GainMaps, gain_maps
from cordlevelset.detection.paths import best_track
from cordlevelset.detection.searchgrid import ALONG_MM, SearchGrid, filled_planes, search_grid
from cordlevelset.detection.windows import SHIFT_MM, Windows, windows_along
from cordlevelset.errors import ConstraintError, NoCordFoundError
from cordlevelset.parallel import at_once

__all__ = ["Candidate", "CordPath", "candidates", "find_cord"]

FloatArray = NDArray[np.float32]

CORRIDOR_MM = 5.0
"""The cord is searched again this close to the chosen curve: the slack of a cord in its sac."""
SAC_CURVE_ODDS = -4.0
"""Log odds, a priori, that the sac's own path is needed: on 2 of 93 images the cord's own path missed the cord."""
NO_CHANCE = 20.0
"""Log odds behind the other polarity from which on a polarity is not looked at again: the sac's own path gained 10 over
the cord's at most, on 104 images."""
AVOIDED = -2.0
"""Gain per mm where a hint says that the cord is not: twice the worst that a path can lose otherwise, so that it goes
there only where there is no other way."""
LIKELY = 0.5
"""A cord is given where it is more likely than not."""


@dataclass(frozen=True, slots=True)
class CordPath:
    """Where the cord runs in the canonical grid, one point a plane, from its lower end to its upper.

    Attributes
    ----------
    first : int
        Index of the lowest plane.
    centers_mm : (P, 2) array
        Row and column position in grid mm, planes `first` .. `first` + P - 1.
    polarity : int
        +1 cord brighter than the CSF (T1), -1 darker.
    found : float
        Probability that this is the cord, and of this polarity.
    inside : (P,) array
        Probability of each plane to lie between the cord's ends.
    ends_below, ends_above : float
        Probability that the cord ends within the image.
    low_spread_mm, high_spread_mm : float
        Half the range that holds nine tenths of where the lower, the upper end may be.
    told : (2,) tuple of bool
        Whether a user said where the lower, the upper end is.
    """

    first: int
    centers_mm: NDArray[np.float64]
    polarity: int
    found: float
    inside: NDArray[np.float64]
    ends_below: float
    ends_above: float
    low_spread_mm: float
    high_spread_mm: float
    told: tuple[bool, bool] = (False, False)

    __repr__ = one_line

    @property
    def extent_right(self) -> float:
        """Probability that both ends are where they are said to be: outside the image, or at their place in it."""
        ends = (self.ends_below, coefficients.LOWER_END_RIGHT), (self.ends_above, coefficients.UPPER_END_RIGHT)
        below, above = (
            1.0 if told else right * share if share >= LIKELY else 1 - share
            for told, (share, right) in zip(self.told, ends, strict=True)
        )
        return below * above


@dataclass(frozen=True, slots=True)
class Candidate:
    """A curve through all planes of the search grid, and what the image shows along it."""

    maps: GainMaps
    places: NDArray[np.int64]
    windows: Windows
    extent: Extent
    log_odds: float


def find_cord(
    array: FloatArray,
    *,
    spacing: tuple[float, float, float],
    polarity: int = 0,
    hint: PathHint | None = None,
) -> CordPath:
    """Path of the cord through the planes of axis 0.

    Parameters
    ----------
    array : (K, J, I) array of float32
        Canonical grid: axis 0 upward, axis 1 to posterior, axis 2 to left.
    spacing : (3,) tuple of float
        Voxel size in mm.
    polarity : {0, +1, -1}
        0: found out; else an order.
    hint : PathHint, optional
        Where the cord passes, where it does not, and where it ends; a cord with a known place is never refused.

    Returns
    -------
    CordPath

    Raises
    ------
    NoCordFoundError
        If no path looks like a cord; carries the probability that the likeliest is one.
    ConstraintError
        If no path can pass where the hint says.
    """
    grid = search_grid(array, spacing)
    where = None if hint is None else hint.on(grid, spacing)
    tried = candidates(array, spacing, grid, polarity, where)
    best = max(tried, key=lambda c: c.log_odds)
    known = where is not None and where.through is not None
    found = 1.0 if known else _probability(best, tried)
    if found < LIKELY:
        raise NoCordFoundError(
            f"no spinal cord found: what looks most like one is it with a probability of {found:.2f}; if there is a "
            "cord, give points in it as its centerline",
            score=found,
        )
    return _cord_path(best, found, array, spacing, grid, where)


def candidates(
    array: FloatArray,
    spacing: tuple[float, float, float],
    grid: SearchGrid,
    polarity: int = 0,
    where: SearchHint | None = None,
) -> list[Candidate]:
    """The curves that may be the cord's, with what the image shows along them; arguments as for `find_cord`.

    For each polarity the cord's own curve; that of the sac alone where it runs elsewhere, and the polarity has a
    chance.
    """
    both = [maps for maps in gain_maps(grid) if polarity in (0, maps.polarity)]

    def look(maps: GainMaps) -> Candidate:
        places = _places(np.maximum(maps.gain, maps.sac_gain), maps, grid, where)
        return _look(array, spacing, grid, where, maps, places, 0.0)

    def look_again(own: Candidate) -> Candidate | None:
        places = _places(own.maps.sac_gain, own.maps, grid, where)
        apart = np.hypot(*((places - own.places) * np.array(grid.spacing[1:])).T)
        if apart.max() <= SHIFT_MM:  # windows move to the same middles
            return None
        return _look(array, spacing, grid, where, own.maps, places, SAC_CURVE_ODDS)

    tried = at_once(look, both)
    best = max(c.log_odds for c in tried)
    again = [c for c in tried if c.log_odds > best - NO_CHANCE]
    return tried + [c for c in at_once(look_again, again) if c is not None]


def _places(score: FloatArray, maps: GainMaps, grid: SearchGrid, where: SearchHint | None) -> NDArray[np.int64]:
    """Best curve by a score, row and column in each plane of the search grid."""
    return best_track(_led(score, maps, grid, where), grid.spacing).places


def _look(
    array: FloatArray,
    spacing: tuple[float, float, float],
    grid: SearchGrid,
    where: SearchHint | None,
    maps: GainMaps,
    places: NDArray[np.int64],
    prior: float,
) -> Candidate:
    """The windows along a curve, and the extent of cord that they show."""
    windows = windows_along(array, spacing, grid, maps, places, _smooth_curve(maps.cord, places, grid, spacing))
    odds = coefficients.INTERCEPT + windows.figures @ np.array(coefficients.WEIGHTS)
    known, bottom, top = (None, None, None) if where is None else (where.through, where.bottom, where.top)
    found = extent(
        odds,
        windows.plane_mm,
        tip=windows.tip,
        tip_loss_mm=windows.tip_loss_mm,
        known=known,
        bottom=bottom is not None,
        top=top is not None,
    )
    return Candidate(maps, places, windows, found, found.log_odds + prior)


def _probability(best: Candidate, candidates: list[Candidate]) -> float:
    """Of the best curve to be the cord's, against chance and against the other polarity."""
    offset, slope = coefficients.FOUND
    others = [c.log_odds for c in candidates if c.maps.polarity != best.maps.polarity]
    ahead = best.log_odds - max(others, default=-np.inf)
    return float(expit(offset + slope * best.log_odds) * expit(slope * ahead))


def _led(score: FloatArray, maps: GainMaps, grid: SearchGrid, where: SearchHint | None) -> FloatArray:
    """The score where the path may pass: through the places that are known, and on beyond them."""
    if where is None:
        return score
    led = np.where(where.allowed, score, np.float32(AVOIDED))
    if where.through is None:
        return led
    low, high = where.through
    known = np.where(where.allowed, maps.gain, np.float32(-np.inf))[low : high + 1]
    piece = best_track(known, grid.spacing)
    if not np.isfinite(piece.total):
        raise ConstraintError(
            "no path can pass where the cord was said to be: two places lie farther apart across the cord than along "
            "it, or what is not cord blocks the way"
        )
    led[~onward(piece.places, low, led.shape, grid.spacing)] = AVOIDED
    led[low : high + 1] = known
    return led


def _smooth_curve(
    response: FloatArray, places: NDArray[np.int64], grid: SearchGrid, spacing: tuple[float, float, float]
) -> NDArray[np.float64]:
    """Path on the search grid as row and column in mm of the full grid, finer than voxels, smooth along the cord."""
    centers = _subvoxel(response, places) * np.array(grid.spacing[1:])
    centers = ndi.gaussian_filter1d(centers, max(ALONG_MM / grid.spacing[0], 1e-3), axis=0, mode="nearest")
    out: NDArray[np.float64] = centers + np.array([grid.offset[1] * spacing[1], grid.offset[2] * spacing[2]])
    return out


def _cord_path(
    best: Candidate,
    found: float,
    array: FloatArray,
    spacing: tuple[float, float, float],
    grid: SearchGrid,
    where: SearchHint | None,
) -> CordPath:
    """The cord's own path between its ends, close to the chosen curve, one point a plane of the full grid."""
    e = best.extent
    rows = slice(e.low, e.high + 1)
    places = _refined(best, grid, where, rows)
    centers = _smooth_curve(best.maps.cord[rows], places, grid, spacing)
    middles = best.windows.planes
    half = grid.step[0] / 2
    lowest, highest = filled_planes(array)
    first = lowest if e.low == 0 else max(lowest, int(np.ceil(middles[e.low] - half)))
    last = highest if e.high == len(middles) - 1 else min(highest, int(np.floor(middles[e.high] + half)))
    if where is not None and where.extent is not None:
        if where.extent[0] < lowest or where.extent[1] > highest:
            raise ConstraintError("the image is empty where the cord was said to be; give places that show it")
        first = min(first, where.extent[0]) if where.bottom is None else where.bottom
        last = max(last, where.extent[1]) if where.top is None else where.top
    planes = np.arange(first, last + 1)
    return CordPath(
        first,
        np.stack([np.interp(planes, middles[rows], c) for c in centers.T], axis=1),
        best.maps.polarity,
        found,
        np.interp(planes, middles, e.inside),
        e.ends_below,
        e.ends_above,
        e.low_spread_mm,
        e.high_spread_mm,
        (False, False) if where is None else (where.bottom is not None, where.top is not None),
    )


def _refined(best: Candidate, grid: SearchGrid, where: SearchHint | None, rows: slice) -> NDArray[np.int64]:
    """Best path by the response alone, without costs of place, in a corridor about the chosen curve."""
    at, step = best.places[rows], np.array(grid.spacing[1:])
    reach = np.ceil(CORRIDOR_MM / step).astype(int)
    low, high = np.maximum(at.min(0) - reach, 0), at.max(0) + reach + 1
    near = rows, slice(low[0], high[0]), slice(low[1], high[1])
    response = CORD_SHARE * best.maps.cord[near] + RING_SHARE * best.maps.sac[near]
    y, x = np.indices(response.shape[1:])
    off = (at - low)[:, :, None, None]
    far = np.hypot((y - off[:, 0]) * step[0], (x - off[:, 1]) * step[1])
    response[far > CORRIDOR_MM] = -1.0  # the lowest response there is: a closed path may still have to cross it
    if where is not None:
        response[~where.allowed[near]] = AVOIDED
    places: NDArray[np.int64] = best_track(response, grid.spacing).places + low
    return places


def _subvoxel(response: FloatArray, places: NDArray[np.int64]) -> NDArray[np.float64]:
    """Vertex of the parabola through three neighbours, along rows and along columns."""
    out = places.astype(np.float64)
    k = np.arange(len(places))
    for axis in (0, 1):
        n = response.shape[axis + 1]
        low, high = places.copy(), places.copy()
        low[:, axis] = np.maximum(low[:, axis] - 1, 0)
        high[:, axis] = np.minimum(high[:, axis] + 1, n - 1)
        a, b, c = (response[k, p[:, 0], p[:, 1]].astype(np.float64) for p in (low, places, high))
        bend = a - 2 * b + c
        inside = (places[:, axis] > 0) & (places[:, axis] < n - 1) & (bend < 0)
        out[:, axis] += np.where(inside, np.clip(0.5 * (a - c) / np.where(bend < 0, bend, -1), -0.5, 0.5), 0)
    return out
