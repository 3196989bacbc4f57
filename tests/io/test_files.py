import contextlib
import json
import os
import socket
import subprocess
import sys
import time

import numpy as np
import pytest

import cordlevelset as cls
from cordlevelset.io import drafts, files


def test_all_files_or_none(tmp_path):
    names = [tmp_path / "a.txt", tmp_path / "b.txt"]
    names[0].write_text("old", encoding="utf-8")
    with contextlib.suppress(RuntimeError), files.whole_or_nothing(names) as (a, _):
        a.write_text("new", encoding="utf-8")
        raise RuntimeError
    assert names[0].read_text(encoding="utf-8") == "old"
    assert [p.name for p in tmp_path.iterdir()] == ["a.txt"]
    with files.whole_or_nothing(names) as (a, b):
        a.write_text("new", encoding="utf-8")
        b.write_text("new", encoding="utf-8")
        assert names[0].read_text(encoding="utf-8") == "old"
    assert {p.name: p.read_text(encoding="utf-8") for p in tmp_path.iterdir()} == {"a.txt": "new", "b.txt": "new"}


def test_a_folder_in_the_place_of_a_file(tmp_path):
    (tmp_path / "b.txt").mkdir()
    (tmp_path / "a.txt").write_text("old", encoding="utf-8")
    with (
        pytest.raises(cls.InputError, match="it is a folder"),
        files.whole_or_nothing([tmp_path / "a.txt", tmp_path / "b.txt"]),
    ):
        pass
    assert (tmp_path / "a.txt").read_text(encoding="utf-8") == "old"
    (tmp_path / "a.txt").unlink()
    assert [p.name for p in tmp_path.iterdir()] == ["b.txt"]


def test_what_cannot_be_read_meanwhile_is_not_said_to_be_unwritable(tmp_path):
    with pytest.raises(FileNotFoundError), files.whole_or_nothing([tmp_path / "a.txt"]):
        (tmp_path / "none").read_text(encoding="utf-8")
    assert not list(tmp_path.iterdir())


def test_drafts_that_cannot_be_removed_do_not_hold_the_end_up(tmp_path, monkeypatch):
    tries = []
    monkeypatch.setattr(drafts.shutil, "rmtree", lambda *a, **k: tries.append(a))
    monkeypatch.setattr(drafts, "_open_folders", {str(tmp_path)})
    drafts.discard_drafts()
    assert len(tries) == drafts.DISCARD_TRIES


def test_folders_that_cannot_be_made_are_told_before_the_work(tmp_path):
    (tmp_path / "file").write_text("", encoding="utf-8")
    files.check_makeable(tmp_path / "a" / "b")
    for folder in (tmp_path / "file" / "a", tmp_path / "file" / "a" / "b"):
        with pytest.raises(cls.InputError, match="is a file, not a folder"):
            files.check_makeable(folder)


def test_an_unwritten_draft_is_an_error(tmp_path):
    with pytest.raises(cls.InputError, match="cannot write"), files.whole_or_nothing([tmp_path / "a.txt"]):
        pass
    assert not list(tmp_path.iterdir())


@pytest.mark.parametrize("name", ["line.csv", "line.mrk.json"])
def test_centerline_written_and_read_again(name, rng, tmp_path):
    points = rng.normal(size=(5, 3)) * 100
    files.write_centerline(points, tmp_path / name)
    np.testing.assert_allclose(files.read_centerline(tmp_path / name), points, atol=1e-4)


def test_centerline_formats(tmp_path):
    files.write_centerline([[1, 2, 3], [4, 5, 6]], tmp_path / "a.csv")
    assert (tmp_path / "a.csv").read_text(encoding="utf-8").splitlines()[:2] == [
        "x_lps_mm,y_lps_mm,z_lps_mm",
        "1.0000,2.0000,3.0000",
    ]
    files.write_centerline([[1, 2, 3], [4, 5, 6]], tmp_path / "a.mrk.json")
    (markup,) = json.loads((tmp_path / "a.mrk.json").read_text(encoding="utf-8"))["markups"]
    assert (markup["type"], markup["coordinateSystem"]) == ("Curve", "LPS")
    markup["coordinateSystem"] = "RAS"
    (tmp_path / "ras.mrk.json").write_text(json.dumps({"markups": [markup]}), encoding="utf-8")
    np.testing.assert_allclose(files.read_centerline(tmp_path / "ras.mrk.json"), [[-1, -2, 3], [-4, -5, 6]])


