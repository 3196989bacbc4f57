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

from cordlevelset import flux as tb
from cordlevelset.errors import NoCordFoundError
from cordlevelset.paths import Track, best_track
from cordlevelset.plausibility import Appearance, appearance
from cordlevelset.symmetry import midline

__all__ = ["CordPath", "find_cord"]

FloatArray = NDArray[np.float32]

IN_PLANE_MM = 1.0
"""Finer pixels are averaged to about this size: a tenth of the cord's width."""
THICK_MM = 2.0
"""Thicker voxels are interpolated down to this, half the smallest cord's width, so that a path can run between their
middles."""
ALONG_MM = 3.0
"""Planes are averaged up to this thickness: over it the cord moves less than a radius even when it leans 40 degrees."""
SMOOTHING_MM = 1.0
"""In-plane Gaussian sigma; a CSF border is about 2 mm wide."""
AIR_SHARE = 0.03
"""A row or column is air when less than this share of it is brighter than this share of the image's bright tissue."""
BODY_MARGIN_MM = 16.0
"""Reach of the largest sac ellipse, so that a cord at the edge of the body is seen whole."""
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
CORRIDOR_MM = 5.0
"""The cord is searched again this close to the chosen path: the slack of a cord in its sac."""
ROUNDS = 1
"""Paths tried for each polarity; a second and third only while none looks convincing."""
APART_MM = 12.0
"""Distance of one candidate from the next: the sac's largest radius and a little more."""
FORBIDDEN = -100.0
CONVINCING, PLAUSIBLE = 0.5, 0.2
"""Plausibility (see `plausibility`) above which no other place is searched, and below which nothing is called a
cord."""
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
class _Evidence:
    """Per voxel of the search grid and for one polarity: responses, and what a path gains there per mm."""

    polarity: int
    cord: FloatArray
    radius: FloatArray
    sac: FloatArray
    gain: FloatArray  # as cord in its sac
    sac_gain: FloatArray  # as sac without cord

    def suppress(self, track: Track, spacing: tuple[float, float, float]) -> None:
        """Forbid the neighbourhood of a path's cord, so that the next best path is another one."""
        rows, columns = np.indices(self.gain.shape[1:])
        for k, (row, column) in enumerate(track.places, start=track.first):
            near = np.hypot((rows - row) * spacing[1], (columns - column) * spacing[2]) < APART_MM
            self.gain[k][near] = FORBIDDEN


@dataclass(frozen=True, slots=True)
class _Candidate:
    evidence: _Evidence
    track: Track
    gain: float  # of the cord part alone, mm of perfect tube
    rate: float  # the same per mm of cord
    path: CordPath | None = None
    look: Appearance | None = None

    @property
    def weight(self) -> float:
        """Total gain times plausibility; a candidate not yet looked at could be wholly plausible."""
        return self.track.total * (1.0 if self.look is None else self.look.plausibility**0.5)


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
    evidence = [e for e in _evidence(grid) if polarity in (0, e.polarity)]
    judged: list[_Candidate] = []
    unseen: list[_Candidate] = []
    for _ in range(ROUNDS):
        found = sorted((_candidate(e, grid.spacing) for e in evidence), key=lambda c: -c.track.total)
        for candidate in found:
            if candidate.gain < MIN_GAIN_MM or candidate.rate < MIN_RATE:
                continue
            if judged and candidate.weight < max(c.weight for c in judged):
                unseen.append(candidate)  # could not win whatever it looks like
            else:
                judged.append(_judge(candidate, grid, array, spacing))
        if judged and max(judged, key=lambda c: c.weight).look.plausibility >= CONVINCING:  # type: ignore[union-attr]
            break
        for candidate in found:
            candidate.evidence.suppress(candidate.track, grid.spacing)
    return _choose(judged, unseen, max((c.gain for c in found), default=0.0))


def _choose(judged: list[_Candidate], unseen: list[_Candidate], best_gain: float) -> CordPath:
    """The candidate of greatest weight, with its confidence; or none."""
    best = max(judged, key=lambda c: c.weight, default=None)
    if best is None or best.look is None or best.path is None:
        raise NoCordFoundError(
            f"no spinal cord found: the best path gains {best_gain:.1f} mm, needs {MIN_GAIN_MM:.0f} mm "
            f"and {MIN_RATE} per mm; if there is a cord, give a centerline or seeds",
            score=best_gain,
        )
    if best.look.plausibility < PLAUSIBLE:
        raise NoCordFoundError(
            f"no spinal cord found: the best path has plausibility {best.look.plausibility:.2f}, needs {PLAUSIBLE} "
            f"(border {best.look.support:.2f}, steadiness {best.look.steadiness:.2f}, size {best.look.size:.2f}); "
            "if there is a cord, give a centerline or seeds",
            score=best.look.plausibility,
        )
    rival = max((c.weight for c in judged + unseen if c.evidence.polarity != best.evidence.polarity), default=0.0)
    above_chance = best.rate / (best.rate + MIN_RATE / 2)
    confidence = above_chance * (1 - rival / (2 * best.weight)) * best.look.steadiness * best.look.size
    return replace(best.path, confidence=float(np.clip(confidence, 0, 1)))


