"""Files of measures: CSV, JSON with units and origin, the column names of SCT."""

import csv
import hashlib
import json

import numpy as np
import pytest

import cordlevelset as cls
from cordlevelset.app.cli import main
from cordlevelset.measures.morphometry import COLUMNS
from cordlevelset.outputs.tables import SCT_COLUMNS, checksum

UPSTREAM = (  # of tables that sct_process_segmentation -perslice 1 wrote
    "Timestamp,SCT Version,Filename,Slice (I->S),VertLevel,DistancePMJ,MEAN(area),STD(area),MEAN(angle_AP),"
    "STD(angle_AP),MEAN(angle_RL),STD(angle_RL),MEAN(diameter_AP),STD(diameter_AP),MEAN(diameter_RL),STD(diameter_RL),"
    "MEAN(eccentricity),STD(eccentricity),MEAN(orientation),STD(orientation),MEAN(solidity),STD(solidity),SUM(length)"
)


@pytest.fixture(scope="module")
def folder(neck, neck_file, neck_result, tmp_path_factory):
    """All tables of one run, and of its mask."""
    folder = tmp_path_factory.mktemp("tables")
    words = ["segment", str(neck_file), "-o", str(folder / "mask.nii.gz"), "--contrast", "t2"]
    for name in ("a.csv", "a.json", "a.sct.csv"):
        words += ["--measures", str(folder / name)]
    assert main(words) == 0
    for name in ("m.json", "m.sct.csv"):
        assert main(["measure", str(folder / "mask.nii.gz"), "-o", str(folder / name)]) == 0
    return folder


def test_json_has_units_options_origin_and_all_slices(folder, neck_file, neck_result):
    about = json.loads((folder / "a.json").read_text(encoding="utf-8"))
    assert about["GeneratedBy"] == [{"Name": "cordlevelset", "Version": cls.__version__}]
    assert about["Sources"] == [neck_file.as_posix()]
    digest = hashlib.sha256(neck_file.read_bytes()).hexdigest()
    assert about["SourceSHA256"] == {neck_file.as_posix(): digest}
    nothing = dict.fromkeys(("frame", "series", "label", "disc"))
    assert about["Options"] == {"contrast": "t2", "polarity": "auto", **nothing}
    assert about["Result"]["notes"] == list(neck_result.notes)
    assert about["Units"] | {"area_mm2": "mm^2", "angle_deg": "degree", "volume_mm3": "mm^3"} == about["Units"]
    assert {name for name in COLUMNS if "_" in name} - set(about["Units"]) == {"canal_share"}
    assert [tuple(s) for s in about["Slices"]] == [COLUMNS] * len(neck_result.slices)
    assert [s["area_mm2"] for s in about["Slices"]] == [s.area_mm2 for s in neck_result.slices]


def test_json_of_a_mask_knows_no_nan(folder):
    text = (folder / "m.json").read_text(encoding="utf-8")
    about = json.loads(text, parse_constant=lambda word: pytest.fail(word))
    assert about["Slices"][0]["confidence"] is None
    total = sum(s["volume_mm3"] for s in about["Slices"])
    mask = cls.read(folder / "mask.nii.gz")
    assert total == pytest.approx(mask.array.sum() * np.prod(mask.spacing))
    assert about["Result"]["volume_mm3"] == round(total)


def test_sct_columns(folder, neck_result, neck_file):
    with (folder / "a.sct.csv").open() as stream:
        rows = list(csv.DictReader(stream))
    assert ",".join(SCT_COLUMNS) == ",".join(rows[0]) == UPSTREAM
    heights = [int(row["Slice (I->S)"]) for row in rows]
    assert heights == sorted(heights)
    up = neck_result.slices[::-1]
    assert [float(row["MEAN(area)"]) for row in rows] == [s.area_mm2 for s in up]
    assert [float(row["SUM(length)"]) for row in rows] == [s.length_mm for s in up]
    for row in rows:
        assert row["Filename"] == neck_file.as_posix()
        assert row["SCT Version"].startswith("cordlevelset")
        for name in ("Timestamp", "VertLevel", "DistancePMJ", "MEAN(orientation)", "MEAN(solidity)"):
            assert row[name] == ""


def test_sct_counts_slices_from_below_whatever_the_grid(folder, tmp_path):
    mask = cls.read(folder / "mask.nii.gz")
    turned = cls.Volume(
        np.ascontiguousarray(mask.array[::-1]),
        mask.spacing,
        mask.to_lps([len(mask.array) - 1, 0, 0]),
        mask.direction @ np.diag([1, 1, -1]),
    )
    cls.write(turned, tmp_path / "mask.nii.gz")
    assert main(["measure", str(tmp_path / "mask.nii.gz"), "-o", str(tmp_path / "m.sct.csv")]) == 0
    tables = []
    for path in (folder / "m.sct.csv", tmp_path / "m.sct.csv"):
        with path.open() as stream:
            tables.append([(row["Slice (I->S)"], row["MEAN(area)"]) for row in csv.DictReader(stream)])
    assert tables[0] == tables[1]


def test_an_input_is_never_replaced(folder, neck_file, tmp_path, capsys):
    words = ["segment", str(neck_file), "-o", str(tmp_path / "m.nii"), "--initial", str(folder / "mask.nii.gz")]
    assert main([*words, "--soft", str(folder / "mask.nii.gz")]) == 1
    assert "would be lost" in capsys.readouterr().err


def test_checksum_of_a_folder(tmp_path):
    for name, text in (("b", "2"), ("a", "1")):
        (tmp_path / name).write_text(text, encoding="utf-8")
    parts = [hashlib.sha256(text).hexdigest() for text in (b"1", b"2")]
    assert checksum(tmp_path) == hashlib.sha256("".join(parts).encode()).hexdigest()
    of_one = checksum(tmp_path, files=[tmp_path / "a", tmp_path / "a"])
    assert of_one == hashlib.sha256(checksum(tmp_path / "a").encode()).hexdigest()
