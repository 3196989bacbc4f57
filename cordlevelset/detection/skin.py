"""Depth below the skin of the back.

The canal is covered by its arches, their muscles, fat and skin: folds of fat near the skin, which make tubes in axial
images of the neck, are not under them. Where the field of view ends inside the body the depth is not known.
"""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from cordlevelset.detection.searchgrid import percentiles
from cordlevelset.missing import TISSUE_SHARE

__all__ = ["depth_below_skin"]

FloatArray = NDArray[np.float32]

SEEN_MM = 2.0
"""Of air must be behind the skin: a dark last row may be anything."""


def depth_below_skin(image: FloatArray, spacing: tuple[float, float, float]) -> FloatArray:
    """Distance straight back to the air behind the body.

    Parameters
    ----------
    image : (K, J, I) array of float32
        Axis 1 runs to posterior.
    spacing : (3,) tuple of float
        Voxel size in mm.

    Returns
    -------
    (K, J, I) array of float32
        mm; inf where no air is seen behind, 0 and less in it.
    """
    dark, bright = percentiles(image, 1, 99)
    tissue = image > dark + TISSUE_SHARE * (bright - dark)
    n = image.shape[1]
    behind = np.where(tissue.any(1), n - tissue[:, ::-1].argmax(1), 0).astype(np.float32)  # first row of air
    behind[(n - behind) * spacing[1] < SEEN_MM] = np.inf
    depth: FloatArray = (behind[:, None, :] - np.arange(n, dtype=np.float32)[:, None]) * np.float32(spacing[1])
    return depth
