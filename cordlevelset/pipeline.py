"""The whole path, from an image to its cord."""

from __future__ import annotations

import os
from collections.abc import Callable
from dataclasses import replace
from typing import TYPE_CHECKING, Any, TypeVar

import numpy as np

from cordlevelset.automatic import AutomaticResult, find_and_outline
from cordlevelset.correction.constraints import Constraints
from cordlevelset.correction.given import as_given, read_constraints
from cordlevelset.curve import Centerline
from cordlevelset.detection.interleaf import without_interleaf
from cordlevelset.errors import ConstraintError, CordLevelSetError, InputError, NoCordFoundError
from cordlevelset.missing import missing_notes
from cordlevelset.notes import CONTRASTS, turned_note
from cordlevelset.progress import Callback, report
from cordlevelset.result import CordSegmentation, centerline_of, result_of
from cordlevelset.volume import CANONICAL_AXES, Turn, Volume, canonical_turn, image_values, likely_turns

if TYPE_CHECKING:
    from cordlevelset.detection.finder import CordPath

__all__ = ["detect_centerline", "segment"]

T = TypeVar("T")
"""What is made of an image that lies in one of the ways it may lie in."""
POLARITIES = {"auto": 0, "bright": 1, "dark": -1}
"""Signs of a cord's brightness against the CSF; 0: found out from the image."""

Image = Any  # path, SimpleITK.Image or Volume


def segment(
    image: Image | str | os.PathLike[str],
    *,
    contrast: str = "auto",
    polarity: str = "auto",
    frame: int | None = None,
    series: str | int | None = None,
    centerline: Any = None,
    seeds: Any = None,
    contours: Any = None,
    initial: Any = None,
    bottom: Any = None,
    top: Any = None,
    label: int | str | None = None,
    callback: Callback | None = None,
) -> CordSegmentation:
    """Segment the spinal cord.

    Where the cord is, whether it is brighter or darker than the CSF, and where it ends are found out from the image;
    `centerline`, `seeds`, `contours`, `initial`, `bottom` and `top` are for when that goes wrong, and may be combined.

    Parameters
    ----------
    image : path, SimpleITK.Image or Volume
        Any orientation and spacing, at least two voxels along each axis.
    contrast : str
        A hint, never an order: "auto", "t1", "t2", "t2s", "stir", "mt", "epi", "dwi". Where the image contradicts it,
        a note says so.
    polarity : {"auto", "bright", "dark"}
        An order: the cord against the CSF around it.
    frame, series : optional
        Which volume of a 4-D image; which series of a DICOM folder, as in `read`.
    centerline : path, Centerline or (N, 3) array_like, optional
        Points the cord passes through, LPS mm, in any order; two are enough. A path ends in .csv, .mrk.json or .fcsv.
    seeds : path, SimpleITK.Image or Volume, optional
        Label image on the image's grid: 1 is cord, 2 is not. Every voxel of it is honoured.
    contours : path, SimpleITK.Image or Volume, or a list of them, optional
        Label image on the image's grid that holds the cord on a few slices of one of the three planes, a list of
        several for several planes. Those slices come back as drawn, the others follow the image.
    initial : path, SimpleITK.Image or Volume, optional
        Another tool's mask, or an earlier one, on the image's grid: a hint. What lies 3 mm deep in it is cord, what
        lies more than 10 mm from it in the slices it reaches is not.
    bottom, top : path, Centerline or (3,) array_like, optional
        Where the cord ends below and above, LPS mm, honoured to the slice: one point in the middle of the cord's last
        slice, or a file that holds one.
    label : int or str, optional
        Which structure of `contours` and `initial`, where these hold several: its number, or its name in a
        ``.seg.nrrd``.
    callback : callable, optional
        Gets a `Progress`; returning True cancels.

    Returns
    -------
    CordSegmentation

    Raises
    ------
    NoCordFoundError
        If nothing in the image looks like a cord.
    ConstraintError
        If a constraint is empty, on another grid, outside the image, or contradicts another; the text says where.
    InputError, GeometryError
        If the image cannot be worked on; the text says what to correct.
    Cancelled
        If the callback returns True.

    Examples
    --------
    >>> from cordlevelset.phantom import make_phantom
    >>> phantom = make_phantom(region="cervical", spacing=(2.0, 1.0, 1.0), field_mm=(60.0, 80.0, 50.0))
    >>> result = segment(phantom.image)  # or a path: segment("sub-01_T2w.nii.gz")
    >>> result.polarity, result.conus, len(result.slices)
    ('dark', None, 30)
    >>> result.mask.shape == phantom.image.shape
    True
    """
    from cordlevelset.io.images import as_volume

    volume = as_volume(image, frame=frame, series=series)
    given = as_given(centerline, seeds, contours, initial, label, bottom, top)

    def tried(turn: Turn) -> tuple[float, tuple[AutomaticResult, Constraints | None]]:
        order, canonical = _canonical(volume, turn, contrast, polarity)
        known = read_constraints(volume, turn, given)
        automatic = find_and_outline(canonical, contrast, order, given, known, callback)
        return automatic.contours.whole_confidence, (automatic, known)

    turn, (automatic, known) = _surest(volume, tried)
    return result_of(volume, turn, automatic, known, callback)


