import naive_detection as naive
import numpy as np
import pytest

from cordlevelset.detection.ends import change_point


def tip_of(inside, step, response, area, support, plane_mm):
    """The change point of one light, or of several."""
    return change_point(np.atleast_2d(inside), np.atleast_2d(step), response, area, support, plane_mm)[0]


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
    tip = tip_of(*_profile(round(180 / plane_mm), plane_mm, 80.0, sign), plane_mm)
    assert abs(tip * plane_mm - 80) <= plane_mm


def test_roots_as_bright_as_cord_still_end_it():
    _, step, response, area, support = _profile(160, 1.0, 80.0)
    conus = tip_of(np.ones(160), step, response, area, support, 1.0)
    assert abs(conus - 80) <= 2


@pytest.mark.parametrize(("support_there", "ends"), [(1.0, True), (0.4, False)])
def test_what_a_tapered_section_regains_is_no_cord_unless_it_was_compressed(support_there, ends):
    """CSF all around the least section: a conus and, below it, roots. None: cord on both sides of a narrow canal."""
    z = np.arange(160.0)
    area = np.interp(z, [70, 80, 110], [60, 30, 70])
    inside = np.where(z < 80, 1.4, 1.0)  # roots a little brighter than cord
    support = np.select([z < 76, z < 90], [0.6, support_there], 1.0)
    conus = tip_of(inside, np.ones(160), np.full(160, 0.6), area, support, 1.0)
    assert abs(conus - 78) <= 5 if ends else conus is None


def test_a_cord_that_leaves_the_field_of_view_has_no_tip():
    assert tip_of(*_profile(100, 1.0, -5.0), 1.0) is None


def test_a_slow_loss_of_signal_is_no_tip():
    fading = np.linspace(0.4, 1.0, 200)  # the edge of a surface coil
    conus = tip_of(fading, fading, np.full(200, 0.7), np.full(200, 50.0), np.ones(200), 1.0)
    assert conus is None


def test_a_change_counts_only_where_both_lights_show_it():
    inside, step, response, area, support = _profile(180, 1.0, 80.0)
    fading = np.linspace(0.2, 1.0, 180)
    steady, whole = np.ones(180), np.ones(180)
    cord = tip_of(np.stack([steady, fading]), np.stack([whole, fading]), 0.7 * whole, 50 * whole, whole, 1.0)
    assert cord is None
    tip = tip_of(np.stack([inside, inside]), np.stack([step, step]), response, area, support, 1.0)
    assert tip == tip_of(inside, step, response, area, support, 1.0)


@pytest.mark.parametrize(("length", "end"), [(40, None), (100, 170)])
def test_the_cord_goes_on_below_what_is_shorter_than_it(length, end):
    """A syrinx as bright as the CSF, with 70 mm of cord below it."""
    inside, step, response, area, support = _profile(240, 1.0, -5.0)
    syrinx = slice(70, 70 + length)
    inside[syrinx], response[syrinx] = 2.0, -0.2
    conus = tip_of(inside, step, response, area, support, 1.0)
    assert conus == end


@pytest.mark.parametrize("length", [4, 10])
def test_a_short_change_is_no_tip(length):
    inside, step, response, area, support = _profile(150, 1.0, -5.0)
    bad = slice(70, 70 + length)
    inside[bad], response[bad], area[bad], support[bad] = 2.0, 0.0, 20.0, 0.3
    assert tip_of(inside, step, response, area, support, 1.0) is None


def test_a_bad_stretch_does_not_hide_the_tip_below_it():
    inside, step, response, area, support = _profile(200, 1.0, 80.0)
    bad = slice(120, 128)
    inside[bad], response[bad], area[bad], support[bad] = 2.0, 0.0, 20.0, 0.3
    conus = tip_of(inside, step, response, area, support, 1.0)
    assert abs(conus - 80) <= 1


