"""From the path to the cord's contours, stage by stage: start contours, conus, active contour, thick voxels."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace

import numpy as np
from numpy.typing import NDArray

from cordlevelset.border.confidence import doubts, evenness, extent, sharpness, size, unlit, walled
from cordlevelset.border.evolve import evolve
from cordlevelset.border.thick import partial_volume_contours, resolved_share
from cordlevelset.detection.ends import LowerEnd, find_conus, find_top
from cordlevelset.detection.finder import CordPath
from cordlevelset.detection.searchgrid import filled_planes
from cordlevelset.errors import Cancelled, NoCordFoundError
from cordlevelset.notes import BRAINSTEM_NOTE, clipping_notes, unreached_note
from cordlevelset.sections import polar
from cordlevelset.sections.boundary import completed, start_contours
from cordlevelset.sections.contours import CordContours
from cordlevelset.sections.curves import along_cord, in_place
from cordlevelset.sections.roots import without_roots
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

MIN_CONFIDENCE = 0.1
"""Mean share, 0 to 1, below which it is no cord: of 23 such results 22 were wrong (docs/reliability.md)."""

FloatArray = NDArray[np.float32]


def follow_path(
    array: FloatArray,
    *,
    spacing: tuple[float, float, float],
    path: CordPath,
    known: tuple[int, int] | None = None,
) -> CordContours:
    """Start contours of the cord along a path, from the brainstem down to the conus.

    Parameters
    ----------
    array : (K, J, I) array of float32
        Canonical grid.
    spacing : (3,) tuple of float
        Voxel size in mm.
    path : CordPath
        Where the cord runs; may go on below the conus and into the brainstem.
    known : (2,) tuple of int, optional
        Lowest and highest plane that are known to hold cord, whatever the tests of its ends say.

    Returns
    -------
    CordContours
        Good for the centerline; the border itself, and what its blur and its size say, are for `segment_path`.

    Raises
    ------
    NoCordFoundError
        If less than two slices are left of it, or hardly any evidence of a cord in them.
    """
    whole = path.sections or start_contours(
        array, spacing=spacing, first=path.first, centers_mm=path.centers_mm, polarity=path.polarity
    )
    end = find_conus(whole, path.score)
    rows = _cord_rows(whole, end, known)
    cord = whole.planes(rows)
    if len(cord) < 2:
        raise NoCordFoundError(
            "no spinal cord found: only one slice looks like it; if there is a cord, give its centerline",
            score=float(path.score.max()),
        )
    if end.state == "seen":
        cord = cord.with_radii(tapered_contours(cord))
    wall = walled(cord.sac_support, unlit(array, cord))
    confidence = path.confidence * whole.support[rows] * wall * extent(len(cord), spacing[0])
    _believe(confidence, path, known)
    below, above = _unreached(array, whole, rows)
    return CordContours(
        cord.first,
        cord.centers_mm,
        cord.radii_mm,
        cord.sac_mm,
        cord.sac_support,
        confidence,
        _tip(cord) if end.state == "seen" else None,
        end.uncertainty_mm,
        "unclear" if end.state == "outside" and below else end.state,
        tuple(filter(None, (below, above))),
    )


def _cord_rows(whole: Sections, end: LowerEnd, known: tuple[int, int] | None) -> slice:
    """Rows of a path's sections that hold cord: from the conus up to the brainstem, and what is known to be cord."""
    cord = slice(end.plane, find_top(whole.area_mm2, whole.plane_mm) + 1)
    if known is None:
        return cord
    low, high = (max(k - whole.first, 0) for k in known)
    return slice(min(cord.start, low), max(cord.stop, min(high + 1, len(whole))))


def _unreached(array: FloatArray, whole: Sections, cord: slice) -> tuple[str, str]:
    """Notes, if any, on a cord that ends below or above though neither the image nor the cord does."""
    lowest, highest = filled_planes(array)
    below = unreached_note((whole.first - lowest) * whole.plane_mm, "lower")
    above = unreached_note((highest + 1 - whole.first - len(whole)) * whole.plane_mm, "upper")
    return "" if cord.start else below, above if cord.stop == len(whole) else BRAINSTEM_NOTE


def _tip(cord: Sections) -> NDArray[np.float64]:
    """Plane, row and column (3,) of the middle of the lowest section, grid mm."""
    middle = cord.centers_mm[0] + polar.centroid_shift(cord.radii_mm[[0]])[0]
    return np.array([cord.first * cord.plane_mm, *middle])


def segment_path(
    array: FloatArray,
    *,
    spacing: tuple[float, float, float],
    path: CordPath,
    known: tuple[int, int] | None = None,
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
        Where the cord runs; may go on below the conus and into the brainstem.
    known : (2,) tuple of int, optional
        Lowest and highest plane that are known to hold cord, whatever the tests of its ends say.
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
    start = follow_path(array, spacing=spacing, path=path, known=known)
    report(0.5)
    seen = Sections.of_contours(array, start, spacing=spacing, polarity=path.polarity)
    sharp = seen.smoothed(SHARP_ALONG_MM, SHARP_RADIAL_MM)
    radii = evolve(sharp, int(start.confidence.argmax()))  # onto the CSF border
    radii = without_roots(radii)  # roots and ligaments cut off
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
    clear, even, narrow = sharpness(smooth), evenness(smooth), size(radii)
    # a wide cord is still one, and so is an uneven one; but what is beyond any cord (no share left) is a sac
    _believe(start.confidence * clear * (narrow > 0), path, known)
    return replace(
        start,
        centers_mm=centers,
        radii_mm=radii,
        sac_mm=sac,
        confidence=start.confidence * clear * even * narrow,
        notes=(*start.notes, *doubts(clear, even, narrow), *_clipped(array, seen, start.sac_mm)),
    )


def _clipped(array: FloatArray, start: Sections, sac_mm: NDArray[np.float64]) -> list[str]:
    """Note, if any, on CSF whose brightness the image's range cuts off."""
    in_csf = (polar.RADII_MM > start.radii_mm[:, :, None]) & (polar.RADII_MM < sac_mm[:, :, None])
    return clipping_notes(start.values[in_csf], float(array.max() if start.polarity < 0 else array.min()))


def _believe(confidence: NDArray[np.float64], path: CordPath, known: tuple[int, int] | None) -> None:
    """Refuse what hardly looks like a cord, unless one is known to be there: none is better than a guess."""
    mean = float(confidence.mean())
    if known is None and mean < MIN_CONFIDENCE:
        raise NoCordFoundError(
            f"no spinal cord found: what looks most like one has a confidence of {mean:.2f}, needs {MIN_CONFIDENCE}; "
            "if there is a cord, give its centerline",
            score=float(path.score.mean()),
        )
