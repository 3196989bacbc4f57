"""Text files out and in, and the rule for all files: written whole or not at all."""

from __future__ import annotations

import csv
import io
import json
import os
import tempfile
from collections.abc import Iterable, Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path

import numpy as np
from numpy.typing import ArrayLike, NDArray

from cordlevelset.errors import InputError
from cordlevelset.io.drafts import make_draft_folder, remove_draft_folder

__all__ = [
    "check_distinct",
    "check_makeable",
    "check_writable",
    "name_suffix",
    "named_points",
    "read_centerline",
    "whole_or_nothing",
    "write_centerline",
    "write_table",
]

CENTERLINE_SUFFIXES = (".csv", ".mrk.json")
"""Endings of the files that a centerline is written to."""
MARKUPS_SCHEMA = "https://raw.githubusercontent.com/slicer/slicer/master/Modules/Loadable/Markups/Resources/Schema/markups-schema-v1.0.3.json#"
"""Schema of the markups that 3D Slicer reads."""

MARKUPS_UNITS_MM = {"mm": 1.0, "cm": 10.0, "dm": 100.0, "m": 1000.0, "um": 0.001, "µm": 0.001}
"""Length in mm of the units that a markups file may name."""


@contextmanager
def whole_or_nothing(paths: Sequence[str | os.PathLike[str]]) -> Iterator[list[Path]]:
    """Write files so that all appear at once, complete, or none does.

    Parameters
    ----------
    paths : sequence of path
        The files to be.

    Yields
    ------
    list of Path
        Temporary files with the same endings, in small letters, in a hidden folder beside each; moved
        into place at the end.

    Raises
    ------
    InputError
        If a file cannot be made, or is a folder.
    """
    targets = [Path(p) for p in paths]
    for target in targets:
        _check_no_folder(target)
    folders: list[tempfile.TemporaryDirectory[str]] = []
    reading = False
    at = " or ".join(map(str, targets))
    try:
        for target in targets:
            at = str(target)
            folders.append(make_draft_folder(target.parent))
        temporaries = [Path(f.name) / t.name.lower() for f, t in zip(folders, targets, strict=True)]
        at = " or ".join(map(str, targets))
        reading = True
        yield temporaries
        reading = False
        for temporary, target in zip(temporaries, targets, strict=True):
            at = str(target)
            os.replace(temporary, target)
    except OSError as error:
        if reading and error.filename and Path(error.filename).parent not in {t.parent for t in temporaries}:
            raise  # of what the caller reads meanwhile
        raise InputError(f"cannot write {at}: {error.strerror}; make room or give another place") from None
    except InputError as error:
        text = str(error)
        for temporary, target in zip(temporaries, targets, strict=True):
            text = text.replace(str(temporary), str(target))
        raise InputError(text) from None
    finally:
        for folder in folders:
            remove_draft_folder(folder)


def check_distinct(outputs: Sequence[Path], inputs: Sequence[Path]) -> None:
    """Make sure that no output replaces an input or another output.

    Parameters
    ----------
    outputs : sequence of Path
        The files to be.
    inputs : sequence of Path
        Files that are read.

    Raises
    ------
    InputError
        If one does.
    """
    places = [Path(os.path.normcase(os.path.realpath(path))) for path in outputs]
    for n, (path, place) in enumerate(zip(outputs, places, strict=True)):
        if place in places[:n]:
            raise InputError(f"cannot write two outputs to {path}; give each a name of its own")
        if place.exists() and any(source.exists() and place.samefile(source) for source in inputs):
            raise InputError(f"cannot write {path}: it is an input and would be lost; give another name")


def check_writable(path: str | os.PathLike[str], suffixes: Sequence[str]) -> str:
    """Find out before the work whether a file can be written after it.

    Parameters
    ----------
    path : path
        The file to be.
    suffixes : sequence of str
        The endings it may have.

    Returns
    -------
    str
        The one it has.

    Raises
    ------
    InputError
        If the ending is another, or its folder is missing or not writable.
    """
    suffix = name_suffix(path, suffixes)
    path = Path(path)
    _check_no_folder(path)
    if not path.parent.is_dir():
        raise InputError(f"cannot write {path}: no folder {path.parent}")
    _check_folder(path.parent, path)
    return suffix


def check_makeable(folder: str | os.PathLike[str]) -> None:
    """Find out before the work whether a folder can be made after it.

    Parameters
    ----------
    folder : path
        It, and folders above it, may be missing.

    Raises
    ------
    InputError
        If a file is in its way, or the folder it would lie in is not writable.
    """
    above = next(p for p in Path(folder).absolute().parents if p.exists())
    _check_folder(above, Path(folder))


def _check_no_folder(path: Path) -> None:
    if path.is_dir():
        raise InputError(f"cannot write {path}: it is a folder")


def _check_folder(folder: Path, path: Path) -> None:
    if not folder.is_dir():
        raise InputError(f"cannot write {path}: {folder} is a file, not a folder")
    if not os.access(folder, os.W_OK | os.X_OK):
        raise InputError(f"cannot write {path}: folder {folder} is not writable")


