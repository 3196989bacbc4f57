"""Find the cord: which path, which polarity, how sure.

Two hypotheses are tried on equal terms. In each, the thecal sac is a tube of one sign and the cord, as far down as it
reaches, a tube of the opposite sign inside it: bright cord in dark fluid (T1), dark cord in bright fluid (T2 and most
others). The hypothesis whose best path gains more is the polarity. The path of the sac below the conus speaks for its
hypothesis too: in a lumbar image the cord itself is short.
"""

from __future__ import annotations

from dataclasses import dataclass, replace

import numpy as np
from numpy.typing import NDArray
from scipy import ndimage as ndi

from cordlevelset.brief import one_line
from cordlevelset.detection import flux as tb
from cordlevelset.detection.hints import PathHint, SearchHint, onward
from cordlevelset.detection.paths import Track, best_track
from cordlevelset.detection.plausibility import Appearance, appearance
from cordlevelset.detection.searchgrid import ALONG_MM, SearchGrid, filled_planes, search_grid
from cordlevelset.detection.skin import depth_below_skin
from cordlevelset.detection.symmetry import midline
from cordlevelset.detection.tissue import against_surroundings, mean_in_plane
from cordlevelset.errors import ConstraintError, NoCordFoundError
from cordlevelset.sections.stack import Sections

__all__ = ["CordPath", "find_cord"]

FloatArray = NDArray[np.float32]

CORD_SHARE, RING_SHARE = 0.6, 0.4
"""Weights of the cord's own border and of the sac's outer one in the evidence for a cord in its sac."""
SILENT = 0.1
"""Floor of the cord's response, half the threshold: where the cord lies against the canal's wall its filter is
silent, not opposed."""
SAC_SHARE = 0.5
"""Weight of the sac alone: half the borders of a cord in its sac."""
CORD_THRESHOLD, SAC_THRESHOLD = 0.20, 0.15
"""Response per mm at which a path gains nothing: chance alone gives up to this much between unrelated edges."""
SAC_OFFSET_MM = 4.0
"""The cord lies off the sac's middle by at most this: sac radius 9 mm less cord radius 4 to 5 mm."""
MIDLINE_TOLERANCE_MM, MIDLINE_COST_PER_MM, MIDLINE_LIMIT_MM = 3.0, 0.01, 40.0
"""A path this far from the mirror plane pays nothing; then as much per mm that 30 mm cost a good tube's whole gain;
never more than at 40 mm."""
SKIN_MM, SKIN_COST_PER_MM = 20.0, 0.01
"""The middle of the cord lies deeper than this below the skin of the back: the epidural space before it is 30 to 80 mm
deep in adults and about 1 mm per kg in children. What is shallower pays as much per mm as off the mirror plane."""
PLACE_MM = 5.0
"""A small cord: side of the square that its brightness is read off."""
SIGNAL, DARK_COST = 0.4, 1.0
"""Least brightness of a cord against its surroundings, and what the middle of one pays per mm for what it lacks of
that. Cords have 0.66 to 2.7 in all contrasts (0.55 in heavy noise), air ways about 0.1 to 0.3."""
CORRIDOR_MM = 5.0
"""The cord is searched again this close to the chosen path: the slack of a cord in its sac."""
MIN_GAIN_MM = 4.0
"""Least gain of a path, in mm of perfect tube, the sac below the cord included: where fluid is seen on all sides of a
weak cord (EPI, thick slices) hardly more than the sac gains."""
MIN_EVIDENCE = 0.12
"""Least mean gain per mm of cord, and the same times steadiness and size. On crops that hold no cord the product is
0.04 to 0.16 (90 %), on cords 0.15 to 0.6 (95 %)."""
TINY = 1e-6
"""Against division by zero: far below any share or response that counts."""
EVEN_EVIDENCE = 0.16
"""Evidence that nine of ten crops without a cord stay under; confidence is 1/2 there."""


@dataclass(frozen=True, slots=True)
class CordPath:
    """Where the cord (and below it the sac) runs in the canonical grid, one point a plane.

    Attributes
    ----------
    first : int
        Index of the lowest plane.
    centers_mm : (P, 2) array
        Row and column position in grid mm, planes `first` .. `first` + P - 1.
    radius_mm : (P,) array
        AP half-diameter of the best ellipse.
    polarity : int
        +1 cord brighter than the fluid (T1), -1 darker.
    score : (P,) array
        Response of the tube at each point, in (-1, 1).
    confidence : float
        0 to 1: how far the winner stands above chance and above the other polarity.
    sections : Sections or None
        Start contours along the path, where it has been looked at already.
    """

    first: int
    centers_mm: NDArray[np.float64]
    radius_mm: NDArray[np.float64]
    polarity: int
    score: NDArray[np.float64]
    confidence: float
    sections: Sections | None = None

    __repr__ = one_line


