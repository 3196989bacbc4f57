"""Figures of a result: sections with the contour, straightened views, area along the cord, the centerline."""

from __future__ import annotations

from collections.abc import Sequence
from importlib.util import find_spec
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray
from scipy import ndimage as ndi

from cordlevelset.errors import InputError
from cordlevelset.notes import LOW_CONFIDENCE
from cordlevelset.sections.polar import ANGLES, N_ANGLES

if TYPE_CHECKING:
    from cordlevelset.measures.morphometry import SliceMeasures
    from cordlevelset.result import CordSegmentation

__all__ = ["check_drawing", "plot_area", "plot_centerline", "plot_mosaic", "plot_views", "views_size"]

LINE = "#ff3b30"
"""Colour of the contour: red is seen on grey."""
VIEW_MM = 30.0
"""Half width of the straightened views: the canal with its walls."""
SECTION_MM = 15.0
"""Half width of the sections: the thecal sac."""
STEP_MM = 0.5
"""Pixels of the views: finer than the voxels of most images."""
N_COLUMNS = 4
"""Sections side by side in the mosaic."""
FRONT = N_ANGLES * 3 // 4
"""Ray that runs to anterior."""
BACK = N_ANGLES // 4
"""Ray that runs to posterior."""
LEFT = 0
"""Ray that runs to the patient's left."""
RIGHT = N_ANGLES // 2
"""Ray that runs to the patient's right."""


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
    canonical, contours = result.automatic.image, result.contours
    _, dy, dx = canonical.spacing
    n = min(n_sections, len(contours.centers_mm))
    rows = -(-n // N_COLUMNS)
    figure = _black(figure or _new_figure("plot_mosaic", (8, 2.13 * rows)))
    panels: Any = figure.subplots(rows, N_COLUMNS, squeeze=False)
    for axes in panels.ravel():
        axes.set_axis_off()
    offset = np.arange(-SECTION_MM, SECTION_MM + STEP_MM, STEP_MM)
    turned = np.append(np.arange(len(ANGLES)), 0)  # closes the curve
    chosen = np.linspace(len(contours.centers_mm) - 1, 0, n).round().astype(int)
    for axes, p in zip(panels.ravel(), chosen, strict=False):
        k, (cy, cx) = contours.first + p, contours.centers_mm[p]
        y, x = np.meshgrid((cy + offset) / dy, (cx + offset) / dx, indexing="ij")
        tile = ndi.map_coordinates(canonical.array[k], [y, x], order=1, mode="constant")
        _show(axes, tile, (-SECTION_MM, SECTION_MM, SECTION_MM, -SECTION_MM), "upper")
        r = contours.radii_mm[p]
        axes.plot((r * np.cos(ANGLES))[turned], (r * np.sin(ANGLES))[turned], color=LINE, lw=1)
        record = result.slices[len(result.slices) - 1 - p]
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
    canonical, contours = result.automatic.image, result.contours
    dz, dy, dx = canonical.spacing
    planes = np.arange(canonical.shape[0], dtype=np.float64)
    figure = _black(figure or _new_figure("plot_views", views_size(result, 6)))
    inside = contours.first + np.arange(len(contours.centers_mm))
    cy, cx = (np.interp(planes, inside, c)[:, None] for c in contours.centers_mm.T)
    offset = np.arange(-VIEW_MM, VIEW_MM + STEP_MM, STEP_MM)[None, :]
    panels: Any = figure.subplots(1, 2)
    for axes, (y, x), (minus, plus) in (
        (panels[0], (cy + offset, cx + 0 * offset), (FRONT, BACK)),
        (panels[1], (cy + 0 * offset, cx + offset), (RIGHT, LEFT)),
    ):
        index = np.stack([np.broadcast_to(planes[:, None], y.shape), y / dy, x / dx])
        view = ndi.map_coordinates(canonical.array, index, order=1, mode="constant")
        _show(axes, view, (-VIEW_MM, VIEW_MM, -0.5 * dz, (len(planes) - 0.5) * dz), "lower")
        for sign, ray in ((-1, minus), (1, plus)):
            axes.plot(sign * contours.radii_mm[:, ray], inside * dz, color=LINE, lw=0.8)
        if contours.conus_mm is not None:
            axes.axhline(contours.conus_mm[0], color=LINE, lw=1.5, ls=":")
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
    image = result.automatic.image
    return width, width * image.shape[0] * image.spacing[0] / (4 * VIEW_MM)


def _new_figure(what: str, size: tuple[float, float]) -> Any:
    """A figure of pyplot, which notebooks and scripts show by themselves."""
    check_drawing(what)
    from matplotlib import pyplot

    return pyplot.figure(figsize=size, layout="constrained")


def _black(figure: Any) -> Any:
    figure.set_facecolor("black")
    return figure


def _show(axes: Any, picture: NDArray[Any], extent: tuple[float, ...], origin: str) -> None:
    low, high = np.percentile(picture, (1, 99.5))
    axes.imshow(picture, cmap="gray", origin=origin, extent=extent, vmin=low, vmax=high, aspect="equal")
    axes.set_axis_off()
