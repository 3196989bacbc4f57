"""Thick sagittal slices: the cord's width from the partial-volume fractions of its voxels.

With slices 3 to 6 mm thick the cord is two or three voxels wide. Between their middles nothing was measured, and
interpolation puts the lateral borders wherever the middles happen to lie. But a voxel holds the mean over its
thickness: its brightness tells how much of it is CSF. Let c and f be the brightness of cord and CSF. F is the share of
the voxel inside the cord, an ellipse (middle x0, half-diameters a left-right and b antero-posterior). S is the share
inside the sac, another ellipse (half-diameter A left-right). What is not CSF is cord or lies outside the sac:

    (I(y, i) - f) / (c - f) = F(y, i; x0, a, b) / G(x0, a) + w (1 - S(y, i; A)) + u_i (S - F)

G is the share of cord in the voxels that c was measured in: less than one for a small cord, or one on the border of two
slices. b is as deep as a cord of this a and x0 must be to show the depth seen (`flattening`). The wall is w steps away
from the CSF, seen to the sides of it. u_i is what else there is in a column's CSF, roots and ligaments: one value
beside the middle of the cord and one in the other rows. A slight ridge draws it to zero, and it cannot be much.

The misfit is squared and summed over neighbouring planes, each as sure as its step is high, and a mild prior of the
cord's shape is added. The cord of least misfit over x0, a and A gives the middle and, averaged with the rays', the
lateral borders.
"""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray
from scipy import ndimage as ndi

from cordlevelset.sections import polar
from cordlevelset.sections.curves import NEIGHBOUR_RAYS, RESOLVED_MM, along_cord
from cordlevelset.sections.sac import SAC_SIZE_MM
from cordlevelset.sections.stack import Sections

__all__ = ["flattening", "fullness", "partial_volume_contours", "resolved_share"]

FloatArray = NDArray[np.float64]

SHIFTS_MM = np.arange(-3.0, 3.01, 0.5)
"""How far the middle may lie from the given one: half of a 6 mm slice."""
HALF_LR_MM = np.arange(2.0, 8.51, 0.5)
"""Half-diameters tried: conus' last slices to cervical enlargement (Frostell 2016); a parabola refines the best."""
SAC_LR_MM = np.arange(6.0, 12.1, 1.5)
"""The sac's: narrow thoracic canals to wide lumbar ones."""
POLES_MM = 2.0
"""Rows this far beyond the cord's poles count: they show CSF in every column, and so what else is in it."""
RIM_MM = 1.0
"""Not those this close to the sac's poles: there its own curve is not an ellipse's."""
ASIDE_MM = 8.5
"""Columns beside the middle that count: the widest half-diameter of a cord."""
RIDGE = 0.05
"""Roots and ligaments in 0.3 of a column's CSF cost as much as a misfit of 0.07 of the step in every voxel."""
ROOTS = 0.25
"""Roots and ligaments darken the CSF beside a cord by 0.15 to 0.27 of the step; no more is taken for them: a sac
without a cord does not become one by roots (docs/decisions/2026-11-28-thick-slices.md)."""
MIDDLE = 1 / 3
"""Share of the cord's depth beside which roots and ligaments leave it; else they would pass for a wider cord there."""
LEAST_FULL = 2 / 3
"""The narrowest cord above the conus, 8 mm (Frostell 2016), fills so much of two 6 mm voxels that share it."""
RAYS_SHARE = 0.3
"""Of the rays at least, however thick the voxels: they stop short of the sides where the model, to which roots look
like cord, goes beyond them. The share of least squares in slices of 3 to 6 mm is 0.27 to 0.34
(docs/decisions/2026-11-28-thick-slices.md)."""
WALL_MM = (10.0, 14.0)
"""Columns this far from the middle are beyond the sac and within the vertebra."""
WALL_STEPS = (0.5, 3.0)
"""The wall is not as bright as the CSF, nor, even where bone lies beside a bright cord, over three steps from it."""
NEIGHBOURS_MM = 5.0
"""Gaussian sigma along the cord over which planes share one cord: half a vertebra; cords hardly change within."""
LEVELS_MM = 2.5
"""The same for the levels: at its end a coil fades within a centimetre or two, faster than a cord changes."""
CORD_RATIO = 1.4
"""Left-right over AP diameter: the mean of cords."""
CORD_RATIO_SD = 0.3
"""Its spread between levels and people."""
CORD_RATIO_WEIGHT = 0.001
"""One spread off costs as much as a misfit of 3 % of the step."""
LUMBAR_RATIO = 1.25
"""Mean ratio of the lower cord: the lumbar enlargement is 9.4 by 7.5 mm, the cord of T8 8.3 by 6.3 mm, while that of C5
is 13.3 by 7.4 mm (Frostell 2016)."""
LUMBAR_MM = 200.0
"""T8 lies about so far above the tip of the conus."""
SAC_SD_MM = 2.0
"""Spread of the sac's left-right half-diameter about 9.5 mm."""
SAC_WEIGHT = 0.002
"""One spread off costs as much as a misfit of 4 % of the step."""
BEYOND_DEG = 25.0
"""Rays this close to the AP axis meet the CSF in front of and behind the cord within the middle column."""
CSF_MM = (0.5, 3.0)
"""The CSF's level is the extreme this far beyond the border: past the blur, within the CSF space."""
INSIDE = 0.8
"""The middle moves by at most this share of the half-width seen: it stays inside the contour."""


