"""The cord in a mask that holds more, or whose header is turned."""

import warnings

import numpy as np
import pytest

import cordlevelset as cls
from cordlevelset.app.cli import main
from cordlevelset.measures.piece import BESIDE_MM, LEAST_SHARE, SMALLER, WIDEST_MM, cord_piece, turn_along

SPACING = (0.5, 0.5, 0.5)


def cylinder(degrees=15.0, planes=range(10, 50), radius=5.0):
    """A leaning cylinder."""
    z, y, x = np.mgrid[0:60, 0:160, 0:60] * 0.5
    lean = np.radians(degrees)
    mask = ((y - 40 - (z - 15) * np.tan(lean)) * np.cos(lean)) ** 2 + (x - 15) ** 2 <= radius**2
    out = np.zeros(mask.shape, np.uint8)
    out[list(planes)] = mask[list(planes)]
    return out


def measured(mask, spacing=SPACING):
    with warnings.catch_warnings(record=True) as caught:
        warnings.simplefilter("always")
        records = cls.measure(cls.Volume(mask, spacing))
    return records, [str(w.message) for w in caught]


def check(records, n, degrees=0.3):
    assert len(records) == n
    for record in records:
        assert record.angle_deg == pytest.approx(15, abs=degrees)
        assert record.area_mm2 == pytest.approx(25 * np.pi, rel=0.04)


def test_a_clean_mask_is_left_alone():
    mask = cylinder()
    records, told = measured(mask)
    check(records, 40)
    assert told == []
    volume = cls.Volume(mask, SPACING)
    assert cord_piece(volume)[0] is volume


def test_a_stray_voxel_at_the_end():
    mask = cylinder(planes=range(11, 50))
    mask[10, 90, 30] = 1
    records, told = measured(mask)
    check(records, 39)
    assert told == ["1 voxels in 1 piece apart from the cord were left out"]


def test_a_few_voxels_in_line_with_the_cord():
    mask = cylinder(planes=range(12, 50))
    mask[10, 74:76, 29:32] = 1
    records, told = measured(mask)
    check(records, 38)
    assert len(told) == 1


def test_voxels_that_touch_the_cord_weigh_what_they_are():
    mask = cylinder(planes=range(11, 50))
    _, y, x = np.argwhere(mask[11:12])[0]
    mask[10, y, x - 3 : x] = 1  # at the edge of the lowest section
    records, told = measured(mask)
    assert told == []
    check(records[:-1], 39, degrees=1.0)  # 35 degrees at the end, were all planes alike


def test_a_second_piece_beside_it():
    mask = cylinder()
    mask[20:40, 100:108, 5:8] = 1
    mask[30, 120, 50] = 1
    records, told = measured(mask)
    check(records, 40)
    assert told == ["481 voxels in 2 pieces apart from the cord were left out"]


def test_a_cord_in_pieces_stays_whole():
    mask = cylinder(planes=[*range(10, 20), *range(26, 35), *range(36, 50)])
    records, told = measured(mask)
    check(records, 33)
    assert told == []


@pytest.mark.parametrize(("aside_mm", "kept"), [(8.0, True), (13.5, True), (17.0, False), (25.0, False)])
def test_how_far_aside_a_piece_may_follow(aside_mm, kept):
    """After a gap of 5 mm: its own width of ten, and the gap."""
    mask = np.zeros((60, 160, 60), np.uint8)
    mask[:30, 40:60, 20:40] = 1
    low = 40 + round(aside_mm / 0.5)
    mask[39:, low : low + 20, 20:40] = 1
    _, notes = cord_piece(cls.Volume(mask, SPACING))
    assert (not notes) == kept
    assert BESIDE_MM == 10


@pytest.mark.parametrize(("share", "kept"), [(0.15, True), (0.05, False)])
def test_how_small_a_piece_of_the_cord_is(share, kept):
    mask = np.zeros((60, 60, 60), np.uint8)
    mask[:30, 20:40, 20:40] = 1
    mask[40:, 20:40, 20 : 20 + round(20 * share)] = 1
    _, notes = cord_piece(cls.Volume(mask, SPACING))
    assert (not notes) == kept
    assert LEAST_SHARE == 0.1


def turned(degrees, axis="left"):
    """Directions of a grid turned about an axis of the patient."""
    c, s = np.cos(np.radians(degrees)), np.sin(np.radians(degrees))
    about = {"left": [[1, 0, 0], [0, c, -s], [0, s, c]], "posterior": [[c, 0, s], [0, 1, 0], [-s, 0, c]]}
    return np.array(about[axis])


@pytest.mark.parametrize("axis", ["left", "posterior"])
@pytest.mark.parametrize("degrees", [0, 30, 50, 89, -50])
def test_a_turned_header(degrees, axis):
    volume = cls.Volume(cylinder(planes=range(3, 57)), SPACING, direction=turned(degrees, axis))
    records = cls.measure(volume)
    check(records, 54)
    assert {record.slice for record in records} == set(range(3, 57))


def test_a_leaning_cord_keeps_the_headers_axis():
    """At 55 degrees sections across another axis are smaller, but not by half."""
    mask = np.zeros((120, 200, 40), np.uint8)
    for k in range(120):
        y = 10 + k * np.tan(np.radians(55))
        if y + 20 < 200:
            mask[k, round(y) : round(y) + 18, 10:20] = 1
    assert turn_along(cls.Volume(mask, (1.0, 1.0, 1.0))).order == (0, 1, 2)
    assert SMALLER == 0.5


@pytest.mark.parametrize(("width_mm", "axis"), [(18.0, 0), (22.0, 2)])
def test_a_single_slice_is_no_cord_across(width_mm, axis):
    mask = np.zeros((9, 40, 60), np.uint8)
    mask[4, 15:25, 5 : 5 + round(width_mm / 0.5)] = 1
    assert turn_along(cls.Volume(mask, SPACING)).order[0] == axis
    assert WIDEST_MM == 20


def test_the_command_says_what_it_left_out(tmp_path, capsys):
    mask = cylinder()
    mask[20, 120, 50] = 1
    cls.write(cls.Volume(mask, SPACING), tmp_path / "mask.nii.gz")
    assert main(["measure", str(tmp_path / "mask.nii.gz"), "-o", str(tmp_path / "m.csv")]) == 0
    assert "note: 1 voxels in 1 piece apart from the cord were left out" in capsys.readouterr().out
