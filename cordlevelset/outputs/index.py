"""The index of a cohort: one page to judge all its results by, the doubtful first, with marks that can be saved."""

from __future__ import annotations

import html
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from urllib.parse import quote

from cordlevelset import __version__
from cordlevelset.notes import LOW_CONFIDENCE
from cordlevelset.outputs.advice import TWO_POINTS
from cordlevelset.outputs.templates import fill, styles

__all__ = ["Case", "doubt", "index_page"]

STATUSES = ("done", "no cord found", "failed")
"""What may become of an image."""
MISSING = f"Pass it if there is none. If there is one: {TWO_POINTS} --centerline points.mrk.json"
"""What to do about an image without a cord."""


@dataclass(frozen=True, slots=True)
class Case:
    """One image of a cohort.

    Attributes
    ----------
    name : str
        Path inside the dataset.
    status : str
        "done", "no cord found" or "failed".
    figures : mapping
        The result's `summary`; empty without one.
    remark : str
        Notes, or why there is no mask.
    version : str
        What a judgement is about: changes with the image and with the program.
    picture : str
        The `thumbnail`; empty without one.
    page : str
        Way to its report from the index; empty without one.
    """

    name: str
    status: str
    figures: Mapping[str, object]
    remark: str
    version: str
    picture: str
    page: str


def doubt(status: str, figures: Mapping[str, object]) -> str:
    """Why a result is to be looked at first.

    Parameters
    ----------
    status : str
        "done", "no cord found" or "failed".
    figures : mapping
        The result's `summary`.

    Returns
    -------
    str
        Empty if nothing is in doubt.
    """
    if status != "done":
        return status
    confidence = _number(figures, "confidence")
    return f"confidence {confidence:.2f}" if confidence < LOW_CONFIDENCE else ""


def index_page(title: str, cases: Sequence[Case]) -> str:
    """All results with pictures, figures and the means to mark them.

    Parameters
    ----------
    title : str
        Of the cohort.
    cases : sequence of Case
        In any order; the page begins with the doubtful ones.

    Returns
    -------
    str
        A page that needs no other file but the reports that it links to. What comes from files is escaped; pictures
        are taken as they are.
    """
    ordered = sorted(cases, key=_rank)
    doubtful = sum(bool(doubt(c.status, c.figures)) for c in cases)
    counts = ", ".join(f"{sum(c.status == status for c in cases)} {status}" for status in STATUSES)
    return fill(
        "index.html",
        title=html.escape(title),
        style=styles("look.css", "index.css"),
        counts=f"{len(cases)} images: {counts}; {doubtful} doubtful, these come first. cordlevelset {__version__}.",
        cases="\n".join(_card(case, rank) for rank, case in enumerate(ordered)),
        script=styles("index.js"),
    )


def _rank(case: Case) -> tuple[int, float, str]:
    """Failures, then images without a cord, then the rest from the least sure to the surest."""
    confidence = _number(case.figures, "confidence") if case.status == "done" else 0.0
    return -STATUSES.index(case.status), confidence, case.name


def _number(figures: Mapping[str, object], name: str) -> float:
    value = figures.get(name)
    return float(value) if isinstance(value, int | float) else float("nan")


def _heights(figures: Mapping[str, object]) -> list[float]:
    """Heights of both ends, LPS mm."""
    ends = figures.get("ends_mm")
    return [float(point[2]) for point in ends] if isinstance(ends, list) else []


def _card(case: Case, rank: int) -> str:
    why = doubt(case.status, case.figures)
    figures = case.figures
    heights = _heights(figures)
    data = {
        "name": case.name,
        "of": case.version,
        "status": case.status,
        "doubt": why,
        "rank": f"{rank}",
        "confidence": figures.get("confidence", ""),
        "length": figures.get("length_mm", ""),
        "area": figures.get("mean_area_mm2", ""),
        "conus": figures.get("conus_state", ""),
        "top": heights[0] if heights else "",
        "bottom": heights[1] if heights else "",
    }
    link = f'<a href="{html.escape(quote(case.page))}">report</a>' if case.page else ""
    remarks = [case.remark, MISSING if case.status == "no cord found" else ""]
    status = "" if case.status == "done" else f'<p class="none">{html.escape(case.status)}</p>'
    card = fill(
        "case.html",
        data=" ".join(f'data-{key}="{html.escape(str(value))}"' for key, value in data.items()),
        name=html.escape(case.name.rpartition("/")[2]),
        path=html.escape(case.name),
        picture=case.picture,
        figures=_figures(figures),
        remark=status + "".join(f'<p class="remark">{html.escape(remark)}</p>' for remark in remarks if remark),
        link=link,
    )
    return card.replace('class="case"', 'class="case doubtful"', 1) if why else card


def _figures(figures: Mapping[str, object]) -> str:
    if not figures:
        return ""
    heights = _heights(figures)
    conus = str(figures.get("conus_state", ""))
    if isinstance(tip := figures.get("conus"), Mapping):
        conus = f"z {tip['tip_mm'][2]:.0f} ± {tip['uncertainty_mm']:.3g} mm"
    shown: Iterable[tuple[str, str, str]] = (
        ("sure", "confidence", f"{_number(figures, 'confidence'):.2f}"),
        ("", "length", f"{_number(figures, 'length_mm'):.0f} mm"),
        ("", "area", f"{_number(figures, 'mean_area_mm2'):.1f} mm²"),
        ("", "ends", f"z {heights[0]:.0f} to {heights[1]:.0f} mm" if heights else ""),
        ("", "conus", conus),
    )
    return "".join(f'<div><dt>{k}</dt><dd class="{c}">{html.escape(v)}</dd></div>' for c, k, v in shown if v)
