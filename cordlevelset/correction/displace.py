"""Corrected contours: the automatic ones, displaced to honour what a user gave.

Every correction is a displacement delta of the automatic contour r along its rays. It is found where something was
given, and its neighbours along the cord follow it:

- A slice drawn across the cord displaces r to the drawing. Towards the next drawn slice, or over 30 mm, delta falls
  linearly to nothing, without its jags from ray to ray. So the image decides between drawn slices, and what the user
  draws differently from the automatic contour (a wider border, another side) is carried on.
- Where other voxels contradict r, the closed contour of greatest gain (`boundary`) is sought again in that plane among
  those that pass between the voxels given. Neighbours within 10 mm are sought again too, drawn to the same
  displacement the harder the nearer they are, with the image deciding.

Each plane depends on what was given within these distances alone: elsewhere a correction changes no bit.
"""

from __future__ import annotations

from dataclasses import replace

import numpy as np
from numpy.typing import NDArray
from scipy import ndimage as ndi

from cordlevelset.border.rasterise import partial_volume_fraction
from cordlevelset.correction.constraints import Constraints
from cordlevelset.correction.drawn import mask_distance
from cordlevelset.sections import polar
from cordlevelset.sections.boundary import border_gain
from cordlevelset.sections.contours import CordContours
from cordlevelset.sections.curves import BARRED, NEIGHBOUR_COST, SATURATION, closed_contours
from cordlevelset.sections.stack import Sections

__all__ = ["corrected_contours", "hold_voxels"]

FloatArray = NDArray[np.float64]
BoolArray = NDArray[np.bool_]

DRAWN_REACH_MM = 30.0
"""How far along the cord a drawn slice is carried: over a vertebra with its disc."""
SEED_REACH_MM = 10.0
"""How far a seed is carried: over a leak, which ends with the structure it ran into."""
DRAWN_RAYS = 4.0
"""Gaussian sigma over rays, 22 degrees, of a displacement that is carried on: a drawing's jags are those of its own
voxels."""
PULL_COST = 0.5
"""Gain lost 1 mm from the displacement next to it: half of what a good border gains."""
FORBIDDEN = polar.N_ANGLES / SATURATION
"""Gain lost by a contour on the wrong side of a voxel: as much as the strongest borders on all rays gain."""


def corrected_contours(
    array: NDArray[np.float32],
    *,
    spacing: tuple[float, float, float],
    automatic: CordContours,
    polarity: int,
    given: Constraints,
) -> CordContours:
    """Displace contours so that they honour constraints.

    Parameters
    ----------
    array : (K, J, I) array of float32
        Canonical grid.
    spacing : (3,) tuple of float
        Voxel size in mm.
    automatic : CordContours
        What the image alone gives.
    polarity : {+1, -1}
        Cord brighter or darker than the CSF.
    given : Constraints
        On the same grid.

    Returns
    -------
    CordContours
        Exact up to voxels that no star-shaped contour can honour; those are for `hold_voxels`.
    """
    n = len(automatic.radii_mm)
    across = {k - automatic.first: m for k, m in given.across.items() if 0 <= k - automatic.first < n}
    radii: FloatArray = automatic.radii_mm + _drawn_displacement(automatic, across, spacing)
    low, high = _bounds(automatic, given, spacing)
    low[list(across)], high[list(across)] = 0.0, np.inf  # drawn planes stay as drawn
    broken: BoolArray = np.any((radii < low) | (radii > high), axis=1)
    if broken.any():
        seen = Sections.of_contours(array, automatic, spacing=spacing, polarity=polarity).smoothed()
        radii = radii + _searched_displacement(seen.with_radii(radii), (low, high), broken)
        radii = np.clip(radii, low, np.maximum(low, high))
    confidence = automatic.confidence.copy()
    confidence[list(across)] = 1.0
    radii = np.maximum(radii, polar.RADIUS_STEP_MM)  # it stays a curve
    return replace(automatic, radii_mm=radii, sac_mm=np.maximum(automatic.sac_mm, radii), confidence=confidence)


def hold_voxels(soft: NDArray[np.float32], given: Constraints) -> NDArray[np.float32]:
    """Partial-volume fractions limited to the given side of one half.

    Parameters
    ----------
    soft : (K, J, I) array of float32
        Partial-volume fraction of each voxel.
    given : Constraints
        On the same grid.

    Returns
    -------
    (K, J, I) array of float32
    """
    half = np.float32(0.5)
    soft = np.where(given.inside, np.maximum(soft, half), soft)
    return np.where(given.outside, np.minimum(soft, np.nextafter(half, np.float32(0))), soft)


def _drawn_displacement(
    automatic: CordContours, across: dict[int, BoolArray], spacing: tuple[float, float, float]
) -> FloatArray:
    """Displacement (P, A) that makes the drawn planes as drawn, carried on to their neighbours."""
    planes = np.array(sorted(across), dtype=np.int64)
    delta = np.zeros((planes.size, polar.N_ANGLES))
    for row, p in enumerate(planes):
        own = replace(automatic, first=0, centers_mm=automatic.centers_mm[[p]], radii_mm=automatic.radii_mm[[p]])
        own = replace(own, conus_mm=None)
        shape = (1, *across[p].shape)
        mask = partial_volume_fraction(own, shape=shape, spacing=spacing)[0] >= 0.5
        # both seen through their voxels: what voxels hide of the curves cancels
        delta[row] = _radii(across[p], own.centers_mm, spacing) - _radii(mask, own.centers_mm, spacing)
    delta[~np.isfinite(delta)] = 0.0  # a center outside the drawing: left to the voxels
    carried = _carried(planes, ndi.gaussian_filter1d(delta, DRAWN_RAYS, axis=1, mode="wrap"), automatic, spacing[0])
    carried[planes] = delta
    return carried


