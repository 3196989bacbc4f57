"""How far a correction is carried, and what it may cost."""

import numpy as np
import pytest
import tubes

from cordlevelset.correction import displace
from cordlevelset.correction.constraints import Constraints
from cordlevelset.sections import polar


@pytest.mark.parametrize("plane_mm", [2.0, 5.0])
def test_a_drawn_slice_is_carried_over_30_mm(plane_mm):
    """Linearly to nothing, or to the next drawn slice."""
    at = np.arange(41) * plane_mm
    carried = displace._carried(np.array([20]), np.ones((1, 64)), tubes.round_cord(41), plane_mm)
    np.testing.assert_allclose(carried[:, 0], np.maximum(1 - np.abs(at - at[20]) / 30, 0), atol=1e-9)
    near = displace._carried(np.array([20, 22]), np.ones((2, 64)), tubes.round_cord(41), plane_mm)
    np.testing.assert_allclose(near[20:23, 0], 1.0)


@pytest.mark.parametrize("plane_mm", [2.0, 4.0])
def test_a_seed_is_carried_over_1_cm(plane_mm):
    """A clear border at 4 mm, a seed that pushes one plane out to 6 mm where another border is."""
    n, seeded = 21, 10
    evidence = np.zeros((n, 64, polar.RADII_MM.size), np.float32)
    evidence[:, :, 16] = 1.0
    evidence[:, :, 24] = 0.9
    stack = tubes.stack(np.full((n, 64), 4.0), evidence=evidence, spacing=(plane_mm, 1.0, 1.0))
    low = np.zeros((n, 64))
    low[seeded] = 5.5
    broken = np.arange(n) == seeded
    moved = displace._searched_displacement(stack, (low, np.full((n, 64), np.inf)), broken).mean(1)
    away = np.abs(np.arange(n) - seeded) * plane_mm
    assert moved[seeded] == pytest.approx(2.0, abs=0.1)
    assert (moved[(away > 0) & (away <= 4)] > 1.5).all()
    assert not moved[away >= 10].any()


def test_given_voxels_outweigh_a_whole_round_of_borders():
    """The strongest border there is, on all rays but at the wrong side of what was given."""
    evidence = np.zeros((1, 64, polar.RADII_MM.size), np.float32)
    evidence[:, :, 12] = 1e6
    stack = tubes.stack(np.full((1, 64), 3.0), evidence=evidence)
    low = np.full((1, 64), 5.0)
    moved = displace._searched_displacement(stack, (low, np.full((1, 64), np.inf)), np.array([True]))
    assert 3.0 + moved.min() >= 5.0 - polar.RADIUS_STEP_MM


def displacement(gain, radii, low, high, plane_mm):
    """Twin for sections that are alike on all rays, where the best contour is a circle: each plane's best radius."""
    mm = 0.25 * np.arange(gain.shape[1])
    broken = np.flatnonzero((radii < low) | (radii > high))
    free, out = np.zeros_like(radii), np.zeros_like(radii)
    for p, r in enumerate(radii):
        free[p] = mm[np.argmax(gain[p] - 0.05 * (mm - r) ** 2)]
    for p in broken:
        outside = (mm < low[p]) | (mm > high[p])
        out[p] = mm[np.argmax(gain[p] - 0.05 * (mm - radii[p]) ** 2 - 320 * outside)] - free[p]
    for p, r in enumerate(radii):
        away = plane_mm * np.abs(broken - p).min()
        if 0 < away < 10:
            expected = r + np.interp(p, broken, out[broken])
            pull = (1 - away / 10) * 0.5 * (mm - expected) ** 2
            out[p] = mm[np.argmax(gain[p] - 0.05 * (mm - r) ** 2 - pull)] - free[p]
    return out


@pytest.mark.parametrize("plane_mm", [1.5, 4.0])
def test_displacement_equals_its_twin(plane_mm, rng, monkeypatch):
    """Two planes are broken; around them a border competes with the pull, and with the way from home."""
    n = 40
    gain = rng.normal(0, 0.8, (n, 38))
    monkeypatch.setattr(displace, "border_gain", lambda evidence: evidence[:, :, :38])
    gain = np.pad(gain, ((0, 0), (0, polar.RADII_MM.size - 38)), constant_values=-9.0)  # no cord is wider
    evidence = np.repeat(gain[:, None].astype(np.float32), 64, axis=1)
    radii, low, high = rng.uniform(3, 6, n), np.zeros(n), np.full(n, np.inf)
    low[14], high[22] = radii[14] + 2.0, radii[22] - 1.0
    stack = tubes.stack(np.tile(radii[:, None], 64), evidence=evidence, spacing=(plane_mm, 1.0, 1.0))
    bounds = tuple(np.tile(b[:, None], 64) for b in (low, high))
    found = displace._searched_displacement(stack, bounds, (radii < low) | (radii > high))
    expected = displacement(gain, radii, low, high, plane_mm)
    assert found[:, 0] == pytest.approx(expected, abs=1e-6)
    assert np.ptp(found, axis=1) == pytest.approx(0, abs=1e-6)


@pytest.mark.parametrize("lobes", [3, 5])
def test_a_drawing_s_jags_are_not_carried_on(lobes):
    """A Gaussian of 4 rays leaves exp(-(2 pi 4 m / 64)^2 / 2) of m lobes, the linear way to 30 mm 28 / 30 of that."""
    pixel_mm, radius = 0.25, 4.0 + 0.8 * np.cos(lobes * polar.ANGLES)
    y, x = np.mgrid[:160, :160] * pixel_mm - 20.0
    inside = np.hypot(y, x) < np.interp(np.arctan2(y, x), polar.ANGLES, radius, period=2 * np.pi)
    moved = displace._drawn_displacement(tubes.round_cord(4), {1: inside}, (2.0, pixel_mm, pixel_mm))
    drawn, carried = (2 * np.mean(moved[k] * np.cos(lobes * polar.ANGLES)) for k in (1, 2))
    assert drawn == pytest.approx(0.8, abs=0.05)
    assert carried / drawn == pytest.approx(np.exp(-((np.pi * lobes / 8) ** 2) / 2) * 28 / 30, abs=0.01)


def test_a_contour_pushed_onto_its_middle_stays_a_curve(rng):
    """The voxel at its middle and those around it are said not to be cord."""
    inside, outside = np.zeros((2, 3, 40, 40), bool)
    outside[1, 19:22, 19:22] = True
    given = Constraints(np.empty((0, 3)), None, (), None, inside, outside)
    image = rng.random((3, 40, 40)).astype(np.float32)
    moved = displace.corrected_contours(
        image, spacing=(2.0, 1.0, 1.0), automatic=tubes.round_cord(3), polarity=-1, given=given
    )
    assert 0 < moved.radii_mm[1].min() < 1
    assert (moved.sac_mm >= moved.radii_mm).all()
