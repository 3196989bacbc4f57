"""From the path to the cord's contours: start contours, conus, active contour, consistency along the cord."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
from numpy.typing import NDArray

from cordlevelset import straighten as st
from cordlevelset.boundary import CordContours, along_cord, border_levels, border_support, start_contours
from cordlevelset.centerline import CordPath
from cordlevelset.ends import find_conus
from cordlevelset.errors import Cancelled
from cordlevelset.thick import occupied_contours

__all__ = ["segment_path"]

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
    inside, step = border_levels(sections, radii, path.polarity)
    support = border_support(evidence, radii)
    conus = find_conus(inside, step, path.score, st.polygon_area(radii), support, spacing[0])
    radii = along_cord(radii, CONSISTENCY_MM, spacing[0])
    confidence = path.confidence * border_support(evidence, radii)
    centers, radii = occupied_contours(
        array, spacing=spacing, first=path.first, centers_mm=centers, radii_mm=radii, polarity=path.polarity
    )
    low = 0 if conus is None else conus.plane
    first = path.first + low
    tip = (
        None if conus is None else np.array([first * spacing[0], *(centers[low] + st.centroid_shift(radii[[low]])[0])])
    )
    report(1.0)
    return CordContours(
        first,
        centers[low:],
        radii[low:],
        confidence[low:],
        tip,
        float("nan") if conus is None else conus.uncertainty_mm,
    )
