"""The reduced image: its voxels, its smoothing, and how much air is left of it."""

import numpy as np
import pytest
from scipy.stats import norm

from cordlevelset.detection import searchgrid
from cordlevelset.detection.searchgrid import filled_planes, percentiles, search_grid


@pytest.mark.parametrize(
    ("spacing", "size"),
    [
        ((1.0, 0.5, 0.5), (4.0, 1.0, 1.0)),
        ((3.0, 0.3, 0.9), (3.0, 0.9, 0.9)),
        ((0.7, 1.4, 1.4), (4.2, 1.4, 1.4)),
        ((10.0, 0.8, 0.8), (10.0, 0.8, 0.8)),
        ((1.0, 1.0, 3.3), (4.0, 1.0, 1.65)),
        ((1.0, 1.0, 6.0), (4.0, 1.0, 2.0)),
    ],
)
def test_voxels_are_about_1_mm_in_the_plane_and_4_mm_along_the_cord(spacing, size):
    image = np.random.default_rng(0).uniform(1, 2, (24, 24, 24)).astype(np.float32)
    assert search_grid(image, spacing).spacing == pytest.approx(size)


@pytest.mark.parametrize("spacing", [(1.0, 0.5, 0.4), (4.0, 1.0, 1.0), (6.0, 0.9, 1.8), (1.0, 1.0, 5.0)])
def test_places_on_the_grid_are_those_of_the_image(spacing):
    shape = (24, 60, 48)
    slope = np.stack(np.indices(shape), axis=-1) @ [3.0, 2.0, 1.0] + 100
    grid = search_grid(slope.astype(np.float32), spacing)
    index = np.stack(np.indices(grid.image.shape), axis=-1) * grid.step + grid.offset
    inner = (slice(2, -2), slice(6, -6), slice(6, -6))
    np.testing.assert_allclose(grid.image[inner], (index @ [3.0, 2.0, 1.0] + 100)[inner], rtol=1e-3)


@pytest.mark.parametrize("spacing", [(4.0, 1.0, 1.0), (4.0, 0.8, 1.3)])
def test_smoothed_in_the_plane_by_1_mm(spacing):
    image = np.ones((3, 41, 41), np.float32)
    image[:, 20, 20] = 100
    blob = search_grid(image, spacing).image[1].astype(float) - 1
    for axis, size in ((0, spacing[1]), (1, spacing[2])):
        share = blob.sum(1 - axis) / blob.sum()
        at = np.arange(len(share)) * size
        assert np.sqrt(share @ at**2 - (share @ at) ** 2) == pytest.approx(1.0, rel=0.05)


def body(brightness=100.0, shape=(4, 200, 160)):
    image = np.zeros(shape, np.float32)
    image[:, 60:110, 50:120] = 100
    image[:, 115:130, 50:120] = brightness
    return image


def test_16_mm_about_the_body_are_searched():
    """An edge blurred by 1 mm has 3 hundredths of the body's brightness so far out."""
    grid = search_grid(body(), (4.0, 1.0, 1.0))
    blurred = norm.isf(0.03)
    assert grid.offset[1:] == pytest.approx((60 - 16 - blurred, 50 - 16 - blurred), abs=1)
    assert grid.image.shape[1:] == pytest.approx((70 + 2 * (16 + blurred), 70 + 2 * (16 + blurred)), abs=2)


@pytest.mark.parametrize(("share", "kept"), [(0.02, False), (0.045, True)])
def test_what_is_as_dark_as_air_is_left_out(share, kept):
    grid = search_grid(body(share * 100), (4.0, 1.0, 1.0))
    assert (grid.offset[1] + grid.image.shape[1] > 130 + 10) == kept


@pytest.mark.parametrize("rank", [1, 50, 99])
def test_percentiles_of_a_large_image(rank):
    image = np.random.default_rng(1).normal(size=(40, 60, 50)).astype(np.float32)
    assert percentiles(image, rank)[0] == pytest.approx(norm.ppf(rank / 100), abs=0.1)


@pytest.mark.parametrize(("shape", "looked_at"), [((10, 10, 10), 1000), ((100, 99, 101), 249975)])
def test_percentiles_are_read_off_part_of_a_large_image(shape, looked_at, monkeypatch):
    seen, percentile = [], np.percentile
    monkeypatch.setattr(searchgrid.np, "percentile", lambda a, ranks: seen.append(a.size) or percentile(a, ranks))
    percentiles(np.zeros(shape, np.float32), 50)
    assert seen == [looked_at]


@pytest.mark.parametrize("columns", [6, 7, 35, 64])
def test_percentiles_see_every_column(columns):
    image = np.broadcast_to(np.arange(columns, dtype=np.float32), (400_000 // columns, 7, columns))
    assert percentiles(image, 25, 75) == pytest.approx(np.percentile(image, (25, 75)), abs=columns / 100)


@pytest.mark.parametrize(("low", "high"), [(0, 0), (2, 0), (0, 3), (4, 5)])
def test_filled_planes(low, high, rng):
    image = np.full((12, 4, 5), 3.0, np.float32)
    image[low : 12 - high] = rng.normal(size=(12 - high - low, 4, 5))
    assert filled_planes(image) == (low, 11 - high)
