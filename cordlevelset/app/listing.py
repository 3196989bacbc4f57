"""What ``cordlevelset series`` prints."""

from __future__ import annotations

import json
import math
from collections.abc import Iterable
from dataclasses import fields
from pathlib import Path

from cordlevelset.errors import InputError
from cordlevelset.io.series import Scan, Series, scan

__all__ = ["list_folder"]

HEADINGS = ("series", "description", "date", "slices", "size", "mm", "plane", "contrast", "remark")
"""Of the table's columns; "mm" is the thickness of the slices."""


def list_folder(folder: Path, *, as_json: bool) -> str:
    """The image series of a DICOM folder as text.

    Parameters
    ----------
    folder : Path
        As a scanner, an archive or a disc gives it.
    as_json : bool
        One line of JSON in place of a table.

    Returns
    -------
    str

    Raises
    ------
    InputError
        If it holds no image, or cannot be read.
    """
    found = scan(folder)
    if not found.series:
        raise next(iter(found.damaged.values()), InputError(f"no DICOM image in {folder}; give a folder above it"))
    return json.dumps(_record(found)) if as_json else _table(found)


def _record(found: Scan) -> dict[str, object]:
    names = [field.name for field in fields(Series) if field.name != "frames"]
    return {
        "series": [{name: _known(getattr(one, name)) for name in names} for one in found.series],
        "damaged": [str(path) for path in found.damaged],
    }


def _known(value: object) -> object:
    """JSON knows no nan."""
    return None if isinstance(value, float) and math.isnan(value) else value


def _table(found: Scan) -> str:
    rows = [HEADINGS, *(_row(one) for one in found.series)]
    widths = [max(len(row[n]) for row in rows) for n in range(len(HEADINGS))]
    lines = ["  ".join(cell.ljust(width) for cell, width in zip(row, widths, strict=True)).rstrip() for row in rows]
    return "\n".join([*lines, *_damaged(found.damaged)])


def _damaged(paths: Iterable[Path]) -> list[str]:
    """A line for each folder that holds damaged files."""
    of_folder: dict[Path, list[str]] = {}
    for path in paths:
        of_folder.setdefault(path.parent, []).append(path.name)
    return [
        f"not read, damaged: {folder / names[0]}" + (f" and {len(names) - 1} more beside it" if names[1:] else "")
        for folder, names in of_folder.items()
    ]


def _row(one: Series) -> tuple[str, ...]:
    distance = one.spacing_mm if math.isnan(one.thickness_mm) else one.thickness_mm
    return (
        one.label,
        one.description,
        one.study_date,
        str(one.n_slices),
        f"{one.n_rows} x {one.n_columns}",
        "" if math.isnan(distance) else f"{distance:g}",
        one.plane,
        one.contrast,
        one.problem.removeprefix(f"{one.name}: ") or ("localizer" if one.overview else ""),
    )
