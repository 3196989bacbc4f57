"""Costs of names against their plain twin."""

import naive_levels as naive
import numpy as np
import pytest

from cordlevelset.levels.anatomy import disc_name, disc_number, typical, vertebra_name
from cordlevelset.levels.chain import FoundDisc
from cordlevelset.levels.naming import naming_costs, shares


@pytest.mark.parametrize("n", [2, 5, 9, 16, 27])
@pytest.mark.parametrize("seed", [0, 1])
@pytest.mark.parametrize("room", [5.0, 40.0, 300.0])
def test_costs_equal_their_naive_twin(n, seed, room):
    rng = np.random.default_rng(seed)
    lean = np.radians(rng.normal(0, 20, n - 1))
    steps = rng.uniform(15, 40, n - 1)[:, None] * np.stack([-np.cos(lean), np.sin(lean)], axis=1)
    places = 400 + np.concatenate([[[0.0, 0.0]], np.cumsum(steps, axis=0)])
    thickness = np.exp(rng.normal(1, 0.5, n))
    found = naming_costs(tuple(FoundDisc(p, 0.0, 1.0) for p in places), thickness, room)
    twin = naive.naming_costs(places, thickness, room)
    assert found.keys() == twin.keys()
    assert found == pytest.approx(twin, rel=1e-9)


def usual_column(top, n, size=1.0, tilt=0.0):
    """A column as it usually is, from a disc down, of another size and tilted."""
    usual = [typical(top + i) for i in range(n)]
    way = np.radians([u.lean_deg + tilt for u in usual])
    steps = size * np.array([u.height_mm for u in usual])[:, None] * np.stack([-np.cos(way), np.sin(way)], 1)
    places = 500 + np.concatenate([[[0.0, 0.0]], np.cumsum(steps, axis=0)[:-1]])
    return tuple(FoundDisc(p, 0.0, 1.0) for p in places), np.array([u.thickness for u in usual])


@pytest.mark.parametrize("size", [0.85, 1.15])
@pytest.mark.parametrize(("top", "room"), [(20, 300.0), (3, 40.0)])
def test_a_usual_column_of_any_size_gets_its_names(top, room, size):
    likely = shares(naming_costs(*usual_column(top, 7, size, tilt=4.0), room))
    assert max(likely, key=lambda number: likely[number]) == top
    assert likely[top] > 0.9
    assert sum(likely.values()) == pytest.approx(1)


def test_names_and_numbers():
    assert [disc_name(n) for n in (3, 8, 20, 25, 29)] == ["C2/3", "C7/T1", "T12/L1", "L5/S1", "S4/5"]
    assert [disc_number(disc_name(n)) for n in range(3, 30)] == list(range(3, 30))
    assert vertebra_name(24) == "L5"
