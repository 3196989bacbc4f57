"""The whole path, from an image to its cord."""

from __future__ import annotations

import os
from dataclasses import dataclass, replace
from functools import cached_property
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray
from scipy import ndimage as ndi

from cordlevelset.automatic import Draft, make_draft
from cordlevelset.brief import one_line
from cordlevelset.correction.constraints import Constraints, fits
from cordlevelset.correction.given import as_given, read_constraints
from cordlevelset.curve import Centerline
from cordlevelset.errors import InputError
from cordlevelset.measures.morphometry import SliceMeasures, input_slices, sections_of_contours, slice_measures
from cordlevelset.notes import CONTRASTS, hint_notes, weak_notes
from cordlevelset.progress import Callback, report
from cordlevelset.sections import polar
from cordlevelset.volume import Turn, Volume, canonical_turn, image_values

if TYPE_CHECKING:
    from cordlevelset.measures.surface import Surface
    from cordlevelset.sections.boundary import CordContours

__all__ = ["Conus", "CordSegmentation", "detect_centerline", "segment"]

POLARITIES = {"auto": 0, "bright": 1, "dark": -1}
CENTERLINE_MM = 3.0
"""Gaussian sigma of the centerline along the cord: its direction is wanted, not the noise of single contours."""

SAC_SEEN = 0.5
"""Share of the sac's border on a step to the wall below which its area is not known."""

Image = Any  # path, SimpleITK.Image or Volume


