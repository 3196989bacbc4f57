from contextlib import nullcontext
from itertools import permutations, product

import numpy as np
import pytest

import cordlevelset as cls
from cordlevelset.volume import CANONICAL_AXES, Turn, canonical_turn, image_values, likely_turns, same_grid, turn_with

TURNS = [Turn(order, flip) for order in permutations(range(3)) for flip in product((False, True), repeat=3)]


def _rotation(degrees, axis):
    c, s = np.cos(np.radians(degrees)), np.sin(np.radians(degrees))
    i, j = [a for a in range(3) if a != axis]
    out = np.eye(3)
    out[i, i], out[i, j], out[j, i], out[j, j] = c, -s, s, c
    return out


def _volume(rng, direction=None):
    return cls.Volume(rng.random((4, 5, 6)), (3.0, 0.7, 1.1), (10.0, -20.0, 30.0), direction)


def test_all_48_turns_differ():
    assert len(set(TURNS)) == 48


@pytest.mark.parametrize(
    ("degrees", "firsts"), [(0, [0]), (20, [0]), (29, [0]), (31, [0, 1]), (44, [0, 1]), (50, [1, 0]), (70, [1])]
)
def test_axes_that_may_run_along_the_cord(degrees, firsts, rng):
    volume = _volume(rng, _rotation(degrees, 0))
    turns = likely_turns(volume)
    assert [turn.order[0] for turn in turns] == firsts
    assert turns[0] == canonical_turn(volume)
    assert all(turn == turn_with(volume, turn.order[0]) for turn in turns)
    assert all((turn.volume(volume).axes[0] @ CANONICAL_AXES[0]) > 0 for turn in turns)


@pytest.mark.parametrize("turn", TURNS)
def test_a_turn_keeps_voxels_in_place_and_is_undone_exactly(turn, rng):
    volume = _volume(rng, _rotation(20, 2) @ _rotation(-15, 0))
    turned = turn.volume(volume)
    assert np.array_equal(turn.back(turned.array), volume.array)
    index = np.array([1, 0, 2])
    value = turned.array[tuple(index)]
    there = volume.to_index(turned.to_lps(index))
    assert volume.array[tuple(np.rint(there).astype(int))] == value
    np.testing.assert_allclose(there, np.rint(there), atol=1e-9)


@pytest.mark.parametrize("turn", TURNS)
def test_canonical_grid_of_every_axis_order_is_the_same(turn, rng):
    base = _volume(rng, _rotation(30, 1))
    turned = turn.volume(base)
    canonical = canonical_turn(turned).volume(turned)
    expected = canonical_turn(base).volume(base)
    assert np.array_equal(canonical.array, expected.array)
    np.testing.assert_allclose(canonical.axes, expected.axes, atol=1e-12)
    np.testing.assert_allclose(canonical.origin, expected.origin, atol=1e-9)
    assert canonical.spacing == expected.spacing
    assert (np.diag(canonical.axes @ CANONICAL_AXES.T) > 0.8).all()


def test_lps_and_index_are_inverse(rng):
    volume = _volume(rng, _rotation(40, 0))
    points = rng.normal(size=(7, 3)) * 50
    np.testing.assert_allclose(volume.to_lps(volume.to_index(points)), points, atol=1e-9)
    np.testing.assert_allclose(volume.to_lps([0, 0, 0]), volume.origin)
    i_step = volume.to_lps([0, 0, 1]) - volume.origin
    np.testing.assert_allclose(i_step, 1.1 * volume.direction[:, 0], atol=1e-12)


