"""Measures as CSV, as JSON with units and origin, and under the column names of SCT; the summary of a result."""

from __future__ import annotations

import hashlib
import json
import math
import os
import statistics
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import asdict, astuple
from pathlib import Path
from typing import TYPE_CHECKING

from cordlevelset import __version__
from cordlevelset.errors import InputError
from cordlevelset.io.files import name_suffix, whole_or_nothing, write_table
from cordlevelset.io.images import MASK_SUFFIXES
from cordlevelset.measures.morphometry import COLUMNS, SliceMeasures

if TYPE_CHECKING:
    from cordlevelset.result import CordSegmentation

__all__ = [
    "MEASURES_SUFFIXES",
    "checksum",
    "mean_of_known",
    "record",
    "sct_level_rows",
    "sct_rows",
    "sidecar_path",
    "summary",
    "write_json",
    "write_measures",
]

MEASURES_SUFFIXES = (".csv", ".json", ".sct.csv")
"""Endings of the tables that are written."""
UNITS = {"_mm": "mm", "_mm2": "mm^2", "_mm3": "mm^3", "_deg": "degree"}
"""By the ending of a name."""
UNITS_OF_RESULT = {
    "length_mm": "mm", "mean_area_mm2": "mm^2", "volume_mm3": "mm^3", "ends_mm": "mm, LPS", "tip_mm": "mm, LPS",
    "uncertainty_mm": "mm",
}  # fmt: skip
"""Of the figures that stand for the whole cord."""
SCT_MEASURES = {
    "area": "area_mm2",
    "angle_AP": "angle_ap_deg",
    "angle_RL": "angle_rl_deg",
    "diameter_AP": "diameter_ap_mm",
    "diameter_RL": "diameter_rl_mm",
    "eccentricity": "eccentricity",
    "orientation": "",
    "solidity": "",
}
"""Measures of `sct_process_segmentation` and what they are here; nothing where they are not measured."""
SCT_COLUMNS = (
    *("Timestamp", "SCT Version", "Filename", "Slice (I->S)", "VertLevel", "DistancePMJ"),
    *(f"{kind}({name})" for name in SCT_MEASURES for kind in ("MEAN", "STD")),
    "SUM(length)",
)
"""Header of the table that SCT writes."""


def write_measures(
    path: str | os.PathLike[str],
    records: Sequence[SliceMeasures],
    *,
    planes: Sequence[int],
    name: str,
    about: Mapping[str, object],
    levels: Mapping[int, int] | None = None,
    per_level: bool = False,
) -> None:
    """Write the measures of all slices.

    Parameters
    ----------
    path : path
        Ends in .sct.csv (see `sct_rows`), another .csv, or .json.
    records : sequence of SliceMeasures
        From the top down.
    planes : sequence of int
        Index on the input's grid of each of its planes, from the lowest up; SCT counts slices so.
    name : str
        Of the image or mask, for SCT's table.
    about : mapping
        The `record`, which JSON holds before the slices.
    levels : mapping of int to int, optional
        Number of the vertebra by the slice's index on the input's grid, for SCT's table.
    per_level : bool, optional
        Whether SCT's table has a row a level, not a row a slice.

    Raises
    ------
    InputError
        If the ending is another or the file cannot be written.
    """
    suffix = name_suffix(path, MEASURES_SUFFIXES)
    if suffix == ".json":
        write_json(path, {**about, "Units": UNITS_OF_RESULT | _units(COLUMNS), "Slices": [asdict(r) for r in records]})
    elif suffix == ".sct.csv":
        rows = sct_level_rows if per_level else sct_rows
        write_table(path, SCT_COLUMNS, rows(records, planes=planes, name=name, levels=levels or {}))
    else:
        write_table(path, COLUMNS, map(astuple, records))


def sct_rows(
    records: Sequence[SliceMeasures], *, planes: Sequence[int], name: str, levels: Mapping[int, int]
) -> list[tuple[object, ...]]:
    """Rows as ``sct_process_segmentation -perslice 1`` writes them, from the lowest slice up.

    Empty are what is not known here (time, distance from the pontomedullary junction, levels without a name) or not
    measured (orientation, solidity). The deviation over one slice is 0. "SCT Version" says that SCT did not write this.

    Parameters
    ----------
    records : sequence of SliceMeasures
        From the top down.
    planes : sequence of int
        Index on the input's grid of each of its planes, from the lowest up.
    name : str
        Of the image or mask.
    levels : mapping of int to int
        Number of the vertebra by the slice's index on the input's grid.

    Returns
    -------
    list of tuple
        Cells of `SCT_COLUMNS`.
    """
    height = {index: plane for plane, index in enumerate(planes)}
    rows: list[tuple[object, ...]] = []
    for record in reversed(records):
        pairs = ((getattr(record, ours), 0.0) if ours else ("", "") for ours in SCT_MEASURES.values())
        cells = (cell for pair in pairs for cell in pair)
        program = f"cordlevelset {__version__}"
        rows.append(
            ("", program, name, height[record.slice], levels.get(record.slice, ""), "", *cells, record.length_mm)
        )
    return rows


