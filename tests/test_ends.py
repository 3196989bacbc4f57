import numpy as np
import pytest

from cordlevelset.ends import CAUDA_MM, find_conus


def _profile(n, plane_mm, tip_mm, sign=1.0):
    """Cord above the tip, fluid below it, seen by the conus test."""
    z = np.arange(n) * plane_mm
    below = z < tip_mm
    inside = np.where(below, 1 + sign, 1.0)
    area = np.where(below, 15.0, 50.0)
    return inside, np.where(below, 0.2, 1.0), np.where(below, -0.2, 0.7), area, np.where(below, 0.5, 1.0)


@pytest.mark.parametrize("plane_mm", [1.0, 3.0, 5.0])
@pytest.mark.parametrize("sign", [1.0, -0.9])
def test_finds_the_tip(plane_mm, sign):
    conus = find_conus(*_profile(round(180 / plane_mm), plane_mm, 80.0, sign), plane_mm)
    assert conus.state == "seen"
    assert abs(conus.plane * plane_mm - 80) <= plane_mm
    assert 5 <= conus.uncertainty_mm <= 10


def test_roots_as_bright_as_cord_still_end_it():
    _, step, response, area, support = _profile(160, 1.0, 80.0)
    conus = find_conus(np.ones(160), step, response, area, support, 1.0)
    assert conus.state == "seen"
    assert abs(conus.plane - 80) <= 2


def test_a_cord_that_leaves_the_field_of_view_has_no_tip():
    assert find_conus(*_profile(100, 1.0, -5.0), 1.0).state == "outside"


def test_a_slow_loss_of_signal_is_no_tip():
    fading = np.linspace(0.4, 1.0, 200)  # the edge of a surface coil
    conus = find_conus(fading, fading, np.full(200, 0.7), np.full(200, 50.0), np.ones(200), 1.0)
    assert conus.state == "outside"
    assert conus.plane == 0


@pytest.mark.parametrize("length", [4, 10])
def test_a_short_change_is_no_tip(length):
    inside, step, response, area, support = _profile(150, 1.0, -5.0)
    bad = slice(70, 70 + length)
    inside[bad], response[bad], area[bad], support[bad] = 2.0, 0.0, 20.0, 0.3
    assert find_conus(inside, step, response, area, support, 1.0).state == "outside"


def test_a_bad_stretch_does_not_hide_the_tip_below_it():
    inside, step, response, area, support = _profile(200, 1.0, 80.0)
    bad = slice(120, 128)
    inside[bad], response[bad], area[bad], support[bad] = 2.0, 0.0, 20.0, 0.3
    conus = find_conus(inside, step, response, area, support, 1.0)
    assert conus.state == "seen"
    assert abs(conus.plane - 80) <= 1


def test_a_change_at_the_lower_edge_is_unclear():
    conus = find_conus(*_profile(100, 1.0, CAUDA_MM - 5), 1.0)
    assert conus.state == "unclear"
    assert conus.plane == 0


@pytest.mark.parametrize("n", [1, 2])
def test_few_planes(n):
    assert find_conus(*(np.ones(n),) * 5, 10.0).state == "outside"