@dataclass(frozen=True, slots=True)
class Conus:
    """Tip of the conus medullaris.

    Attributes
    ----------
    tip_mm : (3,) array
        x, y, z in LPS mm.
    uncertainty_mm : float
        The tip is expected within this distance along the cord, above or below; 5 mm at least, as two readers differ.
    """

    tip_mm: NDArray[np.float64]
    uncertainty_mm: float

    __repr__ = one_line


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
        0 to 1, mean over the slices; look at any result under 0.3.
    conus : Conus or None
        None: outside the field of view, or not visible; `conus_state` tells which.
    notes : tuple of str
        What was odd or weak, a sentence each; empty if nothing was.
    contours : CordContours
        The curves the masks come from, on the canonical grid.
    turn : Turn
        From the input's grid to the canonical one.
    draft : Draft
        What the result was made from; `corrected` needs it.
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
    draft: Draft

    @cached_property
    def phi(self) -> Volume:
        """Signed distance to the cord's surface, mm, negative inside, cut off at 5 mm; made when first asked for."""
        from cordlevelset.border import rasterise

        grid = self.turn.volume(self.soft_mask)
        phi = rasterise.signed_distance(self.contours, shape=grid.shape, spacing=grid.spacing)
        return self.soft_mask.like(np.ascontiguousarray(self.turn.back(phi)))

    @cached_property
    def sac_mask(self) -> Volume:
        """Thecal sac along the cord, the cord included: uint8 on the input's grid; made when first asked for."""
        from cordlevelset.border import rasterise

        grid = self.turn.volume(self.soft_mask)
        sac = replace(self.contours, radii_mm=self.contours.sac_mm)
        soft = rasterise.occupied_fraction(sac, shape=grid.shape, spacing=grid.spacing)
        return self.soft_mask.like(np.ascontiguousarray(self.turn.back((soft >= 0.5).astype(np.uint8))))

    @cached_property
    def surface(self) -> Surface:
        """Closed surface of the cord, LPS mm, from the contours; made when first asked for."""
        from cordlevelset.measures.surface import surface_of

        return surface_of(self.contours, self.turn.volume(self.soft_mask))

    @property
    def conus_state(self) -> str:
        """One word: "seen", "outside" (the cord leaves the image below), "unclear" (it fades, or is lost)."""
        return self.contours.conus_state

    @property
    def length_mm(self) -> float:
        """Length of the centerline, mm."""
        return float(self.centerline.arclength_mm[-1])

    @property
    def mean_area_mm2(self) -> float:
        """Mean area perpendicular to the cord, mm2."""
        return float(np.mean([s.area_mm2 for s in self.slices]))

    @property
    def volume_mm3(self) -> float:
        """Volume of the cord, the soft mask's, mm3."""
        return float(self.soft_mask.array.sum(dtype=np.float64) * np.prod(self.soft_mask.spacing))

    def __repr__(self) -> str:
        """What a terminal shows: one line."""
        return (
            f"CordSegmentation({self.polarity} cord, {len(self.slices)} slices, {self.length_mm:.0f} mm, "
            f"mean area {self.mean_area_mm2:.1f} mm2, confidence {self.confidence:.2f}, conus {self.conus_state}, "
            f"{len(self.notes)} notes)"
        )

    def _repr_html_(self) -> str:
        """What notebooks show."""
        from cordlevelset.outputs.page import notebook_card

        return notebook_card(self)

    def corrected(
        self,
        *,
        centerline: Any = None,
        seeds: Any = None,
        contours: Any = None,
        initial: Any = None,
        label: int | str | None = None,
        callback: Callback | None = None,
    ) -> CordSegmentation:
        """The result after a correction; this one stays as it is.

        Only slices near changed seeds (10 mm) and contours (30 mm, or up to the next drawn slice) are worked on again,
        and all others stay bit for bit. If what was given shows that the path missed the cord, or lies beyond its
        ends, and whenever `centerline` or `initial` are given, the cord is sought again.

        Parameters
        ----------
        centerline, seeds, contours, initial : optional
            As in `segment`. Each replaces what was given under this name before; None leaves it as it is.
        label : int or str, optional
            As in `segment`, of the masks given now.
        callback : callable, optional
            Gets a `Progress`; returning True cancels.

        Returns
        -------
        CordSegmentation

        Raises
        ------
        ConstraintError
            As in `segment`.
        Cancelled
            If the callback returns True.
        """
        changes = as_given(centerline, seeds, contours, initial, label)
        draft = replace(self.draft, given=self.draft.given.changed(changes))
        constraints = read_constraints(self.mask, self.turn, draft.given)
        if changes.moves_path or not fits(draft.automatic, constraints, draft.image.spacing):
            draft = make_draft(draft.image, draft.contrast, draft.order, draft.given, constraints, callback)
        return _result(self.mask, self.turn, draft, constraints, callback)


