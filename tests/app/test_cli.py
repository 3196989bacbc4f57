import csv
import json
import re
from pathlib import Path
from types import SimpleNamespace

import numpy as np
import pytest
from PIL import Image

import cordlevelset as cls
from cordlevelset.app.cli import main
from cordlevelset.io import files
from cordlevelset.measures.morphometry import COLUMNS

FRONT_PICTURE = Path(__file__).parents[2] / "docs" / "demo.png"
"""README's: the one that `cordlevelset demo` draws."""
NUMBER = r"\d+(?:\.\d+)?"
"""In the words of a result."""


def test_segment_writes_everything(neck, neck_result, neck_file, tmp_path, capsys):
    mask, soft, line, table = (tmp_path / n for n in ("mask.nii.gz", "soft.nrrd", "line.mrk.json", "measures.csv"))
    words = ["segment", str(neck_file), "-o", str(mask), "--soft", str(soft), "--centerline-out", str(line)]
    assert main([*words, "--measures", str(table)]) == 0
    said = capsys.readouterr()
    for word in ("dark", "mm long", "mean area", "confidence", " s\n"):
        assert word in said.out
    assert said.err == ""
    written = cls.read(mask)
    assert written.array.dtype == np.uint8
    assert np.array_equal(written.array, neck_result.mask.array)
    image = cls.read(neck_file)
    assert (written.spacing, written.origin) == (image.spacing, image.origin)
    assert np.array_equal(written.direction, image.direction)
    np.testing.assert_allclose(cls.read(soft).array, neck_result.soft_mask.array)
    np.testing.assert_allclose(files.read_centerline(line), neck_result.centerline.points_mm, atol=1e-3)
    with table.open() as stream:
        rows = list(csv.DictReader(stream))
    assert tuple(rows[0]) == COLUMNS
    assert [int(row["slice"]) for row in rows] == [record.slice for record in neck_result.slices]
    assert {p.name for p in tmp_path.iterdir()} == {mask.name, "mask.json", soft.name, line.name, table.name}


def test_json_summary(neck_file, tmp_path, capsys):
    assert main(["segment", str(neck_file), "-o", str(tmp_path / "m.nii"), "--json", "--contrast", "t1"]) == 0
    summary = json.loads(capsys.readouterr().out)
    assert set(summary) == {
        "polarity",
        "length_mm",
        "mean_area_mm2",
        "volume_mm3",
        "ends_mm",
        "confidence",
        "conus",
        "conus_state",
        "levels",
        "seconds",
        "compile_seconds",
        "notes",
    }
    assert summary["polarity"] == "dark"
    assert "t1" in summary["notes"][0]


def test_every_mask_has_a_sidecar(neck_file, neck_result, tmp_path):
    mask = tmp_path / "cord.nii.gz"
    words = ["segment", str(neck_file), "-o", str(mask), "--contrast", "t2"]
    assert main(words) == 0
    about = json.loads((tmp_path / "cord.json").read_text(encoding="utf-8"))
    assert about["Sources"] == [neck_file.as_posix()]
    assert about["Options"]["contrast"] == "t2"
    assert about["Command"] == f"cordlevelset segment {neck_file.name} -o cord.nii.gz --contrast t2"
    assert about["Result"]["confidence"] == round(neck_result.confidence, 2)
    assert about["Result"]["ends_mm"][0] == [round(float(v), 1) for v in neck_result.centerline.points_mm[0]]
    assert main([*words, "--measures", str(tmp_path / "cord.json")]) == 0  # the same and the slices
    longer = json.loads((tmp_path / "cord.json").read_text(encoding="utf-8"))
    assert longer.keys() - about.keys() == {"Slices"}
    assert longer["Result"] == about["Result"]


def test_another_files_sidecar_is_not_replaced(neck_file, tmp_path, capsys):
    (tmp_path / "image.json").write_text('{"EchoTime": 0.1}', encoding="utf-8")  # of image.nii.gz, from the scanner
    assert main(["segment", str(neck_file), "-o", str(tmp_path / "image.mha")]) == 1
    assert "would be lost" in capsys.readouterr().err
    assert [p.name for p in tmp_path.iterdir()] == ["image.json"]
    (tmp_path / "image.mha").write_text("", encoding="utf-8")  # another tool's mask and its sidecar: both are replaced
    assert main(["segment", str(neck_file), "-o", str(tmp_path / "image.mha")]) == 0
    assert "Result" in json.loads((tmp_path / "image.json").read_text(encoding="utf-8"))


