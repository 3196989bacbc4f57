"""A result as layers on the grid of its image."""

from __future__ import annotations

import html
from dataclasses import asdict
from typing import Any

import numpy as np
from napari.utils import Colormap
from numpy.typing import NDArray
from skimage.measure import find_contours

import cordlevelset as cls
from cordlevelset.napari.layers import grid_keywords

__all__ = ["centerline_layer", "contour_layer", "mask_layer", "summary"]

LINE_MM = 0.3
"""Width of the contour shown: thin beside a cord of 8 to 14 mm."""
POINT_MM = 1.0
"""Size of the points shown along the centerline: seen beside the contour, smaller than the cord."""
CONFIDENCE_COLORS = Colormap(
    [[0.84, 0.15, 0.12], [1.0, 0.8, 0.2], [0.1, 0.85, 1.0]], controls=[0.0, 0.3, 1.0], name="cord confidence"
)
"""Red, yellow at 0.3 where results begin to be reliable, cyan: told apart with any kind of color vision."""
LayerData = tuple[Any, dict[str, Any], str]


def mask_layer(result: cls.CordSegmentation) -> LayerData:
    """The mask; a copy, so that painting leaves the result as it is.

    Parameters
    ----------
    result : CordSegmentation
        Of the image.

    Returns
    -------
    (data, keywords, kind)
    """
    return result.mask.array.copy(), {"name": "cord", "opacity": 0.4, **grid_keywords(result.mask)}, "labels"


def contour_layer(result: cls.CordSegmentation) -> LayerData:
    """Where the signed distance is zero, in each slice across the cord: finer than the voxels.

    Parameters
    ----------
    result : CordSegmentation
        Of the image.

    Returns
    -------
    (data, keywords, kind)
    """
    across = result.turn.order[0]  # the array axis that runs along the body
    phi = np.moveaxis(result.phi.array, across, 0)
    paths = [
        np.insert(path, across, k, axis=1)
        for k in np.flatnonzero((phi < 0).any(axis=(1, 2)))
        for path in find_contours(phi[k], 0.0)
    ]
    scale = _curve_scale(result)
    style = {"shape_type": "path", "edge_color": "orange", "edge_width": LINE_MM / scale.min(), "ndim": 3}
    grid = grid_keywords(result.mask) | {"scale": scale}
    return [path * result.mask.spacing / scale for path in paths], {"name": "cord contour", **style, **grid}, "shapes"


def centerline_layer(result: cls.CordSegmentation) -> LayerData:
    """The middle of the cord, a point a slice in the color of its confidence, with the slice's measures as features.

    Parameters
    ----------
    result : CordSegmentation
        Of the image.

    Returns
    -------
    (data, keywords, kind)
    """
    records = [asdict(record) for record in result.slices]
    features = {key: [record[key] for record in records] for key in records[0]}
    scale = _curve_scale(result)
    style = {"size": POINT_MM / scale.max(), "border_width": 0.0, "face_color": "confidence"}
    style |= {"face_colormap": CONFIDENCE_COLORS, "face_contrast_limits": (0.0, 1.0)}
    points = result.mask.to_index(result.centerline.points_mm) * result.mask.spacing / scale
    grid = grid_keywords(result.mask) | {"scale": scale}
    return points, {"name": "cord centerline", "features": features, **style, **grid}, "points"


def _curve_scale(result: cls.CordSegmentation) -> NDArray[np.float64]:
    """The image's step along the body, so that curves appear with its slices; one step across: even lines."""
    spacing = np.array(result.mask.spacing)
    along = result.turn.order[0]
    scale = np.full(3, np.delete(spacing, along).min())
    scale[along] = spacing[along]
    return scale


def summary(result: cls.CordSegmentation) -> str:
    """What the panel says of a result.

    Parameters
    ----------
    result : CordSegmentation
        Of the image.

    Returns
    -------
    str
        HTML; what comes from files is escaped.
    """
    lines = [
        f"{result.polarity} cord, {result.length_mm:.0f} mm long, mean area {result.mean_area_mm2:.1f} mm2",
        f"confidence {result.confidence:.2f}",
    ]
    if result.conus is not None:
        lines.append(f"conus at z = {result.conus.tip_mm[2]:.1f} mm, +- {result.conus.uncertainty_mm:.1f} mm")
    notes = "".join(f"<li>{html.escape(note)}</li>" for note in result.notes)
    return "<br>".join(lines) + (f"<ul>{notes}</ul>" if notes else "")
