"""The mid-sagittal plane, from the image's own mirror symmetry.

The body is the same left and right, so the mid-plane is where the image correlates best with its mirror image. It
follows scoliosis, leans with a body that lies turned in the scanner, and needs nothing from the field of view's middle.

With a and b the brightness of pairs of voxels that mirror each other, n pairs in all, the correlation of the halves is

    rho = 2 sum (a - m)(b - m) / (sum (a - m)^2 + sum (b - m)^2) = 2 (p - s^2 / 4n) / (q - s^2 / 2n)

with their common mean m = s / 2n, s = sum (a + b), p = sum a b and q = sum (a^2 + b^2): Fisher's intraclass
correlation, 1 where they are equal (1925, Statistical Methods for Research Workers, chapter 7). Sums over a row are
made once for every mirror; a plane that leans takes them from another mirror in each row.
"""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray
from scipy import ndimage as ndi

__all__ = ["midline"]

FloatArray = NDArray[np.float64]

HALF_WIDTH_MM = 45.0
"""How far to both sides the halves are compared: the neck's half width; in the trunk the spine, its muscles and no
more."""
ROW_MM = 2.0
"""Rows closer than this say the same about left and right."""
MIRROR_PLANE_MM = 8.0
"""Planes closer than this say the same, too: about half of what the scores are smoothed over."""
MIRROR_SMOOTHING_MM = 15.0
"""Gaussian sigma along the cord: half a vertebra; the spine does not change sides faster."""
ROLLS_DEG = (0.0, 3.0, -3.0, 6.0, -6.0, 9.0, -9.0, 12.0, -12.0)
"""Turns of a body about its long axis, the straight one first, for ties; who lies turned by more is laid straight. Half
a step is 2.4 mm off at 90 mm from the middle row, less than what a path may be off the plane for nothing."""
LEAST_VARIANCE = 1e-4
"""Least spread of the halves, as a share of their power: below, single precision holds none of it."""


def midline(image: NDArray[np.float32], spacing: tuple[float, float, float]) -> FloatArray:
    """Left-right position of best mirror symmetry in each row of each plane.

    Parameters
    ----------
    image : (K, J, I) array of float32
        Axis 1 runs antero-posterior, axis 2 left-right. The least value is no data: what resampled images are filled
        with.
    spacing : (3,) tuple of float
        Voxel size in mm.

    Returns
    -------
    x_mm : (K, J) array
        Grid mm along axis 2.

    Notes
    -----
    The score of a position is the correlation of the halves times the square root of the share of the window that they
    cover: its statistical weight, so that two or three voxels at the edge of the field of view do not win by chance.
    The roll is one for the whole image, that of the best scores.
    """
    n_z, n_y, n_x = image.shape
    if n_x < 2:
        return np.zeros((n_z, n_y))
    dy, dx = spacing[1:]
    each = [max(1, int(mm / s)) for mm, s in ((MIRROR_PLANE_MM, spacing[0]), (ROW_MM, dy))]
    pairs = _pairs(image[:: each[0], :: each[1]], dx)
    height = (np.arange(n_y) - (n_y - 1) / 2) * dy
    widest = min(2 * HALF_WIDTH_MM, n_x * dx) / (2 * dx) * pairs.shape[2]  # pairs
    slopes = np.tan(np.radians(ROLLS_DEG))
    sums = (_sheared(pairs, np.rint(2 * slope * height[:: each[1]] / dx).astype(int)) for slope in slopes)
    sigma = MIRROR_SMOOTHING_MM / (spacing[0] * each[0])
    scores = [ndi.gaussian_filter1d(_score(s, widest).T, sigma, axis=0, mode="nearest") for s in sums]
    best = int(np.argmax([score.max(axis=1).mean() for score in scores]))
    at = np.interp(np.arange(n_z), np.arange(0, n_z, each[0]), scores[best].argmax(axis=1) * dx / 2)
    return np.asarray(at[:, None] + slopes[best] * height)


def _pairs(image: NDArray[np.float32], dx: float) -> NDArray[np.float32]:
    """Sums p, s, q and n of each row of each plane, for mirrors on voxels and half way between: (4, 2 I - 1, J, K)."""
    n_x, least = image.shape[2], image.min()
    columns = np.ascontiguousarray(image.T).reshape(n_x, -1)  # left-right first: sums over whole planes at once
    seen = (columns > least).astype(np.float32)
    value = np.sqrt(columns - least)  # fat beside muscle must not outweigh everything else
    value = (value - value.mean()) * seen
    square = value * value
    out = np.empty((4, 2 * n_x - 1, columns.shape[1]), np.float32)
    for two in range(2 * n_x - 1):
        first = max(0, two - n_x + 1, int(np.ceil(two / 2 - HALF_WIDTH_MM / dx)))
        a, u, a2 = (f[first : (two + 1) // 2] for f in (value, seen, square))
        b, v, b2 = (f[two // 2 + 1 : two - first + 1][::-1] for f in (value, seen, square))
        out[0, two] = _sum(a, b)
        out[1, two] = _sum(a, v) + _sum(b, u)
        out[2, two] = _sum(a2, v) + _sum(b2, u)
        out[3, two] = _sum(u, v)
    return out.reshape(4, -1, *image.shape[1::-1])


def _sum(a: NDArray[np.float32], b: NDArray[np.float32]) -> NDArray[np.float32]:
    """Sum of a b over axis 0."""
    out: NDArray[np.float32] = np.einsum("in,in->n", a, b)
    return out


def _sheared(pairs: NDArray[np.float32], shift: NDArray[np.int64]) -> FloatArray:
    """Sums (4, M, K) over the rows, row j from the mirrors that lie shift[j] places on."""
    n = pairs.shape[1]
    out = np.zeros((4, n, pairs.shape[3]))
    for j, by in enumerate(np.clip(shift, -n, n)):
        out[:, max(0, -by) : n - max(0, by)] += pairs[:, max(0, by) : n - max(0, -by), j]
    return out


def _score(sums: FloatArray, widest: float) -> FloatArray:
    """Correlation times the square root of the covered share, (M, K)."""
    p, s, q, n = sums
    n = np.maximum(n, 1)
    rho = 2 * (p - s * s / (4 * n)) / np.maximum(q - s * s / (2 * n), LEAST_VARIANCE * q + np.finfo(np.float32).tiny)
    out: FloatArray = rho * np.sqrt(np.minimum(1, sums[3] / widest))
    return out
