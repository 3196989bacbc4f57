"""What lies in front of the canal above C2/3: the axis with its dens, the front arch of the atlas, the skull's base.

There is no disc above C2/3: the body of the axis goes on into the dens, which the atlas turns about.
"""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np
from numpy.typing import NDArray

__all__ = ["smooth_max", "upper_neck"]

FloatArray = NDArray[np.float64]

AXIS_BODY_MM = 21.0
"""Height of the body of the axis: 21.4 mm behind, 26.2 in front (Teo, Journal of Spine: Morphometric Analysis of Human
Second Cervical Vertebrae)."""
DENS_MM = (15.0, 11.0, 9.3)
"""Height, depth and width of the dens: 14.9 mm high, 9.3 wide (Gosavi, Swamy 2012); a little deeper than wide."""
ARCH_MM = (10.0, 6.0)
"""Height and depth of the atlas' front arch in the midline."""
ARCH_GAP_MM = 2.0
"""From the dens to the arch: up to 3 mm in adults."""
SKULL_GAP_MM = 6.0
"""From the tip of the dens to the skull: up to 8.5 mm in adults (basion-dens interval). Fat fills it."""
SKULL_SLOPE = 1.0
"""The clivus rises to the front by 45 degrees and more, from the foramen magnum."""
CORTEX_MM = 1.2
"""Thickness of the bones' dark rim."""


def upper_neck(
    above: FloatArray, front: FloatArray, side: FloatArray, body: tuple[float, float], shade: dict[str, float]
) -> Iterator[tuple[float, FloatArray, float]]:
    """Brightness, signed distance (mm) and width of the edge of each tissue, to be painted one over the other.

    Parameters
    ----------
    above, front, side : array
        Height above the lower endplate of the axis, way to the front from the rear of the bodies, way to the left; mm.
    body : (2,) tuple of float
        Depth and half width of a vertebral body, mm.
    shade : dict
        Brightness by tissue.

    Yields
    ------
    tuple
    """
    height, depth, width = DENS_MM
    tip = AXIS_BODY_MM + height
    arch_middle = AXIS_BODY_MM + height / 2, depth + ARCH_GAP_MM + ARCH_MM[1] / 2
    yield shade["muscle"], smooth_max(-above, -front), 1.0
    yield shade["fat"], smooth_max(AXIS_BODY_MM - above, np.abs(front - arch_middle[1] / 2) - arch_middle[1] / 2), 1.0
    share = np.clip(above / AXIS_BODY_MM, 0, 1)  # the body goes over into the dens, whose tip is round
    deep, half_width = body[0] + share * (depth - body[0]), body[1] + share * (width / 2 - body[1])
    across = np.hypot(front - deep / 2, np.maximum(above - tip + depth / 2, 0)) - deep / 2
    axis = smooth_max(smooth_max(across, np.abs(side) - half_width), -above)
    ratio = ARCH_MM[1] / ARCH_MM[0]
    arch = np.hypot((above - arch_middle[0]) * ratio, front - arch_middle[1]) - ARCH_MM[1] / 2
    skull = smooth_max(tip + SKULL_GAP_MM + SKULL_SLOPE * front - above, -front)
    for bone in (axis, smooth_max(arch, np.abs(side) - body[1]), skull):
        yield shade["cortex"], bone, 1.0
        yield shade["marrow"], bone + CORTEX_MM, 1.0


def smooth_max(a: FloatArray, b: FloatArray) -> FloatArray:
    """Intersection of two bodies with an edge rounded by 2 mm.

    Parameters
    ----------
    a, b : array
        Signed distances to them, mm.

    Returns
    -------
    array
    """
    h = np.maximum(2.0 - np.abs(a - b), 0.0)
    out: FloatArray = np.maximum(a, b) + h * h / 8.0
    return out
