"""The middle of the cord in each plane: an ellipse of its size holds cord there, and something else lies around it.

A path found on a coarse grid stands a millimetre or two off the cord's middle, and in EPI distortion moves each plane
by itself, some by 8 mm. From there a contour may close on half of the cord, along its grey matter. So ellipses of a
cord's sizes are laid about points near the path. With I the brightness on their rays, c its median inside and h the
spread of the surroundings,

    S = l (mean_outside f(o) - mean_inside min(((I - c) / h)^2, 1)),    o = -p (I - c) / h
    f(o) = min(o, 1) where o > 0: CSF;   w min(-o, 1) where o < 0: the canal's wall, which the cord may touch

l is the ellipse's size over the mean cord's: a longer border is more to see, and half of a cord has the shorter one.
From plane to plane the middle walks at random. With exp((S - k |shift|^2) / T) the odds of a point in one plane, the
forward-backward sums over all walks (Rabiner 1989, doi:10.1109/5.18626) give those in the stack, and the middle is
their mean.
"""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray
from scipy import ndimage as ndi

from cordlevelset.parallel import in_parts
from cordlevelset.sections import polar

__all__ = ["middles"]

FloatArray = NDArray[np.float64]

SIZES_MM = ((3.0, 4.0), (3.7, 5.2), (4.5, 6.5), (4.5, 7.8))
"""Half-diameters tried, antero-posterior and left-right: thoracic cord, the mean, the cervical enlargement, and a wide
one that distortion has drawn out."""
MEAN_SIZE_MM = 4.4
"""Radius of the mean cord, by area: the unit of l."""
FARTHEST_SHIFT_MM = (8.0, 4.0)
"""Farthest from the path: distortion moves planes of EPI by up to 8 mm along the rows; to the sides paths lie up to a
cord's half-diameter off."""
GRID_MM = 1.0
"""Distance of the points tried: a pixel of EPI; the weighted mean lies between them."""
SOME_ANGLES = polar.ANGLES[::4]
"""A quarter of the rays: 22 degrees, 2 mm of the border, apart."""
INSIDE_SHARES = (0.4, 0.75)
"""Radii, in the ellipse's own, at which its inside is sampled, apart from its rim."""
ASTRIDE_MM = (-0.6, 1.0)
"""The rim is sampled half a clinical pixel inside the ellipse, the surroundings a pixel outside it."""
AROUND_MM = 9.0
"""Half-width of the square whose spread of brightness is the unit: cord, CSF and some of what lies around."""
TOUCHED_SHARE = 0.5
"""w: a wall that lies on the cord speaks half as loud as CSF; it may be thin CSF that is not resolved."""
SHIFT_COST = 0.002
"""k, per mm2: 7 mm from the path cost as much as CSF missed on a tenth of the border."""
SURE_SCORE = 0.1
"""T: two points whose S differ by CSF on a tenth of the border are as good as each other but for a factor of e."""
PLANES_MM = 4.0
"""Of planes nearer than this only some are looked at; cords hardly move in between."""
FARTHEST_APART_MM = 10.0
"""Planes farther apart, a vertebra's half, say nothing of each other, and one alone is easily misled."""
WALK_MM2 = (0.3, 0.1)
"""Variance of the random walk along rows and columns, mm2 a mm: the middles of EPI differ from plane to plane by 0.5 to
1.5 mm along the phase direction, and half as much to the sides."""


