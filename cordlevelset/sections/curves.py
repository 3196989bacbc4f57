"""Closed curves about the rays' origins: the one of greatest gain, and what smooths a stack of them."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray
from scipy import ndimage as ndi

from cordlevelset.parallel import in_parts
from cordlevelset.sections import polar

__all__ = ["along_cord", "closed_contours", "in_place", "smooth_contours"]

FloatArray = NDArray[np.float32]

SATURATION = 0.2
"""s: no border gains more than 1 / s = 5, a step five times its neighbourhood's half of that: fat must not outweigh the
rest of a contour."""
BARRED = -9.0
"""Gain of a ray outside the range of sizes: it loses more than the strongest border gains."""
LARGEST_CORD_MM = 9.5
"""Radius of the widest half of an enlargement."""
WITHIN_CORD = slice(int(LARGEST_CORD_MM / polar.RADIUS_STEP_MM) + 1)
"""Samples of a ray among which a cord's border may be: gains are worked out for these only."""
WALL_WIDTH_MM = 1.0
"""d: a contour on a wall is not yet beyond it."""
STIFFNESS = 0.06
"""Gain lost by a step of one radial sample between neighbouring rays."""
NEIGHBOUR_RAYS = 2.0
"""Gaussian sigma over rays of what the neighbours along the cord say: 11 degrees, 0.8 mm of the border, a voxel."""
NEIGHBOUR_MM = 5.0
"""From the second look on: Gaussian sigma along the cord of the contour that neighbours agree on, half a vertebra."""
NEIGHBOUR_COST = 0.05
"""Gain lost 1 mm from the contour that neighbours agree on: 0.3 of a border's gain 2.5 mm from it."""
RESOLVED_MM = 2.0
"""Voxels up to this size show a cord's border, which is five of them wide and more; what thicker ones average is for
`thick`."""


def closed_contours(gain: FloatArray) -> NDArray[np.float64]:
    """Radii (P, A), mm, of the closed contour of greatest gain in each section, whole steps of the rays' samples."""
    from cordlevelset.sections import _kernels

    gain = np.ascontiguousarray(gain, np.float32)
    index = np.empty(gain.shape[:2], np.int64)
    in_parts(lambda rows: _kernels.closed_contours(gain[rows], STIFFNESS, index[rows]), len(index))
    return index.astype(np.float64) * polar.RADIUS_STEP_MM


def smooth_contours(gain: FloatArray) -> NDArray[np.float64]:
    """The same, smoothed over neighbouring rays: finer than a ray's samples."""
    out: NDArray[np.float64] = ndi.gaussian_filter1d(closed_contours(gain), 1.0, axis=1, mode="wrap")
    return out


def along_cord(values: NDArray[np.float64], sigma_mm: float, plane_mm: float) -> NDArray[np.float64]:
    """Gaussian smoothing along axis 0; nothing where the planes are farther apart than twice `sigma_mm`."""
    if plane_mm > 2 * sigma_mm:
        return values
    out: NDArray[np.float64] = ndi.gaussian_filter1d(values, sigma_mm / plane_mm, axis=0, mode="nearest")
    return out


def in_place(radii_mm: NDArray[np.float64], spacing: tuple[float, float, float]) -> NDArray[np.float64]:
    """Contours (P, A) without the shift that pixels give a curved border.

    Blur of variance s^2 moves the border of a disc of radius R inwards by s^2 / (2 R), any closed border by s^2 / 2
    times its curvature (Verbeek, van Vliet 1994, IEEE TPAMI 16:726). So it takes pi s^2 from every area. A pixel of
    size p averages over p^2 / 12 and is interpolated over p^2 / 6.
    """
    variance = sum(min(p, RESOLVED_MM) ** 2 for p in spacing[1:]) / 2 * (1 / 12 + 1 / 6)
    out: NDArray[np.float64] = np.sqrt(radii_mm**2 + variance)
    return out