def detect_centerline(
    image: Image | str | os.PathLike[str],
    *,
    contrast: str = "auto",
    polarity: str = "auto",
    frame: int | None = None,
    series: str | int | None = None,
    callback: Callback | None = None,
) -> Centerline:
    """Find the middle of the cord from its upper end in the image to its lower one.

    Parameters
    ----------
    image : path, SimpleITK.Image or Volume
        Any orientation and spacing.
    contrast : str
        A hint, as in `segment`; it changes nothing here.
    polarity : {"auto", "bright", "dark"}
        An order: the cord against the CSF around it.
    frame, series : optional
        Which volume of a 4-D image; which series of a DICOM folder, as in `read`.
    callback : callable, optional
        Gets a `Progress`; returning True cancels.

    Returns
    -------
    Centerline

    Raises
    ------
    NoCordFoundError
        If nothing in the image looks like a cord.
    """
    from cordlevelset.border.planes import SpacedPlanes
    from cordlevelset.border.propagate import follow_path
    from cordlevelset.detection.finder import find_cord
    from cordlevelset.io.images import as_volume

    volume = as_volume(image, frame=frame, series=series)

    def tried(turn: Turn) -> tuple[float, tuple[Volume, CordPath]]:
        order, canonical = _canonical(volume, turn, contrast, polarity)
        report(callback, "centerline", 0.05)
        path = find_cord(canonical.array, spacing=canonical.spacing, polarity=order)
        return path.found, (canonical, path)

    _, (canonical, path) = _surest(volume, tried)
    report(callback, "border", 0.5)
    planes = SpacedPlanes.along(canonical.array, canonical.spacing, path)
    sections = follow_path(planes.array, spacing=planes.spacing, path=planes.path)
    return centerline_of(canonical, planes.on_all_planes(sections), path.polarity)


def _surest(volume: Volume, tried: Callable[[Turn], tuple[float, T]]) -> tuple[Turn, T]:
    """What the turn brings that is right most likely; there is one, unless the header leaves open what is upright."""
    results: list[tuple[float, Turn, T]] = []
    refused: list[CordLevelSetError] = []
    for turn in likely_turns(volume):
        try:
            confidence, found = tried(turn)
        except (NoCordFoundError, ConstraintError) as error:
            refused.append(error)
        else:
            results.append((confidence, turn, found))
    if not results:
        raise refused[0]
    _, turn, found = max(results, key=lambda result: result[0])
    return turn, found


def _canonical(volume: Volume, turn: Turn, contrast: str, polarity: str) -> tuple[int, Volume]:
    """Check what was asked; polarity ordered, and the image on the canonical grid, its slices of one brightness."""
    if contrast not in CONTRASTS:
        raise InputError(f"contrast is {contrast!r}; give one of {', '.join(CONTRASTS)}")
    if polarity not in POLARITIES:
        raise InputError(f"polarity is {polarity!r}; give 'auto', 'bright' or 'dark'")
    values, notes = image_values(volume), (*volume.notes, *missing_notes(volume))
    if turn != canonical_turn(volume):
        upright = abs(volume.axes[turn.order[0]] @ CANONICAL_AXES[0])
        notes = (*notes, turned_note(float(np.degrees(np.arccos(min(upright, 1.0))))))
    image = turn.volume(replace(volume, array=values))
    evened, more = without_interleaf(image.array, image.spacing)
    return POLARITIES[polarity], replace(image, array=evened, notes=(*notes, *more))
