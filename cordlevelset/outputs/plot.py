"""Figures of a result: sections with the contour, straightened views, area along the cord, the centerline."""

from __future__ import annotations

from collections.abc import Sequence
from importlib.util import find_spec
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from cordlevelset.errors import InputError
from cordlevelset.notes import LOW_CONFIDENCE
from cordlevelset.outputs.views import VIEW_MM, View, along_the_cord, gray, height_mm, sections, tip_mm

if TYPE_CHECKING:
    from cordlevelset.measures.morphometry import SliceMeasures
    from cordlevelset.result import CordSegmentation

__all__ = ["check_drawing", "plot_area", "plot_centerline", "plot_mosaic", "plot_views", "views_size"]

LINE = "#ff3b30"
"""Colour of the contour: red is seen on grey."""
N_COLUMNS = 4
"""Sections side by side in the mosaic."""


def check_drawing(what: str) -> None:
    """Make sure that there is something to draw with, before the work.

    Parameters
    ----------
    what : str
        What is to be drawn, for the message.

    Raises
    ------
    InputError
        If matplotlib is not installed.
    """
    if find_spec("matplotlib") is None:
        raise InputError(f"{what} draws with matplotlib; install it: pip install 'cordlevelset[viz]'")


def plot_mosaic(result: CordSegmentation, *, n_sections: int = 12, figure: Any = None) -> Any:
    """Sections at even distances along the cord, top first, with the sub-voxel contour.

    Parameters
    ----------
    result : CordSegmentation
        A cord; it holds its image.
    n_sections : int
        At most; each is 30 mm wide.
    figure : matplotlib Figure or SubFigure, optional
        Where to draw. Default: a new one.

    Returns
    -------
    Figure
        Over each section its slice on the input's grid, its area, and its confidence.

    Raises
    ------
    InputError
        If matplotlib is not installed, or `n_sections` is below 1.
    """
    if n_sections < 1:
        raise InputError(f"n_sections = {n_sections}: at least one")
    tiles = sections(result, n_sections)
    rows = -(-len(tiles) // N_COLUMNS)
    figure = _black(figure or _new_figure("plot_mosaic", (8, 2.13 * rows)))
    panels: Any = figure.subplots(rows, N_COLUMNS, squeeze=False)
    for axes in panels.ravel():
        axes.set_axis_off()
    for axes, (view, record) in zip(panels.ravel(), tiles, strict=False):
        _draw(axes, view, width=1)
        title = f"slice {record.slice}, {record.area_mm2:.0f} mm², {record.confidence:.2f}"
        axes.set_title(title, fontsize=8, color="white")
    return figure


def plot_views(result: CordSegmentation, *, figure: Any = None) -> Any:
    """From the side and from the front, each plane moved so that the cord runs straight.

    Parameters
    ----------
    result : CordSegmentation
        A cord; it holds its image.
    figure : matplotlib Figure or SubFigure, optional
        Where to draw. Default: a new one.

    Returns
    -------
    Figure
        Left: back to the right. Right: the patient's left to the right. Dotted: tip of the conus.

    Raises
    ------
    InputError
        If matplotlib is not installed.
    """
    figure = _black(figure or _new_figure("plot_views", views_size(result, 6)))
    panels: Any = figure.subplots(1, 2)
    for axes, view in zip(panels, along_the_cord(result), strict=True):
        _draw(axes, view, width=0.8)
        if (tip := tip_mm(result)) is not None:
            axes.axhline(tip, color=LINE, lw=1.5, ls=":")
    return figure


def plot_area(
    measures: CordSegmentation | Sequence[SliceMeasures],
    *,
    label: str | None = None,
    color: str = LINE,
    axes: Any = None,
) -> Any:
    """Area perpendicular to the cord, slice by slice; slices of low confidence are marked.

    Parameters
    ----------
    measures : CordSegmentation or sequence of SliceMeasures
        A cord, or what `measure` gave for any mask of it.
    label : str, optional
        Name of the curve.
    color : str
        Of the curve.
    axes : matplotlib Axes, optional
        Where to draw, for instance another curve's. Default: those of a new figure.

    Returns
    -------
    Axes

    Raises
    ------
    InputError
        If matplotlib is not installed.
    """
    if axes is None:
        axes = _new_figure("plot_area", (7, 3.2)).subplots()
        axes.set(xlabel="slice along the body", ylabel="area, mm²")
    records = measures if isinstance(measures, Sequence) else measures.slices
    axes.plot([r.slice for r in records], [r.area_mm2 for r in records], color=color, label=label)
    weak = [r for r in records if r.confidence < LOW_CONFIDENCE]
    if weak:
        axes.plot([r.slice for r in weak], [r.area_mm2 for r in weak], "x", color=color, ms=4, label="weak border")
    axes.set_ylim(bottom=0)
    if label is not None or weak:
        axes.legend(frameon=False)
    return axes


def plot_centerline(result: CordSegmentation, *, figure: Any = None) -> Any:
    """The centerline on three slices of the image through its middle: from the side, from the front, from above.

    Parameters
    ----------
    result : CordSegmentation
        A cord; it holds its image.
    figure : matplotlib Figure or SubFigure, optional
        Where to draw. Default: a new one.

    Returns
    -------
    Figure
        Slices are of the image turned upright: back to the right, then the patient's left to the right, twice.

    Raises
    ------
    InputError
        If matplotlib is not installed.
    """
    canonical = result.automatic.image
    size = np.array(canonical.shape) * canonical.spacing
    widths = [size[1], size[2], size[2]]
    figure = _black(figure or _new_figure("plot_centerline", (9, 9 * size[0] / sum(widths))))
    index = canonical.to_index(result.centerline.points_mm)
    line = index * canonical.spacing
    middle = np.clip(np.rint(np.median(index, axis=0)).astype(int), 0, np.array(canonical.shape) - 1)
    panels: Any = figure.subplots(1, 3, width_ratios=widths)
    for axes, across, (vertical, horizontal) in zip(panels, (2, 1, 0), ((0, 1), (0, 2), (1, 2)), strict=True):
        half_v, half_h = canonical.spacing[vertical] / 2, canonical.spacing[horizontal] / 2
        low, high = -half_v, size[vertical] - half_v
        down = vertical == 1  # the back is below, as in an axial slice
        extent = (-half_h, size[horizontal] - half_h, *((high, low) if down else (low, high)))
        _show(axes, canonical.array.take(middle[across], axis=across), extent, "upper" if down else "lower")
        axes.plot(line[:, horizontal], line[:, vertical], color=LINE, lw=1)
    return figure


def views_size(result: CordSegmentation, width: float) -> tuple[float, float]:
    """Width and height, inches, of a figure that `plot_views` fills at one scale."""
    return width, width * height_mm(result) / (4 * VIEW_MM)


def _new_figure(what: str, size: tuple[float, float]) -> Any:
    """A figure of pyplot, which notebooks and scripts show by themselves."""
    check_drawing(what)
    from matplotlib import pyplot

    return pyplot.figure(figsize=size, layout="constrained")


def _black(figure: Any) -> Any:
    figure.set_facecolor("black")
    return figure


def _draw(axes: Any, view: View, *, width: float) -> None:
    """A view with its outline, mm from its upper left corner."""
    axes.imshow(gray(view), cmap="gray", extent=(0, view.size_mm[0], view.size_mm[1], 0), vmin=0, vmax=255)
    for line in view.lines:
        axes.plot(line[:, 0], line[:, 1], color=LINE, lw=width)
    axes.set_axis_off()


def _show(axes: Any, picture: NDArray[Any], extent: tuple[float, ...], origin: str) -> None:
    low, high = np.percentile(picture, (1, 99.5))
    axes.imshow(picture, cmap="gray", origin=origin, extent=extent, vmin=low, vmax=high, aspect="equal")
    axes.set_axis_off()
