"""The whole path, from an image to its cord."""

from __future__ import annotations

import os
from collections.abc import Callable
from dataclasses import dataclass, replace
from functools import cached_property
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray
from scipy import ndimage as ndi

from cordlevelset import straighten as st
from cordlevelset.curve import Centerline
from cordlevelset.errors import Cancelled, InputError
from cordlevelset.morphometry import SliceMeasures, input_slices, sections_of_contours, slice_measures
from cordlevelset.volume import Turn, Volume, canonical_turn, image_values

if TYPE_CHECKING:
    from cordlevelset.boundary import CordContours
    from cordlevelset.centerline import CordPath

__all__ = ["Conus", "CordSegmentation", "detect_centerline", "segment"]

CONTRASTS = {"auto": 0, "t1": 1, "t2": -1, "t2s": -1, "stir": -1, "mt": -1, "epi": -1, "dwi": 1}
"""Usual polarity of each contrast, for the note on a hint that the image contradicts."""
POLARITIES = {"auto": 0, "bright": 1, "dark": -1}
CENTERLINE_MM = 3.0
"""Gaussian sigma of the centerline along the cord: its direction is wanted, not the noise of single contours."""

SAC_SEEN = 0.5
"""Share of the sac's border on a step to the wall below which its area is not known."""

Image = Any  # path, SimpleITK.Image or Volume
Callback = Callable[["Progress"], bool | None]


@dataclass(frozen=True, slots=True)
class Progress:
    """What a callback gets.

    Attributes
    ----------
    stage : str
        Name of the running stage.
    fraction : float
        Share done of the whole, 0 to 1.
    """

    stage: str
    fraction: float


@dataclass(frozen=True, slots=True)
class Conus:
    """Tip of the conus medullaris.

    Attributes
    ----------
    tip_mm : (3,) array
        x, y, z in LPS mm.
    uncertainty_mm : float
        The tip lies within this distance along the cord.
    """

    tip_mm: NDArray[np.float64]
    uncertainty_mm: float


@dataclass(frozen=True, eq=False)
class CordSegmentation:
    """The cord of one image.

    Attributes
    ----------
    mask : Volume
        uint8 on the input's grid: 1 where at least half of the voxel is cord.
    soft_mask : Volume
        float32 on the input's grid: share of each voxel that is cord.
    centerline : Centerline
        From the top down, LPS mm.
    slices : tuple of SliceMeasures
        One record a plane, from the top down.
    polarity : str
        "bright" or "dark": the cord against the fluid around it.
    confidence : float
        0 to 1, mean over the slices.
    conus : Conus or None
        None: outside the field of view, or not visible.
    notes : tuple of str
        What was odd or weak.
    contours : CordContours
        The curves the masks come from, on the canonical grid.
    turn : Turn
        From the input's grid to the canonical one.
    """

    mask: Volume
    soft_mask: Volume
    centerline: Centerline
    slices: tuple[SliceMeasures, ...]
    polarity: str
    confidence: float
    conus: Conus | None
    notes: tuple[str, ...]
    contours: CordContours
    turn: Turn

    @cached_property
    def phi(self) -> Volume:
        """Signed distance to the cord's surface, mm, negative inside, cut off at 5 mm; made when first asked for."""
        from cordlevelset import rasterise

        grid = self.turn.volume(self.soft_mask)
        phi = rasterise.signed_distance(self.contours, shape=grid.shape, spacing=grid.spacing)
        return self.soft_mask.like(np.ascontiguousarray(self.turn.back(phi)))

    @cached_property
    def sac_mask(self) -> Volume:
        """Thecal sac along the cord, the cord included: uint8 on the input's grid; made when first asked for."""
        from cordlevelset import rasterise

        grid = self.turn.volume(self.soft_mask)
        sac = replace(self.contours, radii_mm=self.contours.sac_mm)
        soft = rasterise.occupied_fraction(sac, shape=grid.shape, spacing=grid.spacing)
        return self.soft_mask.like(np.ascontiguousarray(self.turn.back((soft >= 0.5).astype(np.uint8))))

    @property
    def length_mm(self) -> float:
        """Length of the centerline, mm."""
        return float(self.centerline.arclength_mm[-1])

    @property
    def mean_area_mm2(self) -> float:
        """Mean area perpendicular to the cord, mm2."""
        return float(np.mean([s.area_mm2 for s in self.slices]))


