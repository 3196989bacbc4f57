"""Discs of phantoms, whose places are known, and the chain against a slow twin."""

from functools import cache

import numpy as np
import pytest

import cordlevelset as cls
from cordlevelset.errors import InputError
from cordlevelset.levels import chain, evidence, find
from cordlevelset.levels.find import ToldDisc, find_levels
from cordlevelset.phantom import make_phantom
from cordlevelset.phantom.anatomy import ANATOMIES, Spine


@cache
def segmented(region="lumbar", contrast="t2"):
    spacing = (1.0, 1.0, 4.0) if region == "lumbar" else (1.0, 1.0, 3.0)
    return cls.segment(make_phantom(region=region, contrast=contrast, spacing=spacing).image)


def from_discs_mm(result, region):
    """Distance of each disc found from the nearest one drawn, mm along the spine."""
    anatomy, grid = ANATOMIES[region], result.mask
    height = grid.shape[0] * grid.spacing[0]
    middle = -grid.origin[1]
    spine = Spine(anatomy, height, (middle, 0.0), 0.0, (0.5, 0.0), 0.62 * height if region == "lumbar" else None)
    points = np.array([d.point_mm for d in result.levels.discs])
    z, y = points[:, 2], points[:, 1] + middle
    level = z + spine.slope(z) * (y - spine.canal(z)[0])
    period = sum(anatomy.heights)
    return (level + 0.35 * period + period / 2) % period - period / 2


@pytest.mark.parametrize(
    ("region", "contrast"), [("lumbar", "t2"), ("lumbar", "t1"), ("cervical", "t2"), ("cervical", "t2s")]
)
def test_discs_of_phantoms(region, contrast):
    levels = segmented(region, contrast).levels
    off = np.abs(from_discs_mm(segmented(region, contrast), region))
    assert np.mean(off <= 3.0) >= 0.8  # the uppermost may be cut by the image's edge
    steps = np.diff([d.arclength_mm for d in levels.discs])
    assert np.abs(steps / sum(ANATOMIES[region].heights) - 1).max() < 0.25
    assert len(levels.discs) >= 6


def test_no_anchor_no_names():
    levels = segmented("cervical").levels
    assert levels.anchor == "none"
    assert [d.name for d in levels.discs] == [None] * len(levels.discs)
    assert [d.number for d in levels.discs] == list(range(1, 1 + len(levels.discs)))


def test_a_told_disc_names_all():
    result = segmented("cervical")
    third = result.levels.discs[2]
    told = ToldDisc.of(("C4/5", third.point_mm + 5 * np.array([0, -1.0, 0])))
    levels = cls.vertebral_levels(result, disc=told)
    assert [d.name for d in levels.discs[1:5]] == ["C3/4", "C4/5", "C5/6", "C6/7"]
    assert levels.anchor == "told"
    assert {d.which for d in levels.discs} == {1.0}
    number, fraction = levels.level_of([third.point_mm + 2 * third.normal])
    assert number.tolist() == [5]
    assert 0 < fraction[0] < 0.25
    labels = levels.label_image(result.mask).array
    assert set(np.unique(labels)) == {0, *(d.number for d in levels.discs)}
    middle = tuple(np.rint(result.mask.to_index(third.point_mm)).astype(int))
    assert labels[middle] == 5


@pytest.mark.parametrize(
    ("told", "text"),
    [
        (("L9/10", (0, 0, 0)), "no disc 'L9/10'"),
        (("L4/5", (0, 0)), "a name and a place"),
        (("L4/5", (0, 0, np.inf)), "finite"),
        (("C4/5", (0, 0, 500.0)), "no disc is seen at the place"),
    ],
)
def test_a_disc_that_is_not_there(told, text):
    with pytest.raises(InputError, match=text):
        cls.vertebral_levels(segmented("cervical"), disc=told)


def test_thick_planes_show_no_discs():
    result = segmented("cervical")
    thick = cls.Volume(result.automatic.image.array, (5.0, 1.0, 3.0))
    assert find_levels(thick, result.contours, -1, conus_mm=None) is None


def slow_chain(gain):
    """Every chain that starts anywhere, one after the other."""
    best = (-np.inf, [])

    def grow(places, total):
        nonlocal best
        best = max(best, (total, places), key=lambda b: b[0])
        for d in chain.DISTANCES_MM:
            s = places[-1] + d
            if s >= len(gain):
                break
            usual = places[-1] - places[-2] if len(places) > 1 else 27
            spread = 0.13 if len(places) > 1 else 0.4
            grow([*places, int(s)], total + gain[s] - (np.log(d / usual) / spread) ** 2 / 2)

    for s, g in enumerate(gain):
        grow([s], g)
    return best[1]


@pytest.mark.parametrize("seed", range(5))
def test_chain_is_the_best_of_all(seed):
    gain = np.random.default_rng(seed).normal(0, 2, 70)
    assert chain.best_chain(gain) == slow_chain(gain)


def test_evidence_of_a_mirrored_band():
    """e does not know bright from dark, sees the middle best, and is far lower in the middle of a vertebra."""
    z = np.arange(120.0)
    profile = np.exp(-0.5 * ((z - 60) / 3) ** 2)
    for sign in (1, -1):
        section = evidence.Section(np.repeat(sign * profile[:, None], 60, axis=1), np.zeros(120))
        places = np.column_stack([z[30:90], np.full(60, 30.0)])
        e = evidence.disc_evidence(section, places, np.zeros(60))
        assert 30 + e.argmax() == 60
        assert e.max() > 1
        assert e[[5, 15, 45, 55]].max() < 0.3
    assert evidence.disc_thickness(section, np.array([60.0, 30.0]), 0.0) == pytest.approx(3 * np.sqrt(3 / 2), abs=1.0)


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


def test_a_disc_of_a_third_of_full_evidence_is_half_clear(monkeypatch):
    result = segmented("cervical")
    two = tuple(chain.FoundDisc(np.array([z, 40.0]), 0.0, e) for z, e in ((60.0, 0.3), (40.0, -1.0)))
    monkeypatch.setattr(find, "disc_chain", lambda section, curve: two)
    discs = find_levels(result.automatic.image, result.contours, -1, conus_mm=None).discs
    assert [d.where for d in discs] == pytest.approx([0.5, 0.0])


@pytest.mark.parametrize(("plane_mm", "seen"), [(2.9, True), (3.1, False)])
def test_planes_of_3_mm_resolve_discs(plane_mm, seen, monkeypatch):
    result = segmented("cervical")
    image = cls.Volume(result.automatic.image.array, (plane_mm, 1.0, 3.0))
    monkeypatch.setattr(find, "disc_chain", lambda section, curve: straight_chain()[0])
    assert (find_levels(image, result.contours, -1, conus_mm=None) is not None) == seen
