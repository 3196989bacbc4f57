import numpy as np
import pytest

import cordlevelset as cls
from cordlevelset.correction.drawn import drawn_slices

SPACING = (2.0, 1.0, 1.5)


def cone(shape=(21, 40, 40), lean=0.4):
    """A leaning cone: radius 4 to 8 mm."""
    k, y, x = np.indices(shape) * np.array(SPACING)[:, None, None, None]
    return np.hypot(y - 12 - lean * k, x - 30) < 4 + 0.1 * k


@pytest.mark.parametrize(("axis", "planes"), [(0, [0, 7, 20]), (1, [10, 16, 19]), (2, [17, 20, 23])])
def test_drawn_slices_come_back_and_the_axis_is_found(axis, planes):
    mask = np.zeros((21, 40, 40), np.uint8)
    known = tuple(planes if a == axis else slice(None) for a in range(3))
    mask[known] = cone()[known]
    assert drawn_slices(mask > 0, SPACING).axis == axis
    filled = cls.fill_between(cls.Volume(mask, SPACING)).array
    assert np.array_equal(filled[known], mask[known])
    between = np.flatnonzero(filled.any(axis=tuple({0, 1, 2} - {axis})))
    assert between.tolist() == list(range(planes[0], planes[-1] + 1))


def test_a_leaning_cone_between_its_ends():
    truth = cone()
    mask = np.zeros(truth.shape, np.uint8)
    mask[[0, 20]] = truth[[0, 20]]
    filled = cls.fill_between(cls.Volume(mask, SPACING)).array > 0
    assert 2 * (filled & truth).sum() / (filled.sum() + truth.sum()) > 0.95


def test_slices_drawn_side_by_side_on_thick_sagittal_voxels():
    mask = np.zeros((30, 20, 8), bool)
    mask[10:15, 6:13, 3:5] = True
    assert drawn_slices(mask, (1.0, 1.0, 6.0)).axis == 0


def test_nothing_to_fill():
    mask = np.zeros((5, 9, 9), np.uint8)
    with pytest.raises(cls.ConstraintError, match="empty"):
        cls.fill_between(cls.Volume(mask, SPACING))
    mask[2, 3:6, 3:6] = 1
    with pytest.raises(cls.ConstraintError, match="single slice"):
        cls.fill_between(cls.Volume(mask, SPACING))
