"""The report: one self-contained HTML page that shows in ten seconds whether a result is right."""

from __future__ import annotations

import base64
import html
import io
from collections.abc import Callable, Sequence
from importlib.util import find_spec
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from cordlevelset.notes import LOW_CONFIDENCE
from cordlevelset.outputs.plot import plot_mosaic, plot_views, views_size

if TYPE_CHECKING:
    from cordlevelset.result import CordSegmentation

__all__ = ["notebook_card", "report_page"]


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
    return PAGE.format(
        name=html.escape(name),
        figures=_figures(result),
        notes=_notes(result),
        views=_png(plot_views, result, views_size(result, 6)),
        sections=_png(plot_mosaic, result, (8, 6.4)),
        area=_chart(along, [s.area_mm2 for s in result.slices], "area, mm²"),
        confidence=_chart(along, [s.confidence for s in result.slices], "confidence", top=1.0),
    )


def notebook_card(result: CordSegmentation) -> str:
    """Key figures, notes and straightened views as a piece of HTML; without matplotlib the views are left out.

    Parameters
    ----------
    result : CordSegmentation
        A cord.

    Returns
    -------
    str
        What notebooks show of it; what comes from files is escaped.
    """
    picture = ""
    if find_spec("matplotlib") is not None:
        views = _png(plot_views, result, views_size(result, 4))
        picture = f'<img alt="straightened views" style="max-height: 320px" src="data:image/png;base64,{views}">'
    return CARD.format(figures=_figures(result), notes=_notes(result), picture=picture)


def _figures(result: CordSegmentation) -> str:
    conus = {"seen": "dotted line", "outside": "outside the image", "unclear": "not visible"}[result.conus_state]
    figures = {
        "cord": f"{result.polarity} against the fluid",
        "length": f"{result.length_mm:.0f} mm",
        "mean area": f"{result.mean_area_mm2:.1f} mm²",
        "volume": f"{result.volume_mm3 / 1000:.2f} ml",
        "confidence": f"{result.confidence:.2f}" + (", look closely" if result.confidence < LOW_CONFIDENCE else ""),
        "tip of the conus": conus,
        "weakest slice": _weakest(result),
    }
    return "".join(f"<div><dt>{k}</dt><dd>{html.escape(v)}</dd></div>" for k, v in figures.items())


def _notes(result: CordSegmentation) -> str:
    return "".join(f"<li>{html.escape(note)}</li>" for note in result.notes) or "<li>nothing was odd</li>"


def _weakest(result: CordSegmentation) -> str:
    """Where to look first."""
    weakest = min(result.slices, key=lambda s: s.confidence)
    return f"{weakest.slice} (confidence {weakest.confidence:.2f})"


def _png(plot: Callable[..., Any], result: CordSegmentation, size: tuple[float, float]) -> str:
    from matplotlib.figure import Figure  # no pyplot: no state shared with the caller's own figures

    figure = plot(result, figure=Figure(figsize=size, layout="constrained"))
    stream = io.BytesIO()
    figure.savefig(stream, format="png", dpi=110, metadata={"Software": None})
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
main {{ display: flex; flex-wrap: wrap; gap: 1rem; align-items: start }} figure {{ margin: 0; min-width: 0 }}
@media (min-width: 60rem) {{ main {{ flex-wrap: nowrap }} }} /* all in one look */
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
"""HTML of the report, a page that needs no other file."""
CARD = """
<div>{picture}<dl style="display: flex; flex-wrap: wrap; gap: 4px 24px">{figures}</dl>
<ul>{notes}</ul></div>
"""
"""HTML of what a notebook shows."""
