"""scikit-image's morphological Chan-Vese, section by section, within 8 mm of the centerline: cord and CSF."""

import numpy as np
from skimage.segmentation import morphological_chan_vese

from methods.sections import PIXEL_MM, N, from_sections

NAME = "scikit-image Chan-Vese"
START_MM, REACH_MM, ITERATIONS = 4.0, 8.0, 30


def _outline(sections):
    r = round(REACH_MM / PIXEL_MM)
    window = (slice(N // 2 - r, N // 2 + r),) * 2
    start = (sections.away_mm[window] < START_MM).astype(np.int8)
    out = np.zeros(sections.pixels.shape, bool)
    for plane, mask in zip(sections.pixels, out, strict=True):
        mask[window] = morphological_chan_vese(plane[window].astype(float), ITERATIONS, start, smoothing=2) > 0
    return out


segment = from_sections(_outline)
