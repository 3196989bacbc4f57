"""Watershed of the gradient, section by section, from a disc about the centerline and from all that is far from it."""

import numpy as np
from scipy import ndimage as ndi
from skimage.segmentation import watershed

from methods.sections import EDGE_SIGMA_MM, PIXEL_MM, from_sections

NAME = "watershed"
INNER_MM, OUTER_MM = 2.0, 9.0  # inside every cord; outside every cord


def _outline(sections):
    markers = np.where(sections.away_mm < INNER_MM, 1, np.where(sections.away_mm > OUTER_MM, 2, 0))
    slopes = [ndi.gaussian_gradient_magnitude(p, EDGE_SIGMA_MM / PIXEL_MM) for p in sections.pixels]
    return np.stack([watershed(s, markers) == 1 for s in slopes])


segment = from_sections(_outline)
