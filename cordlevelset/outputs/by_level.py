"""Measures by vertebral level, the level of each slice, and the files that hold levels."""

from __future__ import annotations

import os
from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np

from cordlevelset.io import images
from cordlevelset.io.files import name_suffix, write_table
from cordlevelset.outputs.tables import mean_of_known, write_json

if TYPE_CHECKING:
    from cordlevelset.levels.column import Levels
    from cordlevelset.result import CordSegmentation

__all__ = ["LEVEL_SUFFIXES", "level_rows", "levels_summary", "slice_levels", "write_levels"]

LEVEL_SUFFIXES = (".csv", ".json", *images.IMAGE_SUFFIXES)
"""Endings of the files that hold levels: a table, the discs, a label image."""
LEVEL_PARTS = ((0.0, 1.0), (0.0, 1 / 3), (1 / 3, 2 / 3), (2 / 3, 1.0))
"""Parts of the way from disc to disc that a table has rows for: all of it, then its thirds, as conus tips are told."""
MEANS = ("area_mm2", "diameter_ap_mm", "diameter_rl_mm", "canal_area_mm2", "canal_share", "confidence")
"""Measures that are averaged over the slices of a part."""
LEVEL_COLUMNS = ("level", "number", "from_fraction", "to_fraction", "slices", "length_mm", *MEANS)
"""Header of the table by level."""


def slice_levels(result: CordSegmentation) -> dict[int, tuple[int, float]]:
    """Vertebra and disc-to-disc fraction of each slice.

    Parameters
    ----------
    result : CordSegmentation
        A cord.

    Returns
    -------
    dict of int to (int, float)
        By the slice's index on the input's grid; slices above the first disc and below the last one are left out.
    """
    levels = result.levels
    if levels is None:
        return {}
    numbers, fractions = levels.level_of(result.centerline.points_mm)
    pairs = zip(result.slices, numbers.tolist(), fractions.tolist(), strict=True)
    return {record.slice: (number, fraction) for record, number, fraction in pairs if number}


def level_rows(result: CordSegmentation) -> Iterator[tuple[object, ...]]:
    """Means over each vertebral level and over its thirds, from the top down.

    Parameters
    ----------
    result : CordSegmentation
        A cord.

    Yields
    ------
    tuple
        Cells of `LEVEL_COLUMNS`; lengths are sums. Parts without a slice are left out.
    """
    place = slice_levels(result)
    label = {d.number: d.vertebra_label for d in result.levels.discs} if result.levels is not None else {}
    for number in sorted({number for number, _ in place.values()}):
        for low, high in LEVEL_PARTS:
            inside = [
                r for r in result.slices
                if r.slice in place and place[r.slice][0] == number and low <= place[r.slice][1] <= high
            ]  # fmt: skip
            if inside:
                means = (mean_of_known([getattr(r, m) for r in inside]) for m in MEANS)
                length = sum(r.length_mm for r in inside)
                yield (label[number], number, round(low, 3), round(high, 3), len(inside), length, *means)


def levels_summary(levels: Levels | None) -> dict[str, object] | None:
    """What a summary says of the levels.

    Parameters
    ----------
    levels : Levels or None
        Of a result.

    Returns
    -------
    dict or None
        Anchor, words and discs; positions LPS mm.
    """
    if levels is None:
        return None
    discs = [
        {
            "name": d.name, "label": d.label, "number": d.number, "point_mm": [round(float(v), 1) for v in d.point_mm],
            "where": round(d.where, 2), "which": round(d.which, 2),
        }
        for d in levels.discs
    ]  # fmt: skip
    return {"anchor": levels.anchor, "words": levels.words, "discs": discs}


def write_levels(result: CordSegmentation, path: str | os.PathLike[str]) -> None:
    """Write the levels of a result.

    Parameters
    ----------
    result : CordSegmentation
        A cord.
    path : path
        .csv: measures by level and third. .json: the discs. An image: discs as labels with SCT's numbers.

    Raises
    ------
    InputError
        If the ending is another or the file cannot be written.
    """
    suffix = name_suffix(path, LEVEL_SUFFIXES)
    if suffix == ".csv":
        write_table(path, LEVEL_COLUMNS, level_rows(result))
    elif suffix == ".json":
        write_json(path, levels_summary(result.levels) or {"anchor": "none", "words": "no discs seen", "discs": []})
    elif result.levels is None:
        images.write(result.mask.like(np.zeros_like(result.mask.array)), Path(path))
    else:
        images.write(result.levels.label_image(result.mask), Path(path))