def middles(
    array: NDArray[np.float32],
    *,
    spacing: tuple[float, float, float],
    first: int,
    centers_mm: FloatArray,
    polarity: int,
) -> FloatArray:
    """Points (P, 2) nearer to the cord's middle than those of a path; parameters as for `Sections.of_image`.

    Planes too far apart to know of each other keep the path's points.
    """
    stride = max(1, round(PLANES_MM / spacing[0]))
    apart = stride * spacing[0]
    if apart > FARTHEST_APART_MM:
        return centers_mm
    looked = np.arange(len(centers_mm))[::stride]
    axes = [np.arange(-far, far + GRID_MM / 2, GRID_MM) for far in FARTHEST_SHIFT_MM]
    shifts, rays_mm = np.stack(np.meshgrid(*axes, indexing="ij"), axis=-1).reshape(-1, 2), _rays_mm()
    scores = np.empty((len(looked), len(SIZES_MM), len(shifts)))

    def score(part: slice) -> None:
        for row, p in enumerate(looked[part], part.start):
            scores[row] = _scores(array[first + p], spacing, centers_mm[p], polarity, shifts, rays_mm)

    in_parts(score, len(looked))
    alone = np.exp((scores - scores.max((1, 2), keepdims=True)) / SURE_SCORE).sum(1)
    odds = _walked(alone.reshape(len(looked), *(axis.size for axis in axes)), axes, apart)
    shift = np.column_stack([odds.sum(2) @ axes[0], odds.sum(1) @ axes[1]])
    planes = np.arange(len(centers_mm))
    out: FloatArray = centers_mm + np.column_stack([np.interp(planes, looked, axis) for axis in shift.T])
    return out


def _walked(alone: FloatArray, axes: list[FloatArray], apart_mm: float) -> FloatArray:
    """Odds (P, rows, columns) of a point, given all planes, by those in one plane alone; they sum to 1."""
    rows, columns = (
        np.exp(-((axis[:, None] - axis) ** 2) / (2 * rate * apart_mm))
        for axis, rate in zip(axes, WALK_MM2, strict=True)
    )
    forward, backward = np.ones_like(alone), np.ones_like(alone)
    for k in range(1, len(alone)):
        before, after = forward[k - 1] * alone[k - 1], backward[-k] * alone[-k]
        forward[k] = rows @ (before / before.sum()) @ columns
        backward[-k - 1] = rows @ (after / after.sum()) @ columns
    odds = forward * alone * backward
    out: FloatArray = odds / odds.sum((1, 2), keepdims=True)
    return out


def _rays_mm() -> FloatArray:
    """Points (sizes, 1, 4, rays, 2) of ellipses about their middles: two rings inside, the rim, the surroundings."""
    sine, cosine = np.sin(SOME_ANGLES), np.cos(SOME_ANGLES)
    out = []
    for ap, lr in SIZES_MM:
        radius = ap * lr / np.hypot(lr * sine, ap * cosine)
        radii = np.stack([*(share * radius for share in INSIDE_SHARES), *(radius + off for off in ASTRIDE_MM)])
        out.append(np.stack([radii * sine, radii * cosine], axis=-1))
    return np.stack(out)[:, None]


def _scores(
    plane: NDArray[np.float32],
    spacing: tuple[float, float, float],
    center_mm: FloatArray,
    polarity: int,
    shifts: FloatArray,
    rays_mm: FloatArray,
) -> FloatArray:
    """S (sizes, C) in one plane; the module's text has the equation."""
    pixel = np.array(spacing[1:])
    low = np.maximum(np.ceil((center_mm - AROUND_MM) / pixel).astype(int), 0)
    high = np.floor((center_mm + AROUND_MM) / pixel).astype(int) + 1
    near = plane[low[0] : high[0], low[1] : high[1]]
    unit = max(float(near.std()), 1e-6 * float(np.abs(near).max()), float(np.finfo(np.float32).tiny))
    at = (center_mm + shifts)[:, None, None] + rays_mm
    values = ndi.map_coordinates(plane, np.moveaxis(at / pixel, -1, 0), order=1, mode="nearest").astype(np.float64)
    cord = np.median(values[:, :, :2], axis=(2, 3), keepdims=True)
    inside, outside = (values[:, :, :3] - cord) / unit, -polarity * (values[:, :, 3] - cord[:, :, 0]) / unit
    around = np.where(outside > 0, np.minimum(outside, 1), TOUCHED_SHARE * np.minimum(-outside, 1))
    size = np.sqrt(np.prod(SIZES_MM, axis=1, keepdims=True)) / MEAN_SIZE_MM
    seen = size * (around.mean(2) - np.minimum(inside**2, 1).mean((2, 3)))
    out: FloatArray = seen - SHIFT_COST * (shifts**2).sum(1)
    return out
