"""From contours in mm back to the voxels: occupied fraction, and signed distance from the curves themselves."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from cordlevelset import straighten as st

__all__ = ["occupied_fraction", "signed_distance_near"]

SAMPLE_MM = 0.15
"""Largest distance of the points that stand for a voxel: a cord's area is then right to 0.2 %, and a voxel's share to 0.02."""
NEAR_MM = 5.0
"""Distance from the cord's border up to which phi is computed; beyond, it is cut off at this value."""


def occupied_fraction(
    shape: tuple[int, int, int],
    *,
    spacing: tuple[float, float, float],
    first: int,
    centers_mm: NDArray[np.float64],
    radii_mm: NDArray[np.float64],
) -> NDArray[np.float32]:
    """Share of each voxel that lies inside its plane's contour.

    Parameters
    ----------
    shape : (3,) tuple of int
        Canonical grid.
    spacing : (3,) tuple of float
        Voxel size in mm.
    first : int
        Plane of the first contour.
    centers_mm : (P, 2) array
        Origin of the rays, grid mm.
    radii_mm : (P, A) array
        Star-shaped contours on the rays of `straighten.ANGLES`.

    Returns
    -------
    fraction : (K, J, I) array of float32
        In [0, 1].
    """
    out = np.zeros(shape, np.float32)
    for p, (center, radii) in enumerate(zip(centers_mm, radii_mm, strict=True)):
        window = _window(shape, spacing, center, float(radii.max()))
        fine = [_subvoxels(window[a], spacing[a + 1]) for a in (0, 1)]
        y, x = (f * s - c for f, s, c in zip(fine, spacing[1:], center, strict=True))
        inside = np.hypot(y.ravel()[:, None], x.ravel()) < _radius_at(radii, y.ravel()[:, None], x.ravel())
        blocks = inside.reshape(y.shape[0], y.shape[1], x.shape[0], x.shape[1])
        out[first + p, window[0], window[1]] = blocks.mean((1, 3))
    return out


def signed_distance_near(
    shape: tuple[int, int, int],
    *,
    spacing: tuple[float, float, float],
    first: int,
    centers_mm: NDArray[np.float64],
    radii_mm: NDArray[np.float64],
) -> NDArray[np.float32]:
    """In-plane signed distance to the contour polygons, mm, negative inside, cut off at 5 mm.

    Parameters
    ----------
    shape : (3,) tuple of int
        Canonical grid.
    spacing : (3,) tuple of float
        Voxel size in mm.
    first : int
        Plane of the first contour.
    centers_mm : (P, 2) array
        Origin of the rays, grid mm.
    radii_mm : (P, A) array
        Star-shaped contours.

    Returns
    -------
    phi : (K, J, I) array of float32
        Exact to the polygon where the absolute value is under 5 mm.
    """
    phi = np.full(shape, NEAR_MM, np.float32)
    for p, (center, radii) in enumerate(zip(centers_mm, radii_mm, strict=True)):
        window = _window(shape, spacing, center, float(radii.max()) + NEAR_MM)
        y = np.arange(window[0].start, window[0].stop)[:, None] * spacing[1] - center[0]
        x = np.arange(window[1].start, window[1].stop)[None, :] * spacing[2] - center[1]
        distance = _polygon_distance(radii, *np.broadcast_arrays(y, x))
        sign = np.where(np.hypot(y, x) < _radius_at(radii, y, x), -1, 1)
        phi[first + p, window[0], window[1]] = sign * np.minimum(distance, NEAR_MM)
    return phi


def _window(
    shape: tuple[int, int, int], spacing: tuple[float, float, float], center: NDArray[np.float64], reach: float
) -> tuple[slice, slice]:
    """Voxels of a plane that a disc may touch."""
    low = [max(0, int((c - reach) / s)) for c, s in zip(center, spacing[1:], strict=True)]
    high = [min(n, int((c + reach) / s) + 2) for c, s, n in zip(center, spacing[1:], shape[1:], strict=True)]
    return slice(low[0], max(low[0], high[0])), slice(low[1], max(low[1], high[1]))


def _subvoxels(voxels: slice, size: float) -> NDArray[np.float64]:
    """Positions (V, n), in voxels, of n points evenly spread over each voxel."""
    n = max(2, int(np.ceil(size / SAMPLE_MM)))
    return np.arange(voxels.start, voxels.stop)[:, None] + (np.arange(n) + 0.5) / n - 0.5


def _radius_at(radii: NDArray[np.float64], y: NDArray[np.float64], x: NDArray[np.float64]) -> NDArray[np.float64]:
    """Distance from the center to the polygon in the direction of (y, x): the chord between two rays."""
    n = radii.size
    angle = np.arctan2(y, x) % (2 * np.pi)
    step = 2 * np.pi / n
    i = np.minimum((angle / step).astype(int), n - 1)
    a, b, u = radii[i], radii[(i + 1) % n], angle - i * step
    return np.asarray(a * b * np.sin(step) / (a * np.sin(u) + b * np.sin(step - u)))


def _polygon_distance(radii: NDArray[np.float64], y: NDArray[np.float64], x: NDArray[np.float64]) -> NDArray[np.float64]:
    """Distance of points to the nearest edge of the polygon."""
    py, px = radii * np.sin(st.ANGLES), radii * np.cos(st.ANGLES)
    ey, ex = np.roll(py, -1) - py, np.roll(px, -1) - px
    best = np.full(y.shape, np.inf)
    for a, b, u, v in zip(py, px, ey, ex, strict=True):
        t = np.clip(((y - a) * u + (x - b) * v) / max(u * u + v * v, 1e-12), 0, 1)
        best = np.minimum(best, np.hypot(y - a - t * u, x - b - t * v))
    return best
