"""The taper of the conus: near its tip the cord is told from the roots that lie against it.

The roots of the cauda equina leave the conus on all sides. They are as dark or bright as cord, and where they lie
against it the contour that knows nothing of the tip takes them in. Once the tip is known, a size is expected h mm above
it,

    r(h) = r0 + (r - r0) h / l,   h < l

with r the median contour of the cord higher up, r0 the smallest one that is told from CSF and l the length of a
conus. The contour of greatest gain is sought again with that size in place of the usual cord's and of the neighbours'.
A border that stands clear keeps its place, one that roots have blurred moves in to the cord's own step.
"""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from cordlevelset.sections.boundary import CORD_SIZE_COST, SMALLEST_CORD_MM, border_gain
from cordlevelset.sections.curves import NEIGHBOUR_COST, smooth_contours
from cordlevelset.sections.stack import Sections

__all__ = ["above_tip", "tapered_contours"]

CONUS_MM = 30.0
"""l: the conus medullaris is 30 to 60 mm long (doi:10.1371/journal.pone.0301449); over the shortest one nothing is
narrowed that may be as wide as the cord."""
TAPER_COST = CORD_SIZE_COST + NEIGHBOUR_COST
"""Per mm2: what the two that it stands for cost together."""


def above_tip(n_planes: int, plane_mm: float) -> NDArray[np.float64]:
    """Height of each plane's middle above the tip of a cord that ends in the lowest one, mm."""
    return (np.arange(n_planes, dtype=np.float64) + 0.5) * plane_mm


def tapered_contours(cord: Sections) -> NDArray[np.float64]:
    """Contours of a cord that ends in its lowest plane.

    Parameters
    ----------
    cord : Sections
        With its start contours.

    Returns
    -------
    radii_mm : (P, A) array
        Those given, but for the planes of the conus; all of them, if no cord is seen above it.
    """
    height = above_tip(len(cord), cord.plane_mm)
    conus = height < CONUS_MM
    if conus.all():
        return cord.radii_mm
    above = np.median(cord.radii_mm[~conus], axis=0)
    expected = SMALLEST_CORD_MM + (above - SMALLEST_CORD_MM) * (height[conus, None] / CONUS_MM)
    out = cord.radii_mm.copy()
    out[conus] = smooth_contours(border_gain(cord.evidence[conus], expected, TAPER_COST))
    return out
