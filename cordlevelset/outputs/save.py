"""What an embedding host saves of a result, by one call each."""

from __future__ import annotations

import os
from typing import TYPE_CHECKING

from cordlevelset.io.files import check_writable, whole_or_nothing
from cordlevelset.measures.morphometry import input_slices
from cordlevelset.outputs.page import report_page
from cordlevelset.outputs.plot import check_drawing
from cordlevelset.outputs.tables import MEASURES_SUFFIXES, record, summary, write_measures

if TYPE_CHECKING:
    from cordlevelset.result import CordSegmentation

__all__ = ["save_measures", "save_report"]


def save_measures(result: CordSegmentation, path: str | os.PathLike[str], *, name: str = "") -> None:
    """Write the measures of all slices, whole or not at all.

    Parameters
    ----------
    result : CordSegmentation
        A cord.
    path : path
        Ends in .csv, .json (with units and summary) or .sct.csv (column names of SCT).
    name : str
        Of the image, for SCT's table and among the options in JSON.

    Raises
    ------
    InputError
        If the ending is another or the file cannot be written.
    """
    check_writable(path, MEASURES_SUFFIXES)
    about = record(summary(result), sources={}, options={"image": name})
    planes = input_slices(result.turn, result.automatic.image)
    with whole_or_nothing([path]) as (draft,):
        write_measures(draft, result.slices, planes=planes, name=name, about=about)


def save_report(result: CordSegmentation, path: str | os.PathLike[str], *, name: str = "") -> None:
    """Write the report, one HTML page to judge a result by, whole or not at all.

    Parameters
    ----------
    result : CordSegmentation
        A cord.
    path : path
        Ends in .html.
    name : str
        Of the image, for the heading.

    Raises
    ------
    InputError
        If matplotlib is not installed, the ending is another, or the file cannot be written.
    """
    check_drawing("the report")
    check_writable(path, (".html",))
    with whole_or_nothing([path]) as (draft,):
        draft.write_text(report_page(result, name=name), encoding="utf-8", newline="\n")
