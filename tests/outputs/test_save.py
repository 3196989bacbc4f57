"""What hosts save by one call."""

import csv
import json

import pytest

import cordlevelset as cls


def test_measures_in_all_forms(neck_result, tmp_path):
    for ending in (".csv", ".json", ".sct.csv"):
        cls.save_measures(neck_result, tmp_path / f"area{ending}", name="neck")
    with (tmp_path / "area.csv").open() as stream:
        rows = list(csv.DictReader(stream))
    assert [float(row["area_mm2"]) for row in rows] == pytest.approx([s.area_mm2 for s in neck_result.slices])
    about = json.loads((tmp_path / "area.json").read_text(encoding="utf-8"))
    assert about["Result"]["polarity"] == "dark"
    assert about["Options"] == {"image": "neck"}
    with (tmp_path / "area.sct.csv").open() as stream:
        assert {row["Filename"] for row in csv.DictReader(stream)} == {"neck"}
    assert {path.name for path in tmp_path.iterdir()} == {"area.csv", "area.json", "area.sct.csv"}


def test_report(neck_result, tmp_path):
    cls.save_report(neck_result, tmp_path / "report.html", name="<neck>")
    assert "&lt;neck&gt;" in (tmp_path / "report.html").read_text(encoding="utf-8")


def test_wrong_endings_and_folders_are_refused(neck_result, tmp_path):
    with pytest.raises(cls.InputError, match=r"\.csv"):
        cls.save_measures(neck_result, tmp_path / "area.xls")
    with pytest.raises(cls.InputError, match="nowhere"):
        cls.save_report(neck_result, tmp_path / "nowhere" / "report.html")
    assert list(tmp_path.iterdir()) == []
