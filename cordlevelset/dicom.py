"""One image out of a folder of DICOM slices."""

from __future__ import annotations

import struct
from pathlib import Path
from typing import Any

import numpy as np

from cordlevelset.errors import GeometryError, InputError

__all__ = ["read_dicom"]

GAP_TOLERANCE = 0.05
"""Spread of the distances between slices, as a share of their median: positions are given to 0.01 mm at worst."""
DIRECTION_TOLERANCE = 1e-3
"""Difference of direction cosines that passes as rounding: 0.06 degrees."""

IMPLICIT, BIG_ENDIAN, DEFLATED = b"1.2.840.10008.1.2", b"1.2.840.10008.1.2.2", b"1.2.840.10008.1.2.1.99"
"""Transfer syntaxes that are not explicit little-endian."""
SHORT_KINDS = set(b"AE AS AT CS DA DS DT FD FL IS LO LT PN SH SL SS ST TM UI UL US".split())
"""Value representations whose length takes two bytes; that of all others, unknown ones too, takes four."""
UNDEFINED, OPEN_KINDS = 0xFFFFFFFF, (b"SQ", b"UN", b"OB", b"OW")
"""Length of what ends with a mark of its own, and which kinds may."""


def read_dicom(folder: Path) -> Any:
    """The one image series of a folder.

    Parameters
    ----------
    folder : Path
        Holds one DICOM series; other files are passed over.

    Returns
    -------
    SimpleITK.Image

    Raises
    ------
    InputError
        If there is no series, more than one, or a slice cannot be read.
    GeometryError
        If slices are missing, doubled, unevenly spaced or differently turned.
    """
    import SimpleITK as sitk

    try:
        dicom = [p for p in sorted(folder.iterdir()) if p.is_file() and _is_dicom(p)]
        damaged = [p for p in dicom if not _lengths_fit(p)]
    except OSError as error:
        raise InputError(f"cannot read {error.filename or folder}: {error.strerror}") from None
    _refuse(damaged)
    try:
        return _read_series(sitk.ImageSeriesReader(), folder, dicom)
    except RuntimeError:
        raise InputError(f"cannot read the DICOM series in {folder}: a slice is damaged or unlike the others") from None


def _read_series(reader: Any, folder: Path, dicom: list[Path]) -> Any:
    """The series of a folder with these files; a RuntimeError where GDCM meets what it does not know."""
    series = reader.GetGDCMSeriesIDs(str(folder))
    if len(series) > 1:
        raise InputError(
            f"{len(series)} DICOM series in folder {folder}; put the one to be read in a folder of its own"
        )
    names = reader.GetGDCMSeriesFileNames(str(folder), series[0]) if series else ()
    taken = {Path(name).name for name in names} | {"DICOMDIR"}
    _refuse([p for p in dicom if p.name not in taken])  # GDCM leaves out a slice it cannot read without a word
    if not series:
        raise InputError(f"no DICOM series in folder {folder}; give a folder that holds the slices themselves")
    if len(names) > 1:
        _check_stack(names, folder)
    reader.SetFileNames(names)
    return reader.Execute()


def _is_dicom(path: Path) -> bool:
    with path.open("rb") as stream:
        return stream.read(132)[128:] == b"DICM"


def _refuse(damaged: list[Path]) -> None:
    if damaged:
        raise InputError(f"{damaged[0]} is damaged: no slice can be read from it; copy it anew or take it out")


def _lengths_fit(path: Path) -> bool:
    """Whether no element says it is longer than the file: GDCM takes that much memory, up to 4 GB, before it looks.

    Walks the outermost elements, as PS3.5 chapter 7 lays them out, as far as their lengths are given.
    """
    size = path.stat().st_size
    meta, explicit, order, syntax = True, True, "<", b""
    with path.open("rb") as stream:
        stream.seek(132)
        while len(head := stream.read(8)) == 8:
            if meta and head[:2] != b"\2\0":  # from here on as the transfer syntax says
                meta, explicit, order = False, syntax != IMPLICIT, ">" if syntax == BIG_ENDIAN else "<"
            if syntax == DEFLATED and not meta:
                return True
            if meta and not head[4:6].isalpha():  # GDCM guesses what else it may be
                return False
            if not explicit:
                (length,) = struct.unpack(order + "I", head[4:])
            elif head[4:6] in SHORT_KINDS:
                (length,) = struct.unpack(order + "H", head[6:])
            else:
                (length,) = struct.unpack(order + "I", stream.read(4).ljust(4, b"\0"))
            if length == UNDEFINED:
                return not explicit or head[4:6] in OPEN_KINDS
            if stream.tell() + length > size:
                return False
            value = stream.read(length) if head[:4] == b"\2\0\x10\0" else stream.seek(length, 1)
            syntax = value.rstrip(b"\0 ") if isinstance(value, bytes) else syntax
    return True


def _check_stack(names: tuple[str, ...], folder: Path) -> None:
    """Slices lie parallel and evenly spaced."""
    import SimpleITK as sitk

    header = sitk.ImageFileReader()
    directions, origins = [], []
    for name in names:
        header.SetFileName(name)
        header.ReadImageInformation()
        directions.append(np.array(header.GetDirection()).reshape(3, 3))
        origins.append(header.GetOrigin())
    if np.ptp(directions, axis=0).max() > DIRECTION_TOLERANCE:
        raise GeometryError(
            f"the DICOM slices in {folder} are not parallel; put those of one stack in a folder of its own"
        )
    steps = np.abs(np.diff(np.array(origins) @ directions[0][:, 2]))
    usual = float(np.median(steps))
    if usual == 0 or np.abs(steps - usual).max() > GAP_TOLERANCE * usual:
        raise GeometryError(
            f"the DICOM slices in {folder} are {steps.min():.2f} to {steps.max():.2f} mm apart: some are missing "
            "or double; complete the series"
        )
