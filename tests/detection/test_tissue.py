import numpy as np
import pytest

from cordlevelset.detection.maps import PLACE_MM
from cordlevelset.detection.symmetry import midline
from cordlevelset.detection.tissue import against_surroundings, mean_in_plane


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
    assert mean_in_plane(against_surroundings(image, spacing), PLACE_MM, spacing)[middle] < 0.3
    image, middle = neck(spacing, 60.0)
    assert mean_in_plane(against_surroundings(image, spacing), PLACE_MM, spacing)[middle] > 0.55


def test_is_each_voxel_over_the_mean_around_it():
    image = np.random.default_rng(0).uniform(1, 2, (2, 61, 101)).astype(np.float32)
    image[0, 0, 0] = 0
    out = against_surroundings(image, (5.0, 1.0, 0.5))
    assert out[1, 30, 50] == pytest.approx(image[1, 30, 50] / image[1, 10:51, 10:91].mean(), rel=1e-4)


def test_gain_and_offset_change_nothing():
    image, _ = neck((4.0, 1.0, 1.0), 30.0)
    moved = against_surroundings(image * 8 + 1024, (4.0, 1.0, 1.0))
    np.testing.assert_allclose(moved, against_surroundings(image, (4.0, 1.0, 1.0)), rtol=1e-3, atol=1e-3)


def test_a_coil_at_one_side_does_not_move_the_mirror_plane():
    rng = np.random.default_rng(2)
    half = rng.uniform(0.2, 1, (4, 60, 40))
    image = np.concatenate([half[:, :, ::-1], half], axis=2) * np.exp(np.linspace(-0.7, 0.7, 80))
    even = against_surroundings(image.astype(np.float32), (4.0, 1.0, 1.0))
    np.testing.assert_allclose(midline(even, (4.0, 1.0, 1.0)), 39.5, atol=0.5)


def test_where_nothing_gives_signal():
    assert np.isfinite(against_surroundings(np.full((3, 10, 8), 7, np.float32), (1.0, 1.0, 1.0))).all()


def test_surroundings_are_a_thousandth_as_bright_as_the_image_at_least():
    """Noise far from a bright body stays noise."""
    image = np.zeros((1, 101, 101), np.float32)
    image[0, 0, 0], image[0, 50, 50] = 1000.0, 0.5
    out = against_surroundings(image, (5.0, 1.0, 1.0))
    assert out[0, 50, 50] == pytest.approx(0.5 / (1e-3 * 1000.0))
