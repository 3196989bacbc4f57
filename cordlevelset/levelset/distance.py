"""Signed distances in mm, negative inside, with a zero level that lies between the voxels and stays there."""

from __future__ import annotations

import math
from typing import Any

import numpy as np
from numpy.typing import ArrayLike, NDArray

from cordlevelset.errors import GeometryError, InputError
from cordlevelset.levelset import _kernels, _polygon

__all__ = ["curve_distance", "redistance", "signed_distance"]

FloatArray = NDArray[np.floating[Any]]

BLUR_VOXELS = 0.7
"""Gaussian sigma that spreads a mask's step over two voxels (10 to 90 % in 1.8): what central differences need."""


def redistance(phi: ArrayLike, *, spacing: tuple[float, ...], band: float | None = None) -> FloatArray:
    """Signed distance to the zero level of a level-set function, which stays in place.

    Beside the zero level the distance is that to the foot of the perpendicular on phi's second-order Taylor polynomial
    (third order in the spacing); from there outwards the eikonal equation |grad phi| = 1 is solved by second-order
    upwind differences. phi is never thresholded: a mask costs up to half a voxel.

    Parameters
    ----------
    phi : (M, N) or (K, M, N) array of float
        Negative inside; any function smooth about its zero level. NaN: no data.
    spacing : tuple of float
        Voxel size in mm, array-axis order.
    band : float, optional
        Half-width in mm to which the distance is computed; beyond it the result is ±`band`. Everywhere if not given.

    Returns
    -------
    phi : array of float32 or float64
        mm; NaN where `phi` is. Without a zero level ±inf, or ±`band`.

    Raises
    ------
    GeometryError
        If `spacing` is not one positive number an axis.
    InputError
        If `phi` has not two or three axes, holds nothing but NaN, or `band` is not positive.

    Notes
    -----
    Newton's method for the foot follows [1]_, with a local polynomial; the upwind differences are those of [2]_.

    References
    ----------
    .. [1] Chopp (2001), SIAM J. Sci. Comput. 23:230, doi:10.1137/S106482750037617X
    .. [2] Sethian (1999), SIAM Review 41:199, doi:10.1137/S0036144598347059

    Examples
    --------
    >>> redistance([[-0.6, -0.2, 0.2, 0.6]] * 2, spacing=(1.0, 0.5))[0]
    array([-0.75, -0.25,  0.25,  0.75])
    """
    values, spacing = check_grid(phi, spacing)
    if band is not None and not band > 0:
        raise InputError(f"band = {band} must be positive")
    filled, missing = fill_missing(values, spacing)
    out = finite(filled)
    grid, work = grid_and_band(out.shape, spacing, out.dtype)
    _kernels.to_distances(out.reshape(1, -1), grid, work, _kernels.SWEEPS, np.inf if band is None else band, False)
    if missing is not None:
        out[missing] = np.nan
    return out


def signed_distance(mask: ArrayLike, *, spacing: tuple[float, ...]) -> FloatArray:
    """Signed distance to the border of a mask, smooth below the voxel.

    The border is the level ½ of the mask blurred by 0.7 voxels, moved where needed so that every voxel centre stays on
    the mask's side of it (the constraint of [1]_): nothing vanishes, and steps do not show.

    Parameters
    ----------
    mask : (M, N) or (K, M, N) array of bool or float
        True, or the share of the voxel that is inside, 0 to 1: then inside is where it reaches ½.
    spacing : tuple of float
        Voxel size in mm, array-axis order.

    Returns
    -------
    phi : array of float64
        mm, negative inside; ±inf if the mask is empty or full.

    Raises
    ------
    GeometryError
        If `spacing` is not one positive number an axis.
    InputError
        If the mask has not two or three axes.

    References
    ----------
    .. [1] Whitaker (2000), Reducing aliasing artifacts in iso-surfaces of binary volumes, doi:10.1145/353888.353893

    Examples
    --------
    >>> signed_distance([[True, True, False, False]] * 4, spacing=(1.0, 2.0))[1].round(2)
    array([-3., -1.,  1.,  3.])
    """
    from scipy import ndimage as ndi

    share, spacing = check_grid(np.asarray(mask, np.float64), spacing)
    side = np.where(share >= 0.5, -1.0, 1.0)
    level = 0.5 - ndi.gaussian_filter(share, BLUR_VOXELS, mode="nearest")
    level = side * np.maximum(side * level, 1e-3)  # a thousandth of a voxel on the mask's side
    return redistance(level, spacing=spacing)


