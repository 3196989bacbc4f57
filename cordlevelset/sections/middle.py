"""The middle of the cord in each plane: an ellipse of its size holds cord there, CSF lies around it, within a sac.

A path found on a coarse grid stands a millimetre or two off the cord's middle, and in EPI distortion moves each plane
by itself. From there a contour may close on half of the cord, along its grey matter. So ellipses of a cord's sizes are
laid about points near the path. With I the brightness on their rays, c its median inside and h the spread of the
surroundings,

    S = mean_outside f(o) - mean_inside min(((I - c) / h)^2, 1) - k |shift|^2,    o = -p (I - c) / h
    f(o) = min(o, 1) where o > 0: CSF;   w min(-o, 1) where o < 0: the canal's wall, which the cord may touch

A cord lies in its sac, which noise and grey matter hide less: to S comes the best of the sacs about the point,

    s max_d [ mean of the steps from CSF to wall on an ellipse of a sac's size, d away from it  -  q sum (d / d0)^2 ]

steps in h, cut off at one. S is averaged along the cord, as one plane alone is easily misled, and the middle is the
mean of all points and sizes tried, weighted by exp(S / T).
"""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray
from scipy import ndimage as ndi

from cordlevelset.parallel import in_parts
from cordlevelset.sections import polar
from cordlevelset.sections.curves import along_cord
from cordlevelset.sections.sac import SAC_SIZE_MM

__all__ = ["middles"]

FloatArray = NDArray[np.float64]

SIZES_MM = ((3.0, 4.0), (3.7, 5.2), (4.5, 6.5))
"""Half-diameters tried, antero-posterior and left-right: thoracic cord, the mean and the cervical enlargement."""
FARTHEST_SHIFT_MM = 6.0
"""Farthest from the path: paths lie 1 to 2 mm off, in EPI up to 6 mm."""
GRID_MM = 1.0
"""Distance of the points tried: a pixel of EPI; the weighted mean lies between them."""
SOME_RAYS = slice(None, None, 4)
"""A quarter of the rays: 22 degrees, 2 mm of the border, apart."""
ALONG = np.stack([np.sin(polar.ANGLES), np.cos(polar.ANGLES)], axis=-1)[SOME_RAYS]
"""Antero-posterior and left-right part of these."""
INSIDE_SHARES = (0.4, 0.75)
"""Radii, in the ellipse's own, at which its inside is sampled, apart from its rim."""
ASTRIDE_MM = (-0.6, 1.0)
"""The rim is sampled half a clinical pixel inside the ellipse, the surroundings a pixel outside it."""
SAC_WEIGHS = 2.0
"""s: a wall all around speaks twice as loud as CSF all around the cord, which may touch the wall."""
OFF_SAC_MM = (3.0, 2.0)
"""Farthest of the cord's middle from the sac's, antero-posterior and left-right: it is held at both sides."""
OFF_SAC_COST = 0.085
"""q: a cord that lies so far off in one direction costs as much as a wall missed on a twelfth of the border."""
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
    sac_seen = max(spacing[1:]) <= min(OFF_SAC_MM)  # wider voxels do not tell the cord's middle from the sac's
    shifts, rays_mm = _points((0.0, 0.0)), _rays_mm()
    scores = np.empty((len(looked), len(SIZES_MM), len(shifts)))

    def score(part: slice) -> None:
        for row, p in enumerate(looked[part], part.start):
            near = _Near(array[first + p], np.array(spacing[1:]), centers_mm[p], polarity)
            scores[row] = _cord_scores(near, shifts, rays_mm)
            if sac_seen:
                scores[row] += SAC_WEIGHS * _sac_scores(near)

    in_parts(score, len(looked))
    scores = along_cord(scores, AGREE_MM, apart)
    weight = np.exp((scores - scores.max((1, 2), keepdims=True)) / SURE_SCORE).sum(1)
    shift = weight @ shifts / weight.sum(1, keepdims=True)
    planes = np.arange(len(centers_mm))
    out: FloatArray = centers_mm + np.column_stack([np.interp(planes, looked, axis) for axis in shift.T])
    return out


