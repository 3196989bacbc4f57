"""Cross-sections along the cord: the image in polar coordinates about the centerline, plane by plane.

A sheared straightening. The sections are the acquired planes of axis 0 themselves, only moved so that the centerline
runs straight; nothing is interpolated from plane to plane. Thick axial slices stay what was measured, and the way
back to the grid is exact. A section is oblique to a leaning cord; `measure` turns its area into the perpendicular one
by the cosine of the angle.
"""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from cordlevelset.parallel import in_parts

__all__ = [
    "ANGLES",
    "RADII_MM",
    "RADIUS_STEP_MM",
    "centroid_shift",
    "deepened",
    "polar_sections",
    "polygon_area",
    "recentred",
    "vertices",
]

N_ANGLES = 64
"""Rays about a center: 0.5 mm apart on a large cord."""
ANGLES = 2 * np.pi * np.arange(N_ANGLES) / N_ANGLES
"""Ray directions: the point of ray t at radius r is (y, x) = (cy + r sin t, cx + r cos t)."""
RADIUS_STEP_MM = 0.25
"""Radial sampling, mm: under half of the finest in-plane resolution in clinical use."""
RADII_MM = RADIUS_STEP_MM * np.arange(60)
"""Radii sampled, mm: up to 15, beyond the thecal sac."""


def polar_sections(
    array: NDArray[np.float32], *, spacing: tuple[float, float, float], first: int, centers_mm: NDArray[np.float64]
) -> NDArray[np.float32]:
    """Sample the planes `first` .. `first` + P - 1 on rays from their centers.

    Parameters
    ----------
    array : (K, J, I) array of float32
        Canonical grid.
    spacing : (3,) tuple of float
        Voxel size in mm.
    first : int
        Lowest plane.
    centers_mm : (P, 2) array
        Row and column positions in grid mm.

    Returns
    -------
    sections : (P, A, R) array of float32
        Bilinear in the plane; outside the field of view its edge is repeated.
    """
    from cordlevelset.sections import _kernels

    planes, pixel = array[first : first + len(centers_mm)], np.array(spacing[1:])
    out = np.empty((len(centers_mm), N_ANGLES, RADII_MM.size), np.float32)

    def sample(part: slice) -> None:
        _kernels.polar_sample(planes[part], centers_mm[part], pixel, ANGLES, RADII_MM, out[part])

    in_parts(sample, len(out))
    return out


def vertices(centers_mm: NDArray[np.float64], radii_mm: NDArray[np.float64]) -> NDArray[np.float64]:
    """Points (P, A, 2) of contours (P, A) about centers (P, 2): row and column, mm."""
    rays = np.stack([np.sin(ANGLES), np.cos(ANGLES)], axis=1)
    out: NDArray[np.float64] = centers_mm[:, None, :] + radii_mm[:, :, None] * rays
    return out


def polygon_area(radii_mm: NDArray[np.float64]) -> NDArray[np.float64]:
    """Area of star-shaped polygons (P, A), mm2: sum of the triangles between neighbouring rays."""
    area: NDArray[np.float64] = np.sin(ANGLES[1]) / 2 * (radii_mm * np.roll(radii_mm, -1, axis=1)).sum(1)
    return area


def centroid_shift(radii_mm: NDArray[np.float64]) -> NDArray[np.float64]:
    """Centroid (dy, dx) of star-shaped polygons (P, A) relative to their centers, mm; the surveyor's formula."""
    y, x = radii_mm * np.sin(ANGLES), radii_mm * np.cos(ANGLES)
    y1, x1 = np.roll(y, -1, axis=1), np.roll(x, -1, axis=1)
    cross = x * y1 - x1 * y
    area = np.maximum(cross.sum(1) / 2, 1e-6)
    shift: NDArray[np.float64] = np.stack([((y + y1) * cross).sum(1), ((x + x1) * cross).sum(1)], axis=1) / (
        6 * area[:, None]
    )
    return shift


def recentred(radii_mm: NDArray[np.float64], shift_mm: NDArray[np.float64]) -> NDArray[np.float64]:
    """The same curves seen from centers moved by `shift_mm` (P, 2), which must lie inside them."""
    return _on_rays(radii_mm * np.sin(ANGLES) - shift_mm[:, :1], radii_mm * np.cos(ANGLES) - shift_mm[:, 1:])


def deepened(radii_mm: NDArray[np.float64], factor: NDArray[np.float64]) -> NDArray[np.float64]:
    """The curves, each stretched along the rows by its `factor` (P,) about its own middle row."""
    y = radii_mm * np.sin(ANGLES)
    middle = (y.max(1, keepdims=True) + y.min(1, keepdims=True)) / 2
    return _on_rays(middle + factor[:, None] * (y - middle), radii_mm * np.cos(ANGLES))


def _on_rays(y: NDArray[np.float64], x: NDArray[np.float64]) -> NDArray[np.float64]:
    """Radii at `ANGLES` of curves given by points about their centers, (P, A)."""
    radius, angle = np.hypot(y, x), np.arctan2(y, x) % (2 * np.pi)
    order = np.argsort(angle, axis=1)
    once = np.concatenate([order[:, -1:], order, order[:, :1]], axis=1)
    radius, angle = (np.take_along_axis(v, once, axis=1) for v in (radius, angle))
    angle[:, 0] -= 2 * np.pi
    angle[:, -1] += 2 * np.pi
    apart = 8 * np.pi * np.arange(len(y))[:, None]  # all curves one behind the other
    return np.interp((ANGLES + apart).ravel(), (angle + apart).ravel(), radius.ravel()).reshape(len(y), -1)
