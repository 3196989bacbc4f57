"""The report: one self-contained HTML page that shows in ten seconds whether a result is right."""

from __future__ import annotations

import base64
import html
import io
from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray
from scipy import ndimage as ndi

from cordlevelset.notes import LOW_CONFIDENCE
from cordlevelset.straighten import ANGLES
from cordlevelset.volume import Volume

if TYPE_CHECKING:
    from cordlevelset.pipeline import CordSegmentation

__all__ = ["report_page"]

LINE = "#ff3b30"
VIEW_MM, SECTION_MM = 30.0, 15.0
"""Half widths of the straightened views (the canal with its walls) and of the sections (the thecal sac)."""
STEP_MM = 0.5
N_SECTIONS = 12
FRONT, BACK, LEFT, RIGHT = (np.argmin(np.abs(ANGLES - a)) for a in (1.5 * np.pi, 0.5 * np.pi, 0.0, np.pi))


def report_page(result: CordSegmentation, *, name: str) -> str:
    """Straightened views, sections with the contour, area and confidence along the cord, and the notes, as HTML.

    Parameters
    ----------
    result : CordSegmentation
        A cord.
    name : str
        Of the image, for the heading.

    Returns
    -------
    str
        A page that needs no other file. What comes from files is escaped.
    """
    along = -np.asarray(result.centerline.arclength_mm)
    conus = {"seen": "dotted line", "outside": "outside the image", "unclear": "not visible"}[result.conus_state]
    figures = {
        "cord": f"{result.polarity} against the fluid",
        "length": f"{result.length_mm:.0f} mm",
        "mean area": f"{result.mean_area_mm2:.1f} mm²",
        "confidence": f"{result.confidence:.2f}" + (", look closely" if result.confidence < LOW_CONFIDENCE else ""),
        "tip of the conus": conus,
        "weakest slice": _weakest(result),
    }
    image = result.draft.image
    return PAGE.format(
        name=html.escape(name),
        figures="".join(f"<div><dt>{k}</dt><dd>{html.escape(v)}</dd></div>" for k, v in figures.items()),
        notes="".join(f"<li>{html.escape(note)}</li>" for note in result.notes) or "<li>nothing was odd</li>",
        views=_views(image, result),
        sections=_sections(image, result),
        area=_chart(along, [s.area_mm2 for s in result.slices], "area, mm²"),
        confidence=_chart(along, [s.confidence for s in result.slices], "confidence", top=1.0),
    )


def _weakest(result: CordSegmentation) -> str:
    """Where to look first."""
    weakest = min(result.slices, key=lambda s: s.confidence)
    return f"{weakest.slice} (confidence {weakest.confidence:.2f})"


def _views(canonical: Volume, result: CordSegmentation) -> str:
    """From the side and from the front, each plane moved so that the cord runs straight."""
    from matplotlib.figure import Figure  # no pyplot: no state shared with the caller's own figures

    contours, (dz, dy, dx) = result.contours, canonical.spacing
    planes = np.arange(canonical.shape[0], dtype=np.float64)
    inside = contours.first + np.arange(len(contours.centers_mm))
    cy, cx = (np.interp(planes, inside, c)[:, None] for c in contours.centers_mm.T)
    offset = np.arange(-VIEW_MM, VIEW_MM + STEP_MM, STEP_MM)[None, :]
    figure = Figure(figsize=(6, 6 * len(planes) * dz / (4 * VIEW_MM)), layout="constrained")
    panels: Any = figure.subplots(1, 2)
    for axes, (y, x), (minus, plus) in (
        (panels[0], (cy + offset, cx + 0 * offset), (FRONT, BACK)),
        (panels[1], (cy + 0 * offset, cx + offset), (RIGHT, LEFT)),
    ):
        index = np.stack([np.broadcast_to(planes[:, None], y.shape), y / dy, x / dx])
        view = ndi.map_coordinates(canonical.array, index, order=1, mode="constant")
        extent = (-VIEW_MM, VIEW_MM, -0.5 * dz, (len(planes) - 0.5) * dz)
        _show(axes, view, extent, "lower")
        for sign, ray in ((-1, minus), (1, plus)):
            axes.plot(sign * contours.radii_mm[:, ray], inside * dz, color=LINE, lw=0.8)
        if contours.conus_mm is not None:
            axes.axhline(contours.conus_mm[0], color=LINE, lw=0.8, ls=":")
    return _png(figure)


