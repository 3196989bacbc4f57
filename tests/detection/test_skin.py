import numpy as np
import pytest

from cordlevelset.detection.skin import depth_below_skin


def body(rows, spacing, air_behind):
    """Tissue of 100 with noise, skin at a known row, air of 1 with noise behind it."""
    rng = np.random.default_rng(3)
    image = rng.normal(100, 10, (4, rows, 30))
    image[:, rows - air_behind :] = np.abs(rng.normal(0, 1.5, (4, air_behind, 30)))
    return image.astype(np.float32), spacing


@pytest.mark.parametrize("dy", [0.5, 1.0, 3.0])
def test_counts_mm_from_the_first_row_of_air(dy):
    image, spacing = body(60, (4.0, dy, 2.0), 20)
    depth = depth_below_skin(image, spacing)
    np.testing.assert_allclose(depth, np.broadcast_to(((40 - np.arange(60)) * dy)[:, None], image.shape), atol=1e-4)


def test_dark_places_inside_the_body_are_not_its_back():
    image, spacing = body(60, (4.0, 1.0, 1.0), 20)
    image[:, 10:18, 5:25] = 0
    assert depth_below_skin(image, spacing)[2, 5, 15] == 35


def test_unknown_where_the_image_ends_inside_the_body():
    image, spacing = body(60, (4.0, 1.0, 1.0), 20)
    assert np.isinf(depth_below_skin(image[:, :40], spacing)).all()
    image[:, :, :10] = 100  # and column by column
    depth = depth_below_skin(image, spacing)
    assert np.isinf(depth[:, :, :10]).all()
    assert np.isfinite(depth[:, :, 10:]).all()


def test_scale_and_offset_of_intensities_change_nothing():
    image, spacing = body(60, (4.0, 1.0, 1.0), 20)
    assert (depth_below_skin(image, spacing) == depth_below_skin(image * 8 + 1024, spacing)).all()


def test_constant_image():
    flat = np.ones((3, 10, 8), np.float32)
    assert not np.isnan(depth_below_skin(flat, (1.0, 1.0, 1.0))).any()


@pytest.mark.parametrize(("air_mm", "seen"), [(1.5, False), (3.0, True)])
def test_2_mm_of_air_are_a_back(air_mm, seen):
    """Less may be a dark last row."""
    image, spacing = body(60, (4.0, 0.5, 1.0), round(air_mm / 0.5))
    assert np.isfinite(depth_below_skin(image, spacing)).all() == seen