@pytest.mark.parametrize(
    ("name", "text"),
    [
        ("a.csv", ""),
        ("a.csv", "x,y,z\n1,2,3\n"),
        ("a.csv", "x_lps_mm,y_lps_mm,z_lps_mm\n"),
        ("a.csv", "x_lps_mm,y_lps_mm,z_lps_mm\n1,2,3\n1,nan,3\n"),
        ("a.csv", "x_lps_mm,y_lps_mm,z_lps_mm\n1,2\n"),
        ("a.mrk.json", "{}"),
        ("a.mrk.json", "[1]"),
        ("a.mrk.json", '{"markups": []}'),
        ("a.mrk.json", '{"markups": [0]}'),
        ("a.mrk.json", "[" * 100_000),
        ("a.csv", '"' + "1" * 200_000),
        ("a.mrk.json", "\ufffe{"),
    ],
)
def test_files_that_hold_no_curve(name, text, tmp_path):
    (tmp_path / name).write_text(text, encoding="utf-8")
    with pytest.raises(cls.InputError, match="holds no curve"):
        files.read_centerline(tmp_path / name)


def test_one_point_will_do(tmp_path):
    (tmp_path / "a.csv").write_text("x_lps_mm,y_lps_mm,z_lps_mm\n1,2,3\n", encoding="utf-8")
    assert files.read_centerline(tmp_path / "a.csv").tolist() == [[1.0, 2.0, 3.0]]


def test_outputs_are_refused_before_the_work(tmp_path):
    (tmp_path / "d.csv").mkdir()
    for path, words in [
        (tmp_path / "a.txt", "must end in"),
        (tmp_path / "none" / "a.csv", "no folder"),
        (tmp_path / "d.csv", "is a folder"),
    ]:
        with pytest.raises(cls.InputError, match=words):
            files.check_writable(path, (".csv",))
    files.check_writable(tmp_path / "A.CSV", (".csv",))


@pytest.mark.skipif(not hasattr(os, "geteuid"), reason="Windows keeps its permissions elsewhere")
@pytest.mark.skipif(getattr(os, "geteuid", int)() == 0, reason="root may write anywhere")
def test_folder_without_permission(tmp_path):
    tmp_path.chmod(0o500)
    with pytest.raises(cls.InputError, match="not writable"):
        files.check_writable(tmp_path / "a.csv", (".csv",))


@pytest.mark.parametrize(
    ("name", "text"),
    [
        ("old.fcsv", "# Markups fiducial file version = 4.10\n# CoordinateSystem = 0\n# columns = id,x,y,z,ow\n"),
        ("ras.fcsv", "# CoordinateSystem = RAS\n# columns = id,x,y,z,ow\n"),
        ("unsaid.fcsv", "# columns = id,x,y,z,vis,sel\n"),
    ],
)
def test_fiducials_in_ras(name, text, tmp_path):
    (tmp_path / name).write_text(text + "p0,1.5,2,3,0\n\np1,4,5,6,0\n", encoding="utf-8")
    np.testing.assert_allclose(files.read_centerline(tmp_path / name), [[-1.5, -2, 3], [-4, -5, 6]])


def test_fiducials_in_lps(tmp_path):
    for system in ("LPS", "1"):
        (tmp_path / "a.fcsv").write_text(f"# CoordinateSystem = {system}\np0,1.5,2,3,0\np1,4,5,6,0\n", encoding="utf-8")
        np.testing.assert_allclose(files.read_centerline(tmp_path / "a.fcsv"), [[1.5, 2, 3], [4, 5, 6]])
    (tmp_path / "a.fcsv").write_text("# CoordinateSystem = IJK\np0,1.5,2,3,0\np1,4,5,6,0\n", encoding="utf-8")
    with pytest.raises(cls.InputError, match="holds no curve"):
        files.read_centerline(tmp_path / "a.fcsv")