@dataclass(frozen=True, slots=True)
class _Evidence:
    """Per voxel of the search grid and for one polarity: responses, and what a path gains there per mm."""

    polarity: int
    cord: FloatArray
    radius: FloatArray
    sac: FloatArray
    gain: FloatArray  # as cord in its sac
    sac_gain: FloatArray  # as sac without cord


@dataclass(frozen=True, slots=True)
class _Candidate:
    response: _Evidence
    track: Track
    rate: float  # gain of the cord part alone, per mm of it
    path: CordPath | None = None
    look: Appearance | None = None

    @property
    def weight(self) -> float:
        """Total gain, lowered for what does not look like a cord; not yet looked at, it could look like one."""
        looks = 1.0 if self.look is None else max(self.look.plausibility, TINY) ** 0.5
        return self.track.total * (looks if self.track.total > 0 else 1 / looks)

    @property
    def evidence(self) -> float:
        """Gain per mm, times steadiness and size."""
        return self.rate if self.look is None else self.rate * self.look.steadiness * self.look.size


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
        Where the cord passes and where it does not; a cord with a known place is never refused.

    Returns
    -------
    CordPath
        It may run on below the conus, in the sac, and above into the brainstem: where the cord ends is for `ends`.

    Raises
    ------
    NoCordFoundError
        If no path looks like a cord; carries the evidence of the best, per mm of cord, in units of a perfect tube.
    ConstraintError
        If no path can pass where the hint says.
    """
    grid = search_grid(array, spacing)
    where = None if hint is None else hint.on(grid, spacing)
    candidates = [_candidate(e, grid.spacing, where) for e in _evidence(grid) if polarity in (0, e.polarity)]
    known = where is not None and where.through is not None
    for i, candidate in enumerate(candidates):
        if known or (candidate.track.total >= MIN_GAIN_MM and candidate.rate >= MIN_EVIDENCE):
            candidates[i] = _judge(candidate, grid, array, spacing, where)
    return _choose(candidates, known)


def _choose(candidates: list[_Candidate], known: bool) -> CordPath:
    """The candidate of greatest weight, with its confidence; or none, unless a cord is known to be there."""
    best = max((c for c in candidates if c.look), key=lambda c: c.weight, default=None)
    if best is None or best.path is None or (best.evidence < MIN_EVIDENCE and not known):
        nearest = best or max(candidates, key=lambda c: c.track.total)
        raise NoCordFoundError(
            f"no spinal cord found: the best path has evidence {nearest.evidence:.2f} per mm, needs {MIN_EVIDENCE}, "
            f"and gains {nearest.track.total:.0f} mm, needs {MIN_GAIN_MM:.0f}; if there is a cord, give its centerline",
            score=nearest.evidence,
        )
    rival = max((c.weight for c in candidates if c.look and c is not best), default=0.0)
    evidence = max(best.evidence, 0.0)
    likely = evidence**2 / (evidence**2 + EVEN_EVIDENCE**2)
    confidence = likely * (1 - (max(rival, 0.0) / max(best.weight, TINY)) ** 2 / 2)  # half at a tie
    sections = None if best.look is None else best.look.sections
    return replace(best.path, confidence=float(np.clip(confidence, 0, 1)), sections=sections)


def _judge(
    candidate: _Candidate,
    grid: SearchGrid,
    array: FloatArray,
    spacing: tuple[float, float, float],
    where: SearchHint | None,
) -> _Candidate:
    """Refine a candidate's path and look at its sections."""
    path = _refine(candidate, grid, array, spacing, where)
    look = appearance(
        array,
        spacing=spacing,
        first=path.first,
        centers_mm=path.centers_mm,
        polarity=path.polarity,
        response=path.score,
    )
    return replace(candidate, path=path, look=look)


def _evidence(grid: SearchGrid) -> list[_Evidence]:
    """Filter responses and gains for both polarities."""
    gradient = tb.normalised_gradient(grid.image, grid.spacing)
    cord = tb.flux(gradient, grid.spacing, tb.CORD_RADII_MM, tb.CORD_RATIOS)
    sac = tb.flux(gradient, grid.spacing, tb.SAC_RADII_MM, tb.SAC_RATIOS)
    x = np.arange(grid.image.shape[2]) * grid.spacing[2]
    even = against_surroundings(grid.image, grid.spacing)
    away = np.abs(x - midline(even, grid.spacing)[:, :, None]) - MIDLINE_TOLERANCE_MM
    off = (MIDLINE_COST_PER_MM * np.clip(away, 0, MIDLINE_LIMIT_MM)).astype(np.float32)
    off = off + SKIN_COST_PER_MM * np.clip(SKIN_MM - depth_below_skin(grid.image, grid.spacing), 0, SKIN_MM)
    unlit = DARK_COST * np.maximum(SIGNAL - mean_in_plane(even, PLACE_MM, grid.spacing), 0)
    size = [2 * round(SAC_OFFSET_MM / s) + 1 for s in grid.spacing[1:]]
    out = []
    for polarity, response, radius, around in (
        (1, cord.bright, cord.radius_bright, sac.dark),
        (-1, cord.dark, cord.radius_dark, sac.bright),
    ):
        assert response is not None
        assert radius is not None
        assert around is not None
        ring = ndi.maximum_filter(around, size=(1, *size), mode="nearest")
        gain = CORD_SHARE * np.maximum(response, SILENT) + RING_SHARE * ring - (CORD_THRESHOLD + off + unlit)
        out.append(_Evidence(polarity, response, radius, around, gain, SAC_SHARE * around - (SAC_THRESHOLD + off)))
    return out


