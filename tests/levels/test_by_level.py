"""Files that hold levels, and the command line that writes them."""

import csv
import json

import numpy as np
import pytest

import cordlevelset as cls
from cordlevelset.app.cli import main
from cordlevelset.errors import InputError
from cordlevelset.levels.told import read_told
from cordlevelset.outputs.by_level import LEVEL_COLUMNS, level_rows, slice_levels, write_levels
from cordlevelset.phantom import make_phantom
from cordlevelset.vertebral import with_disc


@pytest.fixture(scope="module")
def image():
    return make_phantom(region="cervical", spacing=(1.0, 1.0, 3.0)).image


@pytest.fixture(scope="module")
def named(image):
    result = cls.segment(image)
    return with_disc(result, ("C3/4", result.levels.discs[1].point_mm))


def test_rows_by_level_are_means_of_their_slices(named):
    rows = [dict(zip(LEVEL_COLUMNS, row, strict=True)) for row in level_rows(named)]
    whole = [r for r in rows if (r["from_fraction"], r["to_fraction"]) == (0, 1)]
    assert [r["level"] for r in whole][:4] == ["C3", "C4", "C5", "C6"]
    assert [r["number"] for r in whole][:4] == [3, 4, 5, 6]
    place = slice_levels(named)
    for row in whole:
        inside = [r for r in named.slices if place.get(r.slice, (0,))[0] == row["number"]]
        assert row["slices"] == len(inside)
        assert row["area_mm2"] == pytest.approx(np.mean([r.area_mm2 for r in inside]))
        assert row["length_mm"] == pytest.approx(sum(r.length_mm for r in inside))
        thirds = [r for r in rows if r["number"] == row["number"] and r is not row]
        assert sum(r["slices"] for r in thirds) == row["slices"]
        if row["slices"] > 9:
            assert [(r["from_fraction"], r["to_fraction"]) for r in thirds] == [(0, 0.333), (0.333, 0.667), (0.667, 1)]


def test_the_command_line_writes_levels(image, named, tmp_path, capsys):
    cls.write(image, tmp_path / "neck.nii.gz")
    x, y, z = named.levels.discs[1].point_mm
    out = {
        name: tmp_path / name for name in ("cord.nii.gz", "l.csv", "l.json", "discs.nii.gz", "a.sct.csv", "b.sct.csv")
    }
    arguments = ["segment", str(tmp_path / "neck.nii.gz"), "-o", str(out["cord.nii.gz"]), f"--disc=C3/4={x},{y},{z}"]
    for name in ("l.csv", "l.json", "discs.nii.gz"):
        arguments += ["--levels-out", str(out[name])]
    assert main([*arguments, "--measures", str(out["a.sct.csv"]), "--perlevel"]) == 0
    assert "levels: discs in view from C2/3 to" in capsys.readouterr().out
    with out["a.sct.csv"].open() as file:
        levels = [row["VertLevel"] for row in csv.DictReader(file)]
    assert levels == [str(n) for n in range(3, 3 + len(levels))]
    assert [d["name"] for d in json.loads(out["l.json"].read_text(encoding="utf-8"))["discs"]][:2] == ["C2/3", "C3/4"]
    assert set(np.unique(cls.read(out["discs.nii.gz"]).array)) == {0, *(d.number for d in named.levels.discs)}
    with out["l.csv"].open() as file:
        assert [row["level"] for row in csv.DictReader(file)][:4] == ["C3"] * 4


def test_a_wrong_disc_writes_nothing(image, tmp_path, capsys):
    cls.write(image, tmp_path / "neck.nii.gz")
    arguments = ["segment", str(tmp_path / "neck.nii.gz"), "-o", str(tmp_path / "cord.nii.gz"), "--disc"]
    assert main([*arguments, "C4/5=0,0,900"]) == 1
    assert "no disc is seen at the place told for C4/5" in capsys.readouterr().err
    assert not (tmp_path / "cord.nii.gz").exists()


@pytest.mark.parametrize("rows", ["--perlevel", "--perslice"])
def test_rows_of_no_table_are_refused(rows, image, tmp_path, capsys):
    cls.write(image, tmp_path / "neck.nii.gz")
    arguments = ["segment", str(tmp_path / "neck.nii.gz"), "-o", str(tmp_path / "cord.nii.gz"), rows]
    assert main([*arguments, "--measures", str(tmp_path / "a.csv")]) == 1
    assert "add --measures FILE.sct.csv" in capsys.readouterr().err
    assert not (tmp_path / "cord.nii.gz").exists()


def test_a_disc_from_markups(tmp_path):
    points = [{"label": "F-1", "position": [0, 0, 0]}, {"label": "L5/S1", "position": [1.0, -2.0, 3.0]}]
    path = tmp_path / "known.mrk.json"
    path.write_text(json.dumps({"markups": [{"coordinateSystem": "RAS", "controlPoints": points}]}), encoding="utf-8")
    told = read_told(str(path))
    assert (told.number, told.point_mm) == (25, (-1.0, 2.0, 3.0))
    path.write_text(json.dumps({"markups": [{"controlPoints": points[:1]}]}), encoding="utf-8")
    with pytest.raises(InputError, match="bears the name of a disc"):
        read_told(str(path))
    with pytest.raises(InputError, match="give NAME=x,y,z"):
        read_told("L5")


@pytest.mark.parametrize(
    "text",
    [
        *('{"markups": [0]}', "[1]", "[" * 100_000),
        '{"markups": [{"controlPoints": [0]}]}',
        '{"markups": [{"controlPoints": [{"label": "L4/5", "position": [1, 2]}]}]}',
        '{"markups": [{"controlPoints": [{"label": "L4/5", "position": [1, 2, NaN]}]}]}',
        '{"markups": [{"coordinateUnits": "a\\nb", "controlPoints": [{"label": "L4/5", "position": [1, 2, 3]}]}]}',
    ],
)
def test_damaged_markups_are_refused_in_one_line(text, tmp_path):
    path = tmp_path / "known.mrk.json"
    path.write_text(text, encoding="utf-8")
    with pytest.raises(InputError) as said:
        read_told(str(path))
    assert "\n" not in str(said.value)


def test_units_of_markups_count(tmp_path):
    path = tmp_path / "known.mrk.json"
    point = {"label": "L5/S1", "position": [0.1, -0.2, 0.3]}
    path.write_text(json.dumps({"markups": [{"coordinateUnits": "cm", "controlPoints": [point]}]}), encoding="utf-8")
    assert read_told(str(path)).point_mm == pytest.approx((1.0, -2.0, 3.0))


def test_without_levels_the_label_image_is_empty(neck_result, tmp_path):
    result = with_disc(neck_result, None)
    object.__setattr__(result, "levels", None)
    write_levels(result, tmp_path / "discs.nii.gz")
    assert not cls.read(tmp_path / "discs.nii.gz").array.any()