def curve_distance(curve_mm: ArrayLike, *, shape: tuple[int, int], spacing: tuple[float, float]) -> NDArray[np.float64]:
    """Exact signed distance to a closed polygon.

    Parameters
    ----------
    curve_mm : (V, 2) array of float
        Vertices as (row, column) in grid mm (index times spacing), either sense of rotation, not repeated at the end.
    shape : (2,) tuple of int
        Grid of the result.
    spacing : (2,) tuple of float
        Voxel size in mm.

    Returns
    -------
    phi : (M, N) array of float64
        mm, negative inside.

    Raises
    ------
    GeometryError
        If `spacing` is not two positive numbers.
    InputError
        If the curve has fewer than three vertices or any that is not finite.

    Examples
    --------
    >>> curve_distance([(0, 0), (0, 4), (4, 4), (4, 0)], shape=(3, 3), spacing=(2.0, 1.0))[1]
    array([-0., -1., -2.])
    """
    curve = np.asarray(curve_mm, np.float64)
    if curve.ndim != 2 or curve.shape[1] != 2 or len(curve) < 3 or not np.isfinite(curve).all():
        raise InputError(f"a curve needs three or more finite vertices (V, 2), got an array of shape {curve.shape}")
    _, steps = check_grid(np.empty(shape), spacing)
    out = np.empty(shape)
    rows, columns = (np.arange(n) * h for n, h in zip(out.shape, steps, strict=True))
    _polygon.polygon_distance(curve[:, 0].copy(), curve[:, 1].copy(), rows, columns, out)
    return out


def check_grid(values: ArrayLike, spacing: tuple[float, ...]) -> tuple[FloatArray, tuple[float, ...]]:
    """An array as contiguous float32 or float64 (itself if it is), its spacing as floats; else a named error."""
    array = np.asarray(values)
    if array.ndim not in (2, 3) or array.size == 0:
        raise InputError(f"an array with two or three axes is needed, got shape {array.shape}")
    steps = tuple(float(h) for h in spacing) if np.ndim(spacing) == 1 else ()
    if len(steps) != array.ndim or not all(1e-6 <= h <= 1e6 for h in steps):
        raise GeometryError(f"spacing {spacing} must be one number from 1e-6 to 1e6 mm for each of {array.ndim} axes")
    kind = np.float32 if array.dtype in (np.float16, np.float32) else np.float64
    return np.asarray(array, dtype=kind, order="C"), steps


def fill_missing(values: FloatArray, spacing: tuple[float, ...]) -> tuple[FloatArray, NDArray[np.bool_] | None]:
    """Give every NaN the value of the nearest voxel that has one; the array and where they were (None: nowhere)."""
    if not np.isnan(values.min()):
        return values, None
    missing = np.isnan(values)
    if missing.all():
        raise InputError("the array holds nothing but NaN")
    from scipy import ndimage as ndi

    nearest = ndi.distance_transform_edt(missing, sampling=spacing, return_distances=False, return_indices=True)
    return np.ascontiguousarray(values[tuple(nearest)]), missing


def finite(phi: FloatArray) -> FloatArray:
    """Copy of phi with infinite values made very large: differences of infinities would be NaN."""
    out: FloatArray = np.ascontiguousarray(np.clip(phi, -_kernels.FARTHEST, _kernels.FARTHEST))
    return out


def grid_and_band(shape: tuple[int, ...], spacing: tuple[float, ...], kind: Any) -> tuple[_kernels.Grid, _kernels.Band]:
    """The grid as the kernels take it, and work space for a band on it."""
    flat = (1,) * (3 - len(shape))
    nz, ny, nx = flat + shape
    hz, hy, hx = (max(spacing),) * len(flat) + spacing
    n = math.prod(shape)
    weight = (1 / (hz * hz), 1 / (hy * hy), 1 / (hx * hx))
    grid = _kernels.Grid((nz, ny, nx), (ny * nx, nx, 1), (hz, hy, hx), min(spacing), weight)
    return grid, _kernels.Band(
        cell=np.empty(n, np.int64),
        at=np.empty((n, 3), np.int32),
        member=np.empty(n, np.uint8),
        side=np.empty(n, np.uint8),
        size=np.empty(n, kind),
        work=np.empty((5, 6)),
    )
