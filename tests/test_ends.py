import numpy as np
import pytest

from cordlevelset.ends import find_conus


def _profile(n, plane_mm, tip_mm, sign=1.0):
    """Cord above the tip, fluid below it, seen by the conus test."""
    z = np.arange(n) * plane_mm
    below = z < tip_mm
    inside = np.where(below, 1 + sign, 1.0)
    area = np.where(below, 15.0, 50.0)
    return inside, np.where(below, 0.2, 1.0), np.where(below, -0.2, 0.7), area


@pytest.mark.parametrize("plane_mm", [1.0, 3.0, 5.0])
@pytest.mark.parametrize("sign", [1.0, -0.9])
def test_finds_the_tip(plane_mm, sign):
    conus = find_conus(*_profile(round(180 / plane_mm), plane_mm, 80.0, sign), plane_mm)
    assert conus is not None
    assert abs(conus.plane * plane_mm - 80) <= plane_mm
    assert conus.uncertainty_mm > 0


def test_a_cord_that_leaves_the_field_of_view_has_no_tip():
    assert find_conus(*_profile(100, 1.0, -5.0), 1.0) is None


def test_a_short_change_is_no_tip():
    inside, step, response, area = _profile(150, 1.0, -5.0)
    inside[70:74], response[70:74], area[70:74] = 2.0, 0.0, 20.0
    assert find_conus(inside, step, response, area, 1.0) is None


def test_a_change_at_the_lower_edge_is_no_tip():
    assert find_conus(*_profile(100, 1.0, 15.0), 1.0) is None


def test_two_planes():
    assert find_conus(*(np.ones(2),) * 4, 10.0) is None
