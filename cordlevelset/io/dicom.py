"""One image out of a folder of DICOM slices."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from cordlevelset.errors import GeometryError, InputError
from cordlevelset.io.elements import is_dicom, lengths_fit

__all__ = ["check_dicom", "read_dicom"]

DIRECTORY = "DICOMDIR"
"""A list of files, not a slice."""
SERIES = "0020|000e"
"""The element that tells which series a file belongs to."""
GAP_TOLERANCE = 0.05
"""Spread of the distances between slices, as a share of their median: positions are given to 0.01 mm at worst."""
DIRECTION_TOLERANCE = 1e-3
"""Difference of direction cosines that passes as rounding: 0.06 degrees."""


@dataclass(frozen=True, slots=True)
class _Slice:
    path: Path
    series: str
    origin: NDArray[np.float64]
    direction: NDArray[np.float64]


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
        files = [path for path in sorted(folder.iterdir()) if path.is_file() and path.name != DIRECTORY]
        slices = [_header(path) for path in files if check_dicom(path)]
    except OSError as error:
        raise InputError(f"cannot read {error.filename or folder}: {error.strerror}") from None
    n_series = len({part.series for part in slices})
    if n_series > 1:
        raise InputError(f"{n_series} DICOM series in folder {folder}; put the one to be read in a folder of its own")
    if not slices:
        raise InputError(f"no DICOM series in folder {folder}; give a folder that holds the slices themselves")
    reader = sitk.ImageSeriesReader()
    reader.SetFileNames([str(path) for path in _stack(slices, folder)])
    try:
        return reader.Execute()
    except RuntimeError:
        raise InputError(f"cannot read the DICOM series in {folder}: a slice is damaged or unlike the others") from None


def check_dicom(path: Path) -> bool:
    """Whether a file is DICOM; a damaged one is refused before GDCM takes memory for it.

    Parameters
    ----------
    path : Path
        Any file.

    Returns
    -------
    bool

    Raises
    ------
    InputError
        If it is damaged or cannot be read.
    """
    try:
        if not is_dicom(path):
            return False
        if not lengths_fit(path):
            raise _damaged(path)
    except OSError as error:
        raise InputError(f"cannot read {path}: {error.strerror}") from None
    return True


def _damaged(path: Path) -> InputError:
    return InputError(f"{path} is damaged: no slice can be read from it; copy it anew or take it out")


def _header(path: Path) -> _Slice:
    """The header of one slice."""
    import SimpleITK as sitk

    reader = sitk.ImageFileReader()
    reader.SetImageIO("GDCMImageIO")
    reader.SetFileName(str(path))
    try:
        reader.ReadImageInformation()
    except RuntimeError:
        raise _damaged(path) from None
    series = reader.GetMetaData(SERIES).strip() if reader.HasMetaDataKey(SERIES) else ""
    return _Slice(path, series, np.array(reader.GetOrigin()), np.reshape(reader.GetDirection(), (3, 3)))


def _stack(slices: list[_Slice], folder: Path) -> list[Path]:
    """The files in the order of their slices, which lie parallel and evenly spaced."""
    if len(slices) == 1:
        return [slices[0].path]
    if np.ptp([part.direction for part in slices], axis=0).max() > DIRECTION_TOLERANCE:
        raise GeometryError(
            f"the DICOM slices in {folder} are not parallel; put those of one stack in a folder of its own"
        )
    normal = slices[0].direction[:, 2]  # one for all: rounding of their own would move slices far from the origin
    heights = np.array([part.origin @ normal for part in slices])
    order = np.argsort(heights, kind="stable")
    steps = np.diff(heights[order])
    usual = float(np.median(steps))
    if usual == 0 or np.abs(steps - usual).max() > GAP_TOLERANCE * usual:
        raise GeometryError(
            f"the DICOM slices in {folder} are {steps.min():.2f} to {steps.max():.2f} mm apart: some are missing "
            "or double; complete the series"
        )
    return [slices[i].path for i in order]
