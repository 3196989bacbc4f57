"""Contours slice after slice in one work space: each stands where it stands alone."""

import numpy as np
import pytest

from cordlevelset.levelset.contour import geodesic_active_contour
from cordlevelset.levelset.distance import redistance
from cordlevelset.levelset.slices import SliceContours

SPACING = (0.5, 0.7)
WEIGHTS = {"curvature": 0.1, "advection": 1.0, "max_num_iter": 60, "tol": 0.01}


@pytest.fixture(scope="module")
def slices():
    y, x = np.indices((45, 37)).astype(np.float32) * np.reshape(SPACING, (2, 1, 1)).astype(np.float32)
    radius = np.hypot(y - 11, x - 12)
    g = np.stack([1 - 0.9 * np.exp(-((radius - r) ** 2)) for r in (4.0, 6.0, 5.0)]).astype(np.float32)
    region = np.stack([np.tanh(radius - r) * np.cos(y) for r in (5.0, 3.0, 4.0)]).astype(np.float32)
    return radius, g, region


def test_each_stands_where_it_stands_alone(slices):
    radius, g, region = slices
    contours = SliceContours(g, region, spacing=SPACING, **WEIGHTS)
    space = contours.workspace()
    for k in (1, 2, 0):
        start = radius - np.float32(3 + k)
        alone = geodesic_active_contour(start, g[k], region=region[k], spacing=SPACING, **WEIGHTS)
        assert alone.n_iter > 3
        phi = contours.move(k, start, space)
        # the very same zero level: made a distance, it is what comes out alone
        np.testing.assert_array_equal(redistance(phi, spacing=SPACING, band=2.0), alone.phi)


def test_a_work_space_keeps_nothing_of_the_slice_before(slices):
    radius, g, region = slices
    contours = SliceContours(g, region, spacing=SPACING, **WEIGHTS)
    used = contours.workspace()
    contours.move(0, radius - np.float32(6), used)
    start = radius - np.float32(4)
    np.testing.assert_array_equal(contours.move(1, start, used), contours.move(1, start, contours.workspace()))
