"""Names and places of discs that were found."""

from types import SimpleNamespace

import numpy as np
import pytest

import cordlevelset as cls
from cordlevelset.errors import InputError
from cordlevelset.levels import chain, find
from cordlevelset.levels.find import ToldDisc, find_levels
from cordlevelset.levels.naming import Naming


def straight_chain(n=5, step=30.0):
    """Discs one above the other, 30 mm apart, and the patient's places and normals of them."""
    discs = tuple(chain.FoundDisc(np.array([200.0 - step * i, 50.0]), 0.0, 1.0) for i in range(n))
    points = np.array([[0.0, 50.0, -step * i] for i in range(n)])
    curve = np.column_stack([np.arange(210.0, 60, -1), np.full(150, 60.0), np.zeros(150)])
    return discs, points, np.tile([0.0, 0.0, -1.0], (n, 1)), curve


@pytest.mark.parametrize(
    ("off_mm", "found"), [((0, 0, 7), True), ((0, 0, 10), False), ((0, 50, 0), True), ((0, 70, 0), False)]
)
def test_a_told_place_must_lie_in_a_disc(off_mm, found):
    """8 mm off along the spine, 60 mm in all: a disc is wide and flat."""
    _, points, normals, _ = straight_chain()
    told = ToldDisc(22, tuple(points[2] + off_mm))
    if found:
        assert find._as_told(told, points, normals) == 20
    else:
        with pytest.raises(InputError, match="no disc is seen"):
            find._as_told(told, points, normals)


def named(monkeypatch, costs, cord_end=0.0, chance=0, room_mm=0.0):
    """What is made of five discs, 30 mm apart, whose namings cost so much."""
    ways = {top: Naming(cost, chance) for top, cost in costs.items()}
    monkeypatch.setattr(find, "namings", lambda chain, room: ways)
    return find._named(straight_chain()[0], room_mm, cord_end, True)


def flat(monkeypatch):
    monkeypatch.setattr(find, "conus_cost", lambda number, seen: 0.0)


@pytest.mark.parametrize(("likely", "held"), [(0.94, "none"), (0.96, "sacrum")])
def test_names_are_given_when_one_in_twenty_may_be_wrong(likely, held, monkeypatch):
    flat(monkeypatch)
    found = named(monkeypatch, {21: -np.log(likely), 20: -np.log(1 - likely)})
    assert found == (21, pytest.approx(likely), held, 0)


@pytest.mark.parametrize(("top", "held"), [(20, "none"), (21, "sacrum"), (22, "sacrum"), (3, "axis"), (4, "none")])
def test_names_come_from_the_sacrum_or_the_axis(top, held, monkeypatch):
    flat(monkeypatch)
    assert named(monkeypatch, {top: 0.0}, room_mm=60.0)[2] == held


@pytest.mark.parametrize(("room_mm", "held"), [(45.0, "none"), (50.0, "axis")])
def test_the_axis_is_seen_where_one_more_disc_would_show(room_mm, held, monkeypatch):
    """A chain that stops because the image does says nothing."""
    flat(monkeypatch)
    assert named(monkeypatch, {3: 0.0}, room_mm=room_mm)[2] == held


def test_a_disc_that_is_none_is_no_sacrum(monkeypatch):
    flat(monkeypatch)
    assert named(monkeypatch, {21: 0.0}, chance=1)[2] == "none"
    assert named(monkeypatch, {22: 0.0}, chance=1)[2:] == ("sacrum", 1)


def test_the_cord_confirms_and_never_overrules(monkeypatch):
    """The tip goes with 21 at the top: it makes names sure that were not, and names nothing that costs more."""
    assert named(monkeypatch, {21: 0.0, 22: 2.5}, cord_end=-0.6)[2] == "sacrum"
    assert named(monkeypatch, {21: 0.0, 22: 2.5}, cord_end=20.0)[2] == "none"
    assert named(monkeypatch, {21: 0.5, 23: 0.0}, cord_end=-0.6)[2] == "none"


@pytest.mark.parametrize(("arclength", "number"), [(0.0, 0.0), (15.0, 0.5), (-30.0, -1.0), (105.0, 3.5)])
def test_places_are_counted_in_discs(arclength, number):
    assert find._place_in_chain(arclength, np.array([0.0, 30.0, 50.0, 90.0])) == number


def test_discs_are_counted_from_the_conus():
    line = np.column_stack([np.zeros(100), np.zeros(100), -np.arange(100.0)])
    (tip,) = find.nearest_arclength(line, np.array([[0.0, 5.0, -40.0]]))
    assert find._from_place(tip, np.array([10.0, 30.0, 50.0, 70.0])) == [-2, -1, 1, 2]


def levels_of(discs, monkeypatch, plane_mm=1.0):
    """What is made of discs found before a straight canal, without a look for them."""
    *_, curve = straight_chain()
    monkeypatch.setattr(find, "canal_curve", lambda image, contours, polarity: curve)
    monkeypatch.setattr(find, "disc_chain", lambda section, curve: discs)
    array = np.random.default_rng(0).normal(size=(round(220 / plane_mm), 100, 5)).astype(np.float32)
    cord = SimpleNamespace(first=100, centers_mm=np.array([[60.0, 8.0]]))
    return find_levels(cls.Volume(array, (plane_mm, 1.0, 4.0)), cord, -1, conus_mm=None)


def test_a_disc_of_a_third_of_full_evidence_is_half_clear(monkeypatch):
    two = tuple(chain.FoundDisc(np.array([z, 50.0]), 0.0, e) for z, e in ((160.0, 0.3), (130.0, -1.0)))
    assert [d.where for d in levels_of(two, monkeypatch).discs] == pytest.approx([0.5, 0.0])


@pytest.mark.parametrize(("plane_mm", "seen"), [(2.9, True), (3.1, False)])
def test_planes_of_3_mm_resolve_discs(plane_mm, seen, monkeypatch):
    assert (levels_of(straight_chain()[0], monkeypatch, plane_mm) is not None) == seen
