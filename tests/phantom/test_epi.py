"""The EPI phantom: what it moves, dims and blurs, by the numbers, and that its truth goes with it."""

import numpy as np
import pytest

import cordlevelset as cls
from cordlevelset.phantom import epi, make_phantom

SMALL = {"region": "cervical", "contrast": "epi", "spacing": (3.0, 1.0, 1.0), "field_mm": (90.0, 80.0, 50.0)}


def test_planes_are_displaced_with_the_vertebrae_and_each_by_itself():
    shifts = epi.plane_shifts(600, 3.0, np.random.default_rng(0))
    wave = np.sin(2 * np.pi * np.arange(600) * 3.0 / 18.0)
    assert 2 * (shifts * wave).mean() == pytest.approx(1.0, abs=0.05)
    assert (shifts - wave).std() == pytest.approx(0.3, rel=0.1)


@pytest.mark.parametrize("spacing", [(3.0, 1.0, 1.0), (5.0, 0.5, 1.5)])
def test_blur_lies_along_the_phase_direction_alone(spacing):
    image = np.zeros((40, 81, 21))
    image[:, 40, 10] = 1.0
    seen = epi.as_epi(image, spacing, np.full(40, 1e3), np.random.default_rng(0))  # the canal is far: nothing is lost
    assert np.count_nonzero(seen.sum((0, 1))) == 1
    profile = seen.sum((0, 2))
    away = (np.arange(81) - 40) * spacing[1]
    assert np.sqrt((profile * away**2).sum() / profile.sum()) == pytest.approx(0.85, rel=0.05)


def test_planes_differ_in_brightness():
    seen = epi.as_epi(np.ones((500, 9, 3)), (3.0, 1.0, 1.0), np.full(500, 1e3), np.random.default_rng(1))
    assert seen[:, 4, 1].std() == pytest.approx(0.08, rel=0.1)


def test_signal_is_lost_behind_the_canal_beside_discs():
    """0.6 of it a centimetre behind; half of that 4 mm behind the middle; by exp(-1/2) less 4 mm along the cord."""
    planes = np.arange(3000)  # of 1 mm: the planes' own brightness averages out
    seen = epi.as_epi(np.ones((3000, 60, 1)), (1.0, 1.0, 1.0), np.full(3000, 30.0), np.random.default_rng(2))[..., 0]
    at = {d: seen[planes % 18 == d].mean(0) / seen[planes % 18 == d, :20].mean() for d in (0, 4, 9)}
    assert 1 - at[0][50] == pytest.approx(0.6, abs=0.01)
    assert 1 - at[0][34] == pytest.approx(0.3, abs=0.01)
    assert 1 - at[4][50] == pytest.approx(0.6 * np.exp(-0.5), abs=0.01)
    assert 1 - at[0][36] == pytest.approx(0.6 / (1 + np.exp(-2 / 1.5)), abs=0.02)


def test_the_truth_is_displaced_with_the_image():
    phantom = make_phantom(**SMALL)
    grid = phantom.soft_mask
    rows = np.arange(grid.shape[1])
    line = grid.to_index(phantom.centerline_mm)
    for k, row, _ in line:
        share = grid.array[round(k)].sum(1)
        assert share @ rows / share.sum() == pytest.approx(row, abs=0.1)
    shifts = epi.plane_shifts(30, 3.0, np.random.default_rng([0, 1]))
    straight = make_phantom(**SMALL | {"contrast": "t2"}).soft_mask.to_index(
        make_phantom(**SMALL | {"contrast": "t2"}).centerline_mm
    )
    assert line[:, 1] - straight[:, 1] == pytest.approx(shifts[::-1], abs=1e-6)


@pytest.mark.parametrize("seed", [0, 1])
def test_the_border_of_an_epi_phantom(seed):
    """Soft Dice, and the bias that is still there: 0.23 to 0.26 mm a side too small (docs/decisions)."""
    phantom = make_phantom(**SMALL, cnr=6.0, seed=seed)
    result = cls.segment(phantom.image)
    found, truth = (v.array.astype(float) for v in (result.soft_mask, phantom.soft_mask))
    assert 2 * np.minimum(found, truth).sum() / (found + truth).sum() > 0.9
    radii = [np.sqrt(v.sum((1, 2)) / np.pi) for v in (found, truth)]
    assert abs((radii[0] - radii[1]).mean()) < 0.3
