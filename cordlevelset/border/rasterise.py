"""From contours in mm to voxels: partial-volume fraction of each voxel, signed distance to the surface."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from cordlevelset.border import _kernels
from cordlevelset.levelset import _polygon
from cordlevelset.sections.contours import CordContours
from cordlevelset.sections.polar import vertices

__all__ = ["PHI_BAND_MM", "partial_volume_fraction", "signed_distance"]

FloatArray = NDArray[np.float32]
Window = tuple[slice, slice]

PHI_BAND_MM = 5.0
"""The signed distance is cut off here: beyond it lies the sac's wall, not the cord."""


def partial_volume_fraction(
    contours: CordContours,
    *,
    shape: tuple[int, int, int],
    spacing: tuple[float, float, float],
    out: FloatArray | None = None,
) -> FloatArray:
    """Share of each voxel inside the contours.

    Exact for the polygon in each plane. The plane of the conus tip is filled from the tip up.

    Parameters
    ----------
    contours : CordContours
        On the canonical grid.
    shape : (3,) tuple of int
        Size of the grid.
    spacing : (3,) tuple of float
        Voxel size in mm.
    out : (K, J, I) array of float32, optional
        Zeros to write to: of a large image only what holds cord then takes memory.

    Returns
    -------
    (K, J, I) array of float32
        0 to 1.
    """
    out = np.zeros(shape, np.float32) if out is None else out
    step = np.array(spacing[1:])
    # voxel n reaches from n - 1/2 to n + 1/2
    polygons = vertices(contours.centers_mm, contours.radii_mm) / step + 0.5
    for k, (y, x) in enumerate(polygons.transpose(0, 2, 1)):
        corner = np.floor([y.min(), x.min()]).astype(int)
        size = np.ceil([y.max(), x.max()]).astype(int) - corner
        cover = np.zeros((size[0], size[1] + 1))
        _kernels.polygon_coverage(y - corner[0], x - corner[1], cover)
        grid, local = _overlap(corner, size, shape[1:])
        out[contours.first + k][grid] = cover[local].clip(0, 1)
    if contours.conus_mm is not None:
        out[contours.first] *= np.clip(contours.first + 0.5 - contours.conus_mm[0] / spacing[0], 0, 1)
    return out


def signed_distance(
    contours: CordContours, *, shape: tuple[int, int, int], spacing: tuple[float, float, float]
) -> FloatArray:
    """Signed distance to the cord's surface near the cord, from the curves themselves.

    In the plane the distance to the polygon is exact; divided by the length of its gradient in space,
    sqrt(1 + (d phi / dz)^2), it is the distance in space to first order, for a cord that leans too.

    Parameters
    ----------
    contours : CordContours
        On the canonical grid.
    shape : (3,) tuple of int
        Size of the grid.
    spacing : (3,) tuple of float
        Voxel size in mm.

    Returns
    -------
    phi : (K, J, I) array of float32
        mm, negative inside, cut off at ±`PHI_BAND_MM`.
    """
    phi = np.full(shape, PHI_BAND_MM, np.float32)
    polygons = vertices(contours.centers_mm, contours.radii_mm)
    corner = np.floor((polygons.min((0, 1)) - PHI_BAND_MM) / spacing[1:]).astype(int)
    size = np.ceil((polygons.max((0, 1)) + PHI_BAND_MM) / spacing[1:]).astype(int) + 1 - corner
    grid, _ = _overlap(corner, size, shape[1:])
    rows, columns = (np.arange(s.start, s.stop) * d for s, d in zip(grid, spacing[1:], strict=True))
    near = np.empty((len(polygons), rows.size, columns.size))
    for k, (y, x) in enumerate(polygons.transpose(0, 2, 1)):
        _polygon.polygon_distance(y, x, rows, columns, near[k])
    if len(near) > 1:
        slope: NDArray[np.float64] = np.asarray(np.gradient(near, spacing[0], axis=0))
        near /= np.sqrt(1 + slope**2)
    first, last = contours.first, contours.first + len(near) - 1
    phi[(slice(first, last + 1), *grid)] = np.clip(near, -PHI_BAND_MM, PHI_BAND_MM)
    bottom = (first - 0.5) * spacing[0] if contours.conus_mm is None else contours.conus_mm[0]
    for plane, end, sign in ((0, bottom, -1), (-1, (last + 0.5) * spacing[0], 1)):
        for k in range(first - 1, -1, -1) if sign < 0 else range(last + 1, shape[0]):
            beyond = sign * (k * spacing[0] - end)
            if beyond > PHI_BAND_MM:
                break
            phi[(k, *grid)] = np.minimum(np.hypot(np.maximum(near[plane], 0), beyond), PHI_BAND_MM)
    return phi


def _overlap(corner: NDArray[np.int64], size: NDArray[np.int64], shape: tuple[int, ...]) -> tuple[Window, Window]:
    """The part of a window inside the plane, in the plane's and in the window's own indices."""
    low = [int(np.clip(c, 0, n)) for c, n in zip(corner, shape, strict=True)]
    high = [int(np.clip(c + s, 0, n)) for c, s, n in zip(corner, size, shape, strict=True)]
    (a, b), (c, d) = zip(low, high, strict=True)
    y, x = int(corner[0]), int(corner[1])
    return (slice(a, b), slice(c, d)), (slice(a - y, b - y), slice(c - x, d - x))
