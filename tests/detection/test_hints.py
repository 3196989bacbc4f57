"""What is known of the cord's place, on the search grid."""

import numpy as np
import pytest

from cordlevelset.detection.hints import PathHint, onward
from cordlevelset.detection.searchgrid import SearchGrid

SPACING = (3.0, 1.0, 2.0)
SHAPE = (60, 120, 60)


def known(n, low=20, lean=(0.0, 0.0)):
    """Places of a piece of n planes, leaning by so many voxels a plane."""
    return np.rint(np.array([60, 30]) + np.arange(n)[:, None] * lean).astype(int), low


def half_width(row):
    """Of what is allowed in a row of voxels about its middle, in voxels."""
    return (row.sum() - 1) / 2


@pytest.mark.parametrize("beyond_mm", [3.0, 30.0, 60.0])
def test_beyond_known_cord_it_may_turn_by_20_degrees(beyond_mm):
    """5 mm of slack, and 0.36 a mm, on both sides and in both directions, in mm whatever the voxels."""
    allowed = onward(*known(20), SHAPE, SPACING)
    n = round(beyond_mm / SPACING[0])
    for plane in (20 - n, 39 + n):
        assert half_width(allowed[plane, :, 30]) == pytest.approx(5 + 0.36 * beyond_mm, abs=1)
        assert half_width(allowed[plane, 60]) * 2 == pytest.approx(5 + 0.36 * beyond_mm, abs=2.1)
    assert allowed[20:40].all()


@pytest.mark.parametrize(("length_mm", "directed"), [(24, False), (36, True)])
def test_a_short_piece_has_no_direction(length_mm, directed):
    allowed = onward(*known(round(length_mm / SPACING[0])), SHAPE, SPACING)
    assert allowed.all() != directed


def test_it_goes_on_as_the_last_30_mm_lead():
    """45 mm straight, then 30 mm that lean by one row a plane."""
    straight = np.full((15, 2), [40, 30])
    leaning = straight[-1] + np.stack([np.arange(1, 11), np.zeros(10, int)], axis=1)
    allowed = onward(np.concatenate([straight, leaning]), 10, SHAPE, SPACING)
    rows = np.flatnonzero(allowed[10 + 25 + 9, :, 30])
    assert (rows[0] + rows[-1]) / 2 == pytest.approx(leaning[-1, 0] + 10, abs=0.6)
    rows = np.flatnonzero(allowed[4, :, 30])
    assert (rows[0] + rows[-1]) / 2 == pytest.approx(40, abs=0.6)


def test_the_path_keeps_clear_of_what_is_not_cord():
    """2 mm, less than a cord's radius, in mm whatever the voxels, in the planes that show it."""
    grid = SearchGrid(np.zeros((5, 30, 20), np.float32), (4.0, 1.0, 1.5), (0, 0, 0), (1, 1, 1))
    outside = np.zeros((5, 30, 20), bool)
    outside[2, 15, 10] = True
    allowed = PathHint(np.empty((0, 3)), np.empty(0), outside).on(grid, grid.spacing).allowed
    y, x = np.indices((30, 20))
    away = np.hypot(y - 15.0, (x - 10) * 1.5)
    np.testing.assert_array_equal(allowed[2], away > 2)
    assert allowed[[0, 1, 3, 4]].all()


@pytest.mark.parametrize("tolerance", [2.0, 5.0])
def test_the_path_passes_within_the_tolerance_of_a_place(tolerance):
    grid = SearchGrid(np.zeros((5, 30, 20), np.float32), (4.0, 1.0, 1.5), (0, 0, 0), (1, 1, 1))
    hint = PathHint(np.array([[8.0, 15.0, 15.0]]), np.array([tolerance])).on(grid, grid.spacing)
    y, x = np.indices((30, 20))
    np.testing.assert_array_equal(hint.allowed[2], np.hypot(y - 15.0, (x - 10) * 1.5) <= tolerance)
    assert hint.through == hint.extent == (2, 2)
