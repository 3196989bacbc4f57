"""From the path to the cord's contours, stage by stage: start contours, active contour, thick voxels."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace

import numpy as np
from numpy.typing import NDArray

from cordlevelset.border.confidence import border_figures, border_right, doubts
from cordlevelset.border.evolve import evolve
from cordlevelset.border.thick import partial_volume_contours, resolved_share
from cordlevelset.detection.finder import LIKELY, CordPath
from cordlevelset.errors import Cancelled, NoCordFoundError
from cordlevelset.notes import clipping_notes, end_notes
from cordlevelset.sections import polar
from cordlevelset.sections.boundary import completed, start_contours
from cordlevelset.sections.contours import CordContours
from cordlevelset.sections.curves import along_cord, in_place
from cordlevelset.sections.stack import Sections
from cordlevelset.sections.taper import above_tip, tapered_contours

__all__ = ["follow_path", "segment_path"]

SHARP_ALONG_MM = 1.5
"""Gaussian sigma along the cord of what the active contour sees, half of the start contour's: it starts within a
millimetre of the border, so noise elsewhere does not mislead it."""
SHARP_RADIAL_MM = 0.45
"""The same along the rays, three quarters of the start contour's: a third of a clinical pixel."""
CONSISTENCY_MM = 1.5
"""Gaussian sigma along the cord of the final contours: the planes of an isotropic image share their noise."""
UNSEEN_MM = 10.0
"""The same where a border is not seen: most of a vertebra, within which a cord changes by little."""
TIP_WITHIN_MM = 10.0
"""Nine tenths of the tips that were placed lay this close on sources left out; two readers differ by 3 to 6 mm."""
UNCLEAR = 0.1
"""Probability of a lower end within the image from which on it is not said to be outside."""

FloatArray = NDArray[np.float32]


def follow_path(array: FloatArray, *, spacing: tuple[float, float, float], path: CordPath) -> CordContours:
    """Start contours of the cord along its path.

    Parameters
    ----------
    array : (K, J, I) array of float32
        Canonical grid.
    spacing : (3,) tuple of float
        Voxel size in mm.
    path : CordPath
        Where the cord runs, from its lower end to its upper.

    Returns
    -------
    CordContours
        Good for the centerline; the border itself is for `segment_path`.

    Raises
    ------
    NoCordFoundError
        If the path has less than two slices.
    """
    if len(path.centers_mm) < 2:
        raise NoCordFoundError(
            "no spinal cord found: only one slice looks like it; if there is a cord, give its centerline",
            score=path.found,
        )
    cord = start_contours(array, spacing=spacing, first=path.first, centers_mm=path.centers_mm, polarity=path.polarity)
    state = _lower_state(path)
    if state == "seen":
        cord = cord.with_radii(tapered_contours(cord))
    return CordContours(
        first=cord.first,
        centers_mm=cord.centers_mm,
        radii_mm=cord.radii_mm,
        sac_mm=cord.sac_mm,
        sac_support=cord.sac_support,
        confidence=path.found * path.inside * border_right(border_figures(cord)),
        extent_confidence=path.extent_right,
        conus_mm=_tip(cord) if state == "seen" else None,
        conus_uncertainty_mm=max(TIP_WITHIN_MM, path.low_spread_mm) if state == "seen" else float("nan"),
        conus_state=state,
        notes=end_notes(path.ends_below, path.ends_above),
    )


def _lower_state(path: CordPath) -> str:
    """One word for the lower end: "seen" in the image, "outside" of it, or "unclear"."""
    if path.ends_below >= LIKELY:
        return "seen"
    return "unclear" if path.ends_below >= UNCLEAR else "outside"


def _tip(cord: Sections) -> NDArray[np.float64]:
    """Plane, row and column (3,) of the middle of the lowest section, grid mm."""
    middle = cord.centers_mm[0] + polar.centroid_shift(cord.radii_mm[[0]])[0]
    return np.array([cord.first * cord.plane_mm, *middle])


def segment_path(
    array: FloatArray,
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
        Where the cord runs, from its lower end to its upper.
    callback : callable, optional
        Gets the share done; returning True cancels.

    Returns
    -------
    CordContours

    Raises
    ------
    NoCordFoundError
        As in `follow_path`.
    Cancelled
        If `callback` returns True.
    """

    def report(share: float) -> None:
        if callback is not None and callback(share):
            raise Cancelled("segmentation cancelled by the caller")

    report(0.0)
    start = follow_path(array, spacing=spacing, path=path)
    report(0.5)
    seen = Sections.of_contours(array, start, spacing=spacing, polarity=path.polarity)
    sharp = seen.smoothed(SHARP_ALONG_MM, SHARP_RADIAL_MM)
    radii = evolve(sharp, int(start.confidence.argmax()))  # onto the CSF border
    radii = start.radii_mm + resolved_share(spacing[2]) * (radii - start.radii_mm)  # no farther than voxels resolve
    radii = np.minimum(radii, start.sac_mm)  # within the sac
    radii = completed(sharp.with_radii(radii), UNSEEN_MM)  # from the neighbours where no border is seen
    radii = along_cord(radii, CONSISTENCY_MM, spacing[0])  # consistent along the cord
    radii = in_place(radii, spacing)  # back to where pixels moved it from
    cord = seen.with_radii(radii)
    report(0.9)
    tip = above_tip(len(cord), spacing[0]) if start.conus_state == "seen" else None
    centers, radii = partial_volume_contours(array, cord, start.sac_mm, tip)  # the sides in thick sagittal slices
    report(1.0)
    sac = np.maximum(polar.recentred(start.sac_mm, centers - start.centers_mm), radii)
    smooth = cord.smoothed()
    return replace(
        start,
        centers_mm=centers,
        radii_mm=radii,
        sac_mm=sac,
        confidence=path.found * path.inside * border_right(border_figures(smooth)),
        notes=(*start.notes, *doubts(smooth), *_clipped(array, seen, start.sac_mm)),
    )


def _clipped(array: FloatArray, start: Sections, sac_mm: NDArray[np.float64]) -> list[str]:
    """Note, if any, on CSF whose brightness the image's range cuts off."""
    in_csf = (polar.RADII_MM > start.radii_mm[:, :, None]) & (polar.RADII_MM < sac_mm[:, :, None])
    return clipping_notes(start.values[in_csf], float(array.max() if start.polarity < 0 else array.min()))
