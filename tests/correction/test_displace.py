"""How far a correction is carried, and what it may cost."""

import numpy as np
import pytest
import tubes

from cordlevelset.correction import displace
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