def _judge(candidate: _Candidate, grid: _Grid, array: FloatArray, spacing: tuple[float, float, float]) -> _Candidate:
    """Refine a candidate's path and look at its sections."""
    path = _refine(candidate, grid, array.shape[0], spacing)
    look = appearance(
        array,
        spacing=spacing,
        first=path.first,
        centers_mm=path.centers_mm,
        polarity=path.polarity,
        response=path.score,
    )
    return replace(candidate, path=path, look=look)


def _reduce(array: FloatArray, spacing: tuple[float, float, float]) -> _Grid:
    """Average fine voxels, interpolate thick ones left-right, smooth in the plane."""
    blocks = [max(1, round(ALONG_MM / spacing[0])), *(max(1, round(IN_PLANE_MM / s)) for s in spacing[1:])]
    blocks = [min(b, n) for b, n in zip(blocks, array.shape, strict=True)]
    kept = [n // b for n, b in zip(array.shape, blocks, strict=True)]
    start = [(n - m * b) // 2 for n, m, b in zip(array.shape, kept, blocks, strict=True)]
    trimmed = array[tuple(slice(s, s + m * b) for s, m, b in zip(start, kept, blocks, strict=True))]
    image = trimmed.reshape(kept[0], blocks[0], kept[1], blocks[1], kept[2], blocks[2]).mean(
        (1, 3, 5), dtype=np.float32
    )
    step = [float(b) for b in blocks]
    offset = [s + (b - 1) / 2 for s, b in zip(start, blocks, strict=True)]
    finer = int(np.ceil(spacing[2] / THICK_MM))
    if finer > 1 and image.shape[2] > 1:
        fine = np.arange((image.shape[2] - 1) * finer + 1) / finer
        low = np.minimum(fine.astype(int), image.shape[2] - 2)
        share = (fine - low).astype(np.float32)
        image = image[:, :, low] * (1 - share) + image[:, :, low + 1] * share
        step[2] /= finer
    size = (spacing[0] * step[0], spacing[1] * step[1], spacing[2] * step[2])
    if size[0] < 2 * ALONG_MM:  # thin planes share their noise with their neighbours
        image = ndi.convolve1d(image, np.array([0.25, 0.5, 0.25], np.float32), axis=0, mode="nearest")
    sigma = (0.0, *(SMOOTHING_MM / s if s < spacing[2] or s < THICK_MM else 0.0 for s in size[1:]))
    image = ndi.gaussian_filter(image, sigma, mode="nearest")
    body = [_body(image, axis, size[axis]) for axis in (1, 2)]
    offset = [offset[0], *(o + b.start * s for o, b, s in zip(offset[1:], body, step[1:], strict=True))]
    image = np.ascontiguousarray(image[:, body[0], body[1]])
    return _Grid(image, size, (offset[0], offset[1], offset[2]), (step[0], step[1], step[2]))


def _body(image: FloatArray, axis: int, size: float) -> slice:
    """Range of an in-plane axis that is not air, with a margin: half of a neck image is nothing to search."""
    bright = image > AIR_SHARE * np.percentile(image, 99)
    share = bright.mean(axis=tuple(a for a in range(3) if a != axis))
    kept = np.flatnonzero(share > AIR_SHARE)
    if not kept.size:
        return slice(None)
    margin = int(np.ceil(BODY_MARGIN_MM / size))
    return slice(max(0, int(kept[0]) - margin), int(kept[-1]) + 1 + margin)


def _evidence(grid: _Grid) -> list[_Evidence]:
    """Filter responses and gains for both polarities."""
    gradient = tb.normalised_gradient(grid.image, grid.spacing)
    cord = tb.flux(gradient, grid.spacing, tb.CORD_RADII_MM, tb.CORD_RATIOS)
    sac = tb.flux(gradient, grid.spacing, tb.SAC_RADII_MM, tb.SAC_RATIOS)
    x = np.arange(grid.image.shape[2]) * grid.spacing[2]
    away = np.abs(x - midline(grid.image, grid.spacing)[:, None]) - MIDLINE_TOLERANCE_MM
    off = (MIDLINE_COST_PER_MM * np.clip(away, 0, MIDLINE_LIMIT_MM)).astype(np.float32)[:, None, :]
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
        gain = CORD_SHARE * np.maximum(response, SILENT) + RING_SHARE * ring - (CORD_THRESHOLD + off)
        out.append(_Evidence(polarity, response, radius, around, gain, SAC_SHARE * around - (SAC_THRESHOLD + off)))
    return out


def _candidate(evidence: _Evidence, spacing: tuple[float, float, float]) -> _Candidate:
    """Best path of one polarity."""
    track = best_track(evidence.gain, evidence.sac_gain, spacing)
    rows, columns = track.places[track.is_cord].T
    gains = evidence.gain[track.first + np.flatnonzero(track.is_cord), rows, columns]
    return _Candidate(evidence, track, float(gains.sum()) * spacing[0], float(gains.mean()))


def _refine(candidate: _Candidate, grid: _Grid, n_planes: int, spacing: tuple[float, float, float]) -> CordPath:
    """The cord's own path, close to the chosen one, smooth and in grid mm, one point a plane of the full grid."""
    best = candidate.evidence
    track = candidate.track
    span = slice(track.first, track.first + len(track.places))
    response = CORD_SHARE * best.cord[span] + RING_SHARE * best.sac[span]
    rows, columns = np.indices(response.shape[1:])
    far = np.hypot(
        (rows - track.places[:, 0, None, None]) * grid.spacing[1],
        (columns - track.places[:, 1, None, None]) * grid.spacing[2],
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