def _points(beyond_mm: tuple[float, float]) -> FloatArray:
    """Points tried (C, 2), mm from the path, as far as a middle may shift and by so much beyond."""
    axes = (np.arange(-FARTHEST_SHIFT_MM - b, FARTHEST_SHIFT_MM + b + GRID_MM / 2, GRID_MM) for b in beyond_mm)
    return np.stack(np.meshgrid(*axes, indexing="ij"), axis=-1).reshape(-1, 2)


def _rays_mm() -> FloatArray:
    """Points (sizes, 1, 4, rays, 2) of ellipses about their middles: two rings inside, the rim, the surroundings."""
    out = []
    for ap, lr in SIZES_MM:
        radius = ap * lr / np.hypot(*(ALONG * (lr, ap)).T)
        radii = np.stack([*(share * radius for share in INSIDE_SHARES), *(radius + off for off in ASTRIDE_MM)])
        out.append(radii[:, :, None] * ALONG)
    return np.stack(out)[:, None]


class _Near:
    """A plane about a point of the path."""

    def __init__(self, plane: NDArray[np.float32], pixel: FloatArray, center_mm: FloatArray, polarity: int) -> None:
        self.plane, self.pixel, self.center_mm, self.polarity = plane, pixel, center_mm, polarity
        low = np.maximum(np.ceil((center_mm - AROUND_MM) / pixel).astype(int), 0)
        high = np.floor((center_mm + AROUND_MM) / pixel).astype(int) + 1
        part = plane[low[0] : high[0], low[1] : high[1]]
        self.unit = max(float(part.std()), 1e-6 * float(np.abs(part).max()), float(np.finfo(np.float32).tiny))

    def at(self, offsets_mm: FloatArray) -> FloatArray:
        """Brightness (...) at offsets (..., 2) from the point, in units of the spread around."""
        at = np.moveaxis((self.center_mm + offsets_mm) / self.pixel, -1, 0)
        values = ndi.map_coordinates(self.plane, at, order=1, mode="nearest").astype(np.float64)
        return np.asarray(values / self.unit)


def _cord_scores(near: _Near, shifts: FloatArray, rays_mm: FloatArray) -> FloatArray:
    """S (sizes, C) without the sac; the module's text has the equation."""
    values = near.at(shifts[:, None, None] + rays_mm)
    cord = np.median(values[:, :, :2], axis=(2, 3), keepdims=True)
    inside, outside = values[:, :, :3] - cord, -near.polarity * (values[:, :, 3] - cord[:, :, 0])
    around = np.where(outside > 0, np.minimum(outside, 1), TOUCHED_SHARE * np.minimum(-outside, 1))
    out: FloatArray = around.mean(2) - np.minimum(inside**2, 1).mean((2, 3)) - SHIFT_COST * (shifts**2).sum(1)
    return out


def _sac_scores(near: _Near) -> FloatArray:
    """Of the best sac (C,) about each point."""
    radii = SAC_SIZE_MM[SOME_RAYS] + np.array([[-GRID_MM], [GRID_MM]])
    values = near.at(_points(OFF_SAC_MM)[:, None, None] + radii[:, :, None] * ALONG)
    steps = np.clip(-near.polarity * (values[:, 0] - values[:, 1]), -1, 1).mean(1)
    slack = [round(mm / GRID_MM) for mm in OFF_SAC_MM]
    side = round(2 * FARTHEST_SHIFT_MM / GRID_MM) + 1
    off = [OFF_SAC_COST * (np.arange(-n, n + 1) / n) ** 2 for n in slack]
    steps = steps.reshape(side + 2 * slack[0], side + 2 * slack[1])
    view = np.lib.stride_tricks.sliding_window_view(steps, (2 * slack[0] + 1, 2 * slack[1] + 1))
    return np.asarray((view - off[0][:, None] - off[1]).max((2, 3)).reshape(-1))
