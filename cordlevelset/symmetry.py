"""The mid-sagittal position in every plane, from the image's own mirror symmetry.

The body is the same left and right, so the mid-plane is where the image correlates best with its mirror image. It
follows scoliosis and needs nothing from the field of view's middle.
"""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray
from scipy import ndimage as ndi

__all__ = ["midline"]

HALF_WIDTH_MM = 45.0
"""How far to both sides the halves are compared: the neck's half width; in the trunk the spine, its muscles and no
more."""
ROW_MM = 2.0
"""Rows closer than this say the same about left and right."""
SMOOTHING_MM = 15.0
"""Gaussian sigma along the cord: half a vertebra; the spine does not change sides faster."""


def midline(image: NDArray[np.float32], spacing: tuple[float, float, float]) -> NDArray[np.float64]:
    """Left-right position of best mirror symmetry, one a plane.

    Parameters
    ----------
    image : (K, J, I) array of float32
        Axis 2 runs left-right.
    spacing : (3,) tuple of float
        Voxel size in mm.

    Returns
    -------
    x_mm : (K,) array
        Grid mm along axis 2.

    Notes
    -----
    The score of a position is the correlation of the halves times the square root of the share of the window that they
    cover: its statistical weight, so that two or three voxels at the edge of the field of view do not win by chance.
    """
    n_x, dx = image.shape[2], spacing[2]
    if n_x < 2:
        return np.zeros(len(image))
    rows = image[:, :: max(1, int(ROW_MM / spacing[1]))]
    compressed = np.sqrt(np.maximum(rows - rows.min(), 0))  # fat beside muscle must not outweigh everything else
    widest = min(2 * HALF_WIDTH_MM, n_x * dx)
    doubled = np.arange(2 * n_x - 1)  # twice the mirror's index: on voxels and half way between them
    score = np.zeros((len(image), doubled.size))
    for two in doubled:
        left = np.arange(max(0, two - n_x + 1), (two + 1) // 2)
        left = left[(two - 2 * left) * dx / 2 <= HALF_WIDTH_MM]
        if left.size:
            score[:, two] = _correlation(compressed[:, :, left], compressed[:, :, two - left])
            score[:, two] *= np.sqrt(min(1.0, 2 * left.size * dx / widest))
    score = ndi.gaussian_filter1d(score, SMOOTHING_MM / spacing[0], axis=0, mode="nearest")
    return np.asarray(doubled[score.argmax(axis=1)] * dx / 2, np.float64)


def _correlation(a: NDArray[np.float32], b: NDArray[np.float32]) -> NDArray[np.float32]:
    """Concordance of two stacks, plane by plane: 1 where equal; mirrored halves share their mean."""
    mean = (a.mean((1, 2)) + b.mean((1, 2))) / 2
    a, b = a - mean[:, None, None], b - mean[:, None, None]
    power = np.einsum("kji,kji->k", a, a) + np.einsum("kji,kji->k", b, b)
    out: NDArray[np.float32] = 2 * np.einsum("kji,kji->k", a, b) / np.maximum(power, np.finfo(np.float32).tiny)
    return out
