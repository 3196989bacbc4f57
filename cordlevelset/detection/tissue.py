"""Brightness relative to the surroundings.

Coils light a body unevenly, but not over a few centimetres. Against its surroundings an image shows the body's mirror
symmetry (`symmetry`) whatever the coil, and tells air from tissue: the air way of the neck is a dark tube on the mirror
plane, as large as a cord, but in any contrast a cord gives a good part of the signal of what lies around it.
"""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray
from scipy import ndimage as ndi

__all__ = ["against_surroundings", "mean_in_plane"]

FloatArray = NDArray[np.float32]

SURROUNDINGS_MM = 40.0
"""Side of the square around a place: the vertebra with its muscles, within which a coil's sensitivity is much the
same."""
LEAST = 1e-3
"""Surroundings count as bright as this share of the image's brightest voxel at least: rounding is no signal."""


def against_surroundings(image: FloatArray, spacing: tuple[float, float, float]) -> FloatArray:
    """Brightness of each voxel over the mean of its surroundings in the plane, both counted from the darkest voxel.

    Parameters
    ----------
    image : (K, J, I) array of float32
        Axis 0 runs along the cord.
    spacing : (3,) tuple of float
        Voxel size in mm.

    Returns
    -------
    (K, J, I) array of float32
        1 where a voxel is as bright as what lies around it.
    """
    signal = image - image.min()
    around = mean_in_plane(signal, SURROUNDINGS_MM, spacing)
    least = max(LEAST * float(signal.max()), float(np.finfo(np.float32).tiny))
    out: FloatArray = signal / np.maximum(around, np.float32(least))
    return out


def mean_in_plane(image: FloatArray, side_mm: float, spacing: tuple[float, float, float]) -> FloatArray:
    """Mean over a square about each voxel, (K, J, I)."""
    size = (1, *(2 * int(side_mm / 2 / s) + 1 for s in spacing[1:]))
    out: FloatArray = ndi.uniform_filter(image, size, mode="nearest")
    return out