@pytest.mark.parametrize(("below_mm", "ends"), [(9, False), (16, True)])
def test_less_than_a_lesion_at_the_lower_edge_is_no_end(below_mm, ends):
    assert tip_of(*_profile(100, 1.0, below_mm), 1.0) == (below_mm if ends else None)


@pytest.mark.parametrize(("change", "ends"), [(0.8, False), (1.0, True)])
def test_the_inside_alone_ends_the_cord_when_it_changes_by_a_step(change, ends):
    whole = np.ones(200)
    inside = np.where(np.arange(200) < 100, 1 + change, 1.0)
    tip = tip_of(inside, whole, 0.7 * whole, 50 * whole, whole, 1.0)
    assert tip == (100 if ends else None)


@pytest.mark.parametrize(("length", "end"), [(50, None), (70, 130)])
def test_a_full_vote_is_one_for_what_is_plain(length, end):
    """Cord of 60 mm, which votes in full, below what changed by 1.5 steps: it votes against in full, mm for mm."""
    whole = np.ones(200)
    inside = whole.copy()
    inside[130 - length : 130] = 2.5
    assert tip_of(inside, whole, 0.7 * whole, 50 * whole, whole, 1.0) == end


def test_a_sac_that_stays_the_same_does_not_become_the_cord_it_is_held_against():
    """Below the tip the tube's response is lost, the rest changes little, for 100 mm: votes fall by a quarter a mm."""
    below = np.arange(150) < 100
    area, step = np.where(below, 0.7, 1.0), np.where(below, 0.8, 1.0)
    conus = tip_of(np.where(below, 1.15, 1.0), step, np.where(below, -0.3, 0.7), 60 * area, area, 1.0)
    assert abs(conus - 100) <= 1


@pytest.mark.parametrize("cord_mm", [27, 45])
def test_a_short_cord_is_not_held_against_the_long_sac_below_it(cord_mm):
    conus = tip_of(*_profile(150 + cord_mm, 1.0, 150.0), 1.0)
    assert conus == 150


def test_two_odd_slices_at_the_top_are_no_cord_to_hold_the_rest_against():
    below = np.arange(24) < 22  # 5 mm slices: more CSF around the uppermost two
    response, area, support = np.where(below, -0.5, 0.7), np.where(below, 45.0, 72.0), np.where(below, 0.5, 1.0)
    end = tip_of(np.ones(24), np.where(below, 0.4, 1.0), response, area, support, 5.0)
    assert end is None


def test_the_uppermost_centimetre_is_held_against_nothing():
    """Of 18 mm, 7 of them cord: the lowest 8 alone vote against it, too few to end it."""
    inside, step, *others = _profile(18, 1.0, 11.0)
    assert change_point(inside[None], step[None], *others, 1.0) == (None, pytest.approx(8.0))


@pytest.mark.parametrize("n", [1, 2])
def test_few_planes(n):
    assert tip_of(*(np.ones(n),) * 5, 10.0) is None


@pytest.mark.parametrize("plane_mm", [1.0, 2.5, 5.0])
@pytest.mark.parametrize("cord_mm", [18, 30, 60, 110])
@pytest.mark.parametrize("seed", range(3))
def test_votes_equal_their_naive_twin(plane_mm, cord_mm, seed):
    """Noise over a cord that changes by about as much as says nothing, below some part of 200 mm."""
    rng = np.random.default_rng(seed)
    n = round(200 / plane_mm)
    below = np.arange(n) * plane_mm < 200 - cord_mm
    inside = rng.normal(1, 0.2, (2, n)) + 0.5 * below
    step = rng.uniform(0.6, 1.4, (2, n)) - 0.3 * below
    response, support = rng.uniform(0.3, 0.9, n) - 0.25 * below, rng.uniform(0.5, 1, n) - 0.2 * below
    area = rng.uniform(30, 70, n)
    window, loss = change_point(inside, step, response, area, support, plane_mm)
    assert (window, pytest.approx(loss)) == naive.change_point(inside, step, response, area, support, plane_mm)
