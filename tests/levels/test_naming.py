"""Costs of names against their plain twin."""

import naive_levels as naive
import numpy as np
import pytest

from cordlevelset.levels.anatomy import disc_name, disc_number, typical, vertebra_name
from cordlevelset.levels.chain import FoundDisc
from cordlevelset.levels.naming import conus_cost, namings, shares


@pytest.mark.parametrize("n", [2, 5, 9, 16, 27])
@pytest.mark.parametrize("seed", [0, 1])
@pytest.mark.parametrize("room", [5.0, 60.0, 100.0, 300.0])
def test_costs_equal_their_naive_twin(n, seed, room):
    rng = np.random.default_rng(seed)
    lean = np.radians(rng.normal(0, 20, n - 1))
    steps = rng.uniform(15, 40, n - 1)[:, None] * np.stack([-np.cos(lean), np.sin(lean)], axis=1)
    places = 400 + np.concatenate([[[0.0, 0.0]], np.cumsum(steps, axis=0)])
    tilts, thickness = rng.normal(0, 10, n), np.exp(rng.normal(1, 0.5, n))
    found = namings(tuple(FoundDisc(p, a, 1.0, b) for p, a, b in zip(places, tilts, thickness, strict=True)), room)
    twin = naive.naming_costs(places, tilts, thickness, room)
    assert found.keys() == twin.keys()
    assert [way.chance for way in found.values()] == [chance for _, chance in twin.values()]
    assert [way.cost for way in found.values()] == pytest.approx([cost for cost, _ in twin.values()], rel=1e-9)


def usual_column(top, n, size=1.0, tilt=0.0):
    """A column as it usually is, from a disc down, of another size and tilted."""
    usual = [typical(top + i) for i in range(n)]
    lean = np.array([typical(max(3, top + i)).lean_deg for i in range(-1, n)])
    way = np.radians([u.lean_deg + tilt for u in usual])
    steps = size * np.array([u.height_mm for u in usual])[:, None] * np.stack([-np.cos(way), np.sin(way)], 1)
    places = 500 + np.concatenate([[[0.0, 0.0]], np.cumsum(steps, axis=0)[:-1]])
    tilts = (lean[1:] + lean[:-1]) / 2 + tilt
    return tuple(FoundDisc(p, a, 1.0, u.thickness) for p, a, u in zip(places, tilts, usual, strict=True))


def costs(chain, room):
    return {top: way.cost for top, way in namings(chain, room).items()}


@pytest.mark.parametrize("size", [0.85, 1.15])
@pytest.mark.parametrize(("top", "room"), [(20, 300.0), (3, 40.0)])
def test_a_usual_column_of_any_size_gets_its_names(top, room, size):
    likely = shares(costs(usual_column(top, 7, size, tilt=4.0), room))
    assert max(likely, key=lambda number: likely[number]) == top
    assert likely[top] > 0.9
    assert sum(likely.values()) == pytest.approx(1)


def test_a_chance_find_below_the_last_disc_does_not_change_names():
    chain = usual_column(20, 7)
    odd = FoundDisc(chain[-1].place_mm + np.array([-5.0, 45.0]), 100.0, 1.0, 3.0)
    ways = namings((*chain, odd), 300.0)
    assert min(ways, key=lambda number: ways[number].cost) == 20
    assert ways[20].chance == 1


@pytest.mark.parametrize(("room", "more"), [(75.0, 0.0), (85.0, 4.0)])
def test_the_canal_ends_80_mm_above_the_axis(room, more):
    """A neck whose upper discs were missed is not one that begins with C2/3."""
    chain = usual_column(3, 5)
    assert costs(chain, room)[3] - costs(chain, 10.0)[3] == pytest.approx(more)


def test_the_cord_ends_near_l1():
    """Normal about 20.4 with one level's spread; a cord that goes on costs the chance of ending above; 4 at most."""
    assert conus_cost(20.4, seen=True) == 0
    assert conus_cost(22.4, seen=True) == pytest.approx(2.0)
    assert conus_cost(18.4, seen=True) == pytest.approx(2.0)
    assert conus_cost(20.4, seen=False) == pytest.approx(np.log(2))
    assert conus_cost(10.0, seen=False) == pytest.approx(0, abs=1e-6)
    assert conus_cost(27.0, seen=True) == conus_cost(27.0, seen=False) == 4.0


def test_names_and_numbers():
    assert [disc_name(n) for n in (3, 8, 20, 25, 29)] == ["C2/3", "C7/T1", "T12/L1", "L5/S1", "S4/5"]
    assert [disc_number(disc_name(n)) for n in range(3, 30)] == list(range(3, 30))
    assert vertebra_name(24) == "L5"
