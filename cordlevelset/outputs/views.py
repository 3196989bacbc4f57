"""Planes to judge a result by, in mm, with its outline: along the cord from the side and the front, and across it."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray
from scipy import ndimage as ndi

from cordlevelset.sections.polar import ANGLES, N_ANGLES
from cordlevelset.volume import Volume, canonical_turn, image_values

if TYPE_CHECKING:
    from cordlevelset.measures.morphometry import SliceMeasures
    from cordlevelset.result import CordSegmentation

__all__ = ["VIEW_MM", "View", "along_the_cord", "gray", "height_mm", "sections", "through_the_middle", "tip_mm"]

VIEW_MM = 30.0
"""Half width of the views along the cord: the canal with its walls."""
SECTION_MM = 15.0
"""Half width of the sections: the thecal sac."""
STEP_MM = 0.5
"""Pixels of the views: finer than the voxels of most images."""
SAC_MM = 4.0
"""Depth of the CSF around the cord: with it both sides of the border are in the range shown, and fat is not."""
BLACK_PERCENT = 1.0
"""Share of the picture that is black: air and bone keep their place, single dark voxels do not set the range."""
WHITE_PERCENT = 99.5
"""Share of cord and sac below white: fat does not darken the cord, single bright voxels do not set the range."""
FRONT = N_ANGLES * 3 // 4
"""Ray that runs to anterior."""
BACK = N_ANGLES // 4
"""Ray that runs to posterior."""
LEFT = 0
"""Ray that runs to the patient's left."""
RIGHT = N_ANGLES // 2
"""Ray that runs to the patient's right."""


@dataclass(frozen=True, eq=False)
class View:
    """A plane through the image and the cord's outline in it.

    Attributes
    ----------
    picture : (H, W) array
        Brightness, the first row on top.
    size_mm : tuple of float
        Width and height of the picture.
    lines : tuple of (N, 2) array
        The outline: x to the right and y down from the upper left corner, mm.
    """

    picture: NDArray[np.float64]
    size_mm: tuple[float, float]
    lines: tuple[NDArray[np.float64], ...]


def height_mm(result: CordSegmentation) -> float:
    """Height of the views along the cord: all planes of the image, the axis that runs along the cord."""
    image = result.automatic.image
    return float(image.shape[0] * image.spacing[0])


def tip_mm(result: CordSegmentation) -> float | None:
    """Depth of the conus tip below the upper edge of the views; None without one."""
    tip = result.contours.conus_mm
    return None if tip is None else height_mm(result) - float(tip[0]) - result.automatic.image.spacing[0] / 2


def along_the_cord(
    result: CordSegmentation, *, half_mm: float = VIEW_MM, step_mm: float = STEP_MM, straight: bool = True
) -> tuple[View, View]:
    """Planes from the side and from the front that follow the cord; beyond its ends they go on where it ended.

    Parameters
    ----------
    result : CordSegmentation
        A cord; it holds its image.
    half_mm : float
        Half the width of a view.
    step_mm : float
        Width of a pixel, and its height where planes are thinner.
    straight : bool
        Move each plane so that the cord runs straight; else it keeps its curve in the view's own plane.

    Returns
    -------
    tuple of View
        From the side, the back to the right; from the front, the patient's left to the right.
    """
    canonical, contours = result.automatic.image, result.contours
    dz, dy, dx = canonical.spacing
    n = len(contours.centers_mm)
    total = height_mm(result)
    inside = contours.first + np.arange(n, dtype=np.float64)
    step = max(dz, step_mm)
    planes = (total - step * (np.arange(round(total / step)) + 0.5)) / dz - 0.5  # from the top down
    offset = _pixels(half_mm, step_mm)
    cy, cx = (np.interp(planes, inside, c)[:, None] for c in contours.centers_mm.T)
    views = []
    for across, (minus, plus) in enumerate(((FRONT, BACK), (RIGHT, LEFT))):
        middle = contours.centers_mm[:, across]
        origin = middle if straight else np.full(n, (middle.min() + middle.max()) / 2)
        shifted = np.interp(planes, inside, origin)[:, None] + offset
        y, x = (shifted, cx) if across == 0 else (cy, shifted)
        index = np.stack(np.broadcast_arrays(planes[:, None], y / dy, x / dx))
        picture = ndi.map_coordinates(canonical.array, index, order=1, mode="constant", output=np.float64)
        down = total - (inside + 0.5) * dz
        sides = ((-1.0, minus), (1.0, plus))
        lines = tuple(
            np.column_stack([middle - origin + half_mm + sign * contours.radii_mm[:, ray], down]) for sign, ray in sides
        )
        views.append(View(picture, (2 * half_mm, total), lines))
    return views[0], views[1]


