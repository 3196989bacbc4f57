"""The grid the cord is searched on: about 1 mm in the plane, 4 mm along the cord, air left out."""

from __future__ import annotations

import math
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from scipy import ndimage as ndi

from cordlevelset.brief import one_line
from cordlevelset.parallel import in_parts

__all__ = ["ALONG_MM", "SearchGrid", "filled_planes", "percentiles", "search_grid"]

FloatArray = NDArray[np.float32]

IN_PLANE_MM = 1.0
"""Finer pixels are averaged to about this size: a tenth of the cord's width."""
THICK_MM = 2.0
"""Thicker voxels are interpolated down to this, half the smallest cord's width, so that a path can run between their
middles."""
ALONG_MM = 4.0
"""Planes are averaged up to this thickness: over it the cord moves less than a radius even when it leans 40 degrees."""
SMOOTHING_MM = 1.0
"""In-plane Gaussian sigma; a CSF border is about 2 mm wide."""
PERCENTILE_VOXELS = 200_000
"""About so many voxels are looked at: the 99th percentile of an image is then that of its 98.98th to 99.02th."""
AIR_SHARE = 0.03
"""A row or column is air when less than this share of it is brighter than this share of the image's bright tissue."""
BODY_MARGIN_MM = 16.0
"""Reach of the largest sac ellipse, so that a cord at the edge of the body is seen whole."""


@dataclass(frozen=True, slots=True)
class SearchGrid:
    """The reduced image the search works on, and the way back: full index = offset + step * index."""

    image: FloatArray
    spacing: tuple[float, float, float]
    offset: tuple[float, float, float]
    step: tuple[float, float, float]

    __repr__ = one_line


def search_grid(array: FloatArray, spacing: tuple[float, float, float]) -> SearchGrid:
    """Average fine voxels, interpolate thick ones left-right, smooth in the plane."""
    blocks = [max(1, round(ALONG_MM / spacing[0])), *(max(1, round(IN_PLANE_MM / s)) for s in spacing[1:])]
    blocks = [min(b, n) for b, n in zip(blocks, array.shape, strict=True)]
    kept = [n // b for n, b in zip(array.shape, blocks, strict=True)]
    start = [(n - m * b) // 2 for n, m, b in zip(array.shape, kept, blocks, strict=True)]
    image = array[tuple(slice(s, s + m * b) for s, m, b in zip(start, kept, blocks, strict=True))]
    for axis, (m, b) in enumerate(zip(kept, blocks, strict=True)):  # one after the other: whole planes are added
        if b > 1:
            image = image.reshape(*image.shape[:axis], m, b, *image.shape[axis + 1 :]).mean(axis + 1, dtype=np.float32)
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
    if size[0] < 2 * ALONG_MM:  # less noise where planes are thin, and a leaning cord not yet smeared
        image = ndi.convolve1d(image, np.array([0.125, 0.75, 0.125], np.float32), axis=0, mode="nearest")
    sigma = (0.0, *(SMOOTHING_MM / s if s < spacing[2] or s < THICK_MM else 0.0 for s in size[1:]))
    smooth = np.empty_like(image)
    in_parts(lambda k: ndi.gaussian_filter(image[k], sigma, output=smooth[k], mode="nearest"), len(image))
    body = [_body(smooth, axis, size[axis]) for axis in (1, 2)]
    offset = [offset[0], *(o + b.start * s for o, b, s in zip(offset[1:], body, step[1:], strict=True))]
    image = np.ascontiguousarray(smooth[:, body[0], body[1]])
    return SearchGrid(image, size, (offset[0], offset[1], offset[2]), (step[0], step[1], step[2]))


def filled_planes(array: FloatArray) -> tuple[int, int]:
    """First and last plane that is not constant: scanners pad with empty ones."""
    n = len(array)
    first = next(k for k in range(n) if np.ptp(array[k]) > 0)
    return first, next(k for k in range(n - 1, -1, -1) if np.ptp(array[k]) > 0)


def percentiles(image: FloatArray, *ranks: float) -> NDArray[np.float32]:
    """Brightness that these percents of an image's voxels stay under."""
    stride = max(1, image.size // PERCENTILE_VOXELS)
    while math.gcd(stride, image.shape[-1]) > 1:  # else some columns are never seen
        stride += 1
    return np.asarray(np.percentile(image.ravel()[::stride], ranks))


def _body(image: FloatArray, axis: int, size: float) -> slice:
    """Range of an in-plane axis that is not air, with a margin: half of a neck image is nothing to search."""
    darkest, (brightest,) = image.min(), percentiles(image, 99)
    bright = image > darkest + AIR_SHARE * (brightest - darkest)
    share = bright.mean(axis=tuple(a for a in range(3) if a != axis))
    kept = np.flatnonzero(share > AIR_SHARE)
    if not kept.size:
        return slice(0, image.shape[axis])
    margin = int(np.ceil(BODY_MARGIN_MM / size))
    return slice(max(0, int(kept[0]) - margin), int(kept[-1]) + 1 + margin)
