"""What is known of the cord, as the path and the border take it."""

import numpy as np
import pytest
import tubes

from cordlevelset.correction.constraints import Constraints, core, fits, shell

SPACING = (4.0, 1.0, 2.0)
SHAPE = (6, 40, 20)


def disc(radius_mm, at=(20.0, 20.0), planes=range(6)):
    """A mask, round in the planes given."""
    y, x = np.indices(SHAPE[1:])
    mask = np.zeros(SHAPE, bool)
    mask[list(planes)] = np.hypot(y - at[0], x * SPACING[2] - at[1]) <= radius_mm
    return mask


def known(**given):
    nothing = {"points_mm": np.empty((0, 3)), "seeds": None, "drawn": (), "initial": None}
    return Constraints(**(nothing | {"inside": np.zeros(SHAPE, bool), "outside": np.zeros(SHAPE, bool)} | given))


def test_only_what_lies_3_mm_deep_in_another_mask_is_cord():
    found = core(disc(8.0), SPACING)
    row, column = found[2, :, 10], found[2, 20]
    assert row.sum() == pytest.approx(2 * (8 - 3) - 1, abs=2)
    assert 2 * column.sum() == pytest.approx(2 * (8 - 3) - 1, abs=4)
    assert not core(disc(3.5), SPACING).any()
    assert core(disc(5.5), SPACING).any()


def test_beyond_1_cm_of_another_mask_there_is_no_cord():
    """Nothing is said of slices that it does not reach."""
    mask = np.zeros(SHAPE, bool)
    mask[2, 20, 10] = True
    found = shell(mask, SPACING)
    y, x = np.indices(SHAPE[1:])
    np.testing.assert_array_equal(found[2], np.hypot(y - 20.0, (x - 10) * 2.0) <= 10)
    assert found[[0, 1, 3, 4, 5]].all()


def test_how_near_the_cord_s_middle_passes():
    """2 mm to a point, 7 mm to a seed, 5 mm to the middle of another mask and to an end."""
    assert known(points_mm=np.array([[8.0, 20.0, 20.0]])).hint(SPACING).tolerance_mm == pytest.approx([2], abs=0.5)
    seeds = np.zeros(SHAPE, np.uint8)
    seeds[2, 20, 10] = 1
    seeded = known(seeds=seeds).hint(SPACING)
    assert seeded.tolerance_mm == pytest.approx([7], abs=1.5)
    assert seeded.places_mm == pytest.approx(np.array([[8.0, 20.0, 20.0]]))
    masked = known(initial=disc(6.0, planes=[2, 3])).hint(SPACING)
    assert masked.tolerance_mm == pytest.approx([5, 5], abs=1)
    assert masked.places_mm[:, 1:] == pytest.approx(np.full((2, 2), 20.0))
    assert known(top_mm=np.array([8.0, 20.0, 20.0])).hint(SPACING).tolerance_mm == pytest.approx([5], abs=1)


@pytest.mark.parametrize(("off_mm", "fitting"), [(8, True), (12, False)])
def test_cord_a_centimetre_off_asks_for_another_path(off_mm, fitting):
    inside = np.zeros(SHAPE, bool)
    inside[3, 20 + off_mm, 10] = True
    assert fits(tubes.round_cord(6), known(inside=inside), SPACING) == fitting
