"""The result: masks, centerline and measures made from contours, and from corrected ones."""

from __future__ import annotations

from dataclasses import dataclass, replace
from functools import cached_property
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray
from scipy import ndimage as ndi

from cordlevelset.automatic import AutomaticResult, find_and_outline
from cordlevelset.brief import one_line
from cordlevelset.correction.constraints import Constraints, fits
from cordlevelset.correction.given import as_given, read_constraints
from cordlevelset.curve import Centerline
from cordlevelset.measures.morphometry import SliceMeasures, input_slices, sections_of_contours, slice_measures
from cordlevelset.notes import hint_notes, weak_notes
from cordlevelset.progress import Callback, report
from cordlevelset.sections import polar
from cordlevelset.sections.contours import CordContours
from cordlevelset.volume import Turn, Volume

if TYPE_CHECKING:
    from cordlevelset.levels.column import Levels
    from cordlevelset.levels.find import ToldDisc
    from cordlevelset.measures.surface import Surface

__all__ = ["Conus", "CordSegmentation", "centerline_of", "result_of"]

CENTERLINE_MM = 3.0
"""Gaussian sigma of the centerline along the cord: its direction is wanted, not the noise of single contours."""

SAC_SEEN = 0.5
"""Share of the sac's border on a step to the wall below which its area is not known."""


@dataclass(frozen=True, slots=True)
class Conus:
    """Tip of the conus medullaris.

    Attributes
    ----------
    tip_mm : (3,) array
        x, y, z in LPS mm.
    uncertainty_mm : float
        The tip is expected within this distance along the cord, above or below; 10 mm at least. Half a slice if
        `bottom` was given.
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
        "bright" or "dark": the cord against the CSF around it.
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
    automatic : AutomaticResult
        What the result was made from; `corrected` starts from it.
    disc : ToldDisc or None
        A disc that is known: `levels` are counted from it.
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
    automatic: AutomaticResult
    disc: ToldDisc | None = None

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
        soft = rasterise.partial_volume_fraction(sac, shape=grid.shape, spacing=grid.spacing)
        return self.soft_mask.like(np.ascontiguousarray(self.turn.back((soft >= 0.5).astype(np.uint8))))

    @cached_property
    def surface(self) -> Surface:
        """Closed surface of the cord, LPS mm, from the contours; made when first asked for."""
        from cordlevelset.measures.surface import surface_of

        return surface_of(self.contours, self.turn.volume(self.soft_mask))

    @cached_property
    def levels(self) -> Levels | None:
        """Vertebral levels, or None where no discs are seen; made when first asked for."""
        from cordlevelset.levels.find import find_levels

        tip = None if self.conus is None else self.conus.tip_mm
        return find_levels(self.automatic.image, self.contours, self.automatic.polarity, conus_mm=tip, told=self.disc)

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
        bottom: Any = None,
        top: Any = None,
        label: int | str | None = None,
        callback: Callback | None = None,
    ) -> CordSegmentation:
        """The result after a correction; this one stays as it is.

        Only slices near changed seeds (10 mm) and contours (30 mm, or up to the next drawn slice) are worked on again,
        and all others stay bit for bit. If what was given shows that the path missed the cord, or lies beyond its
        ends, and whenever `centerline`, `initial`, `bottom` or `top` are given, the cord is sought again.

        Parameters
        ----------
        centerline, seeds, contours, initial, bottom, top : optional
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
        changes = as_given(centerline, seeds, contours, initial, label, bottom, top)
        before = replace(self.automatic, given=self.automatic.given.changed(changes))
        known = read_constraints(self.mask, self.turn, before.given)
        if changes.moves_path or not fits(before.contours, known, before.image.spacing):
            before = find_and_outline(before.image, before.contrast, before.order, before.given, known, callback)
        return result_of(self.mask, self.turn, before, known, callback)


def result_of(
    grid: Volume, turn: Turn, automatic: AutomaticResult, known: Constraints | None, callback: Callback | None
) -> CordSegmentation:
    """From the automatic contours to what is given back: corrected, as voxels on the input's grid, and measured."""
    canonical = automatic.image
    contours = _honoured(automatic, known)
    shares = _soft_mask(contours, turn, grid.shape, canonical.spacing, known)
    soft = grid.like(np.ascontiguousarray(turn.back(shares)))
    report(callback, "rasterise", 0.95)
    centerline = centerline_of(canonical, contours, automatic.polarity)
    slices = _measures(contours, canonical, turn)
    notes = _notes(automatic, contours, centerline, slices)
    report(callback, "done", 1.0)

    return CordSegmentation(
        mask=grid.like((soft.array >= 0.5).view(np.uint8)),
        soft_mask=soft,
        centerline=centerline,
        slices=slices,
        polarity=centerline.polarity,
        confidence=contours.whole_confidence,
        conus=_conus(contours, canonical, known),
        notes=notes,
        contours=contours,
        turn=turn,
        automatic=automatic,
    )


def _honoured(automatic: AutomaticResult, known: Constraints | None) -> CordContours:
    """The automatic contours, displaced by what the user knows."""
    from cordlevelset.correction.displace import corrected_contours

    if known is None:
        return automatic.contours
    return corrected_contours(
        automatic.image.array,
        spacing=automatic.image.spacing,
        automatic=automatic.contours,
        polarity=automatic.polarity,
        given=known,
    )


def _soft_mask(
    contours: CordContours,
    turn: Turn,
    shape: tuple[int, int, int],
    spacing: tuple[float, float, float],
    known: Constraints | None,
) -> NDArray[np.float32]:
    """Share of each voxel that is cord, on the side of one half that the user gave: an array of the input's, turned."""
    from cordlevelset.border.rasterise import partial_volume_fraction
    from cordlevelset.correction.displace import hold_voxels

    empty = turn.array(np.zeros(shape, np.float32))
    soft = partial_volume_fraction(contours, shape=empty.shape, spacing=spacing, out=empty)
    return soft if known is None else hold_voxels(soft, known)


def _measures(contours: CordContours, canonical: Volume, turn: Turn) -> tuple[SliceMeasures, ...]:
    """One record a plane, from the top down."""
    return slice_measures(
        sections_of_contours(contours.first, contours.centers_mm, contours.radii_mm),
        plane_mm=canonical.spacing[0],
        confidence=contours.confidence,
        slice_of_plane=input_slices(turn, canonical),
        sac_mm2=np.where(contours.sac_support >= SAC_SEEN, polar.polygon_area(contours.sac_mm), np.nan),
    )


def _conus(contours: CordContours, canonical: Volume, known: Constraints | None) -> Conus | None:
    """Tip of the conus in LPS mm, where it is seen or was told."""
    if contours.conus_mm is None:
        return None
    told = known is not None and known.bottom_mm is not None
    within = canonical.spacing[0] / 2 if told else contours.conus_uncertainty_mm
    return Conus(canonical.to_lps(contours.conus_mm / canonical.spacing), within)


def _notes(
    automatic: AutomaticResult, contours: CordContours, centerline: Centerline, slices: tuple[SliceMeasures, ...]
) -> tuple[str, ...]:
    """What was odd in the file, what is weak in the result, and whether the hint was right."""
    weak = weak_notes(centerline.confidence, np.array([s.slice for s in slices]), centerline.points_mm[:, 2])
    hint = hint_notes(automatic.contrast, automatic.polarity)
    return (*automatic.image.notes, *contours.notes, *weak, *hint)


def centerline_of(canonical: Volume, contours: CordContours, polarity: int) -> Centerline:
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