def _candidate(evidence: _Evidence, spacing: tuple[float, float, float], where: SearchHint | None) -> _Candidate:
    """Best path of one polarity, through the places that are known."""
    if where is None:
        track = best_track(evidence.gain, evidence.sac_gain, spacing)
    else:
        track = _led_track(evidence, spacing, where)
    rows, columns = track.places[track.is_cord].T
    gains = evidence.gain[track.first + np.flatnonzero(track.is_cord), rows, columns]
    return _Candidate(evidence, track, float(gains.mean()))


def _led_track(evidence: _Evidence, spacing: tuple[float, float, float], where: SearchHint) -> Track:
    """Best path through the places that are known, and on beyond them."""
    cord, sac = (np.where(where.allowed, g, np.float32(-np.inf)) for g in (evidence.gain, evidence.sac_gain))
    if where.through is None:
        return best_track(cord, sac, spacing)
    low, high = where.through
    known = cord[low : high + 1]
    piece = best_track(known, np.full_like(known, -np.inf), spacing, through=(0, high - low))
    if not np.isfinite(piece.total):
        raise ConstraintError(
            "no path can pass where the cord was said to be: two places lie farther apart across the cord than along "
            "it, or what is not cord blocks the way"
        )
    cord[~onward(piece.places, low, cord.shape, spacing)] = -np.inf
    sac[~np.isfinite(cord)] = -np.inf
    sac[low:] = -np.inf
    return best_track(cord, sac, spacing, through=where.through)


def _refine(
    candidate: _Candidate,
    grid: SearchGrid,
    array: FloatArray,
    spacing: tuple[float, float, float],
    where: SearchHint | None,
) -> CordPath:
    """The cord's own path, close to the chosen one, smooth and in grid mm, one point a plane of the full grid."""
    best = candidate.response
    track = candidate.track
    span = slice(track.first, track.first + len(track.places))
    response = CORD_SHARE * best.cord[span] + RING_SHARE * best.sac[span]
    rows, columns = np.indices(response.shape[1:])
    far = np.hypot(
        (rows - track.places[:, 0, None, None]) * grid.spacing[1],
        (columns - track.places[:, 1, None, None]) * grid.spacing[2],
    )
    response[far > CORRIDOR_MM] = -1.0  # the lowest response there is: a closed path may still have to cross it
    if where is not None:
        response[~where.allowed[span]] = -np.inf
    ends = (0, len(response) - 1)
    inner = best_track(response, np.full_like(response, -np.inf), grid.spacing, through=ends)
    planes = np.arange(len(inner.places))
    r, c = inner.places.T
    centers = _subvoxel(best.cord[span], inner.places) * np.array(grid.spacing[1:])
    centers = ndi.gaussian_filter1d(centers, max(ALONG_MM / grid.spacing[0], 1e-3), axis=0, mode="nearest")
    centers += np.array([grid.offset[1] * spacing[1], grid.offset[2] * spacing[2]])
    z = (grid.offset[0] + grid.step[0] * (planes + track.first)) * spacing[0]
    half = grid.spacing[0] / 2
    at_bottom, at_top = track.first == 0, span.stop == len(grid.image)
    lowest, highest = filled_planes(array)
    first = lowest if at_bottom else max(lowest, int(np.ceil((z[0] - half) / spacing[0])))
    last = highest if at_top else min(highest, int(np.floor((z[-1] + half) / spacing[0])))
    if first > last:
        raise ConstraintError("the image is empty where the cord was said to be; give places that show it")
    full = np.arange(first, last + 1) * spacing[0]
    at = [
        np.interp(full, z, v)
        for v in (centers[:, 0], centers[:, 1], best.radius[span][planes, r, c], best.cord[span][planes, r, c])
    ]
    return CordPath(first, np.stack(at[:2], 1), at[2], best.polarity, at[3], confidence=float("nan"))


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