def test_points_that_were_never_placed_do_not_count(tmp_path):
    placed = [{"position": [i, 2 * i, 3 * i]} for i in (1, 2)]
    waiting = [{"position": [0, 0, 0], "positionStatus": "undefined"}]
    markup = {"type": "Fiducial", "coordinateSystem": "LPS", "controlPoints": placed + waiting}
    (tmp_path / "a.mrk.json").write_text(json.dumps({"markups": [markup]}), encoding="utf-8")
    np.testing.assert_allclose(files.read_centerline(tmp_path / "a.mrk.json"), [[1, 2, 3], [2, 4, 6]])


@pytest.mark.parametrize(
    ("units", "mm"), [("mm", 1), ("cm", 10), ("m", 1000), (["um"] * 3, 1e-3), (["mm", "mm", "mm"], 1)]
)
def test_markups_in_another_unit_are_converted(units, mm, tmp_path):
    files.write_centerline([[1, 2, 3], [4, 5, 6]], tmp_path / "a.mrk.json")
    document = json.loads((tmp_path / "a.mrk.json").read_text(encoding="utf-8"))
    document["markups"][0]["coordinateUnits"] = units
    (tmp_path / "a.mrk.json").write_text(json.dumps(document), encoding="utf-8")
    points = files.read_centerline(tmp_path / "a.mrk.json")
    np.testing.assert_allclose(points, np.array([[1, 2, 3], [4, 5, 6]]) * mm)


@pytest.mark.parametrize("units", ["voxel", "", None, ["mm", "mm", "s"], [], 3])
def test_markups_in_no_length_are_refused(units, tmp_path):
    files.write_centerline([[1, 2, 3], [4, 5, 6]], tmp_path / "a.mrk.json")
    document = json.loads((tmp_path / "a.mrk.json").read_text(encoding="utf-8"))
    document["markups"][0]["coordinateUnits"] = units
    (tmp_path / "a.mrk.json").write_text(json.dumps(document), encoding="utf-8")
    with pytest.raises(cls.InputError, match=r"a\.mrk\.json: coordinates in .* are not understood; save"):
        files.read_centerline(tmp_path / "a.mrk.json")


def _dead_process():
    done = subprocess.run([sys.executable, "-c", "import os; print(os.getpid())"], capture_output=True, text=True)
    return int(done.stdout)


@pytest.mark.skipif(os.name != "posix", reason="elsewhere only the age tells")
def test_drafts_of_living_processes_are_left_alone(tmp_path):
    host = socket.gethostname()
    dead = tmp_path / f".cordlevelset-{host}-{_dead_process()}-abc"
    huge = tmp_path / f".cordlevelset-{host}-{10**30}-abc"
    other = tmp_path / f".cordlevelset-another-{host}-7-abc"  # of another machine, or of none
    unnamed = tmp_path / ".cordlevelset-x"
    old = tmp_path / ".cordlevelset-elsewhere-7-old"
    for folder in (dead, huge, other, unnamed, old):
        folder.mkdir()
        (folder / "half").write_text("", encoding="utf-8")
    os.utime(old, (time.time() - 1.1 * 86400,) * 2)
    os.utime(other, (time.time() - 0.9 * 86400,) * 2)
    with drafts.draft_folder(tmp_path) as mine, files.whole_or_nothing([tmp_path / "a.txt"]) as (draft,):
        draft.write_text("whole", encoding="utf-8")
        drafts.remove_dead_drafts(tmp_path)
        assert set(tmp_path.iterdir()) == {other, unnamed, mine, draft.parent}
    assert set(tmp_path.iterdir()) == {other, unnamed, tmp_path / "a.txt"}
    assert drafts.ABANDONED_S == 86400


def test_outputs_have_names_of_their_own(tmp_path):
    """By whatever way a path is written."""
    files.check_distinct([tmp_path / "a.csv", tmp_path / "b.csv"], [tmp_path / "c.csv"])
    with pytest.raises(cls.InputError, match="cannot write two outputs"):
        files.check_distinct([tmp_path / "a.csv", tmp_path / "sub" / ".." / "a.csv"], [])
