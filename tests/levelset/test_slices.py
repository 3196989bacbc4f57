"""Contours slice after slice in one work space: the same to the byte as each alone."""

import numpy as np

from cordlevelset.levelset.contour import geodesic_active_contour
from cordlevelset.levelset.slices import SliceContours

SPACING = (0.5, 0.7)
WEIGHTS = {"curvature": 0.1, "advection": 1.0, "max_num_iter": 60, "tol": 0.01}


def test_slices_one_after_the_other_are_each_as_alone():
    y, x = np.indices((45, 37)).astype(np.float32) * np.reshape(SPACING, (2, 1, 1)).astype(np.float32)
    radius = np.hypot(y - 11, x - 12)
    g = np.stack([1 - 0.9 * np.exp(-((radius - r) ** 2)) for r in (4.0, 6.0, 5.0)]).astype(np.float32)
    region = np.stack([np.tanh(radius - r) * np.cos(y) for r in (5.0, 3.0, 4.0)]).astype(np.float32)
    contours = SliceContours(g, region, spacing=SPACING, **WEIGHTS)
    space = contours.workspace()
    for k in (1, 2, 0, 1):
        start = radius - np.float32(3 + k)
        alone = geodesic_active_contour(start, g[k], region=region[k], spacing=SPACING, **WEIGHTS)
        assert alone.n_iter > 3
        np.testing.assert_array_equal(contours.move(k, start, space), alone.phi)