def test_at_a_terminal_a_line_opens_both(neck_file, tmp_path, monkeypatch, capsys):
    monkeypatch.setattr("cordlevelset.outputs.viewers.shutil.which", lambda program: None)
    words = ["segment", str(neck_file), "-o", str(tmp_path / "m.nii.gz")]
    assert main(words) == 0
    assert "look at it" not in capsys.readouterr().out
    monkeypatch.setattr("sys.stdout.isatty", lambda: True)
    assert main(words) == 0
    line = f"look at it: fsleyes {neck_file.as_posix()} {tmp_path.as_posix()}/m.nii.gz -cm red -a 50"
    assert capsys.readouterr().out.splitlines()[-1] == line
    assert main([*words, "--json"]) == 0
    assert "look at it" not in capsys.readouterr().out


@pytest.mark.parametrize("name", ["line.csv", "line.mrk.json"])
def test_centerline(name, neck_file, tmp_path, capsys):
    assert main(["centerline", str(neck_file), "-o", str(tmp_path / name)]) == 0
    points = files.read_centerline(tmp_path / name)
    assert (np.diff(points[:, 2]) < 0).all()
    assert f"{len(points)} points" in capsys.readouterr().out


def test_measure_and_compare(neck, tmp_path, capsys):
    cls.write(neck.soft_mask, tmp_path / "soft.nii.gz")
    assert main(["measure", str(tmp_path / "soft.nii.gz"), "-o", str(tmp_path / "m.csv")]) == 0
    assert len((tmp_path / "m.csv").read_text(encoding="utf-8").splitlines()) == 31
    assert main(["compare", str(tmp_path / "soft.nii.gz"), str(tmp_path / "soft.nii.gz"), "--json"]) == 0
    assert json.loads(capsys.readouterr().out.splitlines()[-1])["dice"] == 1
    cls.write(neck.soft_mask.like(np.zeros(neck.image.shape, np.uint8)), tmp_path / "none.nii.gz")
    assert main(["compare", str(tmp_path / "none.nii.gz"), str(tmp_path / "soft.nii.gz"), "--json"]) == 0
    assert json.loads(capsys.readouterr().out.splitlines()[-1])["hd95_mm"] is None


@pytest.fixture
def noise_file(rng, tmp_path_factory):
    path = tmp_path_factory.mktemp("noise") / "noise.nii.gz"
    cls.write(cls.Volume(rng.rayleigh(size=(30, 60, 50)).astype("f4"), (2.0, 1.0, 1.0)), path)
    return path


def test_no_cord_is_status_3_and_no_file(noise_file, tmp_path, capsys):
    assert main(["segment", str(noise_file), "-o", str(tmp_path / "m.nii.gz")]) == 3
    assert not list(tmp_path.iterdir())
    said = capsys.readouterr().err
    assert said.startswith("cordlevelset: no spinal cord found")
    assert said.count("\n") == 1


@pytest.mark.parametrize("command", ["segment", "centerline", "measure", "compare"])
def test_a_missing_file_is_status_1_and_one_line(command, tmp_path, capsys):
    words = {
        "segment": ["-o", str(tmp_path / "m.nii.gz")],
        "centerline": ["-o", str(tmp_path / "m.csv")],
        "measure": ["-o", str(tmp_path / "m.csv")],
        "compare": [str(tmp_path / "other.nii.gz")],
    }[command]
    assert main([command, str(tmp_path / "none.nii.gz"), *words]) == 1
    said = capsys.readouterr()
    assert "no such file" in said.err
    assert said.err.count("\n") == 1
    assert said.out == ""
    assert not list(tmp_path.iterdir())


def test_an_output_that_cannot_be_leaves_nothing(neck_file, tmp_path, capsys):
    words = ["segment", str(neck_file), "-o", str(tmp_path / "m.nii.gz")]
    for extra in (["--measures", str(tmp_path / "no" / "m.csv")], ["--soft", str(tmp_path / "soft.png")]):
        assert main(words + extra) == 1
        assert not list(tmp_path.iterdir())
    assert capsys.readouterr().err.count("\n") == 2


@pytest.mark.parametrize(
    "words", [[], ["paint"], ["segment"], ["segment", "a.nii"], ["segment", "a.nii", "-o", "b.nii", "--contrast", "t9"]]
)
def test_wrong_use_is_status_2(words, capsys):
    with pytest.raises(SystemExit) as caught:
        main(words)
    assert caught.value.code == 2
    assert "usage" in capsys.readouterr().err


def test_version(capsys):
    with pytest.raises(SystemExit) as caught:
        main(["--version"])
    assert caught.value.code == 0
    assert capsys.readouterr().out == f"cordlevelset {cls.__version__}\n"


