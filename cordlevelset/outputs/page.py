"""The report: one self-contained HTML page that shows in ten seconds whether a result is right."""

from __future__ import annotations

import html
import json
from collections.abc import Iterable, Mapping, Sequence
from typing import TYPE_CHECKING

import numpy as np

from cordlevelset import __version__
from cordlevelset.notes import LOW_CONFIDENCE
from cordlevelset.outputs.advice import next_steps
from cordlevelset.outputs.pictures import picture, thumbnail
from cordlevelset.outputs.templates import fill, styles
from cordlevelset.outputs.views import along_the_cord, height_mm, sections, tip_mm

if TYPE_CHECKING:
    from cordlevelset.measures.morphometry import SliceMeasures
    from cordlevelset.result import CordSegmentation

__all__ = ["conus_words", "notebook_card", "report_page"]

N_TILES = 12
"""Two rows of six, or four of three on a phone: all of a cord in one look."""
NOTEBOOK_WIDTH_PX = 240
"""Of the picture in notebooks: a spine of 400 mm is then 600 pixels high."""
LABEL_MM = 8.0
"""Nearest distance of two labels of the ruler, 12 pixels at the smallest scale; discs of a sacrum lie nearer."""
TICK_MM = 20.0
"""Between the marks of the ruler: no two labels touch at the page's smallest scale, 2 pixels a mm."""


def report_page(result: CordSegmentation, *, name: str, about: Mapping[str, object] | None = None) -> str:
    """Straightened views, sections with the contour, area and confidence along the cord, and the notes, as HTML.

    Parameters
    ----------
    result : CordSegmentation
        A cord.
    name : str
        Of the image, for the heading.
    about : mapping, optional
        The `record` of the run: its command and options.

    Returns
    -------
    str
        A page that needs no other file. What comes from files is escaped.
    """
    about = about or {}
    side, front = along_the_cord(result)
    return fill(
        "report.html",
        name=html.escape(name),
        style=styles("look.css", "report.css"),
        advice=_advice(result, str(about.get("Command", ""))),
        figures=_definitions(_figures(result) | ({} if result.levels is None else {"levels": result.levels.words})),
        notes=_notes(result),
        length=f"{height_mm(result):.0f}",
        levels=_ruler(_levels(result) or _ticks(result), result),
        views=_view(picture(side, "from the side"), "from the side", result)
        + _view(picture(front, "from the front"), "from the front", result, tip_label=""),
        ruler=_ruler(_ticks(result), result),
        charts=_chart([s.area_mm2 for s in result.slices], "area, mm²", result)
        + _chart([s.confidence for s in result.slices], "confidence", result, top=1.0, limit=LOW_CONFIDENCE),
        sections="".join(_section(picture(view, "section"), record) for view, record in sections(result, N_TILES)),
        making=_definitions(_making(result, about)),
    )


def notebook_card(result: CordSegmentation) -> str:
    """Key figures, notes and a picture as a piece of HTML.

    Parameters
    ----------
    result : CordSegmentation
        A cord.

    Returns
    -------
    str
        What notebooks show of it; what comes from files is escaped.
    """
    figure = f'<div style="max-width: {NOTEBOOK_WIDTH_PX}px">{thumbnail(result)}</div>'
    return fill("card.html", figures=_definitions(_figures(result)), notes=_notes(result), picture=figure)


def conus_words(result: CordSegmentation) -> str:
    """Where the cord ends, in a line.

    Parameters
    ----------
    result : CordSegmentation
        A cord.

    Returns
    -------
    str
        The tip in LPS mm with its uncertainty, or why it is not known.
    """
    if result.conus is None:
        return {"outside": "outside the field of view"}.get(
            result.conus_state, "not visible: the cord fades, or was lost, before the image's lower edge"
        )
    tip = ", ".join(f"{v:.1f}" for v in result.conus.tip_mm)
    return f"{tip} LPS mm, give or take {result.conus.uncertainty_mm:.3g} mm"


def _figures(result: CordSegmentation) -> dict[str, str]:
    weakest = min(result.slices, key=lambda s: s.confidence)
    return {
        "confidence": f"{result.confidence:.2f}" + (", look closely" if result.confidence < LOW_CONFIDENCE else ""),
        "length": f"{result.length_mm:.0f} mm",
        "mean area": f"{result.mean_area_mm2:.1f} mm²",
        "volume": f"{result.volume_mm3 / 1000:.2f} ml",
        "cord": f"{result.polarity} against the CSF",
        "tip of the conus": conus_words(result),
        "weakest slice": f"{weakest.slice} (confidence {weakest.confidence:.2f})",
    }


