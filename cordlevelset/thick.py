"""Thick sagittal slices: what fraction of each voxel the cord fills.

With slices 3 to 6 mm thick the cord is two or three voxels wide. Between their middles nothing was measured, and
interpolation puts the lateral borders wherever the middles happen to lie. But a voxel holds the mean over its
thickness: its brightness tells how much of it is cord. With c and f the brightness of cord and fluid, and F the
fraction of the voxel inside an ellipse (middle x0, half-diameters a left-right and b antero-posterior),

    I(y, i) = f + (f - c) g_i - (f - c) F(y, i; x0, a, b)

g_i is the column's own level: a slice at the side of the sac holds some of its wall. A ridge draws it to zero. The
ellipse of least squared misfit, with neighbouring planes and a mild prior of the cord's shape, gives the middle and
the lateral borders.
"""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray
from scipy import ndimage as ndi

from cordlevelset import straighten as st

__all__ = ["occupied_contours", "resolved_share"]

FloatArray = NDArray[np.float64]

THIN_MM, THICK_MM = 2.0, 6.0
"""Trust in the model grows with the voxel: none where a cord is five voxels wide and more, all where it is two."""
SHIFTS_MM = np.arange(-3.0, 3.01, 0.5)
"""How far the middle may lie from the given one: half of a 6 mm slice."""
HALF_AP_MM, HALF_LR_MM = np.arange(2.0, 6.01, 0.5), np.arange(2.0, 8.51, 0.5)
"""Half-diameters tried: conus' last slices to cervical enlargement (Frostell 2016); a parabola refines the best."""
REACH_MM = (0.75, 8.0)
"""Rows beyond the ellipse that count: they show the step, not the wall of a narrow sac; columns beside the middle."""
RIDGE = 0.05
"""Half a step of a column's own level costs as much as a misfit of a tenth of the step in every voxel."""
NEIGHBOURS_MM = 5.0
"""Gaussian sigma along the cord over which planes share one ellipse: half a vertebra; cords hardly change within."""
RATIO, RATIO_SD, RATIO_WEIGHT = 1.4, 0.3, 0.003
"""Left-right over AP: mean and spread of cords; one spread off costs as much as a misfit of 5 % of the step."""
AP_SD_MM, AP_WEIGHT = 0.5, 0.02
"""The rays see the AP diameter to half a pixel; that much off costs as much as a misfit of 14 % of the step."""
POLES_DEG = 25.0
"""Rays this close to the AP axis meet the fluid in front of and behind the cord within the middle column."""
FLUID_MM = (0.5, 3.0)
"""The fluid's level is the extreme this far beyond the border: past the blur, within the CSF space."""
INSIDE = 0.8
"""The middle moves by at most this share of the half-width seen: it stays inside the contour."""


def resolved_share(voxel_mm: float) -> float:
    """How far voxels this thick left-right show the lateral borders themselves: 1 up to 2 mm, 0 from 6 mm on."""
    return float(np.clip((THICK_MM - voxel_mm) / (THICK_MM - THIN_MM), 0, 1))


def occupied_contours(
    array: NDArray[np.float32],
    *,
    spacing: tuple[float, float, float],
    first: int,
    centers_mm: FloatArray,
    radii_mm: FloatArray,
    polarity: int,
) -> tuple[FloatArray, FloatArray]:
    """Contours whose lateral borders come from the occupied fraction of thick voxels.

    Parameters
    ----------
    array : (K, J, I) array of float32
        Canonical grid: axis 0 upward, axis 1 to posterior, axis 2 to left.
    spacing : (3,) tuple of float
        Voxel size in mm.
    first : int
        Lowest plane.
    centers_mm : (P, 2) array
        Row and column of the rays' origin in each plane, grid mm.
    radii_mm : (P, A) array
        Contours found on interpolated rays; their AP borders are kept.
    polarity : {+1, -1}
        Cord brighter or darker than the fluid.

    Returns
    -------
    centers_mm : (P, 2) array
        Middles of the cord.
    radii_mm : (P, A) array
        Between the given contours (voxels of 2 mm and less: unchanged) and ellipses (6 mm).
    """
    resolved = resolved_share(spacing[2])
    if resolved == 1:
        return centers_mm, radii_mm
    rows, columns = radii_mm * np.sin(st.ANGLES), radii_mm * np.cos(st.ANGLES)
    half_ap, half_lr = (rows.max(1) - rows.min(1)) / 2, (columns.max(1) - columns.min(1)) / 2
    middle = centers_mm + np.stack([rows.max(1) + rows.min(1), columns.max(1) + columns.min(1)], axis=1) / 2
    levels = _along(_levels(array, spacing, first, centers_mm, radii_mm, polarity), spacing[0])
    cost = _along(_misfits(array[first : first + len(middle)], spacing, middle, levels), spacing[0])
    cost += RATIO_WEIGHT * ((HALF_LR_MM / HALF_AP_MM[:, None] - RATIO) / RATIO_SD) ** 2
    cost += AP_WEIGHT * (((HALF_AP_MM - half_ap[:, None]) / AP_SD_MM) ** 2)[:, None, :, None]
    shift, wide = _along(_vertex(cost, (0, 2)), spacing[0]).T
    middle[:, 1] += np.clip(shift, -INSIDE * half_lr, INSIDE * half_lr)
    across = np.hypot(wide[:, None] * np.sin(st.ANGLES), half_ap[:, None] * np.cos(st.ANGLES))
    ellipse = (half_ap * wide)[:, None] / across
    return middle, resolved * st.recentred(radii_mm, middle - centers_mm) + (1 - resolved) * ellipse