def resolved_share(voxel_mm: float) -> float:
    """Share of the lateral borders that interpolation between voxels this thick shows."""
    return min(1.0, RESOLVED_MM / voxel_mm)


def partial_volume_contours(
    array: NDArray[np.float32], cord: Sections, sac_mm: FloatArray, above_tip_mm: FloatArray | None = None
) -> tuple[FloatArray, FloatArray]:
    """Contours whose lateral borders come from the partial-volume fraction of thick voxels.

    Parameters
    ----------
    array : (K, J, I) array of float32
        Canonical grid: axis 0 upward, axis 1 to posterior, axis 2 to left.
    cord : Sections
        As the image is, with the contours found on interpolated rays.
    sac_mm : (P, A) array
        The sac's contours on the same rays; only their AP borders count.
    above_tip_mm : (P,) array, optional
        Height of the planes above the tip of the conus, where that is known: the lower half of the cord is rounder.

    Returns
    -------
    centers_mm : (P, 2) array
        Middles of the cord.
    radii_mm : (P, A) array
        Between the given contours (voxels of 2 mm and less: unchanged) and ellipses, as deep as they were before the
        voxels' thickness flattened them.
    """
    spacing, centers_mm, radii_mm = cord.spacing, cord.centers_mm, cord.radii_mm
    resolved = resolved_share(spacing[2])
    if resolved == 1:
        return centers_mm, radii_mm
    middle, half_ap, half_lr = _box(centers_mm, radii_mm)
    sac_middle, sac_ap, _ = _box(centers_mm, sac_mm)
    planes = array[cord.first : cord.first + len(cord)]
    inside, csf = _cord_and_csf(cord)
    levels = _levels(inside, csf, _wall(planes, spacing, middle, half_ap, inside, csf), spacing[0])
    sacs = along_cord(np.column_stack([sac_middle[:, 0], sac_ap, sac_middle[:, 1]]), NEIGHBOURS_MM, spacing[0])
    lumbar = np.zeros(len(planes), bool) if above_tip_mm is None else above_tip_mm < LUMBAR_MM
    ratios = np.where(lumbar, LUMBAR_RATIO, CORD_RATIO)
    cost = _cost(planes, spacing, middle, half_ap, sacs, levels, ratios)
    shift, wide = along_cord(_vertex(cost), NEIGHBOURS_MM, spacing[0]).T
    middle[:, 1] += np.clip(shift, -INSIDE * half_lr, INSIDE * half_lr)
    across = np.hypot(wide[:, None] * np.sin(polar.ANGLES), half_ap[:, None] * np.cos(polar.ANGLES))
    ellipse = (half_ap * wide)[:, None] / across
    rays = max(resolved**2, RAYS_SHARE)  # the variance of what interpolation shows grows with the thickness' square
    contours = rays * polar.recentred(radii_mm, middle - centers_mm) + (1 - rays) * ellipse
    flattened = along_cord(flattening(wide, middle[:, 1], spacing[2]), NEIGHBOURS_MM, spacing[0])
    return middle, polar.deepened(contours, 1 / flattened)


def _box(centers_mm: FloatArray, radii_mm: FloatArray) -> tuple[FloatArray, FloatArray, FloatArray]:
    """Middle (P, 2) and half-diameters (P,), AP and left-right, of the box around each contour, mm."""
    rows, columns = radii_mm * np.sin(polar.ANGLES), radii_mm * np.cos(polar.ANGLES)
    high, low = (np.column_stack([f(rows, axis=1), f(columns, axis=1)]) for f in (np.max, np.min))
    return centers_mm + (high + low) / 2, *((high - low) / 2).T


