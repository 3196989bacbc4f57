import numpy as np
import pytest

from cordlevelset.border import rasterise
from cordlevelset.sections import polar
from cordlevelset.sections.contours import CordContours

RADIUS = 5.0


def _circle(first=1, center=(15.3, 14.6), radius=RADIUS):
    radii = np.full((2, polar.ANGLES.size), radius)
    return CordContours(first, np.array([center] * 2), radii, radii + 3, np.ones(2), np.ones(2))


@pytest.mark.parametrize("spacing", [(3.0, 1.0, 1.0), (1.0, 1.0, 6.0), (8.0, 0.4, 0.4)])
def test_fraction_sums_to_the_area(spacing):
    shape = (4, round(32 / spacing[1]), round(32 / spacing[2]) + 1)
    soft = rasterise.partial_volume_fraction(_circle(), shape=shape, spacing=spacing)
    assert soft[0].max() == soft[3].max() == 0
    assert soft.min() >= 0
    assert soft.max() <= 1
    area = soft[1].sum() * spacing[1] * spacing[2]
    assert area == pytest.approx(polar.polygon_area(np.full((1, polar.ANGLES.size), RADIUS))[0], rel=4e-3)


@pytest.mark.parametrize("spacing", [(3.0, 1.0, 1.0), (1.0, 1.0, 6.0)])
def test_signed_distance_of_a_circle(spacing):
    shape = (4, round(32 / spacing[1]), round(32 / spacing[2]) + 1)
    phi = rasterise.signed_distance(_circle(), shape=shape, spacing=spacing)
    y, x = np.meshgrid(*(np.arange(n) * s for n, s in zip(shape[1:], spacing[1:], strict=True)), indexing="ij")
    expected = np.clip(np.hypot(y - 15.3, x - 14.6) - RADIUS, -5.0, 5.0)
    np.testing.assert_allclose(phi[1], expected, atol=0.02)
    assert (phi[0] > 0).all()


@pytest.mark.parametrize("plane_mm", [0.8, 1.5])
def test_beyond_its_ends_it_is_the_distance_to_a_cylinder(plane_mm):
    """Planes 9 and 10 hold a circle; what is farther than 5 mm is cut off."""
    phi = rasterise.signed_distance(_circle(first=9), shape=(20, 40, 40), spacing=(plane_mm, 0.8, 0.8))
    k, y, x = np.indices(phi.shape) * np.array([plane_mm, 0.8, 0.8])[:, None, None, None]
    beyond = np.abs(k - 9.5 * plane_mm) - plane_mm
    expected = np.hypot(np.maximum(np.hypot(y - 15.3, x - 14.6) - RADIUS, 0), beyond).clip(0, 5.0)
    out = beyond > 0
    np.testing.assert_allclose(phi[out], expected[out], atol=0.02)


def test_contour_at_the_edge_of_the_grid():
    soft = rasterise.partial_volume_fraction(_circle(0, (0.0, 0.0), 3.0), shape=(2, 6, 6), spacing=(1, 1, 1))
    assert soft[0, 0, 0] == 1
    assert soft[0, 5, 5] == 0
