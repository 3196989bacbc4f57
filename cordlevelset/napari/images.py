"""Image files with their geometry, in and out; napari's own reader drops spacing and orientation."""

from __future__ import annotations

import os
from collections.abc import Callable
from itertools import islice
from pathlib import Path
from typing import Any

import numpy as np

import cordlevelset as cls
from cordlevelset.napari.layers import VOLUME, grid_keywords, volume_of_layer

__all__ = ["get_reader", "read_layer", "write_layer"]

READER_SUFFIXES = (".nii", ".nii.gz", ".nrrd", ".mha")
"""Endings of the images that the reader takes."""
FIRST_FILES = 100
"""Files of a folder that are looked at: a disc has a few that are no DICOM, a chunked image may have a million."""
N_LABELS = 10
"""Whole numbers in a narrower range are labels: a cord's mask has two, an MR image hundreds."""
MARK_OFFSET = 128
"""Bytes before the four letters that mark a file as DICOM (PS3.10, 7.1)."""
LayerData = tuple[Any, dict[str, Any], str]


def get_reader(path: str | list[str]) -> Callable[[str | list[str]], list[LayerData]] | None:
    """The reader, if it can read this.

    Parameters
    ----------
    path : str or list of str
        What the user opens.

    Returns
    -------
    callable or None
    """
    paths = [path] if isinstance(path, str) else path
    return read_layer if all(p.lower().endswith(READER_SUFFIXES) or _holds_dicom(Path(p)) for p in paths) else None


def _holds_dicom(folder: Path) -> bool:
    """Whether one of a folder's first files is DICOM; other readers open folders, too."""
    if not folder.is_dir():
        return False
    files = (path for path in folder.rglob("*") if path.is_file())
    for path in islice(files, FIRST_FILES):
        with path.open("rb") as stream:
            if stream.read(MARK_OFFSET + 4)[MARK_OFFSET:] == b"DICM":
                return True
    return False


def read_layer(path: str | list[str]) -> list[LayerData]:
    """Images as layers that stand where they stand in the patient.

    Parameters
    ----------
    path : str or list of str
        NIfTI, NRRD, MetaImage, or a folder with a DICOM series.

    Returns
    -------
    list of (data, keywords, kind)
        Small whole numbers, as of a mask, make a labels layer.
    """
    paths = [path] if isinstance(path, str) else path
    return [layer for one in paths for layer in (_series_layers(one) if Path(one).is_dir() else [_file_layer(one)])]


def _file_layer(path: str) -> LayerData:
    name = Path(path).name
    for suffix in READER_SUFFIXES:
        name = name.removesuffix(suffix)
    return _layer(cls.read(path), name)


def _series_layers(folder: str) -> list[LayerData]:
    """An image for each series of a DICOM folder that is one; localizers are left out."""
    series = [one for one in cls.list_series(folder) if not one.problem and not one.overview]
    if len(series) < 2:
        return [_layer(cls.read(folder), Path(folder).name)]  # its own choice, or its own error
    return [_layer(cls.read(folder, series=one.label), f"{one.label} {one.description}") for one in series]


def _layer(volume: cls.Volume, name: str) -> LayerData:
    """Small whole numbers, as of a mask, make a labels layer."""
    whole = volume.array.dtype.kind in "iu"
    kind = "labels" if whole and int(volume.array.max()) - int(volume.array.min()) < N_LABELS else "image"
    return volume.array, {"name": name, "metadata": {VOLUME: volume}, **grid_keywords(volume)}, kind


def write_layer(path: str, data: Any, meta: dict[str, Any]) -> list[str]:
    """Save a layer with its geometry, whole or not at all.

    Parameters
    ----------
    path : str
        Ends in .nii.gz, .nii, .nrrd or .mha.
    data : array
        The layer's data.
    meta : dict
        The layer's keywords.

    Returns
    -------
    list of str
        The file written.
    """
    from napari.layers import Image

    keys = ("name", "metadata", "scale", "translate", "rotate", "shear", "affine", "units")
    layer = Image(np.asarray(data), rgb=meta.get("rgb", False), **{key: meta[key] for key in keys if key in meta})
    cls.write(volume_of_layer(layer), path)
    return [os.fspath(path)]
