"""The middle of the cord in each plane: an ellipse of its size holds cord there, and something else lies around it.

A path found on a coarse grid stands a millimetre or two off the cord's middle, and in EPI distortion moves each plane
by itself. From there a contour may close on half of the cord, along its grey matter. So ellipses of a cord's sizes are
laid about points near the path. With I the brightness on their rays, c its median inside and h the spread of the
surroundings,

    S = mean_outside f(o) - mean_inside min(((I - c) / h)^2, 1) - k |shift|^2,    o = -p (I - c) / h
    f(o) = min(o, 1) where o > 0: CSF;   w min(-o, 1) where o < 0: the canal's wall, which the cord may touch

S is averaged along the cord, as one plane alone is easily misled, and the middle is the mean of all points and sizes
tried, weighted by exp(S / T).
"""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray
from scipy import ndimage as ndi

from cordlevelset.parallel import in_parts
from cordlevelset.sections import polar
from cordlevelset.sections.curves import along_cord

__all__ = ["middles"]

FloatArray = NDArray[np.float64]

SIZES_MM = ((3.0, 4.0), (3.7, 5.2), (4.5, 6.5))
"""Half-diameters tried, antero-posterior and left-right: thoracic cord, the mean and the cervical enlargement."""
FARTHEST_SHIFT_MM = 4.0
"""Farthest from the path: most of a cord's half-diameter; paths lie 1 to 2 mm off, up to 4 mm in EPI."""
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
SHIFT_COST = 0.005
"""k, per mm2: 4 mm from the path cost as much as CSF missed on a twelfth of the border."""
SURE_SCORE = 0.03
"""T: two points whose S differ by CSF on 3 % of the border are as good as each other but for a factor of e."""
PLANES_MM = 4.0
"""Of planes nearer than this only some are looked at; cords hardly move in between."""
AGREE_MM = 5.0
"""Gaussian sigma along the cord of S, half a vertebra; planes twice as far apart say nothing of each other."""


def middles(
    array: NDArray[np.float32],
    *,
    spacing: tuple[float, float, float],
    first: int,
    centers_mm: FloatArray,
    polarity: int,
) -> FloatArray:
    """Points (P, 2) nearer to the cord's middle than those of a path; parameters as for `Sections.of_image`.

    Planes too far apart to be averaged keep the path's points.
    """
    stride = max(1, round(PLANES_MM / spacing[0]))
    apart = stride * spacing[0]
    if apart > 2 * AGREE_MM:
        return centers_mm
    looked = np.arange(len(centers_mm))[::stride]
    shifts, rays_mm = _shifts(), _rays_mm()
    scores = np.empty((len(looked), len(SIZES_MM), len(shifts)))

    def score(part: slice) -> None:
        for row, p in enumerate(looked[part], part.start):
            scores[row] = _scores(array[first + p], spacing, centers_mm[p], polarity, shifts, rays_mm)

    in_parts(score, len(looked))
    scores = along_cord(scores, AGREE_MM, apart)
    weight = np.exp((scores - scores.max((1, 2), keepdims=True)) / SURE_SCORE).sum(1)
    shift = weight @ shifts / weight.sum(1, keepdims=True)
    planes = np.arange(len(centers_mm))
    out: FloatArray = centers_mm + np.column_stack([np.interp(planes, looked, axis) for axis in shift.T])
    return out


def _shifts() -> FloatArray:
    """Points tried (C, 2), mm from the path."""
    axis = np.arange(-FARTHEST_SHIFT_MM, FARTHEST_SHIFT_MM + GRID_MM / 2, GRID_MM)
    return np.stack(np.meshgrid(axis, axis, indexing="ij"), axis=-1).reshape(-1, 2)


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
    out: FloatArray = around.mean(2) - np.minimum(inside**2, 1).mean((2, 3)) - SHIFT_COST * (shifts**2).sum(1)
    return out
