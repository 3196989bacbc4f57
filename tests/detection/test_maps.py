"""What a path gains at a place: against a plain twin, and what each cost says."""

import naive_detection as naive
import numpy as np
import pytest
from scipy import ndimage as ndi

from cordlevelset.detection import maps
from cordlevelset.detection.searchgrid import SearchGrid

SPACINGS = [(4.0, 1.0, 1.0), (3.0, 0.8, 2.0)]


def grid_of(image, spacing):
    return SearchGrid(np.asarray(image, np.float32), spacing, (0.0, 0.0, 0.0), (1.0, 1.0, 1.0))


def gains(cord, sac, spacing=(4.0, 1.0, 1.0), away=0.0, dark=0.0):
    """Gain of a place as cord in its sac and as sac alone."""
    cord, sac, away, dark = (np.array(a, np.float32, ndmin=3) for a in (cord, sac, away, dark))
    found = maps._maps(-1, cord, sac, away, dark, grid_of(np.zeros_like(cord), spacing))
    return found.gain, found.sac_gain


@pytest.mark.parametrize("spacing", SPACINGS)
def test_gains_equal_their_naive_twin(spacing):
    rng = np.random.default_rng(1)
    cord, sac = rng.uniform(-1, 1, (2, 2, 16, 14)).astype(np.float32)
    away, dark = rng.uniform(0, 0.4, (2, 2, 16, 14)).astype(np.float32)
    for found, twin in zip(
        gains(cord, sac, spacing, away, dark), naive.gains(cord, sac, away, dark, spacing), strict=True
    ):
        np.testing.assert_allclose(found, twin, atol=1e-6)


def test_what_chance_gives_gains_nothing():
    """Unrelated edges give a response of 0.2 to a cord and to its ring, one of 0.3 to a sac alone."""
    assert gains(0.2, 0.2)[0] == pytest.approx(0, abs=1e-6)
    assert gains(0.0, 0.3)[1] == pytest.approx(0, abs=1e-6)
    assert gains(1.0, 1.0)[0] == pytest.approx(0.8)
    assert gains(1.0, 1.0)[1] == pytest.approx(0.35)


def test_a_cord_against_the_canal_s_wall_is_carried_by_its_sac():
    """The filter of the cord responds to nothing there, or to the opposite."""
    assert gains(-0.5, 0.35)[0] == gains(0.0, 0.35)[0] == pytest.approx(0, abs=1e-6)


@pytest.fixture
def body():
    """Mirror-symmetric tissue of 120 x 120 mm, air behind its last 30 mm."""
    rng = np.random.default_rng(2)
    half = ndi.gaussian_filter(rng.uniform(0, 1, (3, 120, 60)), (0, 3, 3)) + 1
    image = np.concatenate([half, half[:, :, ::-1]], axis=2)
    image[:, 90:] = 0
    return image


def test_beside_the_mirror_plane_each_mm_costs(body):
    """Nothing to 3 mm, then a hundredth a mm, 40 of them at most."""
    cost = maps._off_midline(np.asarray(body, np.float32), grid_of(body, (4.0, 1.0, 1.0)))
    off = np.abs(np.arange(120) - 59.5)
    np.testing.assert_allclose(cost, np.broadcast_to(0.01 * np.clip(off - 3, 0, 40), cost.shape), atol=0.006)
    assert cost[:, :, 58:62].max() == 0


def test_under_the_skin_each_mm_costs(body):
    """From 20 mm deep on nothing, then a hundredth a mm, in air no more than at the skin."""
    cost = maps._near_skin(grid_of(body, (4.0, 1.0, 1.0)))
    depth = 90 - np.arange(120)
    np.testing.assert_allclose(cost[1, :, 60], 0.01 * np.clip(20 - depth, 0, 20), atol=1e-6)


def paid_for_darkness(image, spacing):
    """In the middle of each plane: what the gain as cord lacks, less what the gain as sac lacks for its place."""
    found = maps.gain_maps(grid_of(image, spacing))[0]
    ring = ndi.maximum_filter(found.sac, (1, *(2 * round(4 / s) + 1 for s in spacing[1:])), mode="nearest")
    away = 0.5 * found.sac - 0.15 - found.sac_gain
    paid = 0.6 * np.maximum(found.cord, 0.1) + 0.4 * ring - 0.2 - away - found.gain
    return paid[:, image.shape[1] // 2, image.shape[2] // 2]


@pytest.mark.parametrize("spacing", [(4.0, 1.0, 1.0), (4.0, 1.0, 1.8)])
@pytest.mark.parametrize("share", [0.1, 0.25, 0.6, 1.0])
def test_an_air_way_pays_for_being_dark(spacing, share):
    """What its middle of 5 mm lacks of 0.4 of its surroundings' brightness."""
    image = np.ones((2, 101, 57))
    y, x = (np.arange(n)[:, None] - n // 2 for n in image.shape[1:])
    image[:, np.hypot(y * spacing[1], x.T * spacing[2]) < 6.5] = share
    image[:, 0, 0] = 0  # the darkest voxel
    around = np.mean([
        image[0, j, i] for j, i in np.ndindex(101, 57)
        if abs(j - 50) * spacing[1] <= 20 and abs(i - 28) * spacing[2] <= 20
    ])  # fmt: skip
    np.testing.assert_allclose(paid_for_darkness(image, spacing), max(0.4 - share / around, 0), atol=1e-4)


def test_a_dark_place_is_read_off_a_small_cord_s_size():
    """Dark 5 mm across counts in full; of 3 mm, two thirds of what is averaged is not dark."""
    paid = []
    for half in (1, 2, 4):
        image = np.ones((1, 101, 57))
        image[:, 50 - half : 51 + half, 28 - half : 29 + half] = 0.0
        paid.extend(paid_for_darkness(image, (4.0, 1.0, 1.0)))
    assert paid == pytest.approx([0, 0.4, 0.4], abs=1e-4)