def _carried(planes: NDArray[np.int64], delta: FloatArray, automatic: CordContours, plane_mm: float) -> FloatArray:
    """Linear from each plane to nothing at the next one, at most `DRAWN_REACH_MM` away."""
    out = np.zeros_like(automatic.radii_mm)
    at = np.arange(len(out))
    gaps = np.diff(planes, prepend=-np.inf, append=np.inf) * plane_mm
    for p, d, before, after in zip(planes, delta, gaps[:-1], gaps[1:], strict=True):
        reach = np.minimum(np.where(at < p, before, after), DRAWN_REACH_MM)
        out += np.maximum(1 - np.abs(at - p) * plane_mm / reach, 0)[:, None] * d
    return out


def _radii(mask: BoolArray, center_mm: FloatArray, spacing: tuple[float, float, float]) -> FloatArray:
    """Radius (A,) on each ray where a mask ends; nan where it does not hold the center."""
    away = mask_distance(mask, spacing[1:]).astype(np.float32)
    rays = polar.polar_sections(away[None], spacing=spacing, first=0, centers_mm=center_mm)[0]
    inside = rays < 0
    last = inside.shape[1] - 1 - inside[:, ::-1].argmax(1)
    last = np.minimum(last, inside.shape[1] - 2)
    low, high = (np.take_along_axis(rays, (last + d)[:, None], 1)[:, 0] for d in (0, 1))
    radii = (last + low / np.where(high > low, low - high, -1)) * polar.RADIUS_STEP_MM
    return np.where(inside.any(1), radii, np.nan).astype(np.float64)


def _bounds(
    contours: CordContours, given: Constraints, spacing: tuple[float, float, float]
) -> tuple[FloatArray, FloatArray]:
    """Least and greatest radius (P, A) that the given voxels leave, each on the ray nearest to its middle."""
    shape = contours.radii_mm.shape
    low, high = np.zeros(shape), np.full(shape, np.inf)
    window = [int(np.ceil(polar.RADII_MM[-1] / s)) for s in spacing[1:]]
    for p, center in enumerate(contours.centers_mm):
        at = np.rint(center / spacing[1:]).astype(int)
        near = tuple(slice(max(0, a - w), a + w + 1) for a, w in zip(at, window, strict=True))
        for mask, limit, join in (
            (given.inside, low[p], np.maximum),
            (given.outside, high[p], np.minimum),
        ):
            found = np.argwhere(mask[contours.first + p][near])
            if found.size:
                y, x = ((found + [s.start for s in near]) * spacing[1:] - center).T
                ray = np.rint(np.arctan2(y, x) / polar.ANGLES[1]).astype(int) % polar.N_ANGLES
                join.at(limit, ray, np.hypot(y, x))
    return low, high


def _searched_displacement(seen: Sections, bounds: tuple[FloatArray, FloatArray], broken: BoolArray) -> FloatArray:
    """Displacement (P, A) of the best contours within bounds from the best ones without, and of their neighbours."""
    radii, planes = seen.radii_mm, np.flatnonzero(broken)
    away = np.abs(np.arange(len(radii))[:, None] - planes).min(1) * seen.plane_mm
    near = np.flatnonzero(away < SEED_REACH_MM)
    own = border_gain(seen.evidence[near])  # a user may know of a cord wider than any that is looked for
    wider = ((0, 0), (0, 0), (0, polar.RADII_MM.size - own.shape[2]))
    gain = np.pad(own, wider, constant_values=BARRED) - _cost(NEIGHBOUR_COST, radii[near])
    free = closed_contours(gain)
    given = np.isin(near, planes)
    low, high = (b[planes][:, :, None] for b in bounds)
    barred = (low > polar.RADII_MM) | (np.maximum(low, high) < polar.RADII_MM)
    held = closed_contours(gain[given] - (FORBIDDEN * barred).astype(np.float32))
    delta = held - free[given]
    expected = np.stack([np.interp(near, planes, d) for d in delta.T], axis=1)
    weight = (1 - away[near] / SEED_REACH_MM)[:, None, None].astype(np.float32)
    gain -= weight * _cost(PULL_COST, radii[near] + expected)
    drawn = closed_contours(gain)
    out = np.zeros_like(radii)
    out[near] = drawn - free
    out[planes] = delta
    smooth: FloatArray = ndi.gaussian_filter1d(out, 1.0, axis=1, mode="wrap")
    return smooth


def _cost(weight: float, radii_mm: FloatArray) -> NDArray[np.float32]:
    """Gain lost (P, A, R) away from given radii."""
    out: NDArray[np.float32] = (weight * (polar.RADII_MM - radii_mm[:, :, None]) ** 2).astype(np.float32)
    return out
