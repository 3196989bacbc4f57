"""The chain of discs, step by step, against plain twins."""

from dataclasses import replace

import naive_levels as naive
import numpy as np
import pytest
from scipy import ndimage as ndi

from cordlevelset.levels import chain
from cordlevelset.levels.canal import lean_deg
from cordlevelset.levels.chain import FoundDisc, disc_chain
from cordlevelset.levels.evidence import Section


def speckled(seed, shape=(150, 80)):
    values = ndi.gaussian_filter(np.random.default_rng(seed).normal(size=shape), (2, 4))
    return Section(values / values.std(), np.zeros(shape[0]))


@pytest.mark.parametrize("size", [1.0, 0.7])
@pytest.mark.parametrize("seed", range(4))
def test_a_disc_settles_where_its_naive_twin_does(seed, size):
    section = replace(speckled(seed), size=size)
    found = chain._settled(section, FoundDisc(np.array([75.0, 40.0]), 10.0, 0.0))
    e, z, y, lean = naive.settled(section, np.array([75.0, 40.0]), 10.0)
    assert (*found.place_mm, found.lean_deg, found.evidence) == pytest.approx((z, y, lean, e))


@pytest.mark.parametrize("seed", range(2))
def test_along_the_curve_it_is_its_naive_twin(seed, monkeypatch):
    """What each point of a curved canal gains, and the disc there."""
    section = speckled(seed)
    z = np.arange(130.0, 19, -4)
    curve = np.column_stack([z, 50 + 6 * np.sin(z / 25), np.zeros(z.size)])
    twin = naive.along_curve(section, curve, lean_deg(curve))
    gains = []
    every_fifth = list(range(0, len(z), 5))
    monkeypatch.setattr(chain, "best_chain", lambda gain: gains.append(gain) or every_fifth)
    discs = chain._along_curve(section, curve)
    np.testing.assert_allclose(gains[0], twin[:, 0], atol=1e-9)
    np.testing.assert_allclose([(*d.place_mm, d.lean_deg) for d in discs], twin[every_fifth, 1:], atol=1e-9)


def stripes(seed=5):
    """A column that bends backward: four bands at shrinking distances, and some noise."""
    section = speckled(seed, (170, 120))
    z, y = np.indices(section.values.shape)
    last, lean, distance = np.array([150.0, 40.0]), 0.0, 32.0
    values = 0.15 * section.values
    for _ in range(5):
        u = (last[0] - z) * np.cos(np.radians(lean)) + (y - last[1]) * np.sin(np.radians(lean))
        v = (last[0] - z) * np.sin(np.radians(lean)) + (last[1] - y) * -np.cos(np.radians(lean))
        values = values + 2 * np.exp(-((u / 3) ** 2) / 2) * (np.abs(v) < 14)
        distance *= 0.93
        last, lean = last + distance * naive.downward(lean + 8), lean + 16
    return Section(values, np.zeros(len(z)))


@pytest.mark.parametrize("section", [stripes(5), speckled(7), speckled(0)])
def test_below_the_curve_it_goes_on_as_its_naive_twin(section):
    two = (FoundDisc(np.array([143.0, 40.0]), 0.0, 1.0), FoundDisc(np.array([113.0, 41.0]), 4.0, 1.0))
    discs, gain = chain._onward(section, two)
    places, total = naive.onward(section, two[1].place_mm, 4.0, float(np.hypot(30, 1)))
    assert gain == pytest.approx(total)
    assert len(discs) == len(places)
    for disc, place in zip(discs, places, strict=True):
        np.testing.assert_allclose(disc.place_mm, place)


def test_three_discs_are_sought_below_the_curve():
    section = stripes()
    two = (FoundDisc(np.array([182.0, 40.0]), 0.0, 1.0), FoundDisc(np.array([150.0, 40.0]), 0.0, 1.0))
    assert len(chain._onward(section, two)[0]) == 3


def found_by(monkeypatch, along, onward):
    """The chain, of discs along the curve and of those that go on below some of them."""
    monkeypatch.setattr(chain, "_along_curve", lambda section, curve: along)
    monkeypatch.setattr(chain, "_settled", lambda section, disc: disc)
    monkeypatch.setattr(chain, "_onward", lambda section, kept: onward(len(kept)))
    return disc_chain(Section(np.zeros((2, 2)), np.zeros(2)), None)


def discs(*evidence):
    return tuple(FoundDisc(np.zeros(2), 0.0, e) for e in evidence)


@pytest.mark.parametrize(("n", "kept"), [(2, 2), (3, 2), (4, 2), (6, 4), (9, 7)])
def test_two_discs_of_the_curve_may_be_sought_anew(n, kept, monkeypatch):
    """However much better the ones below are; two always stay."""
    better = discs(0.9)[0]
    found = found_by(monkeypatch, discs(*[0.3] * n), lambda left: ([better] * (n - left), 50.0 * (n - left)))
    assert [d is better for d in found] == [False] * kept + [True] * (n - kept)


@pytest.mark.parametrize(("gain", "replaced"), [(0.45, False), (0.9, True)])
def test_where_a_disc_is_due_it_is_kept_for_little(gain, replaced, monkeypatch):
    """One that shows nothing gains 0.6 along the curve, as half of all places between discs show less than -0.2."""
    better = discs(0.9)[0]
    found = found_by(monkeypatch, discs(0.5, 0.5, 0.0), lambda left: ([better], gain) if left == 2 else ([], 0.0))
    assert any(d is better for d in found) == replaced


@pytest.mark.parametrize(("evidence", "left"), [(0.07, 2), (0.15, 3)])
def test_at_the_ends_only_discs_that_stand_out_stay(evidence, left, monkeypatch):
    assert len(found_by(monkeypatch, discs(0.5, 0.5, evidence), lambda kept: ([], 0.0))) == left
    assert len(found_by(monkeypatch, discs(evidence, 0.5, 0.5), lambda kept: ([], 0.0))) == left
    assert len(found_by(monkeypatch, discs(0.5, evidence, 0.5), lambda kept: ([], 0.0))) == 3


def spaced(step_mm, evidence, n=5):
    return tuple(FoundDisc(np.array([200.0 - step_mm * i, 40.0]), 0.0, evidence) for i in range(n))


@pytest.mark.parametrize(
    ("step_mm", "evidence", "small"), [(17, 0.6, True), (17, 0.4, False), (24, 0.6, True), (30, 0.6, False)]
)
def test_small_vertebrae_are_near_and_stand_out_more(step_mm, evidence, small, monkeypatch):
    sizes = []
    lumbar, neck = spaced(34, 0.5), spaced(step_mm, evidence)
    monkeypatch.setattr(chain, "_along_curve", lambda section, curve: neck if section.size < 1 else lumbar)
    monkeypatch.setattr(chain, "_onward", lambda section, kept: sizes.append(section.size) or ([], 0.0))
    monkeypatch.setattr(chain, "_settled", lambda section, disc: disc)
    found = disc_chain(Section(np.zeros((2, 2)), np.zeros(2)), None)
    assert found == (neck if small else lumbar)
    assert set(sizes) == {0.7 if small else 1.0}


@pytest.mark.parametrize(("bends", "left"), [((0, 55), 4), ((0, 65), 3), ((-20, 0), 4), ((-30, 0), 2), ((0, 0), 4)])
def test_a_chain_ends_where_it_bends_as_no_spine_does(bends, left):
    leans = np.cumsum([0, 0, *bends])
    assert len(chain._without_breaks(tuple(FoundDisc(np.zeros(2), float(a), 1.0) for a in leans))) == left


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
