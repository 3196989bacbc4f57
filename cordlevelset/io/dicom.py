"""An image out of DICOM files: its series chosen, its frames put in order, their pixels unpacked."""

from __future__ import annotations

from collections.abc import Iterator
from itertools import groupby
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from cordlevelset.errors import InputError
from cordlevelset.io.dicomfiles import DIRECTORY, MOST_INFLATED, damaged, read_dataset, whole_or_damaged
from cordlevelset.io.dicomseg import read_segmentation
from cordlevelset.io.frames import Frame
from cordlevelset.io.series import Scan, Series, choose, scan
from cordlevelset.io.stacks import grid_of
from cordlevelset.volume import Volume

__all__ = ["read_dicom"]


def read_dicom(path: Path, *, series: str | None = None) -> Volume:
    """One image of a DICOM folder tree, or of a DICOM file.

    Parameters
    ----------
    path : Path
        Folder, or file that bears the mark of DICOM; of a segmentation its masks are read.
    series : str, optional
        Which one, as `choose` takes it.

    Returns
    -------
    Volume
        Its `source` names the file and frame of each slice.

    Raises
    ------
    InputError
        If no series, or more than one, can be meant, or a file cannot be read.
    GeometryError
        If slices are missing, unevenly spaced or staggered.
    """
    if path.is_file() and path.name != DIRECTORY and (mask := read_segmentation(path)) is not None:
        return mask
    found = scan(path)
    if not found.series and found.damaged:
        raise next(iter(found.damaged.values()))
    if not found.series and path.is_file() and path.name != DIRECTORY:
        raise InputError(f"{path} is DICOM, but holds no image; give the folder that holds the slices")
    chosen = choose(found.series, series, path)
    if path.is_file() and path.name != DIRECTORY and chosen.n_slices == 1:
        raise InputError(f"{path} is a single slice; give the folder that holds its series")
    _check_neighbours(chosen, found)
    grid = grid_of(list(chosen.frames), chosen.name)
    notes = []
    if series is None and len({one.uid for one in found.series}) > 1:
        notes.append(f"{chosen.name} was taken, the only one of {len(found.series)} in the folder that may be meant")
    return Volume(
        _pixels(grid.frames),
        grid.spacing,
        grid.origin,
        grid.direction,
        notes=tuple(notes),
        source=tuple((frame.path, frame.number) for frame in grid.frames),
    )


def _check_neighbours(chosen: Series, found: Scan) -> None:
    """Refuse a series beside whose slices lies a damaged file: it may be one of them."""
    folders = {frame.path.parent for frame in chosen.frames}
    for path, error in found.damaged.items():
        if path.parent in folders:
            raise error


def _pixels(frames: tuple[Frame, ...]) -> NDArray[Any]:
    """(K, J, I): the values of the frames, scaled as their files say."""
    place = {(frame.path, frame.number): k for k, frame in enumerate(frames)}
    planes: list[NDArray[Any]] = [np.empty(0)] * len(frames)
    for path, group in groupby(sorted(frames, key=lambda f: (f.path, f.number)), key=lambda f: f.path):
        of_file = list(group)
        for frame, plane in zip(of_file, _unpacked(path, of_file), strict=True):
            planes[place[path, frame.number]] = _scaled(plane, frame)
    return np.stack(planes)


def _unpacked(path: Path, frames: list[Frame]) -> Iterator[NDArray[Any]]:
    """The pixels of some frames of one file, in the order of their numbers."""
    from pydicom.pixels import iter_pixels

    dataset = read_dataset(path)
    with whole_or_damaged(path):
        n_bytes = int(dataset.Rows) * int(dataset.Columns) * int(dataset.BitsAllocated) // 8
        if n_bytes > MOST_INFLATED:
            raise damaged(path)
        try:
            planes = list(iter_pixels(dataset, indices=[frame.number for frame in frames], raw=True))
        except (NotImplementedError, RuntimeError) as error:
            if "missing" not in str(error) and not isinstance(error, NotImplementedError):
                raise
            packed = getattr(dataset.file_meta.TransferSyntaxUID, "name", "a way of its own")
            raise InputError(
                f"{path} is packed as {packed}, which is not read here; export it unpacked (Explicit VR Little Endian)"
            ) from None
    yield from planes


def _scaled(plane: NDArray[Any], frame: Frame) -> NDArray[Any]:
    slope, intercept = frame.number_of("RescaleSlope"), frame.number_of("RescaleIntercept")
    if not np.isfinite([slope, intercept]).all() or (slope, intercept) == (1.0, 0.0):
        return plane
    return plane.astype(np.float32) * np.float32(slope) + np.float32(intercept)
