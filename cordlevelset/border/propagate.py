"""From the path to the cord's contours: start contours, conus, active contour, consistency along the cord."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace

import numpy as np
from numpy.typing import NDArray

from cordlevelset.border.confidence import doubts, evenness, extent, sharpness, size, unlit, walled
from cordlevelset.border.evolve import evolve
from cordlevelset.border.thick import occupied_contours, resolved_share
from cordlevelset.detection.ends import find_conus, find_top
from cordlevelset.detection.finder import CordPath
from cordlevelset.detection.searchgrid import filled_planes
from cordlevelset.errors import Cancelled, NoCordFoundError
from cordlevelset.notes import BRAINSTEM_NOTE, clipping_notes, unreached_note
from cordlevelset.sections import polar
from cordlevelset.sections.boundary import (
    CordContours,
    along_cord,
    border_evidence,
    border_support,
    completed,
    fluidness,
    in_place,
    smoothed,
    start_contours,
)
from cordlevelset.sections.light import end_levels
from cordlevelset.sections.roots import without_roots
from cordlevelset.sections.sac import sac_contours, sac_support
from cordlevelset.sections.taper import above_tip, tapered_contours

__all__ = ["follow_path", "segment_path"]

SHARP_ALONG_MM, SHARP_RADIAL_MM = 1.5, 0.45
"""Gaussian sigmas, along the cord and along the rays, of what the active contour sees: half and three quarters of the
start contour's. It starts within a millimetre of the border, so noise elsewhere does not mislead it."""
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
        If less than two slices are left of it, or hardly anything in them speaks for a cord.
    """
    centers, radii, sections, evidence = path.contours or start_contours(
        array, spacing=spacing, first=path.first, centers_mm=path.centers_mm, polarity=path.polarity
    )
    inside, step = end_levels(sections, radii, path.polarity, spacing[0])
    support = border_support(evidence, radii)
    area = polar.polygon_area(radii)
    end, top = find_conus(inside, step, path.score, area, support, spacing[0]), find_top(area, spacing[0])
    cord = slice(end.plane, top + 1)
    if known is not None:
        low, high = (max(k - path.first, 0) for k in known)
        cord = slice(min(cord.start, low), max(cord.stop, min(high + 1, len(radii))))
    centers, radii, evidence = centers[cord], radii[cord], evidence[cord]
    if len(radii) < 2:
        raise NoCordFoundError(
            "no spinal cord found: only one slice looks like it; if there is a cord, give its centerline",
            score=float(path.score.max()),
        )
    if end.state == "seen":
        radii = tapered_contours(evidence, radii, spacing[0])
    first = path.first + cord.start
    lowest, highest = filled_planes(array)
    below = "" if cord.start else unreached_note((path.first - lowest) * spacing[0], "lower")
    above = unreached_note((highest + 1 - path.first - len(support)) * spacing[0], "upper")
    above = above if cord.stop == len(support) else BRAINSTEM_NOTE
    sac = sac_contours(evidence, radii, spacing[0])
    in_sac = sac_support(evidence, sac)
    tip = None
    if end.state == "seen":
        tip = np.array([first * spacing[0], *(centers[0] + polar.centroid_shift(radii[[0]])[0])])
    wall = walled(in_sac, unlit(array, sections[cord], radii, path.polarity))
    confidence = path.confidence * support[cord] * wall * extent(len(radii), spacing[0])
    _believe(confidence, path, known)
    return CordContours(
        first,
        centers,
        radii,
        sac,
        in_sac,
        confidence,
        tip,
        end.uncertainty_mm,
        "unclear" if end.state == "outside" and below else end.state,
        tuple(filter(None, (below, above))),
    )


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
    sections = polar.polar_sections(array, spacing=spacing, first=start.first, centers_mm=start.centers_mm)
    seen = smoothed(sections, spacing[0], SHARP_ALONG_MM)
    evidence = border_evidence(seen, path.polarity, spacing, SHARP_RADIAL_MM)
    fluid = fluidness(seen, start.radii_mm, path.polarity)
    evolved = evolve(start.radii_mm, evidence, fluid, int(start.confidence.argmax()))
    moves = without_roots(evolved) - start.radii_mm
    moves *= resolved_share(spacing[2])  # what interpolation between thick voxels shows is half invented
    radii = completed(np.minimum(start.radii_mm + moves, start.sac_mm), evidence, UNSEEN_MM, spacing[0])
    radii = in_place(along_cord(radii, CONSISTENCY_MM, spacing[0]), spacing)
    blurred = smoothed(sections, spacing[0])
    sharp, even = sharpness(blurred, radii, path.polarity), evenness(blurred, radii, path.polarity)
    report(0.9)
    centers, radii = occupied_contours(
        array,
        spacing=spacing,
        first=start.first,
        centers_mm=start.centers_mm,
        radii_mm=radii,
        sac_mm=start.sac_mm,
        polarity=path.polarity,
        above_tip_mm=above_tip(len(radii), spacing[0]) if start.conus_state == "seen" else None,
    )
    report(1.0)
    in_fluid = (polar.RADII_MM > start.radii_mm[:, :, None]) & (polar.RADII_MM < start.sac_mm[:, :, None])
    clipped = clipping_notes(sections[in_fluid], float(array.max() if path.polarity < 0 else array.min()))
    sac = np.maximum(polar.recentred(start.sac_mm, centers - start.centers_mm), radii)
    narrow = size(radii)
    # a wide cord is still one, and so is an uneven one; but what is beyond any cord (no share left) is a sac
    _believe(start.confidence * sharp * (narrow > 0), path, known)
    return replace(
        start,
        centers_mm=centers,
        radii_mm=radii,
        sac_mm=sac,
        confidence=start.confidence * sharp * even * narrow,
        notes=(*start.notes, *doubts(sharp, even, narrow), *clipped),
    )


def _believe(confidence: NDArray[np.float64], path: CordPath, known: tuple[int, int] | None) -> None:
    """Refuse what hardly anything speaks for, unless a cord is known to be there: none is better than a guess."""
    mean = float(confidence.mean())
    if known is None and mean < MIN_CONFIDENCE:
        raise NoCordFoundError(
            f"no spinal cord found: what looks most like one has a confidence of {mean:.2f}, needs {MIN_CONFIDENCE}; "
            "if there is a cord, give its centerline",
            score=float(path.score.mean()),
        )
