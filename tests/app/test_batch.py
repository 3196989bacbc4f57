"""A cohort: BIDS names, one process an image, records, and going on after a kill."""

import hashlib
import json
import os
import random
import re
import shutil
import signal
import socket
import subprocess
import sys
import time
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

import cordlevelset as cls
from cordlevelset.app import batch
from cordlevelset.app.bids import Choice, choose, find_images
from cordlevelset.app.cli import main
from cordlevelset.errors import InputError
from cordlevelset.phantom import make_phantom


@pytest.fixture(scope="module")
def dataset(tmp_path_factory):
    """Two cords, one image without, one that is no image."""
    root = tmp_path_factory.mktemp("bids")
    small = {"region": "cervical", "spacing": (4.0, 1.0, 1.0), "field_mm": (80.0, 80.0, 50.0)}
    images = {
        "sub-01/anat/sub-01_T2w.nii.gz": make_phantom(**small, contrast="t2").image,
        "sub-02/ses-a/anat/sub-02_ses-a_T1w.nii.gz": make_phantom(**small, contrast="t1").image,
        "sub-03/anat/sub-03_T2w.nii.gz": cls.Volume(
            np.random.default_rng(0).rayleigh(100, (20, 40, 40)).astype(np.float32), (4.0, 1.0, 1.0)
        ),
    }
    for name, image in images.items():
        path = root / name
        path.parent.mkdir(parents=True, exist_ok=True)
        cls.write(image, path)
    (root / "sub-04/anat").mkdir(parents=True)
    (root / "sub-04/anat/sub-04_<b>_T2w.nii.gz").write_bytes(b"not an image")
    (root / "sub-01/anat/sub-01_bold.nii.gz").write_bytes(b"not anatomical")
    return root


@pytest.fixture(scope="module")
def undisturbed(dataset, tmp_path_factory):
    output = tmp_path_factory.mktemp("out")
    return output, batch.run_batch(dataset, output, jobs=2, report=True)


def content(folder):
    return {p.relative_to(folder).as_posix(): p.read_bytes() for p in sorted(folder.rglob("*")) if p.is_file()}


def test_images_of_a_dataset(dataset, tmp_path):
    sources = find_images(dataset)
    assert [s.subject for s in sources] == ["sub-01", "sub-02", "sub-03", "sub-04"]
    assert [s.session for s in sources] == ["n/a", "ses-a", "n/a", "n/a"]
    assert sources[1].stem == "sub-02/ses-a/anat/sub-02_ses-a_T1w"
    for bad in (tmp_path, tmp_path / "none"):
        with pytest.raises(InputError):
            find_images(bad)


def test_each_image_has_its_answer(undisturbed):
    output, outcomes = undisturbed
    assert [o.status for o in outcomes] == ["done", "done", "no cord found", "failed"]
    assert [o.summary.get("polarity") for o in outcomes] == ["dark", "bright", None, None]
    assert "probability" in outcomes[2].remark
    for name in ("sub-01/anat/sub-01_T2w", "sub-02/ses-a/anat/sub-02_ses-a_T1w"):
        for end in batch.LEAVES:
            assert (output / f"{name}_label-SC_{end}").exists()
    assert not (output / "sub-03/anat/sub-03_T2w_label-SC_seg.nii.gz").exists()
    assert (output / "cord.tsv").read_text(encoding="utf-8").count("\n") == 5
    page = (output / "index.html").read_text(encoding="utf-8")
    assert "sub-04_&lt;b&gt;_T2w" in page
    assert "<b>" not in page
    links = re.findall('<a href="([^"]+)"', page)
    assert len(links) == 2
    assert all((output / link).exists() for link in links)
    assert page.count("<image") == 2 * (2 + 4) + 3  # views and sections of both cords, and of the image without one


def test_nothing_is_repeated(dataset, undisturbed, monkeypatch):
    output, outcomes = undisturbed
    before = content(output)
    started, child = [], batch.run_child
    monkeypatch.setattr(batch, "run_child", lambda command, **k: started.append(command[4]) or child(command, **k))
    assert batch.run_batch(dataset, output, report=True) == outcomes
    assert content(output) == before
    assert [Path(p).name for p in started] == ["sub-04_<b>_T2w.nii.gz"]  # a failure is no answer