def through_the_middle(image: Volume, *, step_mm: float = STEP_MM) -> tuple[View, View, View]:
    """Planes from the side, from the front and across, through the middle of an image in which no cord was found.

    Parameters
    ----------
    image : Volume
        On its own grid.
    step_mm : float
        Width of a pixel where the image's own are finer.

    Returns
    -------
    tuple of View
        Without lines; the sides as in `along_the_cord` and `sections`.
    """
    canonical = canonical_turn(image).volume(image)
    values = image_values(canonical)
    every = [max(1, int(step_mm / spacing)) for spacing in canonical.spacing]
    height, *widths = np.array(canonical.shape) * canonical.spacing
    views = []
    for across, width in zip((1, 2), widths, strict=True):
        plane = values.take(values.shape[3 - across] // 2, axis=3 - across)
        views.append(View(plane[:: -every[0], :: every[across]].astype(np.float64), (float(width), float(height)), ()))
    plane, (depth, width) = values[len(values) // 2], widths
    section = View(plane[:: every[1], :: every[2]].astype(np.float64), (float(width), float(depth)), ())
    return views[0], views[1], section


def sections(result: CordSegmentation, n_sections: int) -> list[tuple[View, SliceMeasures]]:
    """Sections at even distances along the cord, top first, with what was measured there.

    Parameters
    ----------
    result : CordSegmentation
        A cord; it holds its image.
    n_sections : int
        At most.

    Returns
    -------
    list of (View, SliceMeasures)
        The front on top, the patient's left to the right.
    """
    canonical, contours = result.automatic.image, result.contours
    _, dy, dx = canonical.spacing
    n = len(contours.centers_mm)
    offset = _pixels(SECTION_MM, STEP_MM)
    turned = np.append(np.arange(len(ANGLES)), 0)  # closes the curve
    found = []
    for p in np.linspace(n - 1, 0, min(n_sections, n)).round().astype(int):
        cy, cx = contours.centers_mm[p]
        y, x = np.meshgrid((cy + offset) / dy, (cx + offset) / dx, indexing="ij")
        plane = canonical.array[contours.first + p]
        tile = ndi.map_coordinates(plane, [y, x], order=1, mode="constant", output=np.float64)
        r = contours.radii_mm[p]
        line = np.column_stack([r * np.cos(ANGLES), r * np.sin(ANGLES)])[turned] + SECTION_MM
        view = View(tile, (2 * SECTION_MM, 2 * SECTION_MM), (line,))
        found.append((view, result.slices[n - 1 - p]))
    return found


def _pixels(half_mm: float, step_mm: float) -> NDArray[np.float64]:
    """Middles of the pixels from -`half_mm` to `half_mm`."""
    n = round(2 * half_mm / step_mm)
    return (np.arange(n, dtype=np.float64) + 0.5) * (2 * half_mm / n) - half_mm


def gray(view: View) -> NDArray[np.uint8]:
    """Brightness of a view as 0 to 255: black is set by the picture, white by cord and sac, percentiles."""
    low, high = (
        np.percentile(view.picture, BLACK_PERCENT),
        np.percentile(view.picture[_near_the_cord(view)], WHITE_PERCENT),
    )
    scaled = (view.picture - low) / max(high - low, np.finfo(np.float64).tiny)
    shown: NDArray[np.uint8] = (255 * np.clip(scaled, 0, 1) + 0.5).astype(np.uint8)
    return shown


def _near_the_cord(view: View) -> NDArray[np.bool_]:
    """Pixels inside the outline or within `SAC_MM` of it; all of them where there is none."""
    height, width = view.picture.shape
    if not view.lines:
        return np.ones((height, width), dtype=np.bool_)
    x, y = ((np.arange(n) + 0.5) * mm / n for n, mm in zip((width, height), view.size_mm, strict=True))
    points = np.concatenate(view.lines)
    (left, top), (right, bottom) = points.min(0), points.max(0)
    if len(view.lines) == 2:  # of a view along the cord, from the lowest plane up
        left, right = (np.interp(y, *line[::-1, ::-1].T)[:, None] for line in view.lines)
    rows = (y > top - SAC_MM) & (y < bottom + SAC_MM)
    near: NDArray[np.bool_] = rows[:, None] & (x > left - SAC_MM) & (x < right + SAC_MM)
    return near if near.any() else np.ones_like(near)