def write_centerline(points: ArrayLike, path: str | os.PathLike[str]) -> None:
    """Write a curve as CSV or as a Slicer markups curve.

    Parameters
    ----------
    points : (N, 3) array_like
        LPS mm, from the top down.
    path : path
        Ends in .csv or .mrk.json.

    Raises
    ------
    InputError
        If the ending is another or the file cannot be written.
    """
    rows = np.asarray(points, dtype=np.float64).reshape(-1, 3)
    if name_suffix(path, CENTERLINE_SUFFIXES) == ".csv":
        write_table(path, ("x_lps_mm", "y_lps_mm", "z_lps_mm"), ([f"{v:.4f}" for v in row] for row in rows))
        return
    points_json = [
        {
            "id": str(n + 1),
            "label": f"cord-{n + 1}",
            "position": [round(v, 4) for v in row],
            "positionStatus": "defined",
        }
        for n, row in enumerate(rows.tolist())
    ]
    markup = {"type": "Curve", "coordinateSystem": "LPS", "coordinateUnits": "mm", "controlPoints": points_json}
    with whole_or_nothing([path]) as (temporary,):
        text = json.dumps({"@schema": MARKUPS_SCHEMA, "markups": [markup]}, indent=1)
        temporary.write_text(text, encoding="utf-8", newline="\n")


def read_centerline(path: str | os.PathLike[str]) -> NDArray[np.float64]:
    """Read a curve or points written by `write_centerline` or by Slicer.

    Parameters
    ----------
    path : path
        Ends in .csv, .mrk.json or .fcsv. The header of a Slicer file says whether it is LPS or RAS.

    Returns
    -------
    (N, 3) array
        LPS mm.

    Raises
    ------
    InputError
        If there is no such file or it holds no curve.
    """
    reader = {".csv": _csv_points, ".mrk.json": _markups_points, ".fcsv": _fiducials}
    suffix = name_suffix(path, tuple(reader))
    try:
        points = reader[suffix](Path(path).read_text(encoding="utf-8-sig")).reshape(-1, 3)
    except OSError as error:
        raise InputError(f"cannot read {path}: {error.strerror}") from None
    except InputError as error:
        raise InputError(f"{path}: {error}") from None
    except (AttributeError, KeyError, IndexError, TypeError, ValueError, RecursionError, csv.Error):
        raise InputError(
            f"{path} holds no curve; needs columns x_lps_mm,y_lps_mm,z_lps_mm or Slicer markups (points or a curve)"
        ) from None
    if not len(points) or not np.isfinite(points).all():
        raise InputError(f"{path} holds no curve: needs one finite point or more")
    return points


def _csv_points(text: str) -> NDArray[np.float64]:
    rows = csv.DictReader(io.StringIO(text))
    return np.array([[float(row[c]) for c in ("x_lps_mm", "y_lps_mm", "z_lps_mm")] for row in rows])


def _markups_points(text: str) -> NDArray[np.float64]:
    return np.array([point for _, point in named_points(text)])


def named_points(text: str) -> list[tuple[str, NDArray[np.float64]]]:
    """Points of all lists in Slicer's markups that were placed, with their names, LPS mm.

    Parameters
    ----------
    text : str
        Of a ``.mrk.json`` file; what it lacks raises as Python does.

    Returns
    -------
    list of (str, (3,) array)
    """
    points = []
    for markup in json.loads(text)["markups"]:
        system, mm = markup.get("coordinateSystem", "LPS"), _mm(markup.get("coordinateUnits", "mm"))
        placed = (p for p in markup["controlPoints"] if p.get("positionStatus", "defined") == "defined")
        points += [(str(p.get("label", "")), _to_lps(p["position"], system) * mm) for p in placed]
    return points


def _mm(units: object) -> float:
    """Length in mm of a markup's unit; newer files name one for each axis."""
    names = set(units) if isinstance(units, list) else {units}
    name = names.pop() if len(names) == 1 else None
    if name not in MARKUPS_UNITS_MM:
        raise InputError(f"coordinates in {units!r} are not understood; save the curve in mm")
    return MARKUPS_UNITS_MM[str(name)]


def _fiducials(text: str) -> NDArray[np.float64]:
    """Slicer's older format: "# name = value" lines, then rows of id,x,y,z,...; without a system it is RAS."""
    system, points = "RAS", []
    for row in csv.reader(io.StringIO(text)):
        if not row or not row[0].startswith("#"):
            points += [_to_lps(row[1:4], system)] if row else []
        elif row[0].lstrip("# ").startswith("CoordinateSystem"):
            system = row[0].partition("=")[2].strip()
    return np.array(points)


def _to_lps(position: Sequence[object], system: str) -> NDArray[np.float64]:
    """Markups files say LPS or RAS, old fiducial files 0 (RAS) or 1 (LPS)."""
    sign = {"LPS": 1.0, "1": 1.0, "RAS": -1.0, "0": -1.0}[system]
    x, y, z = (float(str(v)) for v in position)
    return np.array([sign * x, sign * y, z])


def write_table(
    path: str | os.PathLike[str], header: Sequence[str], rows: Iterable[Sequence[object]], *, separator: str = ","
) -> None:
    """Write a table as text.

    Parameters
    ----------
    path : path
        The file to be.
    header : sequence of str
        Column names.
    rows : iterable of sequence
        The cells, written by `str`.
    separator : str
        Between the cells: a comma, or a tab.

    Raises
    ------
    InputError
        If the file cannot be written.
    """
    with whole_or_nothing([path]) as (temporary,), temporary.open("w", encoding="utf-8", newline="") as stream:
        table = csv.writer(stream, delimiter=separator, lineterminator="\n")
        table.writerow(header)
        table.writerows(rows)


def name_suffix(path: str | os.PathLike[str], allowed: Sequence[str]) -> str:
    """The ending of a file name, in lower case.

    Parameters
    ----------
    path : path
        The name.
    allowed : sequence of str
        The endings it may have.

    Returns
    -------
    str

    Raises
    ------
    InputError
        If it is none of these.
    """
    name = os.fspath(path).lower()
    for suffix in sorted(allowed, key=len, reverse=True):
        if name.endswith(suffix):
            return suffix
    raise InputError(f"cannot use {path}: the name must end in {', '.join(allowed)}")
