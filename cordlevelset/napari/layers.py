"""Between napari's layers and volumes in the patient.

napari's world is in array-axis order. Here it is LPS mm read backwards: z (to superior), y (to posterior), x (to left).
Layers that belong to an image share its grid: same scale, same affine, data in voxels. They then lie on each other in
every view, on oblique images too.
"""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

import cordlevelset as cls

if TYPE_CHECKING:
    from napari.layers import Layer

__all__ = ["VOLUME", "grid_keywords", "layer_transform", "points_mm", "volume_of_layer"]

FloatArray = NDArray[np.float64]
VOLUME = "cordlevelset volume"
"""Key in the metadata of a layer: what was read, with its notes and how its file says where it lies."""
SAME_MM = 1e-3
"""Grids whose corners lie nearer to each other are the same: rounding is far below it, a voxel far above."""


def grid_keywords(volume: cls.Volume) -> dict[str, Any]:
    """What a layer needs to stand where the volume stands.

    Parameters
    ----------
    volume : Volume
        The image.

    Returns
    -------
    dict
        scale, affine and units, keywords of every layer class.
    """
    affine = np.eye(4)
    affine[:3, :3] = volume.axes[:, ::-1].T  # columns: where the array axes point, z y x
    affine[:3, 3] = volume.origin[::-1]
    return {"scale": volume.spacing, "affine": affine, "units": ("mm",) * 3}


def layer_transform(layer: Layer) -> FloatArray:
    """From the layer's data coordinates to the world.

    Parameters
    ----------
    layer : napari.layers.Layer
        With three axes.

    Returns
    -------
    (4, 4) array
        To z, y, x in mm; units that are no lengths count as mm.

    Raises
    ------
    InputError
        If it has not three axes.
    """
    if layer.ndim != 3:
        raise cls.InputError(f"the layer '{layer.name}' has {layer.ndim} axes, needs 3; take one volume of it")
    corner = np.array(layer.data_to_world((0, 0, 0)))
    steps = [np.array(layer.data_to_world(unit)) - corner for unit in np.eye(3)]
    to_mm = np.array(
        [u._REGISTRY.Quantity(1, u).to("mm").m if u.is_compatible_with("mm") else 1.0 for u in layer.units]
    )
    out = np.eye(4)
    out[:3, :3] = np.column_stack(steps) * to_mm[:, None]
    out[:3, 3] = corner * to_mm
    return out


def volume_of_layer(layer: Layer) -> cls.Volume:
    """The values of an image or labels layer with their geometry.

    Parameters
    ----------
    layer : napari.layers.Image or Labels
        One channel, one resolution.

    Returns
    -------
    Volume

    Raises
    ------
    InputError
        If it is of another kind.
    GeometryError
        If its transform is sheared.
    """
    if getattr(layer, "multiscale", False) or getattr(layer, "rgb", False):
        raise cls.InputError(f"the layer '{layer.name}' is multiscale or in colour; give one channel of one resolution")
    transform = layer_transform(layer)
    spacing = np.linalg.norm(transform[:3, :3], axis=0)
    if not (spacing > 0).all():
        raise cls.GeometryError(f"the layer '{layer.name}' has a scale of 0")
    z, y, x = transform[:3, 3].tolist()
    k, j, i = spacing.tolist()
    direction = (transform[:3, :3] / spacing)[::-1, ::-1]
    volume = cls.Volume(np.asarray(layer.data), (k, j, i), (x, y, z), direction)
    read = layer.metadata.get(VOLUME)
    if isinstance(read, cls.Volume) and _same_grid(read, volume):  # the user has not moved it
        return replace(read, array=volume.array)
    return volume


def _same_grid(one: cls.Volume, other: cls.Volume) -> bool:
    corner = np.array(one.shape) - 1
    ends = np.array([[0, 0, 0], corner, [0, 0, corner[2]], [0, corner[1], 0]])
    return one.shape == other.shape and bool(np.abs(one.to_lps(ends) - other.to_lps(ends)).max() < SAME_MM)


def points_mm(layer: Layer) -> FloatArray:
    """Where the points of a layer are.

    Parameters
    ----------
    layer : napari.layers.Points
        Any scale and affine.

    Returns
    -------
    (N, 3) array
        LPS mm.
    """
    transform = layer_transform(layer)
    world = np.asarray(layer.data, dtype=np.float64) @ transform[:3, :3].T + transform[:3, 3]
    return np.ascontiguousarray(world[:, ::-1])
