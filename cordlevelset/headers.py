"""What SimpleITK does not tell: disagreements in NIfTI headers, gaps and mixed series in DICOM folders."""

from __future__ import annotations

import gzip
import math
import struct
import zlib
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from cordlevelset.errors import GeometryError, InputError

__all__ = ["NiftiHeader", "nifti_header", "read_dicom"]

GAP_TOLERANCE = 0.05
"""Spread of the distances between DICOM slices, as a share of their median: positions are given to 0.01 mm at worst."""


@dataclass(frozen=True, slots=True)
class NiftiHeader:
    """What this library takes from a NIfTI header itself: the two grid-to-world matrices it may hold.

    Attributes
    ----------
    sform, qform : (4, 4) array or None
        Voxel (i, j, k) to RAS mm; None where the header's code says there is none.
    """

    sform: NDArray[np.float64] | None
    qform: NDArray[np.float64] | None


def nifti_header(path: Path) -> NiftiHeader | None:
    """Read and check the header of a NIfTI-1 file.

    Parameters
    ----------
    path : Path
        Any file, gzipped or not.

    Returns
    -------
    NiftiHeader or None
        None if it does not begin like NIfTI.

    Raises
    ------
    GeometryError
        If a voxel size is not a positive number.
    InputError
        If it is NIfTI-2, ends before its last voxel, or holds values that are not finite: SimpleITK reads a cut .nii.gz
        without a word, and NaN as 0.
    """
    raw = _head(path)
    for endian in "<>":
        size = struct.unpack(endian + "i", raw[:4])[0] if len(raw) >= 348 else 0
        if size == 540:
            raise InputError(f"{path} is NIfTI-2, which SimpleITK does not read; convert it to NIfTI-1")
        if size == 348 and raw[344:348] in (b"n+1\0", b"ni1\0"):
            return _parse(path, raw, endian)
    return None


def _parse(path: Path, raw: bytes, endian: str) -> NiftiHeader:
    pixdim = struct.unpack_from(endian + "8f", raw, 76)
    if not all(0 < abs(size) < np.inf for size in pixdim[1:4]):
        raise GeometryError(f"{path.name}: voxel size {pixdim[1:4]} mm in the header is not usable; mend it")
    dim = struct.unpack_from(endian + "8h", raw, 40)
    code, bits = struct.unpack_from(endian + "2h", raw, 70)
    (offset,) = struct.unpack_from(endian + "f", raw, 108)
    if raw[344:348] == b"n+1\0":  # header and values in one file
        n_values = math.prod(max(n, 1) for n in dim[1 : 1 + max(dim[0], 0)])
        _check_values(path, int(offset), n_values * bits // 8, {16: endian + "f4", 64: endian + "f8"}.get(code))
    codes = struct.unpack_from(endian + "2h", raw, 252)
    quaternion = struct.unpack_from(endian + "6f", raw, 256)
    rows = struct.unpack_from(endian + "12f", raw, 280)
    sform = np.vstack([np.reshape(rows, (3, 4)), [0, 0, 0, 1]]) if codes[1] > 0 else None
    return NiftiHeader(sform, _qform(quaternion, pixdim) if codes[0] > 0 else None)


def _head(path: Path) -> bytes:
    try:
        with path.open("rb") as stream:
            raw = stream.read(348)
        if raw[:2] == b"\x1f\x8b":
            with gzip.open(path) as stream:
                raw = stream.read(348)
    except (OSError, EOFError, zlib.error):  # the reader proper will say what is wrong
        return b""
    return raw


def _check_values(path: Path, offset: int, n_bytes: int, dtype: str | None) -> None:
    """Read the values to their end; a gzipped file checks its sum on the way."""
    length, n_bad = 0, 0
    try:
        with path.open("rb") as plain, gzip.open(path) if plain.read(2) == b"\x1f\x8b" else path.open("rb") as stream:
            stream.read(offset)
            while block := stream.read(1 << 20):
                length += len(block)
                if dtype is not None:
                    values = np.frombuffer(block[: len(block) // 8 * 8], dtype)
                    n_bad += values.size - int(np.count_nonzero(np.isfinite(values)))
    except (OSError, EOFError, zlib.error):
        raise InputError(f"{path} is damaged: its compressed data end early or are corrupt; copy it anew") from None
    if length < n_bytes:
        raise InputError(f"{path} is damaged: it holds {length} bytes, its header asks for {n_bytes}; copy it anew")
    if n_bad:
        raise InputError(f"{path}: {n_bad} values are not finite numbers; replace NaN and infinities first")


def _qform(quaternion: tuple[float, ...], pixdim: tuple[float, ...]) -> NDArray[np.float64]:
    """Rotation by a unit quaternion, as the NIfTI standard writes it; pixdim[0] is the sign of the k axis."""
    b, c, d, *offset = quaternion
    a = np.sqrt(max(0.0, 1 - b * b - c * c - d * d))
    rotation = [
        [a * a + b * b - c * c - d * d, 2 * (b * c - a * d), 2 * (b * d + a * c)],
        [2 * (b * c + a * d), a * a + c * c - b * b - d * d, 2 * (c * d - a * b)],
        [2 * (b * d - a * c), 2 * (c * d + a * b), a * a + d * d - b * b - c * c],
    ]
    matrix = np.eye(4)
    matrix[:3, :3] = np.array(rotation) * [pixdim[1], pixdim[2], pixdim[3] * (-1 if pixdim[0] < 0 else 1)]
    matrix[:3, 3] = offset
    return matrix


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
        If there is no series, more than one, or it cannot be read.
    GeometryError
        If slices are missing, doubled or unevenly spaced.
    """
    import SimpleITK as sitk

    reader = sitk.ImageSeriesReader()
    series = reader.GetGDCMSeriesIDs(str(folder))
    if not series:
        raise InputError(f"no DICOM series in folder {folder}")
    if len(series) > 1:
        raise InputError(
            f"{len(series)} DICOM series in folder {folder}; put the one to be read in a folder of its own"
        )
    names = reader.GetGDCMSeriesFileNames(str(folder), series[0])
    try:
        if len(names) > 1:
            _check_gaps(names, folder)
        reader.SetFileNames(names)
        return reader.Execute()
    except RuntimeError as error:
        lines = str(error).strip().splitlines() or ["unknown error"]
        raise InputError(f"cannot read the DICOM series in {folder}: {lines[-1].strip()[:120]}") from None


def _check_gaps(names: tuple[str, ...], folder: Path) -> None:
    import SimpleITK as sitk

    header = sitk.ImageFileReader()
    positions = []
    for name in names:
        header.SetFileName(name)
        header.ReadImageInformation()
        normal = np.array(header.GetDirection()).reshape(3, 3)[:, 2]
        positions.append(float(normal @ header.GetOrigin()))
    steps = np.abs(np.diff(positions))
    usual = float(np.median(steps))
    if usual == 0 or np.abs(steps - usual).max() > GAP_TOLERANCE * usual:
        raise GeometryError(
            f"the DICOM slices in {folder} are {steps.min():.2f} to {steps.max():.2f} mm apart: some are missing "
            "or double; complete the series"
        )