def segment(
    image: Image | str | os.PathLike[str],
    *,
    contrast: str = "auto",
    polarity: str = "auto",
    frame: int | None = None,
    callback: Callback | None = None,
) -> CordSegmentation:
    """Segment the spinal cord.

    Parameters
    ----------
    image : path, SimpleITK.Image or Volume
        Any orientation and spacing, at least two voxels along each axis.
    contrast : str
        A hint, never an order: "auto", "t1", "t2", "t2s", "stir", "mt", "epi", "dwi". Where the image contradicts it,
        a note says so.
    polarity : {"auto", "bright", "dark"}
        An order: the cord against the fluid around it.
    frame : int, optional
        Which volume of a 4-D series.
    callback : callable, optional
        Gets a `Progress`; returning True cancels.

    Returns
    -------
    CordSegmentation

    Raises
    ------
    NoCordFoundError
        If nothing in the image looks like a cord.
    InputError, GeometryError
        If the image cannot be worked on; the text says what to mend.
    Cancelled
        If the callback returns True.

    Examples
    --------
    >>> import cordlevelset as cls
    >>> result = cls.segment("sub-01_T2w.nii.gz")  # doctest: +SKIP
    >>> cls.write(result.mask, "sub-01_label-SC_seg.nii.gz")  # doctest: +SKIP
    """
    from cordlevelset import rasterise
    from cordlevelset.io import as_volume
    from cordlevelset.propagate import segment_path

    volume = as_volume(image, frame=frame)
    turn, canonical, path = _path(volume, contrast, polarity, callback)
    contours = segment_path(
        canonical.array,
        spacing=canonical.spacing,
        path=path,
        callback=None if callback is None else lambda share: bool(callback(Progress("border", 0.5 + 0.4 * share))),
    )
    soft = rasterise.occupied_fraction(contours, shape=canonical.shape, spacing=canonical.spacing)
    _report(callback, "rasterise", 0.95)
    centerline = _centerline(canonical, contours, path.polarity)
    slices = slice_measures(
        sections_of_contours(contours.first, contours.centers_mm, contours.radii_mm),
        plane_mm=canonical.spacing[0],
        confidence=contours.confidence,
        slice_of_plane=input_slices(turn, canonical),
        sac_mm2=np.where(contours.sac_support >= SAC_SEEN, st.polygon_area(contours.sac_mm), np.nan),
    )

    def on_input(array: NDArray[Any]) -> Volume:
        return volume.like(np.ascontiguousarray(turn.back(array)))

    tip = None if contours.conus_mm is None else canonical.to_lps(contours.conus_mm / canonical.spacing)
    _report(callback, "done", 1.0)
    return CordSegmentation(
        mask=on_input((soft >= 0.5).astype(np.uint8)),
        soft_mask=on_input(soft),
        centerline=centerline,
        slices=slices,
        polarity=centerline.polarity,
        confidence=float(contours.confidence.mean()),
        conus=None if tip is None else Conus(tip, contours.conus_uncertainty_mm),
        notes=(*volume.notes, *contours.notes, *_hint_notes(contrast, path.polarity)),
        contours=contours,
        turn=turn,
    )


def detect_centerline(
    image: Image | str | os.PathLike[str],
    *,
    contrast: str = "auto",
    polarity: str = "auto",
    frame: int | None = None,
    callback: Callback | None = None,
) -> Centerline:
    """Find the middle of the cord from its upper end in the image to its lower one.

    Parameters
    ----------
    image : path, SimpleITK.Image or Volume
        Any orientation and spacing.
    contrast : str
        A hint, as in `segment`.
    polarity : {"auto", "bright", "dark"}
        An order.
    frame : int, optional
        Which volume of a 4-D series.
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
    from cordlevelset.io import as_volume
    from cordlevelset.propagate import follow_path

    _, canonical, path = _path(as_volume(image, frame=frame), contrast, polarity, callback)
    _report(callback, "border", 0.5)
    contours = follow_path(canonical.array, spacing=canonical.spacing, path=path)
    return _centerline(canonical, contours, path.polarity)


def _path(volume: Volume, contrast: str, polarity: str, callback: Callback | None) -> tuple[Turn, Volume, CordPath]:
    """Check what was asked and find the cord on the canonical grid."""
    from cordlevelset.centerline import find_cord

    if contrast not in CONTRASTS:
        raise InputError(f"contrast is {contrast!r}; give one of {', '.join(CONTRASTS)}")
    if polarity not in POLARITIES:
        raise InputError(f"polarity is {polarity!r}; give 'auto', 'bright' or 'dark'")
    turn = canonical_turn(volume)
    canonical = turn.volume(volume.like(image_values(volume)))
    _report(callback, "centerline", 0.05)
    return turn, canonical, find_cord(canonical.array, spacing=canonical.spacing, polarity=POLARITIES[polarity])


def _report(callback: Callback | None, stage: str, fraction: float) -> None:
    if callback is not None and callback(Progress(stage, fraction)):
        raise Cancelled(f"cancelled by the caller before {stage}")


def _centerline(canonical: Volume, contours: CordContours, polarity: int) -> Centerline:
    """Smoothed centroids of the contours, in LPS mm, from the top down."""
    middle = contours.centers_mm + st.centroid_shift(contours.radii_mm)
    if canonical.spacing[0] < 2 * CENTERLINE_MM:
        middle = ndi.gaussian_filter1d(middle, CENTERLINE_MM / canonical.spacing[0], axis=0, mode="nearest")
    planes = contours.first + np.arange(len(middle), dtype=np.float64)
    points = canonical.to_lps(np.column_stack([planes, middle / np.array(canonical.spacing[1:])]))
    radius = np.sqrt(st.polygon_area(contours.radii_mm) / np.pi)
    return Centerline(
        points[::-1].copy(),
        radius[::-1].copy(),
        "bright" if polarity > 0 else "dark",
        contours.confidence[::-1].copy(),
    )


def _hint_notes(contrast: str, polarity: int) -> tuple[str, ...]:
    expected = CONTRASTS[contrast]
    if expected in (0, polarity):
        return ()
    return (
        f"the hint contrast={contrast} suggests a {'bright' if expected > 0 else 'dark'} cord, "
        "the image shows the opposite",
    )