def segment(
    image: Image | str | os.PathLike[str],
    *,
    contrast: str = "auto",
    polarity: str = "auto",
    frame: int | None = None,
    centerline: Any = None,
    seeds: Any = None,
    contours: Any = None,
    initial: Any = None,
    label: int | str | None = None,
    callback: Callback | None = None,
) -> CordSegmentation:
    """Segment the spinal cord.

    Where the cord is, whether it is brighter or darker than the fluid, and where it ends are found out from the image;
    `centerline`, `seeds`, `contours` and `initial` are for when that goes wrong, and may be combined.

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
        If the image cannot be worked on; the text says what to mend.
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

    volume = as_volume(image, frame=frame)
    given = as_given(centerline, seeds, contours, initial, label)
    order, turn, canonical = _canonical(volume, contrast, polarity)
    constraints = read_constraints(volume, turn, given)
    draft = make_draft(canonical, contrast, order, given, constraints, callback)
    return _result(volume, turn, draft, constraints, callback)


def _result(
    grid: Volume, turn: Turn, draft: Draft, constraints: Constraints | None, callback: Callback | None
) -> CordSegmentation:
    """Correct the contours and bring them to the input's grid."""
    from cordlevelset.border import rasterise
    from cordlevelset.correction.displace import corrected_contours, hold_voxels

    canonical, contours = draft.image, draft.automatic
    if constraints is not None:
        contours = corrected_contours(
            canonical.array, spacing=canonical.spacing, automatic=contours, polarity=draft.polarity, given=constraints
        )
    soft = rasterise.occupied_fraction(contours, shape=canonical.shape, spacing=canonical.spacing)
    if constraints is not None:
        soft = hold_voxels(soft, constraints)
    report(callback, "rasterise", 0.95)
    centerline = _centerline(canonical, contours, draft.polarity)
    slices = slice_measures(
        sections_of_contours(contours.first, contours.centers_mm, contours.radii_mm),
        plane_mm=canonical.spacing[0],
        confidence=contours.confidence,
        slice_of_plane=input_slices(turn, canonical),
        sac_mm2=np.where(contours.sac_support >= SAC_SEEN, polar.polygon_area(contours.sac_mm), np.nan),
    )

    def on_input(array: NDArray[Any]) -> Volume:
        return grid.like(np.ascontiguousarray(turn.back(array)))

    weak = weak_notes(centerline.confidence, np.array([s.slice for s in slices]), centerline.points_mm[:, 2])
    tip = None if contours.conus_mm is None else canonical.to_lps(contours.conus_mm / canonical.spacing)
    report(callback, "done", 1.0)
    return CordSegmentation(
        mask=on_input((soft >= 0.5).astype(np.uint8)),
        soft_mask=on_input(soft),
        centerline=centerline,
        slices=slices,
        polarity=centerline.polarity,
        confidence=float(contours.confidence.mean()),
        conus=None if tip is None else Conus(tip, contours.conus_uncertainty_mm),
        notes=(*canonical.notes, *contours.notes, *weak, *hint_notes(draft.contrast, draft.polarity)),
        contours=contours,
        turn=turn,
        draft=draft,
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
        A hint, as in `segment`; it changes nothing here.
    polarity : {"auto", "bright", "dark"}
        An order: the cord against the fluid around it.
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
    from cordlevelset.border.propagate import follow_path
    from cordlevelset.detection.finder import find_cord
    from cordlevelset.io.images import as_volume

    order, _, image = _canonical(as_volume(image, frame=frame), contrast, polarity)
    report(callback, "centerline", 0.05)
    path = find_cord(image.array, spacing=image.spacing, polarity=order)
    report(callback, "border", 0.5)
    contours = follow_path(image.array, spacing=image.spacing, path=path)
    return _centerline(image, contours, path.polarity)


def _canonical(volume: Volume, contrast: str, polarity: str) -> tuple[int, Turn, Volume]:
    """Check what was asked; polarity ordered, and the image turned to the canonical grid."""
    if contrast not in CONTRASTS:
        raise InputError(f"contrast is {contrast!r}; give one of {', '.join(CONTRASTS)}")
    if polarity not in POLARITIES:
        raise InputError(f"polarity is {polarity!r}; give 'auto', 'bright' or 'dark'")
    turn = canonical_turn(volume)
    return POLARITIES[polarity], turn, turn.volume(replace(volume, array=image_values(volume)))


def _centerline(canonical: Volume, contours: CordContours, polarity: int) -> Centerline:
    """Smoothed centroids of the contours, in LPS mm, from the top down."""
    middle = contours.centers_mm + polar.centroid_shift(contours.radii_mm)
    if canonical.spacing[0] < 2 * CENTERLINE_MM:
        middle = ndi.gaussian_filter1d(middle, CENTERLINE_MM / canonical.spacing[0], axis=0, mode="nearest")
    planes = contours.first + np.arange(len(middle), dtype=np.float64)
    points = canonical.to_lps(np.column_stack([planes, middle / np.array(canonical.spacing[1:])]))
    radius = np.sqrt(polar.polygon_area(contours.radii_mm) / np.pi)
    return Centerline(
        points[::-1].copy(),
        radius[::-1].copy(),
        "bright" if polarity > 0 else "dark",
        contours.confidence[::-1].copy(),
    )
