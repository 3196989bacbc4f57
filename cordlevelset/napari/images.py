"""Image files with their geometry, in and out; napari's own reader drops spacing and orientation."""

from __future__ import annotations

import os
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np

import cordlevelset as cls
from cordlevelset.napari.layers import grid_keywords, volume_of_layer

__all__ = ["get_reader", "read_layer", "write_layer"]

READER_SUFFIXES = (".nii", ".nii.gz", ".nrrd", ".mha")
"""Endings of the images that the reader takes."""
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
    return read_layer if all(p.lower().endswith(READER_SUFFIXES) for p in paths) else None


def read_layer(path: str | list[str]) -> list[LayerData]:
    """Images as layers that stand where they stand in the patient.

    Parameters
    ----------
    path : str or list of str
        NIfTI, NRRD or MetaImage.

    Returns
    -------
    list of (data, keywords, kind)
        Small whole numbers, as of a mask, make a labels layer.
    """
    layers: list[LayerData] = []
    for one in [path] if isinstance(path, str) else path:
        volume = cls.read(one)
        name = Path(one).name
        for suffix in READER_SUFFIXES:
            name = name.removesuffix(suffix)
        whole = volume.array.dtype.kind in "iu"
        kind = "labels" if whole and int(volume.array.max()) - int(volume.array.min()) < 10 else "image"
        layers.append(
            (volume.array, {"name": name, "metadata": {"notes": volume.notes}, **grid_keywords(volume)}, kind)
        )
    return layers


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

    keys = ("name", "scale", "translate", "rotate", "shear", "affine", "units")
    layer = Image(np.asarray(data), rgb=meta.get("rgb", False), **{key: meta[key] for key in keys if key in meta})
    cls.write(volume_of_layer(layer), path)
    return [os.fspath(path)]