def test_what_does_not_count_as_done(dataset, undisturbed, tmp_path, monkeypatch):
    output, outcomes = undisturbed
    source = find_images(dataset)[0]
    record = output / f"{source.stem}_label-SC_seg.json"
    known = {"output": output, "report": True}
    assert batch.known_outcome(source, **known) == outcomes[0]
    text = record.read_text(encoding="utf-8")
    other = tmp_path / "other.nii.gz"
    other.write_bytes(source.path.read_bytes() + b"0")
    assert batch.known_outcome(replace(source, path=other), **known) is None
    assert batch.known_outcome(replace(source, path=tmp_path / "none"), **known) is None
    with monkeypatch.context() as patch:
        patch.setattr(batch, "__version__", "another")
        assert batch.known_outcome(source, **known) is None
    record.write_text(text[: len(text) // 2], encoding="utf-8")
    assert batch.known_outcome(source, **known) is None
    record.write_text(text, encoding="utf-8")


def test_nothing_is_left_of_an_older_version_of_the_image(dataset, undisturbed, tmp_path):
    """An image that was replaced by one without a cord has no mask and no page any more."""
    output = shutil.copytree(undisturbed[0], tmp_path / "out")
    root = shutil.copytree(dataset, tmp_path / "bids")
    shutil.copy(root / "sub-03/anat/sub-03_T2w.nii.gz", root / "sub-01/anat/sub-01_T2w.nii.gz")
    outcomes = batch.run_batch(root, output, report=True)
    assert [o.status for o in outcomes[:2]] == ["no cord found", "done"]
    left = {f"sub-01_T2w_label-SC_{end}" for end in ("seg.json", "view.svg")}
    assert {p.name for p in (output / "sub-01/anat").iterdir()} == left
    assert (output / "index.html").read_text(encoding="utf-8").count("<a ") == 1


def test_pages_may_be_asked_for_later(dataset, undisturbed, tmp_path):
    output = shutil.copytree(undisturbed[0], tmp_path / "out")
    source = find_images(dataset)[0]
    (output / f"{source.stem}_label-SC_report.html").unlink()
    assert batch.known_outcome(source, output=output, report=False) == undisturbed[1][0]
    assert batch.known_outcome(source, output=output, report=True) is None
    batch.run_batch(dataset, output)
    assert (output / "index.html").read_text(encoding="utf-8").count("<a ") == 1
    batch.run_batch(dataset, output, report=True)
    assert set(content(output)) == set(content(undisturbed[0]))


def test_records_follow_bids(dataset, undisturbed):
    output, _ = undisturbed
    about = json.loads((output / "dataset_description.json").read_text(encoding="utf-8"))
    assert (output / about["DatasetLinks"]["raw"]).resolve() == dataset.resolve()
    record = json.loads((output / "sub-01/anat/sub-01_T2w_label-SC_seg.json").read_text(encoding="utf-8"))
    assert record["Sources"] == ["bids:raw:sub-01/anat/sub-01_T2w.nii.gz"]
    digest = hashlib.sha256((dataset / "sub-01/anat/sub-01_T2w.nii.gz").read_bytes()).hexdigest()
    assert list(record["SourceSHA256"].values()) == [digest]
    assert record["GeneratedBy"] == [{"Name": "cordlevelset", "Version": cls.__version__}]
    assert record["Units"]["mean_area_mm2"] == "mm^2"
    assert record["Options"] == {
        "contrast": "auto",
        "polarity": "auto",
        "frame": None,
        "series": None,
        "label": None,
        "disc": None,
    }
    assert record["Command"].startswith("cordlevelset segment sub-01_T2w.nii.gz -o sub-01_T2w_label-SC_seg.nii.gz")
    assert len(record["Result"]["ends_mm"]) == 2


def test_kernels_are_compiled_once_and_before_the_workers(dataset, tmp_path, monkeypatch):
    started = []

    def run(command, **_):
        started.append(command[3])
        return subprocess.CompletedProcess(command, 3, "", "cordlevelset: no spinal cord found")

    monkeypatch.setattr(batch, "run_child", run)
    batch.run_batch(dataset, tmp_path / "two", jobs=2)
    assert started == ["warmup", *["segment"] * 4]
    started.clear()
    (tmp_path / "two/sub-01/anat/sub-01_T2w_label-SC_seg.json").unlink()
    batch.run_batch(dataset, tmp_path / "two", jobs=2)
    assert started == ["segment"]  # of this version some are done
    started.clear()
    batch.run_batch(dataset, tmp_path / "one", jobs=1)
    assert "warmup" not in started


def test_killed_and_started_again_leaves_the_same_bytes(dataset, undisturbed, tmp_path_factory):
    output = tmp_path_factory.mktemp("out")  # as far from the dataset as the other
    command = [
        sys.executable,
        "-m",
        "cordlevelset",
        "batch",
        os.fspath(dataset),
        os.fspath(output),
        "--jobs",
        "2",
        "--report",
    ]
    killed = output / f".cordlevelset-{socket.gethostname()}-{10**9}-x"  # what a kill may leave of a file being written
    killed.mkdir()
    (killed / "cord.tsv").write_text("half", encoding="utf-8")
    rng = random.Random(3)
    for _ in range(3):
        run = subprocess.Popen(command, start_new_session=True, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
        time.sleep(rng.uniform(0.5, 3.0))
        if os.name == "nt":
            subprocess.run(["taskkill", "/F", "/T", "/PID", str(run.pid)], check=False, capture_output=True)
        else:
            os.killpg(run.pid, signal.SIGKILL)
        run.wait()
    last = subprocess.run(command, capture_output=True, text=True)
    assert last.returncode == 1  # one of the images is none
    assert last.stdout.startswith("2 images done, 1 without a cord, 1 failed")
    doubtful = last.stdout.splitlines()[1:]
    assert doubtful[0] == "doubtful: 2, look at these first"
    assert "sub-04_<b>_T2w.nii.gz: failed" in doubtful[1]
    assert "sub-03_T2w.nii.gz: no cord found" in doubtful[2]
    assert last.stderr.count("\n") == 1
    assert content(output) == content(undisturbed[0])


def test_a_hang_or_a_crash_is_listed_and_tried_again(dataset, tmp_path, monkeypatch):
    source = find_images(dataset)[0]
    (tmp_path / source.stem).parent.mkdir(parents=True)
    monkeypatch.setattr(batch, "TIME_LIMIT_S", 0.05)
    place = {"output": tmp_path, "report": False}
    assert "stopped after" in batch.segment_one(source, **place).remark
    for status, said in ((-11, "its process ended with status -11"), (1, "more memory than there is")):
        ended = subprocess.CompletedProcess((), status, "", f"cordlevelset: {said}")
        monkeypatch.setattr(batch, "run_child", lambda *a, ended=ended, **k: ended)
        outcome = batch.segment_one(source, **place)
        assert (outcome.status, outcome.remark) == ("failed", said)
    assert not list(tmp_path.rglob("*.json"))


def test_no_other_description_is_replaced(dataset, tmp_path):
    raw = json.dumps({"Name": "raw", "License": "CC0"})
    other = json.dumps({"Name": "another", "GeneratedBy": [{"Name": "another pipeline"}]})
    root = shutil.copytree(dataset, tmp_path / "bids")
    for place, text in ((root, raw), (tmp_path / "derivatives", other), (tmp_path / "raw", raw)):
        place.mkdir(exist_ok=True)
        (place / "dataset_description.json").write_text(text, encoding="utf-8")
        with pytest.raises(InputError, match="give a"):
            batch.run_batch(root, place)
        assert (place / "dataset_description.json").read_text(encoding="utf-8") == text


def test_on_a_dask_cluster(dataset, undisturbed, tmp_path_factory):
    output = tmp_path_factory.mktemp("out")
    distributed = pytest.importorskip("distributed")
    with distributed.LocalCluster(
        n_workers=1, threads_per_worker=2, processes=False, dashboard_address=None
    ) as cluster:
        batch.run_batch(dataset, output, dask=cluster.scheduler_address, report=True)
    assert content(output) == content(undisturbed[0])


def test_wrong_use(dataset, tmp_path):
    with pytest.raises(InputError, match="jobs"):
        batch.run_batch(dataset, tmp_path, jobs=0)
    (Path(tmp_path) / "file").write_text("", encoding="utf-8")
    with pytest.raises(InputError, match="cannot write"):
        batch.run_batch(dataset, tmp_path / "file")


def test_hidden_files_are_no_images(dataset, tmp_path):
    root = shutil.copytree(dataset, tmp_path / "bids")
    (root / "sub-01/anat/._sub-01_T2w.nii.gz").write_bytes(b"\0\5\x16\7")
    (root / "sub-01/anat/.hidden_T1w.nii").write_bytes(b"")
    assert [s.name for s in find_images(root)] == [s.name for s in find_images(dataset)]


def test_content_that_was_not_fetched_is_named(dataset, tmp_path):
    root = tmp_path / "bids"
    (root / "sub-01/anat").mkdir(parents=True)
    link, pointer = (root / f"sub-01/anat/sub-01_{suffix}.nii.gz" for suffix in ("T1w", "T2w"))
    link.symlink_to("../../.git/annex/objects/none.nii.gz")
    pointer.write_text("/annex/objects/MD5E-s12--0123.nii.gz\n", encoding="utf-8")
    outcomes = batch.run_batch(root, tmp_path / "out")
    words = "is a link whose content is not here; get it first (datalad get, git annex get)"
    assert [(o.status, o.remark) for o in outcomes] == [
        ("failed", f"{p.relative_to(root)} {words}") for p in (link, pointer)
    ]
    for path in (link, pointer):
        with pytest.raises(InputError, match="get it first"):
            cls.read(path)


@pytest.mark.parametrize(
    ("choice", "names"),
    [
        (Choice(), ["sub-01_T2w", "sub-02_ses-a_T1w", "sub-03_T2w", "sub-04_<b>_T2w"]),
        (Choice(participants=("01", "sub-03")), ["sub-01_T2w", "sub-03_T2w"]),
        (Choice(sessions=("a",)), ["sub-02_ses-a_T1w"]),
        (Choice(suffixes=("T1w", "PDw")), ["sub-02_ses-a_T1w"]),
        (Choice(("02",), ("ses-a",), ("T1w",)), ["sub-02_ses-a_T1w"]),
    ],
)
def test_a_choice_of_images(choice, names, dataset):
    assert [s.stem.rsplit("/", 1)[-1] for s in choose(find_images(dataset), choice)] == names


def test_a_choice_that_holds_nothing(dataset):
    with pytest.raises(InputError, match="no images of participant 7; there are sub-01, sub-02, sub-03, sub-04"):
        choose(find_images(dataset), Choice(participants=("7",)))
    with pytest.raises(InputError, match="no image fits"):
        choose(find_images(dataset), Choice(participants=("01",), sessions=("a",)))


def test_the_table_keeps_what_other_runs_left(dataset, undisturbed, tmp_path, capsys):
    output = shutil.copytree(undisturbed[0], tmp_path / "out")
    words = ["batch", str(dataset), str(output), "--participant-label", "02", "--session-label", "a", "--suffix", "T1w"]
    assert main(words) == 0
    assert capsys.readouterr().out.startswith("1 images done")
    table = (output / "cord.tsv").read_text(encoding="utf-8").splitlines()
    assert [row.split("\t")[0] for row in table] == ["participant_id", "sub-01", "sub-02", "sub-03"]  # no record of 04


def test_two_runs_share_an_output(dataset, undisturbed, tmp_path_factory):
    """Both do all images at the same time: nothing of one is removed by the other, and all is as of a single run."""
    output = tmp_path_factory.mktemp("out")
    with ThreadPoolExecutor(2) as pool:
        found = list(pool.map(lambda _: batch.run_batch(dataset, output, report=True), range(2)))
    assert found == [undisturbed[1]] * 2
    assert content(output) == content(undisturbed[0])


def test_what_another_run_has_done_meanwhile_stays(dataset, undisturbed, tmp_path, monkeypatch):
    source = find_images(dataset)[0]
    (tmp_path / source.stem).parent.mkdir(parents=True)
    leaf = tmp_path / f"{source.stem}_label-SC_report.html"

    def child(command, **_):  # the other one comes first, and has made a page
        for file in undisturbed[0].glob(f"{source.stem}_label-SC_*"):
            shutil.copy(file, leaf.parent)
        return subprocess.CompletedProcess(command, 3, "", "no spinal cord found")

    monkeypatch.setattr(batch, "run_child", child)
    assert batch.segment_one(source, output=tmp_path, report=False) == undisturbed[1][0]
    assert leaf.exists()
    assert not list(leaf.parent.glob(".*"))


def test_of_many_participants_some_are_named(dataset):
    source = find_images(dataset)[0]
    many = [replace(source, name=f"sub-{n:02}/anat/sub-{n:02}_T2w.nii.gz") for n in range(1, 21)]
    with pytest.raises(InputError, match=r"there are sub-01, sub-02, .* sub-08$"):
        choose(many, Choice(participants=("99",)))