def test_interrupted(neck_file, tmp_path, capsys, monkeypatch):
    def interrupt(*_, **__):
        raise KeyboardInterrupt

    monkeypatch.setattr("cordlevelset.pipeline.segment", interrupt)
    assert main(["segment", str(neck_file), "-o", str(tmp_path / "m.nii.gz")]) == 130
    assert capsys.readouterr().err == "cordlevelset: interrupted\n"
    assert not list(tmp_path.iterdir())


def test_demo(tmp_path, capsys):
    assert main(["demo", "-o", str(tmp_path / "a" / "demo")]) == 0
    said = capsys.readouterr().out
    dice = float(said.split("Dice ")[1].split(",")[0])
    assert dice > 0.9
    made = {p.name: p for p in (tmp_path / "a" / "demo").iterdir()}
    assert set(made) == {
        "image.nii.gz",
        "truth.nii.gz",
        "mask.nii.gz",
        "mask.json",
        "centerline.csv",
        "centerline.mrk.json",
        "demo.png",
    }
    assert made["demo.png"].read_bytes()[:4] == b"\x89PNG"
    assert cls.compare(made["mask.nii.gz"], made["truth.nii.gz"]).dice == pytest.approx(dice, abs=1e-3)
    off, give_or_take = (float(re.search(what, said)[1]) for what in (r"tip ([+-][\d.]+) mm", r"give or take (\d+) mm"))
    assert abs(off) <= give_or_take
    shown, now = (Image.open(path).text["Description"] for path in (FRONT_PICTURE, made["demo.png"]))
    assert re.sub(NUMBER, "", shown) == re.sub(NUMBER, "", now), f"copy the demo's picture to {FRONT_PICTURE}"
    assert _numbers(shown) == pytest.approx(_numbers(now), rel=0.02), f"copy the demo's picture to {FRONT_PICTURE}"


def _numbers(text):
    return [float(word) for word in re.findall(NUMBER, text)]


def test_warmup(capsys):
    assert main(["warmup"]) == 0
    assert "kernels ready" in capsys.readouterr().out


def test_corrections_from_files(neck, neck_file, tmp_path, capsys):
    truth = (neck.soft_mask.array >= 0.5).astype(np.uint8)
    axial, sagittal, seeds = (np.zeros_like(truth) for _ in range(3))
    axial[[4, 20]] = truth[[4, 20]]
    middle = int(np.median(np.nonzero(truth)[2]))
    sagittal[:, :, middle] = truth[:, :, middle]
    seeds[12, 2, 2] = 2
    for name, array in (("axial", axial), ("sagittal", sagittal), ("seeds", seeds), ("initial", truth)):
        cls.write(neck.image.like(array), tmp_path / f"{name}.nii.gz")
    files.write_centerline(neck.centerline_mm[[3, 9]], tmp_path / "line.mrk.json")
    words = ["segment", str(neck_file), "-o", str(tmp_path / "mask.nii.gz")]
    given = [
        *("--centerline", str(tmp_path / "line.mrk.json"), "--seeds", str(tmp_path / "seeds.nii.gz")),
        *("--contours", str(tmp_path / "axial.nii.gz"), "--contours", str(tmp_path / "sagittal.nii.gz")),
        *("--initial", str(tmp_path / "initial.nii.gz")),
    ]
    assert main([*words, *given]) == 0
    mask = cls.read(tmp_path / "mask.nii.gz").array
    assert np.array_equal(mask[[4, 20]], truth[[4, 20]])
    assert np.array_equal(mask[:, :, middle], truth[:, :, middle])
    (tmp_path / "mask.nii.gz").unlink()
    capsys.readouterr()
    cls.write(neck.image.like(np.where(axial > 0, 2, 0).astype(np.uint8)), tmp_path / "seeds.nii.gz")
    assert main([*words, *given]) == 1
    said = capsys.readouterr().err
    assert said.count("\n") == 1
    assert "as cord and as not cord" in said
    assert not (tmp_path / "mask.nii.gz").exists()


@pytest.mark.parametrize(("n", "more"), [(10, ""), (12, "  and 2 more, on top of the index\n")])
def test_a_cohort_names_as_many_doubtful_images_as_a_terminal_shows(n, more, monkeypatch, tmp_path, capsys):
    outcomes = [
        SimpleNamespace(status="done", doubt=f"confidence 0.{k:02}", remark="", source=tmp_path / f"{k}.nii")
        for k in range(n)
    ]
    monkeypatch.setattr("cordlevelset.app.batch.run_batch", lambda *_, **__: outcomes)
    assert main(["batch", str(tmp_path), str(tmp_path / "out")]) == 0
    said = capsys.readouterr().out
    assert said.count(".nii: confidence") == 10
    assert said.endswith(f"  9.nii: confidence 0.09\n{more}")