def sct_level_rows(
    records: Sequence[SliceMeasures], *, planes: Sequence[int], name: str, levels: Mapping[int, int]
) -> list[tuple[object, ...]]:
    """Rows as ``sct_process_segmentation -perlevel 1`` writes them, from the highest level down.

    Parameters
    ----------
    records : sequence of SliceMeasures
        From the top down.
    planes : sequence of int
        Index on the input's grid of each of its planes, from the lowest up.
    name : str
        Of the image or mask.
    levels : mapping of int to int
        Number of the vertebra by the slice's index on the input's grid.

    Returns
    -------
    list of tuple
        Cells of `SCT_COLUMNS`.
    """
    height = {index: plane for plane, index in enumerate(planes)}
    rows: list[tuple[object, ...]] = []
    for number in sorted(set(levels.values())):
        inside = [r for r in records if levels.get(r.slice) == number]
        at = [height[r.slice] for r in inside]
        cells: list[object] = []
        for ours in SCT_MEASURES.values():
            values = [getattr(r, ours) for r in inside] if ours else []
            cells += [mean_of_known(values), statistics.pstdev(values)] if values else ["", ""]
        length = sum(r.length_mm for r in inside)
        rows.append(("", f"cordlevelset {__version__}", name, f"{min(at)}:{max(at)}", number, "", *cells, length))
    return rows


def mean_of_known(values: Sequence[float]) -> float:
    """Mean of those that are numbers; nan without any."""
    known = [v for v in values if math.isfinite(v)]
    return statistics.fmean(known) if known else math.nan


def record(
    result: Mapping[str, object], *, sources: Mapping[str, str], options: Mapping[str, object], command: str = ""
) -> dict[str, object]:
    """A result with its units and where it comes from, in the words of BIDS.

    Parameters
    ----------
    result : mapping
        The `summary`, or a part of it.
    sources : mapping of str to str
        Names of the inputs and their `checksum`.
    options : mapping
        How it was made.
    command : str
        The line that made it, without folders: they are of one machine.

    Returns
    -------
    dict
        ``GeneratedBy``, ``Sources``, ``SourceSHA256``, ``Options``, ``Command``, ``Units``, ``Result``.
    """
    return {
        "GeneratedBy": [{"Name": "cordlevelset", "Version": __version__}],
        "Sources": list(sources),
        "SourceSHA256": dict(sources),
        "Options": dict(options),
        "Command": command,
        "Units": UNITS_OF_RESULT,
        "Result": dict(result),
    }


def summary(result: CordSegmentation) -> dict[str, object]:
    """The cord as a whole.

    Parameters
    ----------
    result : CordSegmentation
        A cord.

    Returns
    -------
    dict
        Numbers rounded to what they are worth; positions LPS mm.
    """
    conus: dict[str, object] | None = None
    if result.conus is not None:
        tip = [round(float(v), 1) for v in result.conus.tip_mm]
        conus = {"tip_mm": tip, "uncertainty_mm": result.conus.uncertainty_mm}
    return {
        "polarity": result.polarity,
        "length_mm": round(result.length_mm, 1),
        "mean_area_mm2": round(result.mean_area_mm2, 1),
        "volume_mm3": round(result.volume_mm3),
        "ends_mm": [[round(float(v), 1) for v in result.centerline.points_mm[end]] for end in (0, -1)],
        "confidence": round(result.confidence, 2),
        "conus": conus,
        "conus_state": result.conus_state,
        "levels": None if result.levels is None else result.levels.words,
        "notes": list(result.notes),
    }


def sidecar_path(mask: Path) -> Path:
    """Where the record of a mask lies: beside it, under its name, ending in .json.

    Parameters
    ----------
    mask : Path
        An image file to be.

    Returns
    -------
    Path

    Raises
    ------
    InputError
        If the mask is not there yet and another program's file is: it would be lost.
    """
    path = mask.with_name(mask.name[: -len(name_suffix(mask, MASK_SUFFIXES))] + ".json")
    if path.exists() and not mask.exists() and not _is_ours(path):
        raise InputError(
            f"cannot write {path}: it belongs to another file and would be lost; name {mask.name} otherwise"
        )
    return path


def _is_ours(path: Path) -> bool:
    try:
        makers = json.loads(path.read_text(encoding="utf-8"))["GeneratedBy"]
        return any(maker["Name"] == "cordlevelset" for maker in makers)
    except (OSError, ValueError, KeyError, TypeError):
        return False


def checksum(path: Path, *, files: Iterable[Path] = ()) -> str:
    """SHA-256 of a file; of a folder, of the sums of its files in the order of their names.

    Parameters
    ----------
    path : Path
        What is read.
    files : iterable of Path, optional
        Those of a folder that were read: a disc may hold much else. Default: all in it and below.

    Returns
    -------
    str
        64 hexadecimal digits.
    """
    if path.is_dir():
        parts = [checksum(part) for part in sorted(set(files) or path.rglob("*")) if part.is_file()]
        return hashlib.sha256("".join(parts).encode()).hexdigest()
    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()


def write_json(path: str | os.PathLike[str], content: Mapping[str, object]) -> None:
    """Write JSON, whole or not at all.

    Parameters
    ----------
    path : path
        The file to be.
    content : mapping
        A number that is none becomes null: JSON knows no nan.

    Raises
    ------
    InputError
        If the file cannot be written.
    """
    with whole_or_nothing([path]) as (draft,):
        draft.write_text(json.dumps(_without_nan(content), indent=2) + "\n", encoding="utf-8", newline="\n")


def _units(names: Iterable[str]) -> dict[str, str]:
    return {name: unit for name in names for ending, unit in UNITS.items() if name.endswith(ending)}


def _without_nan(value: object) -> object:
    if isinstance(value, Mapping):
        return {key: _without_nan(part) for key, part in value.items()}
    if isinstance(value, list | tuple):
        return [_without_nan(part) for part in value]
    return None if isinstance(value, float) and not math.isfinite(value) else value
