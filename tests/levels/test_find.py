"""Names and places of discs that were found."""

import numpy as np
import pytest

import cordlevelset as cls
from cordlevelset.errors import InputError
from cordlevelset.levels import chain, evidence, find
from cordlevelset.levels.find import ToldDisc, find_levels


def straight_chain(n=5, step=30.0):
    """Discs one above the other, 30 mm apart, and the patient's places and normals of them."""
    discs = tuple(chain.FoundDisc(np.array([200.0 - step * i, 50.0]), 0.0, 1.0) for i in range(n))
    points = np.array([[0.0, 50.0, -step * i] for i in range(n)])
    section = evidence.Section(np.random.default_rng(0).normal(size=(220, 100)), np.zeros(220))
    curve = np.column_stack([np.arange(210.0, 60, -1), np.full(150, 60.0), np.zeros(150)])
    return discs, points, np.tile([0.0, 0.0, -1.0], (n, 1)), section, curve


@pytest.mark.parametrize(
    ("off_mm", "found"), [((0, 0, 7), True), ((0, 0, 10), False), ((0, 50, 0), True), ((0, 70, 0), False)]
)
def test_a_told_place_must_lie_in_a_disc(off_mm, found):
    """8 mm off along the spine, 60 mm in all: a disc is wide and flat."""
    discs, points, *rest = straight_chain()
    told = ToldDisc(22, tuple(points[2] + off_mm))
    if found:
        assert find._named(discs, points, *rest, told) == (20, 1.0, "told")
    else:
        with pytest.raises(InputError, match="no disc is seen"):
            find._named(discs, points, *rest, told)


@pytest.mark.parametrize(("likely", "held"), [(0.8, "none"), (0.95, "sacrum")])
def test_names_are_given_when_nine_in_ten_are_right(likely, held, monkeypatch):
    monkeypatch.setattr(find, "shares", lambda costs: {21: likely, 20: 1 - likely})
    assert find._named(*straight_chain(), None) == (21, likely, held)


@pytest.mark.parametrize(("top", "held"), [(20, "none"), (21, "sacrum"), (22, "sacrum"), (3, "axis"), (4, "none")])
def test_names_come_from_the_sacrum_or_the_axis(top, held, monkeypatch):
    monkeypatch.setattr(find, "shares", lambda costs: {top: 1.0})
    assert find._named(*straight_chain(), None)[2] == held


def levels_of(discs, monkeypatch, plane_mm=1.0):
    """What is made of discs found before a straight canal, without a look for them."""
    *_, curve = straight_chain()
    monkeypatch.setattr(find, "canal_curve", lambda image, contours, polarity: curve)
    monkeypatch.setattr(find, "disc_chain", lambda section, curve: discs)
    array = np.random.default_rng(0).normal(size=(round(220 / plane_mm), 100, 5)).astype(np.float32)
    return find_levels(cls.Volume(array, (plane_mm, 1.0, 4.0)), None, -1, conus_mm=None)


def test_a_disc_of_a_third_of_full_evidence_is_half_clear(monkeypatch):
    two = tuple(chain.FoundDisc(np.array([z, 50.0]), 0.0, e) for z, e in ((160.0, 0.3), (130.0, -1.0)))
    assert [d.where for d in levels_of(two, monkeypatch).discs] == pytest.approx([0.5, 0.0])


@pytest.mark.parametrize(("plane_mm", "seen"), [(2.9, True), (3.1, False)])
def test_planes_of_3_mm_resolve_discs(plane_mm, seen, monkeypatch):
    assert (levels_of(straight_chain()[0], monkeypatch, plane_mm) is not None) == seen
