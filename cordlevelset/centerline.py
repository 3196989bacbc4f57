"""Find the cord: which path, which polarity, how sure.

Two hypotheses are tried on equal terms. In each, the thecal sac is a tube of one sign and the cord, as far down as it reaches, a tube of the
opposite sign inside it: bright cord in dark fluid (T1), dark cord in bright fluid (T2 and most others). The hypothesis whose best path gains more
is the polarity. The path of the sac below the conus speaks for its hypothesis too: in a lumbar image the cord itself is short.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from scipy import ndimage as ndi

from cordlevelset import tubularity as tb
from cordlevelset.errors import NoCordFoundError
from cordlevelset.paths import Track, best_track
from cordlevelset.symmetry import midline

__all__ = ["CordPath", "find_cord"]

FloatArray = NDArray[np.float32]

IN_PLANE_MM = 1.0
"""Finer pixels are averaged up to this size: a tenth of the cord's width."""
THICK_MM = 2.0
"""Thicker voxels are interpolated down to this, half the smallest cord's width, so that a path can run between their middles."""
ALONG_MM = 3.0
"""Planes are averaged up to this thickness: over it the cord moves less than a radius even when it leans 40 degrees."""
SMOOTHING_MM = 1.0
"""In-plane Gaussian sigma; a CSF border is about 2 mm wide."""
CORD_SHARE, RING_SHARE = 0.6, 0.4
"""Weights of the cord's own border and of the sac's outer one in the evidence for a cord in its sac."""
SILENT = 0.1
"""Floor of the cord's response, half the threshold: where the cord lies against the canal's wall its filter is silent, not opposed."""
SAC_SHARE = 0.5
"""Weight of the sac alone: half the borders of a cord in its sac."""
CORD_THRESHOLD, SAC_THRESHOLD = 0.20, 0.15
"""Response per mm at which a path gains nothing: chance alone gives up to this much between unrelated edges."""
SAC_OFFSET_MM = 4.0
"""The cord lies off the sac's middle by at most this: sac radius 9 mm less cord radius 4 to 5 mm."""
MIDLINE_TOLERANCE_MM, MIDLINE_COST_PER_MM, MIDLINE_LIMIT_MM = 3.0, 0.01, 40.0
"""A path this far from the mirror plane pays nothing; then as much per mm that 30 mm cost a good tube's whole gain; never more than at 40 mm."""
CORRIDOR_MM = 5.0
"""The cord is searched again this close to the chosen path: the slack of a cord in its sac."""
MIN_GAIN_MM = 4.0
"""Least gain of a cord, in mm of perfect tube."""
MIN_RATE = 0.12
"""Least mean gain per mm of cord: chance paths have 0.05, cords 0.2 to 0.6."""


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
    """

    first: int
    centers_mm: NDArray[np.float64]
    radius_mm: NDArray[np.float64]
    polarity: int
    score: NDArray[np.float64]
    confidence: float


@dataclass(frozen=True, slots=True)
class _Grid:
    """The reduced image the search works on, and the way back: full index = offset + step * index."""

    image: FloatArray
    spacing: tuple[float, float, float]
    offset: tuple[float, float, float]
    step: tuple[float, float, float]


@dataclass(frozen=True, slots=True)
class _Hypothesis:
    polarity: int
    track: Track
    cord: FloatArray  # response of the cord filter
    sac: FloatArray  # response of the sac filter of the opposite sign
    radius: FloatArray
    gain: float  # of the cord part alone, mm of perfect tube
    rate: float  # the same per mm of cord


def find_cord(array: FloatArray, *, spacing: tuple[float, float, float], polarity: int = 0) -> CordPath:
    """Path of the cord through the planes of axis 0.

    Parameters
    ----------
    array : (K, J, I) array of float32
        Canonical grid: axis 0 upward, axis 1 to posterior, axis 2 to left.
    spacing : (3,) tuple of float
        Voxel size in mm.
    polarity : {0, +1, -1}
        0: found out; else an order.

    Returns
    -------
    CordPath
        It may run on below the conus, in the sac, and above into the brainstem: where the cord ends is for `ends`.

    Raises
    ------
    NoCordFoundError
        If no path looks like a cord; carries the best gain in mm of perfect tube.
    """
    grid = _reduce(array, spacing)
    hypotheses = _hypotheses(grid, (polarity,) if polarity else (1, -1))
    convincing = [h for h in hypotheses if h.gain >= MIN_GAIN_MM and h.rate >= MIN_RATE]
    if not convincing:
        best = max(hypotheses, key=lambda h: h.gain)
        raise NoCordFoundError(
            f"no spinal cord found: the best path gains {best.gain:.1f} mm (needs {MIN_GAIN_MM:.0f}) and {best.rate:.2f} per mm "
            f"(needs {MIN_RATE}); if there is a cord, give a centerline or seeds",
            score=best.gain,
        )
    best = max(convincing, key=lambda h: h.track.total)
    rival = max((h.track.total for h in hypotheses if h.polarity != best.polarity), default=0.0)
    return _refine(best, grid, array.shape[0], spacing, _confidence(best, rival))


def _confidence(best: _Hypothesis, rival: float) -> float:
    """Product of two odds: the gain per mm against chance, and this polarity's total against the other's."""
    chance = best.rate / (best.rate + MIN_RATE / 2)
    margin = 1 - 0.5 * rival / best.track.total
    return float(np.clip(chance * margin, 0, 1))


def _reduce(array: FloatArray, spacing: tuple[float, float, float]) -> _Grid:
    """Average fine voxels, interpolate thick ones left-right, smooth in the plane."""
    blocks = [max(1, round(ALONG_MM / spacing[0])), *(max(1, int(IN_PLANE_MM / s + 1e-3)) for s in spacing[1:])]
    blocks = [min(b, n) for b, n in zip(blocks, array.shape, strict=True)]
    kept = [n // b for n, b in zip(array.shape, blocks, strict=True)]
    start = [(n - m * b) // 2 for n, m, b in zip(array.shape, kept, blocks, strict=True)]
    trimmed = array[tuple(slice(s, s + m * b) for s, m, b in zip(start, kept, blocks, strict=True))]
    image = trimmed.reshape(kept[0], blocks[0], kept[1], blocks[1], kept[2], blocks[2]).mean((1, 3, 5), dtype=np.float32)
    step = [float(b) for b in blocks]
    offset = [s + (b - 1) / 2 for s, b in zip(start, blocks, strict=True)]
    finer = int(np.ceil(spacing[2] / THICK_MM))
    if finer > 1 and image.shape[2] > 1:
        fine = np.arange((image.shape[2] - 1) * finer + 1) / finer
        low = np.minimum(fine.astype(int), image.shape[2] - 2)
        share = (fine - low).astype(np.float32)
        image = image[:, :, low] * (1 - share) + image[:, :, low + 1] * share
        step[2] /= finer
    size = tuple(s * b for s, b in zip(spacing, step, strict=True))
    if size[0] < 2 * ALONG_MM:  # thin planes share their noise with their neighbours
        image = ndi.convolve1d(image, np.array([0.25, 0.5, 0.25], np.float32), axis=0, mode="nearest")
    sigma = (0.0, *(SMOOTHING_MM / s if s < spacing[2] or s < THICK_MM else 0.0 for s in size[1:]))
    image = ndi.gaussian_filter(image, sigma, mode="nearest")
    return _Grid(image, size, (offset[0], offset[1], offset[2]), (step[0], step[1], step[2]))


def _hypotheses(grid: _Grid, polarities: tuple[int, ...]) -> list[_Hypothesis]:
    """Best path for each polarity."""
    gradient = tb.normalised_gradient(grid.image, grid.spacing)
    cord = tb.flux(gradient, grid.spacing, tb.CORD_RADII_MM, tb.CORD_RATIOS)
    sac = tb.flux(gradient, grid.spacing, tb.SAC_RADII_MM, tb.SAC_RATIOS)
    x = np.arange(grid.image.shape[2]) * grid.spacing[2]
    away = np.abs(x - midline(grid.image, grid.spacing)[:, None]) - MIDLINE_TOLERANCE_MM
    off = (MIDLINE_COST_PER_MM * np.clip(away, 0, MIDLINE_LIMIT_MM)).astype(np.float32)[:, None, :]
    out = []
    for polarity in polarities:
        response, radius, around = (
            (cord.bright, cord.radius_bright, sac.dark) if polarity > 0 else (cord.dark, cord.radius_dark, sac.bright)
        )
        assert response is not None and radius is not None and around is not None
        size = [2 * int(round(SAC_OFFSET_MM / s)) + 1 for s in grid.spacing[1:]]
        ring = ndi.maximum_filter(around, size=(1, *size), mode="nearest")
        score = CORD_SHARE * np.maximum(response, SILENT) + RING_SHARE * ring - (CORD_THRESHOLD + off)
        track = best_track(score, SAC_SHARE * around - (SAC_THRESHOLD + off), grid.spacing)
        rows, columns = track.places[track.is_cord].T
        planes = track.first + np.flatnonzero(track.is_cord)
        gains = score[planes, rows, columns]
        out.append(
            _Hypothesis(polarity, track, response, around, radius, float(gains.sum()) * grid.spacing[0], float(gains.mean()))
        )
    return out


def _refine(best: _Hypothesis, grid: _Grid, n_planes: int, spacing: tuple[float, float, float], confidence: float) -> CordPath:
    """The cord's own path, close to the chosen one, smooth and in grid mm, one point a plane of the full grid."""
    track = best.track
    span = slice(track.first, track.first + len(track.places))
    response = CORD_SHARE * best.cord[span] + RING_SHARE * best.sac[span]
    rows, columns = np.indices(response.shape[1:])
    far = np.hypot(
        (rows - track.places[:, 0, None, None]) * grid.spacing[1], (columns - track.places[:, 1, None, None]) * grid.spacing[2]
    )
    response[far > CORRIDOR_MM] = -1.0  # the lowest response there is: a closed path may still have to cross it
    inner = best_track(response, np.full_like(response, -np.inf), grid.spacing, closed=True)
    planes = np.arange(len(inner.places))
    r, c = inner.places.T
    centers = _subvoxel(best.cord[span], inner.places) * np.array(grid.spacing[1:])
    centers = ndi.gaussian_filter1d(centers, max(ALONG_MM / grid.spacing[0], 1e-3), axis=0, mode="nearest")
    centers += np.array([grid.offset[1] * spacing[1], grid.offset[2] * spacing[2]])
    z = (grid.offset[0] + grid.step[0] * (planes + track.first)) * spacing[0]
    half = grid.spacing[0] / 2
    at_bottom, at_top = track.first == 0, span.stop == len(grid.image)
    first = 0 if at_bottom else int(np.ceil((z[0] - half) / spacing[0]))
    last = n_planes - 1 if at_top else int(np.floor((z[-1] + half) / spacing[0]))
    full = np.arange(first, last + 1) * spacing[0]
    at = [np.interp(full, z, v) for v in (centers[:, 0], centers[:, 1], best.radius[span][planes, r, c], best.cord[span][planes, r, c])]
    return CordPath(first, np.stack(at[:2], 1), at[2], best.polarity, at[3], confidence)


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