def _sections(canonical: Volume, result: CordSegmentation) -> str:
    """Sections at even distances along the cord, top first, with the sub-voxel contour."""
    from matplotlib.figure import Figure

    contours, (_, dy, dx) = result.contours, canonical.spacing
    figure = Figure(figsize=(8, 6.4), layout="constrained")
    panels: Any = figure.subplots(3, N_SECTIONS // 3)
    offset = np.arange(-SECTION_MM, SECTION_MM + STEP_MM, STEP_MM)
    turned = np.append(np.arange(len(ANGLES)), 0)  # closes the curve
    chosen = np.linspace(len(contours.centers_mm) - 1, 0, N_SECTIONS).round().astype(int)
    for axes, p in zip(panels.ravel(), chosen, strict=True):
        k, (cy, cx) = contours.first + p, contours.centers_mm[p]
        y, x = np.meshgrid((cy + offset) / dy, (cx + offset) / dx, indexing="ij")
        tile = ndi.map_coordinates(canonical.array[k], [y, x], order=1, mode="constant")
        _show(axes, tile, (-SECTION_MM, SECTION_MM, SECTION_MM, -SECTION_MM), "upper")
        r = contours.radii_mm[p]
        axes.plot((r * np.cos(ANGLES))[turned], (r * np.sin(ANGLES))[turned], color=LINE, lw=1)
        record = result.slices[len(result.slices) - 1 - p]
        title = f"slice {record.slice}, {record.area_mm2:.0f} mm², {record.confidence:.2f}"
        axes.set_title(title, fontsize=8, color="white")
    return _png(figure)


def _show(axes: Any, picture: NDArray[Any], extent: tuple[float, ...], origin: str) -> None:
    low, high = np.percentile(picture, (1, 99.5))
    axes.imshow(picture, cmap="gray", origin=origin, extent=extent, vmin=low, vmax=high, aspect="equal")
    axes.set_axis_off()


def _png(figure: Any) -> str:
    stream = io.BytesIO()
    figure.savefig(stream, format="png", dpi=110, facecolor="black", metadata={"Software": None})
    return base64.b64encode(stream.getvalue()).decode()


def _chart(along: NDArray[np.float64], values: Sequence[float], title: str, *, top: float | None = None) -> str:
    """A curve along the cord as inline SVG, its upper end on top; in the page's own colours."""
    v = np.asarray(values, dtype=np.float64)
    limit = top or float(np.nanmax(v)) * 1.1
    span = max(float(-along.min()), 1.0)
    points = " ".join(f"{200 * a / limit:.1f},{-300 * z / span:.1f}" for a, z in zip(v, along, strict=True) if a == a)
    return (
        f'<svg viewBox="-8 -22 224 350" role="img" aria-label="{title}"><text y="-8">{title}</text>'
        f'<path d="M0 0V300H200" class="axis"/><polyline points="{points}"/>'
        f'<text y="318">0</text><text x="200" y="318" text-anchor="end">{limit:.3g}</text>'
        f'<text x="6" y="294">{span:.0f} mm from the upper end</text></svg>'
    )


PAGE = """<!doctype html>
<html lang="en"><head><meta charset="utf-8"><meta name="viewport" content="width=device-width">
<title>{name}</title><style>
:root {{ color-scheme: light dark; --ink: #1b1b1f; --paper: #fbfbfd; --line: #d70015 }}
@media (prefers-color-scheme: dark) {{ :root {{ --ink: #ececf1; --paper: #16161a; --line: #ff6961 }} }}
body {{ font: 15px/1.4 system-ui, sans-serif; margin: 1.2rem; color: var(--ink); background: var(--paper) }}
h1 {{ font-size: 1.2rem; margin: 0; overflow-wrap: anywhere }}
dl {{ display: flex; flex-wrap: wrap; gap: .4rem 2rem; margin: .6rem 0 }}
dt {{ opacity: .7; font-size: .8rem }} dd {{ margin: 0 }} ul {{ margin: .4rem 0 1rem; padding-left: 1.2rem }}
main {{ display: flex; flex-wrap: wrap; gap: 1rem; align-items: start }} figure {{ margin: 0 }}
figcaption {{ font-size: .8rem; opacity: .7; max-width: 20rem }}
img {{ max-width: min(100%, 44rem); max-height: 620px }} svg {{ height: 300px; display: block }}
polyline, .axis {{ fill: none; stroke: var(--line); stroke-width: 1.5 }} .axis {{ stroke: var(--ink); opacity: .5 }}
text {{ font-size: 12px; fill: var(--ink) }}
</style></head><body><h1>{name}</h1><dl>{figures}</dl><ul>{notes}</ul><main>
<figure><img alt="straightened views" src="data:image/png;base64,{views}">
<figcaption>Straightened: from the side (back to the right), from the front (patient's left to the right)</figcaption>
</figure>
<figure><img alt="sections with the contour" src="data:image/png;base64,{sections}">
<figcaption>Sections from the top down: slice, area, confidence</figcaption></figure>
<div>{area}{confidence}</div></main></body></html>
"""