def _along(values: FloatArray, plane_mm: float) -> FloatArray:
    """Neighbouring planes averaged; nothing where they lie farther apart than twice the sigma."""
    if plane_mm > 2 * NEIGHBOURS_MM:
        return values
    out: FloatArray = ndi.gaussian_filter1d(values, NEIGHBOURS_MM / plane_mm, axis=0, mode="nearest", truncate=3.0)
    return out


def _levels(
    array: NDArray[np.float32],
    spacing: tuple[float, float, float],
    first: int,
    centers_mm: FloatArray,
    radii_mm: FloatArray,
    polarity: int,
) -> FloatArray:
    """Brightness of cord and fluid, (P, 2): median inside half the contour, median of the extremes beyond its poles."""
    sections = st.polar_sections(array, spacing=spacing, first=first, centers_mm=centers_mm)
    core = st.RADII_MM < radii_mm[:, :, None] / 2
    cord = np.array([np.median(s[c]) for s, c in zip(sections, core, strict=True)])
    poles = np.abs(np.sin(st.ANGLES)) > np.cos(np.deg2rad(POLES_DEG))
    beyond = np.arange(FLUID_MM[0], FLUID_MM[1] + 1e-6, st.RADIUS_STEP_MM)
    at = np.rint((radii_mm[:, poles, None] + beyond) / st.RADIUS_STEP_MM).astype(int)
    outside = np.take_along_axis(sections[:, poles], np.minimum(at, sections.shape[2] - 1), axis=2)
    fluid = np.median(outside.min(2) if polarity > 0 else outside.max(2), axis=1)
    least = max(1e-3 * float(np.ptp(sections)), float(np.finfo(np.float32).tiny))  # no step: nothing to divide by
    step = np.maximum(-polarity * (fluid - cord), least)
    return np.stack([cord, cord - polarity * step], axis=1).astype(np.float64)


def _misfits(
    planes: NDArray[np.float32], spacing: tuple[float, float, float], middle_mm: FloatArray, levels: FloatArray
) -> FloatArray:
    """Mean squared misfit of every ellipse tried, in units of the squared step: (P, shifts, AP, left-right)."""
    from cordlevelset import kernels

    out = np.empty((len(planes), SHIFTS_MM.size, HALF_AP_MM.size, HALF_LR_MM.size))
    pixel, reach = np.array(spacing[1:]), np.array(REACH_MM)
    kernels.occupied_misfits(planes, middle_mm, pixel, levels, SHIFTS_MM, HALF_AP_MM, HALF_LR_MM, reach, RIDGE, out)
    return out


def _vertex(cost: FloatArray, axes: tuple[int, ...]) -> FloatArray:
    """Position of each plane's least cost along some axes of the grids, refined by a parabola: (P, axes)."""
    n = len(cost)
    best = np.unravel_index(cost.reshape(n, -1).argmin(1), cost.shape[1:])
    out = np.empty((n, len(axes)))
    for column, axis in enumerate(axes):
        grid = (SHIFTS_MM, HALF_AP_MM, HALF_LR_MM)[axis]
        inner = np.clip(best[axis], 1, grid.size - 2)
        at = [tuple(inner + d if k == axis else b for k, b in enumerate(best)) for d in (-1, 0, 1)]
        low, mid, high = (cost[(np.arange(n), *index)] for index in at)
        bend = low - 2 * mid + high
        offset = np.where(bend > 0, 0.5 * (low - high) / np.where(bend > 0, bend, 1), 0)
        out[:, column] = grid[inner] + np.clip(offset, -1, 1) * (grid[1] - grid[0])
    return out