def _levels(cord: FloatArray, csf: FloatArray, wall: FloatArray, plane_mm: float) -> FloatArray:
    """Levels (P, 3) of neighbouring planes averaged; at the ends they go on as they came, as under a coil that fades.

    Each stays within its range, and so does the step from cord to CSF.
    """
    values = np.column_stack([cord, csf - cord, wall])
    more = min(len(values) - 1, int(np.ceil(3 * LEVELS_MM / plane_mm)))
    longer = np.pad(values, ((more, more), (0, 0)), mode="reflect", reflect_type="odd")
    averaged = along_cord(longer, LEVELS_MM, plane_mm)[more : more + len(values)]
    out = np.clip(averaged, values.min(0), values.max(0))
    out[:, 1] += out[:, 0]
    return out


def _cord_and_csf(sections: Sections) -> tuple[FloatArray, FloatArray]:
    """Brightness of cord and CSF, (P,): median inside half the contour, median of the extremes beyond its poles.

    Neighbouring rays are averaged first: the extreme of three samples lies 0.8 of the noise's deviation off.
    """
    radii_mm, polarity = sections.radii_mm, sections.polarity
    values = ndi.gaussian_filter1d(sections.values, NEIGHBOUR_RAYS, axis=1, mode="wrap")
    core = polar.RADII_MM < radii_mm[:, :, None] / 2
    cord = np.array([float(np.median(s[c])) for s, c in zip(values, core, strict=True)])
    poles = np.abs(np.sin(polar.ANGLES)) > np.cos(np.deg2rad(BEYOND_DEG))
    beyond = np.arange(CSF_MM[0], CSF_MM[1] + 1e-6, polar.RADIUS_STEP_MM)
    at = np.rint((radii_mm[:, poles, None] + beyond) / polar.RADIUS_STEP_MM).astype(int)
    outside = np.take_along_axis(values[:, poles], np.minimum(at, values.shape[2] - 1), axis=2)
    csf = np.median(outside.min(2) if polarity > 0 else outside.max(2), axis=1)
    least = max(1e-3 * float(np.ptp(values)), float(np.spacing(np.abs(values).max())))  # no step: no division by 0
    return cord, cord - polarity * np.maximum(-polarity * (csf - cord), least)


def _wall(
    planes: NDArray[np.float32],
    spacing: tuple[float, float, float],
    middle_mm: FloatArray,
    half_ap_mm: FloatArray,
    cord: FloatArray,
    csf: FloatArray,
) -> FloatArray:
    """Brightness of the wall, (P,): median of what lies to both sides of the sac; where nothing does, the cord's."""
    y, x = (np.arange(n) * mm for n, mm in zip(planes.shape[1:], spacing[1:], strict=True))
    rows = np.abs(y - middle_mm[:, :1]) <= half_ap_mm[:, None]
    aside = np.abs(x - middle_mm[:, 1:])
    columns = (aside >= WALL_MM[0]) & (aside <= WALL_MM[1] + spacing[2] / 2)
    seen = [p[np.ix_(r, c)] for p, r, c in zip(planes, rows, columns, strict=True)]
    wall = np.array([np.median(s) if s.size else c for s, c in zip(seen, cord, strict=True)])
    steps = np.clip((wall - csf) / (cord - csf), *WALL_STEPS)
    out: FloatArray = csf + steps * (cord - csf)
    return out


def flattening(half_lr_mm: FloatArray, column_mm: FloatArray, voxel_mm: float) -> FloatArray:
    """Share of its depth that an ellipse shows in the voxel its middle lies in: 1 for thin voxels. Arrays broadcast.

    At its greatest width the cord fills F0 = min(a, t/2 + d) + min(a, t/2 - d) of a voxel of thickness t whose middle
    is d off its own. Its border is seen where it fills half of that: where half the chord is not zero but
    c = max(F0/4, F0/2 - t/2 + d), at sqrt(1 - (c/a)^2) of its depth.
    """
    off = np.abs(column_mm / voxel_mm - np.rint(column_mm / voxel_mm)) * voxel_mm
    near = voxel_mm / 2 - off
    filled = np.minimum(half_lr_mm, voxel_mm / 2 + off) + np.minimum(half_lr_mm, near)
    chord = np.maximum(filled / 4, filled / 2 - near)
    out: FloatArray = np.sqrt(1 - (chord / half_lr_mm) ** 2)
    return out


