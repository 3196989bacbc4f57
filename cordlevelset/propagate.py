"""From the path to the cord's contours: start contours, conus, active contour, consistency along the cord."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace

import numpy as np
from numpy.typing import NDArray

from cordlevelset import straighten as st
from cordlevelset.boundary import (
    CordContours,
    along_cord,
    border_evidence,
    border_levels,
    border_support,
    fluidness,
    smoothed,
    start_contours,
)
from cordlevelset.centerline import CordPath
from cordlevelset.ends import find_conus
from cordlevelset.errors import Cancelled, NoCordFoundError
from cordlevelset.evolve import evolve
from cordlevelset.sac import sac_contours, sac_support
from cordlevelset.thick import occupied_contours, resolved_share

__all__ = ["follow_path", "segment_path"]

SHARP_ALONG_MM, SHARP_RADIAL_MM = 1.5, 0.45
"""Gaussian sigmas, along the cord and along the rays, of what the active contour sees: half and three quarters of the
start contour's. It starts within a millimetre of the border, so noise elsewhere does not mislead it."""
CONSISTENCY_MM = 1.5
"""Gaussian sigma along the cord of the final contours: the planes of an isotropic image share their noise."""

FloatArray = NDArray[np.float32]


def follow_path(
    array: FloatArray, *, spacing: tuple[float, float, float], path: CordPath, lowest: int | None = None
) -> CordContours:
    """Start contours of the cord along a path, down to the conus.

    Parameters
    ----------
    array : (K, J, I) array of float32
        Canonical grid.
    spacing : (3,) tuple of float
        Voxel size in mm.
    path : CordPath
        Where the cord runs; may go on below the conus.
    lowest : int, optional
        Plane that is known to hold cord, whatever the conus test says.

    Returns
    -------
    CordContours
        Good for the centerline; the border itself is for `segment_path`.

    Raises
    ------
    NoCordFoundError
        If less than two slices are left of it.
    """
    centers, radii, sections, evidence = path.contours or start_contours(
        array, spacing=spacing, first=path.first, centers_mm=path.centers_mm, polarity=path.polarity
    )
    inside, step = border_levels(sections, radii, path.polarity)
    support = border_support(evidence, radii)
    end = find_conus(inside, step, path.score, st.polygon_area(radii), support, spacing[0])
    low = end.plane if lowest is None else min(end.plane, max(lowest - path.first, 0))
    if len(radii) - low < 2:
        raise NoCordFoundError(
            "no spinal cord found: only one slice looks like it; if there is a cord, give its centerline",
            score=float(path.score.max()),
        )
    first = path.first + low
    sac = sac_contours(evidence[low:], radii[low:], spacing[0])
    tip = None
    if end.state == "seen":
        tip = np.array([first * spacing[0], *(centers[low] + st.centroid_shift(radii[[low]])[0])])
    return CordContours(
        first,
        centers[low:],
        radii[low:],
        sac,
        sac_support(evidence[low:], sac),
        path.confidence * support[low:],
        tip,
        end.uncertainty_mm,
        end.state,
    )


def segment_path(
    array: FloatArray,
    *,
    spacing: tuple[float, float, float],
    path: CordPath,
    lowest: int | None = None,
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
    lowest : int, optional
        Plane that is known to hold cord, whatever the conus test says.
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
    start = follow_path(array, spacing=spacing, path=path, lowest=lowest)
    report(0.5)
    seen = st.polar_sections(array, spacing=spacing, first=start.first, centers_mm=start.centers_mm)
    seen = smoothed(seen, spacing[0], SHARP_ALONG_MM)
    evidence = border_evidence(seen, path.polarity, spacing, SHARP_RADIAL_MM)
    fluid = fluidness(seen, start.radii_mm, path.polarity)
    moves = evolve(start.radii_mm, evidence, fluid) - start.radii_mm
    moves *= resolved_share(spacing[2])  # what interpolation between thick voxels shows is half invented
    radii = along_cord(np.minimum(start.radii_mm + moves, start.sac_mm), CONSISTENCY_MM, spacing[0])
    report(0.9)
    centers, radii = occupied_contours(
        array,
        spacing=spacing,
        first=start.first,
        centers_mm=start.centers_mm,
        radii_mm=radii,
        sac_mm=start.sac_mm,
        polarity=path.polarity,
    )
    report(1.0)
    sac = np.maximum(st.recentred(start.sac_mm, centers - start.centers_mm), radii)
    return replace(start, centers_mm=centers, radii_mm=radii, sac_mm=sac)
