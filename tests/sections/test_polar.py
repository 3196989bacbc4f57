import numpy as np
import pytest
from scipy import ndimage as ndi

from cordlevelset.sections import polar


@pytest.mark.parametrize("spacing", [(3.0, 1.0, 1.0), (1.0, 0.7, 4.0)])
def test_sections_equal_scipy(spacing):
    """On 64 rays, a sample each quarter of a millimetre up to 15."""
    rng = np.random.default_rng(6)
    array = rng.normal(size=(4, 30, 20)).astype(np.float32)
    centers = np.array([[10.0, 9.0], [11.0, 12.0]])
    sections = polar.polar_sections(array, spacing=spacing, first=1, centers_mm=centers)
    for p, (cy, cx) in enumerate(centers):
        angle, radius = 2 * np.pi * np.arange(64) / 64, np.arange(0, 15, 0.25)
        y = (cy + np.outer(np.sin(angle), radius)) / spacing[1]
        x = (cx + np.outer(np.cos(angle), radius)) / spacing[2]
        expected = ndi.map_coordinates(array[1 + p].astype(float), [y, x], order=1, mode="nearest")
        np.testing.assert_allclose(sections[p], expected, atol=1e-4)


def _offset_circle(radius, dy, dx):
    """Distance from the origin to a circle about (dy, dx), on the rays."""
    along = dy * np.sin(polar.ANGLES) + dx * np.cos(polar.ANGLES)
    return (along + np.sqrt(along**2 + radius**2 - dy**2 - dx**2))[None]


def test_area_and_centroid_of_an_off_center_circle():
    radii = _offset_circle(5.0, 1.0, -0.5)
    assert polar.polygon_area(radii)[0] == pytest.approx(np.pi * 25, rel=3e-3)
    np.testing.assert_allclose(polar.centroid_shift(radii)[0], [1.0, -0.5], atol=0.01)


def test_recentred_circle_is_round():
    radii = _offset_circle(5.0, 1.0, -0.5)
    np.testing.assert_allclose(polar.recentred(radii, np.array([[1.0, -0.5]])), 5.0, atol=0.01)


def test_a_deepened_circle_is_an_ellipse_about_its_own_middle():
    radii = polar.deepened(_offset_circle(5.0, 0.0, 0.0), np.array([1.2]))
    expected = 30.0 / np.hypot(5.0 * np.sin(polar.ANGLES), 6.0 * np.cos(polar.ANGLES))
    np.testing.assert_allclose(radii, expected[None], atol=0.02)
    y = polar.deepened(_offset_circle(5.0, 1.0, 0.0), np.array([1.2])) * np.sin(polar.ANGLES)
    assert (y.max() + y.min()) / 2 == pytest.approx(1.0, abs=0.02)
    assert y.max() - y.min() == pytest.approx(12.0, abs=0.05)
