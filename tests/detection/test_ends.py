import numpy as np
import pytest

import cordlevelset as cls
from cordlevelset.detection.ends import CAUDA_MM, CHANGE, VAGUE_MM, find_top, lower_end


def _profile(n, plane_mm, tip_mm, sign=1.0):
    """Cord above the tip, CSF below it, seen by the conus test."""
    z = np.arange(n) * plane_mm
    below = z < tip_mm
    inside = np.where(below, 1 + sign, 1.0)
    area = np.where(below, 15.0, 50.0)
    return inside, np.where(below, 0.2, 1.0), np.where(below, -0.2, 0.7), area, np.where(below, 0.5, 1.0)


@pytest.mark.parametrize("plane_mm", [1.0, 3.0, 5.0])
@pytest.mark.parametrize("sign", [1.0, -0.9])
def test_finds_the_tip(plane_mm, sign):
    conus = lower_end(*_profile(round(180 / plane_mm), plane_mm, 80.0, sign), plane_mm)
    assert conus.state == "seen"
    assert abs(conus.plane * plane_mm - 80) <= plane_mm
    assert 5 <= conus.uncertainty_mm <= 10


def test_roots_as_bright_as_cord_still_end_it():
    _, step, response, area, support = _profile(160, 1.0, 80.0)
    conus = lower_end(np.ones(160), step, response, area, support, 1.0)
    assert conus.state == "seen"
    assert abs(conus.plane - 80) <= 2


@pytest.mark.parametrize(("support_there", "state"), [(1.0, "seen"), (0.4, "outside")])
def test_what_a_tapered_section_regains_is_no_cord_unless_it_was_compressed(support_there, state):
    """CSF all around the least section: a conus and, below it, roots. None: cord on both sides of a narrow canal."""
    z = np.arange(160.0)
    area = np.interp(z, [70, 80, 110], [60, 30, 70])
    inside = np.where(z < 80, 1.4, 1.0)  # roots a little brighter than cord
    support = np.select([z < 76, z < 90], [0.6, support_there], 1.0)
    conus = lower_end(inside, np.ones(160), np.full(160, 0.6), area, support, 1.0)
    assert conus.state == state
    assert state == "outside" or abs(conus.plane - 78) <= 5


def test_a_cord_that_leaves_the_field_of_view_has_no_tip():
    assert lower_end(*_profile(100, 1.0, -5.0), 1.0).state == "outside"


def test_a_slow_loss_of_signal_is_no_tip():
    fading = np.linspace(0.4, 1.0, 200)  # the edge of a surface coil
    conus = lower_end(fading, fading, np.full(200, 0.7), np.full(200, 50.0), np.ones(200), 1.0)
    assert conus.state == "outside"
    assert conus.plane == 0


def test_a_change_counts_only_where_both_lights_show_it():
    inside, step, response, area, support = _profile(180, 1.0, 80.0)
    fading = np.linspace(0.2, 1.0, 180)
    steady, whole = np.ones(180), np.ones(180)
    cord = lower_end(np.stack([steady, fading]), np.stack([whole, fading]), 0.7 * whole, 50 * whole, whole, 1.0)
    assert cord.state == "outside"
    tip = lower_end(np.stack([inside, inside]), np.stack([step, step]), response, area, support, 1.0)
    assert tip == lower_end(inside, step, response, area, support, 1.0)


@pytest.mark.parametrize(("length", "state"), [(40, "outside"), (100, "seen")])
def test_the_cord_goes_on_below_what_is_shorter_than_it(length, state):
    """A syrinx as bright as the CSF, with 70 mm of cord below it."""
    inside, step, response, area, support = _profile(240, 1.0, -5.0)
    syrinx = slice(70, 70 + length)
    inside[syrinx], response[syrinx] = 2.0, -0.2
    conus = lower_end(inside, step, response, area, support, 1.0)
    assert conus.state == state
    assert conus.plane == (0 if state == "outside" else 70 + length)


@pytest.mark.parametrize("length", [4, 10])
def test_a_short_change_is_no_tip(length):
    inside, step, response, area, support = _profile(150, 1.0, -5.0)
    bad = slice(70, 70 + length)
    inside[bad], response[bad], area[bad], support[bad] = 2.0, 0.0, 20.0, 0.3
    assert lower_end(inside, step, response, area, support, 1.0).state == "outside"


def test_a_bad_stretch_does_not_hide_the_tip_below_it():
    inside, step, response, area, support = _profile(200, 1.0, 80.0)
    bad = slice(120, 128)
    inside[bad], response[bad], area[bad], support[bad] = 2.0, 0.0, 20.0, 0.3
    conus = lower_end(inside, step, response, area, support, 1.0)
    assert conus.state == "seen"
    assert abs(conus.plane - 80) <= 1