def fullness(half_lr_mm: FloatArray, middle_mm: FloatArray, column_mm: FloatArray, voxel_mm: float) -> FloatArray:
    """Share that is cord of the voxels interpolated at a column: its brightness is measured so diluted.

    Arrays broadcast; the cord's middle row, from middle - a to middle + a.
    """
    out = np.zeros(np.broadcast_shapes(half_lr_mm.shape, middle_mm.shape, column_mm.shape))
    for voxel in (np.floor(column_mm / voxel_mm) + k for k in (0, 1)):
        right, left = (voxel + 0.5) * voxel_mm, (voxel - 0.5) * voxel_mm
        inside = np.minimum(right, middle_mm + half_lr_mm) - np.maximum(left, middle_mm - half_lr_mm)
        out += np.clip(inside / voxel_mm, 0, 1) * (1 - np.abs(column_mm / voxel_mm - voxel))
    return np.maximum(out, LEAST_FULL)


def _cost(
    planes: NDArray[np.float32],
    spacing: tuple[float, float, float],
    middle_mm: FloatArray,
    half_ap_mm: FloatArray,
    sacs_mm: FloatArray,
    levels: FloatArray,
    ratios: FloatArray,
) -> FloatArray:
    """Misfit with the neighbouring planes' and with what is known of shapes: (P, shifts, left-right, sac)."""
    tried = HALF_LR_MM, (middle_mm[:, 1:] + SHIFTS_MM)[:, :, None]
    depths = half_ap_mm[:, None, None] / flattening(*tried, spacing[2])
    full = fullness(*tried, middle_mm[:, 1, None, None], spacing[2])
    step = np.abs(levels[:, 0] - levels[:, 1])
    sure = ((step / step.max()) ** 2)[:, None, None, None]  # of a misfit in steps, where all planes share one noise
    misfits = sure * _misfits(planes, spacing, middle_mm, depths, full, sacs_mm, levels)
    cost = along_cord(misfits, NEIGHBOURS_MM, spacing[0]) / along_cord(sure, NEIGHBOURS_MM, spacing[0])
    cost += CORD_RATIO_WEIGHT * (((HALF_LR_MM / depths - ratios[:, None, None]) / CORD_RATIO_SD) ** 2)[..., None]
    cost += SAC_WEIGHT * ((SAC_LR_MM - SAC_SIZE_MM.max()) / SAC_SD_MM) ** 2
    return cost


def _misfits(
    planes: NDArray[np.float32],
    spacing: tuple[float, float, float],
    middle_mm: FloatArray,
    depths_mm: FloatArray,
    full: FloatArray,
    sacs_mm: FloatArray,
    levels: FloatArray,
) -> FloatArray:
    """Mean squared misfit of every cord tried, in units of the squared step: (P, shifts, left-right, sac)."""
    from cordlevelset.border import _kernels

    tried = SHIFTS_MM, HALF_LR_MM, SAC_LR_MM
    out = np.empty((len(planes), *(grid.size for grid in tried)))
    pixel, margins = np.array(spacing[1:]), np.array([POLES_MM, RIM_MM, ASIDE_MM])
    roots = _kernels.Roots(RIDGE, ROOTS, MIDDLE)
    _kernels.partial_volume_misfits(
        *(planes, middle_mm, depths_mm, full, sacs_mm, pixel, levels, *tried, margins, roots, out),
    )
    return out


def _vertex(cost: FloatArray) -> FloatArray:
    """Shift and left-right half-diameter of each plane's least cost, refined by parabolas: (P, 2)."""
    n = len(cost)
    best = np.unravel_index(cost.reshape(n, -1).argmin(1), cost.shape[1:])
    out = np.empty((n, 2))
    for axis, grid in enumerate((SHIFTS_MM, HALF_LR_MM)):
        inner = np.clip(best[axis], 1, grid.size - 2)
        at = [tuple(inner + d if k == axis else b for k, b in enumerate(best)) for d in (-1, 0, 1)]
        low, mid, high = (cost[(np.arange(n), *index)] for index in at)
        bend = low - 2 * mid + high
        offset = np.where(bend > 0, 0.5 * (low - high) / np.where(bend > 0, bend, 1), 0)
        out[:, axis] = grid[inner] + np.clip(offset, -1, 1) * (grid[1] - grid[0])
    return out
