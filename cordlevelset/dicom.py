"""One image out of a folder of DICOM slices."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from cordlevelset.elements import is_dicom, lengths_fit
from cordlevelset.errors import GeometryError, InputError

__all__ = ["check_dicom", "read_dicom"]

DIRECTORY = "DICOMDIR"
"""A list of files, not a slice."""

GAP_TOLERANCE = 0.05
"""Spread of the distances between slices, as a share of their median: positions are given to 0.01 mm at worst."""
DIRECTION_TOLERANCE = 1e-3
"""Difference of direction cosines that passes as rounding: 0.06 degrees."""

SERIES = "0020|000e"
"""The element that tells which series a file belongs to."""


@dataclass(frozen=True, slots=True)
class _Slice:
    path: Path
    series: str
    origin: NDArray[np.float64]
    direction: NDArray[np.float64]

    @property
    def height(self) -> float:
        """Where it lies along its normal, mm."""
        return float(self.origin @ self.direction[:, 2])


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
        slices = [_header(path) for path in files if is_dicom(path)]
    except OSError as error:
        raise InputError(f"cannot read {error.filename or folder}: {error.strerror}") from None
    n_series = len({part.series for part in slices})
    if n_series > 1:
        raise InputError(f"{n_series} DICOM series in folder {folder}; put the one to be read in a folder of its own")
    if not slices:
        raise InputError(f"no DICOM series in folder {folder}; give a folder that holds the slices themselves")
    if len(slices) > 1:
        _check_stack(slices, folder)
    reader = sitk.ImageSeriesReader()
    reader.SetFileNames([str(part.path) for part in sorted(slices, key=lambda part: part.height)])
    try:
        return reader.Execute()
    except RuntimeError:
        raise InputError(f"cannot read the DICOM series in {folder}: a slice is damaged or unlike the others") from None


def check_dicom(path: Path) -> None:
    """Refuse a damaged file before GDCM takes memory for it.

    Parameters
    ----------
    path : Path
        Any file; what does not bear the mark of DICOM passes.

    Raises
    ------
    InputError
        If it is damaged or cannot be read.
    """
    try:
        if is_dicom(path) and not lengths_fit(path):
            raise _damaged(path)
    except OSError as error:
        raise InputError(f"cannot read {path}: {error.strerror}") from None


def _damaged(path: Path) -> InputError:
    return InputError(f"{path} is damaged: no slice can be read from it; copy it anew or take it out")


def _header(path: Path) -> _Slice:
    """The header of one slice."""
    import SimpleITK as sitk

    check_dicom(path)
    reader = sitk.ImageFileReader()
    reader.SetImageIO("GDCMImageIO")
    reader.SetFileName(str(path))
    try:
        reader.ReadImageInformation()
    except RuntimeError:
        raise _damaged(path) from None
    series = reader.GetMetaData(SERIES).strip() if reader.HasMetaDataKey(SERIES) else ""
    direction = np.reshape(reader.GetDirection(), (reader.GetDimension(),) * 2)
    return _Slice(path, series, np.array(reader.GetOrigin())[:3], direction[:3, :3])


def _check_stack(slices: list[_Slice], folder: Path) -> None:
    """Slices lie parallel and evenly spaced."""
    if np.ptp([part.direction for part in slices], axis=0).max() > DIRECTION_TOLERANCE:
        raise GeometryError(
            f"the DICOM slices in {folder} are not parallel; put those of one stack in a folder of its own"
        )
    steps = np.diff(sorted(part.height for part in slices))
    usual = float(np.median(steps))
    if usual == 0 or np.abs(steps - usual).max() > GAP_TOLERANCE * usual:
        raise GeometryError(
            f"the DICOM slices in {folder} are {steps.min():.2f} to {steps.max():.2f} mm apart: some are missing "
            "or double; complete the series"
        )