def test_a_change_at_the_lower_edge_is_unclear():
    conus = lower_end(*_profile(100, 1.0, CAUDA_MM - 5), 1.0)
    assert conus.state == "unclear"
    assert conus.plane == 0


@pytest.mark.parametrize(("over_mm", "state"), [(0, "seen"), (10, "seen"), (20, "unclear"), (30, "unclear")])
def test_an_end_that_may_lie_anywhere_is_none(over_mm, state):
    """Step, tube and border are lost below, and for so many mm above that a plane says nothing for or against cord."""
    half = 1 - CHANGE / 1.5  # of each of the three, its loss counted by a half
    left = np.select([np.arange(300) >= 150, np.arange(300) >= 150 - over_mm], [1.0, half + 0.01], 0.05)
    conus = lower_end(np.ones(300), left, 0.7 * left, np.full(300, 60.0), left, 1.0)
    assert conus.state == state
    if state == "seen":
        assert abs(conus.plane - 150) <= over_mm < conus.uncertainty_mm <= VAGUE_MM


def test_a_sac_that_stays_the_same_does_not_become_the_cord_it_is_held_against():
    """Below the tip the tube's response is lost, the rest changes little, for 100 mm: votes fall by a quarter a mm."""
    below = np.arange(150) < 100
    area, step = np.where(below, 0.7, 1.0), np.where(below, 0.8, 1.0)
    conus = lower_end(np.where(below, 1.15, 1.0), step, np.where(below, -0.3, 0.7), 60 * area, area, 1.0)
    assert conus.state == "seen"
    assert abs(conus.plane - 100) <= 1


@pytest.mark.parametrize("cord_mm", [27, 45])
def test_a_short_cord_is_not_held_against_the_long_sac_below_it(cord_mm):
    conus = lower_end(*_profile(150 + cord_mm, 1.0, 150.0), 1.0)
    assert conus.state == "seen"
    assert conus.plane == 150


def test_two_odd_slices_at_the_top_are_no_cord_to_hold_the_rest_against():
    below = np.arange(24) < 22  # 5 mm slices: more CSF around the uppermost two
    response, area, support = np.where(below, -0.5, 0.7), np.where(below, 45.0, 72.0), np.where(below, 0.5, 1.0)
    end = lower_end(np.ones(24), np.where(below, 0.4, 1.0), response, area, support, 5.0)
    assert end.state == "outside"


@pytest.mark.parametrize("n", [1, 2])
def test_few_planes(n):
    assert lower_end(*(np.ones(n),) * 5, 10.0).state == "outside"


@pytest.mark.parametrize("plane_mm", [1.0, 4.0])
def test_the_cord_ends_where_it_widens_for_good(plane_mm):
    z = np.arange(0, 120, plane_mm)
    area = 80 + 3.0 * np.maximum(z - 80, 0)  # 130 mm2 at 96.7 mm
    assert find_top(area, plane_mm) * plane_mm == pytest.approx(96.7, abs=plane_mm)
    area[(z > 30) & (z < 50)] = 160  # a swelling with cord above it
    assert find_top(area, plane_mm) * plane_mm == pytest.approx(96.7, abs=plane_mm)


def test_one_wide_slice_or_nothing_narrow_is_no_brainstem():
    assert find_top(np.array([80.0] * 20 + [150.0]), 3.0) == 20
    assert find_top(np.full(20, 150.0), 3.0) == 19


def test_brainstem_of_an_image():
    """A dark cord of 4 by 5.5 mm in bright CSF grows to 7 by 9 mm over 15 mm, 60 mm above the lowest plane."""
    z, y, x = np.meshgrid(np.arange(0, 110, 2.0), np.arange(90.0), np.arange(80.0), indexing="ij")
    wider = np.clip((z - 60) / 15, 0, 1)
    cord = np.hypot((y - 45) / (4 + 3 * wider), (x - 40) / (5.5 + 3.5 * wider))
    sac = np.hypot((y - 45) / (8 + 4 * wider), (x - 40) / (9.5 + 4 * wider))
    clear = np.clip(6 * (1 - cord), 0, 1), np.clip(8 * (1 - sac), 0, 1)
    image = 100 + 250 * clear[1] - 150 * clear[0]
    image += np.random.default_rng(1).normal(0, 8, image.shape)
    result = cls.segment(cls.Volume(image.astype(np.float32), (2.0, 1.0, 1.0)))
    top = result.contours.first + len(result.contours.radii_mm) - 1
    assert 62 <= top * 2.0 <= 74
    assert any("brainstem" in note for note in result.notes)
