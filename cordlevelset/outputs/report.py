"""A picture of a result: the cord's outline on the image, from the side and across, and its area along the body."""

from __future__ import annotations

import os
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from cordlevelset.io.files import whole_or_nothing
from cordlevelset.measures.morphometry import measure
from cordlevelset.volume import Volume, image_values

if TYPE_CHECKING:
    from cordlevelset.result import CordSegmentation

__all__ = ["draw"]

OURS = "#ff3b30"
"""Colour of the result's contour: red."""
TRUTH = "#34c759"
"""Colour of the reference's contour: green."""
PANEL_MM = 20.0
"""Half the side of the sections shown: the canal and its walls."""
N_SECTIONS = 6
"""Sections shown: neck to conus on one line."""


def draw(
    image: Volume, result: CordSegmentation, path: str | os.PathLike[str], *, reference: Volume | None = None
) -> None:
    """Write a picture of a segmentation.

    Parameters
    ----------
    image : Volume
        What was segmented.
    result : CordSegmentation
        Its cord.
    path : path
        Ends in .png.
    reference : Volume, optional
        Soft mask on the same grid, drawn in green beside.

    Raises
    ------
    InputError
        If the file cannot be written.
    """
    from matplotlib.figure import Figure  # no pyplot: no state shared with the caller's own figures

    canonical = result.turn.volume(image)
    values = image_values(canonical)
    masks = [(result.turn.volume(result.soft_mask).array, OURS)]
    if reference is not None:
        masks.insert(0, (result.turn.volume(reference).array, TRUTH))
    limits = (float(np.percentile(values, 1)), float(np.percentile(values, 99.5)))
    figure = Figure(figsize=(13, 7), layout="constrained")
    parts: Any = figure.subfigures(1, 3, width_ratios=(4.2, 4, 4))
    side, middle, right = parts
    _from_the_side(side.subplots(), result, canonical, masks, limits)
    _across(middle.subplots(N_SECTIONS // 2, 2), result, canonical, masks, limits)
    _area(right.subplots(), result, reference)
    with whole_or_nothing([path]) as (draft,):
        figure.savefig(draft, dpi=90, metadata={"Software": None, "Description": repr(result)})


def _from_the_side(axes: Any, result: CordSegmentation, canonical: Volume, masks: Any, limits: Any) -> None:
    """Sagittal picture that follows the cord: in each plane the column of its middle, beyond them the end's."""
    contours = result.contours
    planes = np.arange(canonical.shape[0])
    middle = np.interp(planes, contours.first + np.arange(len(contours.centers_mm)), contours.centers_mm[:, 1])
    column = np.clip(np.rint(middle / canonical.spacing[2]).astype(int), 0, canonical.shape[2] - 1)

    def followed(array: NDArray[Any]) -> NDArray[Any]:
        return np.take_along_axis(array, column[:, None, None], axis=2)[:, :, 0]

    height, depth = canonical.shape[0] * canonical.spacing[0], canonical.shape[1] * canonical.spacing[1]
    _panel(axes, followed(canonical.array), [(followed(m), c) for m, c in masks], (height, depth), limits, "lower")
    if result.conus is not None and contours.conus_mm is not None:
        axes.axhline(contours.conus_mm[0], color=OURS, lw=0.7, ls=":")
        axes.text(3, contours.conus_mm[0] + 2, "tip of the conus", color=OURS, fontsize=8)
    axes.set_title(f"cord {result.polarity} against the CSF, confidence {result.confidence:.2f}", fontsize=9)


def _across(panels: Any, result: CordSegmentation, canonical: Volume, masks: Any, limits: Any) -> None:
    """Sections at even distances along the cord, top first."""
    contours, (_, dy, dx) = result.contours, canonical.spacing
    chosen = np.linspace(len(contours.centers_mm) - 1, 0, N_SECTIONS).round().astype(int)
    for axes, p in zip(panels.ravel(), chosen, strict=True):
        k, (y, x) = contours.first + p, contours.centers_mm[p]
        rows = slice(max(0, round((y - PANEL_MM) / dy)), round((y + PANEL_MM) / dy) + 1)
        columns = slice(max(0, round((x - PANEL_MM) / dx)), round((x + PANEL_MM) / dx) + 1)
        tile = canonical.array[k, rows, columns]
        size = (tile.shape[0] * dy, tile.shape[1] * dx)
        _panel(axes, tile, [(m[k, rows, columns], c) for m, c in masks], size, limits, "upper")
        axes.set_title(f"{k * canonical.spacing[0]:.0f} mm", fontsize=8)


def _panel(axes: Any, picture: NDArray[Any], outlines: Any, size_mm: Any, limits: Any, origin: str) -> None:
    """One picture in mm with the lines of half occupancy."""
    height, width = size_mm
    extent = (0, width, 0, height) if origin == "lower" else (0, width, height, 0)
    axes.imshow(picture, cmap="gray", origin=origin, extent=extent, vmin=limits[0], vmax=limits[1], aspect="equal")
    y, x = ((np.arange(n) + 0.5) * mm / n for n, mm in zip(picture.shape, size_mm, strict=True))
    for mask, color in outlines:
        if mask.max() > 0.5 > mask.min():
            axes.contour(x, y, mask, [0.5], colors=color, linewidths=0.9)
    axes.set_axis_off()


def _area(axes: Any, result: CordSegmentation, reference: Volume | None) -> None:
    height = {record.slice: -z for record, z in zip(result.slices, result.centerline.arclength_mm, strict=True)}
    if reference is not None:
        truth = [(record.area_mm2, height[record.slice]) for record in measure(reference) if record.slice in height]
        axes.plot(*zip(*truth, strict=True), color=TRUTH, label="truth")
    axes.plot([record.area_mm2 for record in result.slices], list(height.values()), color=OURS, label="found")
    axes.set_xlim(left=0)
    axes.set_xlabel("area perpendicular to the cord, mm²")
    axes.set_ylabel("from its upper end in the image, mm")
    axes.legend(frameon=False)
    axes.spines[["top", "right"]].set_visible(False)