def _making(result: CordSegmentation, about: Mapping[str, object]) -> dict[str, str]:
    """Version, settings, command and grid."""
    image = result.mask
    options = about.get("Options", {})
    given = {k: v for k, v in options.items() if v is not None} if isinstance(options, Mapping) else {}
    making = {
        "program": f"cordlevelset {__version__}",
        "voxel": " × ".join(f"{mm:.3g}" for mm in image.spacing) + " mm",
        "image": " × ".join(map(str, image.shape)) + " voxels",
        "settings": ", ".join(f"{k} {v if isinstance(v, str) else json.dumps(v)}" for k, v in given.items()),
        "command": str(about.get("Command", "")),
    }
    return {k: v for k, v in making.items() if v}


def _advice(result: CordSegmentation, command: str) -> str:
    steps = (
        f"<p>{html.escape(sentence)} <code>{html.escape(f'{command} {option}'.strip())}</code></p>"
        for sentence, option in next_steps(result)
    )
    text = "".join(steps)
    return f'<section class="doubt"><strong>Next step</strong>{text}</section>' if text else ""


def _definitions(pairs: Mapping[str, str]) -> str:
    return "".join(f"<div><dt>{html.escape(k)}</dt><dd>{html.escape(v)}</dd></div>" for k, v in pairs.items())


def _notes(result: CordSegmentation) -> str:
    return "".join(f"<li>{html.escape(note)}</li>" for note in result.notes) or "<li>nothing was odd</li>"


def _levels(result: CordSegmentation) -> list[tuple[str, float]]:
    """Discs and their depth below the upper edge of the views, mm; none where levels are not known."""
    grid = result.automatic.image
    discs = () if result.levels is None else result.levels.discs
    planes = (float(grid.to_index(disc.point_mm[None])[0, 0]) for disc in discs)
    return [
        (disc.label, height_mm(result) - (plane + 0.5) * grid.spacing[0])
        for disc, plane in zip(discs, planes, strict=True)
    ]


def _ticks(result: CordSegmentation) -> list[tuple[str, float]]:
    """Millimetres below the cord's upper end."""
    top = (
        height_mm(result)
        - (result.contours.first + len(result.contours.centers_mm)) * result.automatic.image.spacing[0]
    )
    depths = np.arange(0.0, height_mm(result) - top, TICK_MM)
    return [(f"{depth:.0f}" + (" mm" if depth == 0 else ""), top + float(depth)) for depth in depths]


def _ruler(marks: Iterable[tuple[str, float]], result: CordSegmentation) -> str:
    """Labels beside the views, at their height; text of the page, so that they are as large on a phone."""
    total, above, spans = height_mm(result), -LABEL_MM, []
    for name, depth in sorted(marks, key=lambda mark: mark[1]):
        if 0 <= depth <= total and depth - above >= LABEL_MM:
            spans.append(f'<span style="top: calc(1.3rem + var(--h) * {depth / total:.4f})">{html.escape(name)}</span>')
            above = depth
    return f'<div class="ruler">{"".join(spans)}</div>'


def _view(svg: str, caption: str, result: CordSegmentation, *, tip_label: str = "tip of the conus") -> str:
    tip, mark = tip_mm(result), ""
    if tip is not None:
        place = f"calc(1.3rem + var(--h) * {tip / height_mm(result):.4f})"
        mark = f'<div class="tip" style="top: {place}">{tip_label}</div>'
    return f'<figure class="view"><figcaption>{caption}</figcaption>{svg}{mark}</figure>'


def _section(svg: str, record: SliceMeasures) -> str:
    weak = ' class="weak"' if record.confidence < LOW_CONFIDENCE else ""
    caption = f"slice {record.slice}<br>{record.area_mm2:.0f} mm², <span{weak}>{record.confidence:.2f}</span>"
    return f"<figure>{svg}<figcaption>{caption}</figcaption></figure>"


def _chart(
    values: Sequence[float], title: str, result: CordSegmentation, *, top: float | None = None, limit: float = 0.0
) -> str:
    """A curve along the cord as inline SVG, at the height of the views; in the page's own colours."""
    v = np.asarray(values, dtype=np.float64)
    full = top or float(np.nanmax(v)) * 1.1
    total, step = height_mm(result), result.automatic.image.spacing[0]
    first = result.contours.first
    depth = total - (first + np.arange(len(v), 0, -1) - 0.5) * step
    points = " ".join(f"{100 * a / full:.1f},{z:.1f}" for a, z in zip(v, depth, strict=True) if np.isfinite(a))
    mark = f'<line x1="{100 * limit / full:.1f}" x2="{100 * limit / full:.1f}" y2="{total:.1f}"/>' if limit else ""
    return (
        f'<figure class="chart"><figcaption>{title}: 0 to {full:.3g}</figcaption>'
        f'<svg viewBox="0 0 100 {total:.1f}" preserveAspectRatio="none" role="img" aria-label="{title}">'
        f'{mark}<polyline points="{points}"/></svg></figure>'
    )
