"""Views as inline SVG for pages that need no other file: the picture embedded, the outline drawn over it."""

from __future__ import annotations

import base64
import io
from collections.abc import Callable, Sequence
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray

from cordlevelset.outputs.views import View, along_the_cord, gray, sections, through_the_middle

if TYPE_CHECKING:
    from cordlevelset.result import CordSegmentation
    from cordlevelset.volume import Volume

__all__ = ["bare_thumbnail", "picture", "thumbnail"]

Encode = Callable[[NDArray[np.uint8]], str]

JPEG_QUALITY = 80
"""Percent: a thumbnail of a whole spine takes 20 kB, and the border looks as it does without loss."""
THUMBNAIL_HALF_MM = 40.0
"""Half width of the thumbnail's views: enough of the spine to see that a path is on something else."""
THUMBNAIL_STEP_MM = 0.75
"""Pixels of the thumbnail: a spine of 400 mm in 530 of them, as high as a laptop's screen shows."""
GAP_MM = 2.0
"""Between the thumbnail's views."""
THUMBNAIL_SECTIONS = 4
"""Sections in a thumbnail, both ends among them: a border that is off, or an end in the roots, shows in them first."""
LEAST_TILE_MM = 25.0
"""Width of a section as it is drawn: large enough to see the outline in a card, even of a short image."""
MOST_TILE_MM = 60.0
"""And at most: else they would be wider than the views beside them."""


def picture(view: View, label: str) -> str:
    """One view as an SVG element that scales; lossless.

    Parameters
    ----------
    view : View
        What to show.
    label : str
        Its description; no markup.

    Returns
    -------
    str
        Lines of the class ``outline``.
    """
    return _svg([_panel(view, encode=_png)], *view.size_mm, label)


def thumbnail(result: CordSegmentation) -> str:
    """The cord as it lies in the image, from the side and from the front, small enough for a page with many.

    Parameters
    ----------
    result : CordSegmentation
        A cord; it holds its image.

    Returns
    -------
    str
        An SVG element; as a file of its own it is a picture, too.
    """
    side, front = along_the_cord(result, half_mm=THUMBNAIL_HALF_MM, step_mm=THUMBNAIL_STEP_MM, straight=False)
    label = "cord from the side, its back to the right, from the front, and across from the top down"
    (width, height), left = side.size_mm, 2 * side.size_mm[0] + 2 * GAP_MM
    tile = min(max(height / THUMBNAIL_SECTIONS, LEAST_TILE_MM), MOST_TILE_MM)
    rows = max(1, int(height / tile))
    across = [
        _panel(view, left + i // rows * tile, i % rows * tile, tile / view.size_mm[0], encode=_jpeg)
        for i, (view, _) in enumerate(sections(result, THUMBNAIL_SECTIONS))
    ]
    panels = [_panel(side, encode=_jpeg), _panel(front, width + GAP_MM, encode=_jpeg), *across]
    return _svg(panels, left + ((len(across) - 1) // rows + 1) * tile, max(height, tile), label)


def bare_thumbnail(image: Volume) -> str:
    """An image in which no cord was found, from the side, from the front and across, through its middle.

    Parameters
    ----------
    image : Volume
        On its own grid.

    Returns
    -------
    str
        An SVG element.
    """
    views = through_the_middle(image, step_mm=THUMBNAIL_STEP_MM)
    panels, left = [], 0.0
    for view in views:
        panels.append(_panel(view, left, encode=_jpeg))
        left += view.size_mm[0] + GAP_MM
    return _svg(panels, left - GAP_MM, max(view.size_mm[1] for view in views), "the middle of the image")


def _svg(panels: Sequence[str], width: float, height: float, label: str) -> str:
    head = f'xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {width:g} {height:g}" role="img" aria-label="{label}"'
    return f"<svg {head}>{''.join(panels)}</svg>"


def _panel(view: View, x_mm: float = 0.0, y_mm: float = 0.0, scale: float = 1.0, *, encode: Encode) -> str:
    """A picture at a place and its lines, as thin at any size; what leaves the picture is cut off."""
    width, height = (f"{mm:g}" for mm in view.size_mm)
    shown = " ".join(f'{k}="{scale * mm:g}"' for k, mm in zip(("width", "height"), view.size_mm, strict=True))
    paths = "".join("M" + " ".join(f"{x:.2f},{y:.2f}" for x, y in line) for line in view.lines)
    stroke = 'fill="none" stroke="#ff3b30" stroke-width="1.2" vector-effect="non-scaling-stroke"'
    return (
        f'<svg x="{x_mm:g}" y="{y_mm:g}" {shown} viewBox="0 0 {width} {height}">'
        f'<image width="{width}" height="{height}" preserveAspectRatio="none" href="{encode(gray(view))}"/>'
        f'<path class="outline" {stroke} d="{paths}"/></svg>'
    )


def _png(pixels: NDArray[np.uint8]) -> str:
    return _encoded(pixels, "png", optimize=True)


def _jpeg(pixels: NDArray[np.uint8]) -> str:
    return _encoded(pixels, "jpeg", quality=JPEG_QUALITY)


def _encoded(pixels: NDArray[np.uint8], kind: str, **options: object) -> str:
    """Data address of an image file."""
    from PIL import Image

    stream = io.BytesIO()
    Image.fromarray(pixels).save(stream, kind, **options)
    return f"data:image/{kind};base64,{base64.b64encode(stream.getvalue()).decode()}"
