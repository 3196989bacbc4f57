"""How bright a place is against its surroundings: the cord is soft tissue, air ways and flowing blood give no signal.

In axial images of the neck the air way is a dark tube in a bright wall, on the mirror plane, as large as a cord. It
differs by what it holds: in any contrast a cord gives a good part of the signal of what lies around it.
"""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray
from scipy import ndimage as ndi

from cordlevelset.searchgrid import percentiles

__all__ = ["relative_brightness"]

FloatArray = NDArray[np.float32]

INSIDE_MM = 5.0
"""Side of the square in the plane that counts as the place itself: a small cord."""
SURROUNDINGS_MM = 40.0
"""Side of the square around it: the vertebra with its muscles, within which a coil's sensitivity is much the same."""


def relative_brightness(image: FloatArray, spacing: tuple[float, float, float]) -> FloatArray:
    """Mean brightness of each place over that of its surroundings in the plane, both counted from that of air.

    Parameters
    ----------
    image : (K, J, I) array of float32
        Axis 0 runs along the cord.
    spacing : (3,) tuple of float
        Voxel size in mm.

    Returns
    -------
    (K, J, I) array of float32
        1 where a place is as bright as what lies around it; 1 where nothing at all gives signal.
    """
    (dark,) = percentiles(image, 1)
    signal = np.maximum(image - dark, 0)
    inside, around = (_mean(signal, side, spacing) for side in (INSIDE_MM, SURROUNDINGS_MM))
    lit = around > 1e-6 * float(signal.max())  # rounding of running sums is no signal
    out: FloatArray = np.where(lit, inside / np.where(lit, around, 1), 1).astype(np.float32)
    return out


def _mean(signal: FloatArray, side_mm: float, spacing: tuple[float, float, float]) -> FloatArray:
    """Mean over a square in the plane."""
    size = (1, *(2 * int(side_mm / 2 / s) + 1 for s in spacing[1:]))
    out: FloatArray = ndi.uniform_filter(signal, size, mode="nearest")
    return out