@pytest.mark.parametrize(
    ("change", "words"),
    [
        ({"array": np.zeros((3, 3))}, "2 axes"),
        ({"array": np.zeros((2, 3, 3, 3))}, "4 axes"),
        ({"array": np.zeros((0, 3, 3))}, "empty"),
        ({"spacing": (0.0, 1.0, 1.0)}, "positive"),
        ({"spacing": (1.0, -1.0, 1.0)}, "positive"),
        ({"spacing": (1.0, np.nan, 1.0)}, "finite"),
        ({"spacing": (1.0, 1.0)}, "3 finite numbers"),
        ({"origin": (0.0, np.inf, 0.0)}, "finite"),
        ({"direction": np.array([[1, 0.3, 0], [0, 1, 0], [0, 0, 1]])}, "sheared"),
        ({"direction": np.full((3, 3), np.nan)}, "right angles"),
        ({"direction": np.eye(4)}, "9 finite numbers"),
        ({"direction": [[1, 0, 0], [0, 1]]}, "9 finite numbers"),
        ({"spacing": ("a", "b", "c")}, "3 finite numbers"),
    ],
)
def test_unusable_geometry(change, words):
    with pytest.raises(cls.GeometryError, match=words):
        cls.Volume(**({"array": np.zeros((3, 3, 3)), "spacing": (1.0, 1.0, 1.0)} | change))


@pytest.mark.parametrize(
    ("array", "words"),
    [
        (np.full((3, 3, 3), 7), "constant: every voxel is 7"),
        (np.where(np.arange(27).reshape(3, 3, 3) == 5, np.inf, 1.0), "1 of 27 voxels are infinite"),
        (np.full((3, 3, 3), np.nan), "holds no numbers"),
        (np.ones((3, 3, 3), complex), "complex"),
        (np.zeros((1, 8, 8)), "one voxel thick"),
    ],
)
def test_unusable_values(array, words):
    with pytest.raises(cls.InputError, match=words):
        image_values(cls.Volume(array, (1.0, 1.0, 1.0)))


@pytest.mark.parametrize("dtype", ["u1", "i2", ">i2", "u4", "i8", "f2", "f4", ">f8", "?"])
def test_any_real_numbers_do(dtype, rng):
    values = image_values(cls.Volume(rng.integers(0, 2, (3, 4, 5)).astype(dtype), (2.0, 2.0, 2.0)))
    assert values.dtype == np.float32


def test_same_grid(rng):
    volume = _volume(rng)
    assert same_grid(volume, cls.Volume(volume.array, (3.0, 0.7, 1.1000001), (10.001, -20.0, 30.0)))
    assert not same_grid(volume, cls.Volume(volume.array, (3.0, 0.7, 1.1), (10.2, -20.0, 30.0)))
    assert not same_grid(volume, cls.Volume(volume.array[1:], (3.0, 0.7, 1.1), volume.origin))
    with pytest.raises(cls.GeometryError, match="shape"):
        volume.like(volume.array[1:])


@pytest.mark.parametrize(("degrees", "taken"), [(0.04, True), (0.1, False)])
def test_axes_off_right_angles_by_a_header_s_rounding_are_taken(degrees, taken):
    """Four digits of a cosine leave up to 0.06 degrees."""
    direction = np.eye(3)
    direction[:, 0] = np.cos(np.radians(degrees)), np.sin(np.radians(degrees)), 0.0
    with nullcontext() if taken else pytest.raises(cls.GeometryError, match="right angles"):
        cls.Volume(np.zeros((3, 3, 3)), (1.0, 1.0, 1.0), direction=direction)


@pytest.mark.parametrize(("mm", "taken"), [(0.7e-6, False), (1.5e-6, True), (0.7e6, True), (1.5e6, False)])
def test_voxels_from_a_nanometre_to_a_kilometre(mm, taken):
    with nullcontext() if taken else pytest.raises(cls.GeometryError, match="positive and in mm"):
        cls.Volume(np.zeros((3, 3, 3)), (mm, 1.0, 1.0))


@pytest.mark.parametrize(("mm", "taken"), [(4.0, False), (6.0, True), (2000.0, True), (4000.0, False)])
def test_an_image_is_as_thick_as_a_cord_and_as_long_as_a_patient_at_most(mm, taken, rng):
    """A few slices of 2 mm, a whole body; not what has its voxels in cm or in tenths of a mm."""
    volume = cls.Volume(rng.random((2, 8, 8)), (mm / 2, 10.0, 10.0))
    with nullcontext() if taken else pytest.raises(cls.GeometryError, match="another unit"):
        image_values(volume)
