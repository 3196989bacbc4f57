"""scikit-image's morphological geodesic active contour, section by section, grown from a disc about the centerline."""

import numpy as np
from skimage.segmentation import morphological_geodesic_active_contour

from methods.sections import PIXEL_MM, from_sections

NAME = "scikit-image GAC"
START_MM, LARGEST_MM = 2.5, 8.0  # inside every cord; outside every cord


def _outline(sections):
    start = (sections.away_mm < START_MM).astype(np.int8)
    turns = round((LARGEST_MM - START_MM) / PIXEL_MM)  # the balloon grows by a pixel a turn
    grow = [
        morphological_geodesic_active_contour(g.astype(float), turns, start, smoothing=1, threshold=0.5, balloon=1)
        for g in sections.edges()
    ]
    return np.stack(grow) > 0


segment = from_sections(_outline)
