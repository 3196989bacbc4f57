"""From the path to the cord's contours: start contours, conus, active contour, consistency along the cord."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
from numpy.typing import NDArray

from cordlevelset import straighten as st
from cordlevelset.boundary import CordContours, along_cord, start_contours
from cordlevelset.centerline import CordPath
from cordlevelset.ends import find_conus
from cordlevelset.errors import Cancelled

__all__ = ["segment_path"]

OUTSIDE_MM = 2.5
"""The fluid's own brightness is looked for this far beyond the border: more than the border's blur, less than a wide CSF space."""
CONSISTENCY_MM = 1.5
"""Gaussian sigma along the cord of the final contours: the planes of an isotropic image share their noise."""


def segment_path(
    array: NDArray[np.float32],
    *,
    spacing: tuple[float, float, float],
    path: CordPath,
    callback: Callable[[float], bool] | None = None,
) -> CordContours:
    """Contours of the cord along a path.

    Parameters
    ----------
    array : (K, J, I) array of float32
        Canonical grid.
    spacing : (3,) tuple of float
        Voxel size in mm.
    path : CordPath
        Where the cord runs; may go on below the conus.
    callback : callable, optional
        Gets the share done; returning True cancels.

    Returns
    -------
    CordContours

    Raises
    ------
    Cancelled
        If `callback` returns True.
    """

    def report(share: float) -> None:
        if callback is not None and callback(share):
            raise Cancelled("segmentation cancelled by the caller")

    report(0.0)
    centers, radii, sections, evidence = start_contours(
        array, spacing=spacing, first=path.first, centers_mm=path.centers_mm, polarity=path.polarity
    )
    report(0.6)
    inside, step = _levels(sections, radii, path.polarity)
    conus = find_conus(inside, step, path.score, st.polygon_area(radii), spacing[0])
    radii = along_cord(radii, CONSISTENCY_MM, spacing[0])
    low = 0 if conus is None else conus.plane
    first = path.first + low
    tip = None if conus is None else np.array([first * spacing[0], *(centers[low] + st.centroid_shift(radii[[low]])[0])])
    confidence = path.confidence * _support(evidence, radii)
    report(1.0)
    return CordContours(
        first, centers[low:], radii[low:], confidence[low:], tip, float("nan") if conus is None else conus.uncertainty_mm
    )


def _at(values: NDArray[np.float32], radii_mm: NDArray[np.float64]) -> NDArray[np.float32]:
    """Values (P, A, R) at radii (P, A), nearest sample."""
    index = np.clip(np.rint(radii_mm / st.RADIUS_STEP_MM).astype(int), 0, values.shape[2] - 1)
    return np.take_along_axis(values, index[:, :, None], axis=2)[:, :, 0]


def _levels(
    sections: NDArray[np.float32], radii_mm: NDArray[np.float64], polarity: int
) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    """Mean inside half the contour, and height of its border's step, per plane."""
    core = st.RADII_MM < radii_mm[:, :, None] / 2
    inside = (sections * core).sum((1, 2)) / core.sum((1, 2))
    outer = np.stack([_at(sections, radii_mm + d) for d in np.arange(0, OUTSIDE_MM + 0.01, st.RADIUS_STEP_MM)])
    fluid = outer.min(0) if polarity > 0 else outer.max(0)
    inner = np.mean([_at(sections, np.maximum(radii_mm - d, 0)) for d in (1.5, 2.0, 2.5)], axis=0)
    return inside.astype(np.float64), np.median(np.abs(fluid - inner), axis=1).astype(np.float64)


def _support(evidence: NDArray[np.float32], radii_mm: NDArray[np.float64]) -> NDArray[np.float64]:
    """Share of the border that stands on a step of the right sign at least half as steep as the neighbourhood's typical one."""
    supported: NDArray[np.float64] = (_at(evidence, radii_mm) > 0.5).mean(1)
    return supported
