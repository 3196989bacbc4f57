import numpy as np
import pytest

from cordlevelset.tissue import relative_brightness


def neck(spacing, inside):
    """Tissue of 100 with a tube of another brightness 10 mm wide, in air of 2; the tube's middle."""
    shape = (3, round(100 / spacing[1]), round(80 / spacing[2]))
    y, x = np.ogrid[: shape[1], : shape[2]]
    y, x = y * spacing[1] - 50, x * spacing[2] - 40
    plane = np.where(np.hypot(y, x) < 35, 100.0, 2.0)
    plane[np.hypot(y, x) < 5] = inside
    return np.broadcast_to(plane, shape).astype(np.float32), (1, shape[1] // 2, shape[2] // 2)


@pytest.mark.parametrize("spacing", [(4.0, 1.0, 1.0), (10.0, 0.7, 0.7), (1.0, 0.8, 4.0)])
def test_an_air_way_is_dark_and_a_cord_is_not(spacing):
    image, middle = neck(spacing, 2.0)
    assert relative_brightness(image, spacing)[middle] < 0.3
    image, middle = neck(spacing, 60.0)
    assert relative_brightness(image, spacing)[middle] > 0.55


def test_is_the_mean_over_the_place_by_the_mean_around_it():
    image = np.random.default_rng(0).uniform(1, 2, (2, 61, 61)).astype(np.float32)
    image[:, :6] = 0  # air
    out = relative_brightness(image, (5.0, 1.0, 1.0))
    expected = image[1, 28:33, 28:33].mean() / image[1, 10:51, 10:51].mean()
    assert out[1, 30, 30] == pytest.approx(expected, rel=1e-4)


def test_gain_and_offset_change_nothing():
    image, _ = neck((4.0, 1.0, 1.0), 30.0)
    image = image + np.random.default_rng(1).normal(0, 1, image.shape).astype(np.float32)
    moved = relative_brightness(image * 8 + 1024, (4.0, 1.0, 1.0))
    np.testing.assert_allclose(moved, relative_brightness(image, (4.0, 1.0, 1.0)), rtol=1e-2, atol=1e-3)


def test_where_nothing_gives_signal():
    assert (relative_brightness(np.full((3, 10, 8), 7, np.float32), (1.0, 1.0, 1.0)) == 1).all()
