"""A cohort: BIDS names, one process an image, records, and going on after a kill."""

import os
import random
import signal
import subprocess
import sys
import time
from pathlib import Path

import numpy as np
import pytest

import cordlevelset as cls
from cordlevelset import batch
from cordlevelset.bids import find_images
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
    return output, batch.run_batch(dataset, output, jobs=2)


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
    assert "evidence" in outcomes[2].remark
    for name in ("sub-01/anat/sub-01_T2w", "sub-02/ses-a/anat/sub-02_ses-a_T1w"):
        for end in ("seg.nii.gz", "seg.json", "measures.csv", "centerline.csv"):
            assert (output / f"{name}_label-SC_{end}").exists()
    assert not (output / "sub-03/anat/sub-03_T2w_label-SC_seg.nii.gz").exists()
    assert (output / "cord.tsv").read_text().count("\n") == 5
    page = (output / "index.html").read_text()
    assert "sub-04_&lt;b&gt;_T2w" in page
    assert "<b>" not in page


def test_nothing_is_repeated(dataset, undisturbed, monkeypatch):
    output, outcomes = undisturbed
    before = content(output)
    monkeypatch.setattr(subprocess, "run", lambda *a, **k: pytest.fail("a child was started"))
    assert batch.run_batch(dataset, output) == outcomes
    assert content(output) == before


def test_another_input_is_done_anew(dataset, undisturbed):
    output, _ = undisturbed
    source = find_images(dataset)[0]
    record = output / f"{source.stem}_label-SC_seg.json"
    text = record.read_text()
    assert batch._read_record(record, source, "another sum") is None
    record.write_text(text[: len(text) // 2])
    assert batch._read_record(record, source, "any") is None
    record.write_text(text)


def test_killed_and_started_again_leaves_the_same_bytes(dataset, undisturbed, tmp_path):
    command = [
        sys.executable,
        "-m",
        "cordlevelset",
        "batch",
        os.fspath(dataset),
        os.fspath(tmp_path / "out"),
        "--jobs",
        "2",
    ]
    (tmp_path / "out" / ".cordlevelset-killed").mkdir(parents=True)  # what a kill may leave of a file being written
    (tmp_path / "out" / ".cordlevelset-killed" / "cord.tsv").write_text("half")
    rng = random.Random(3)
    for _ in range(3):
        run = subprocess.Popen(command, start_new_session=True, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
        time.sleep(rng.uniform(0.5, 3.0))
        os.killpg(run.pid, signal.SIGKILL)
        run.wait()
    last = subprocess.run(command, capture_output=True, text=True)
    assert last.returncode == 1  # one of the images is none
    assert last.stdout.startswith("2 images done, 1 without a cord, 1 failed")
    assert last.stderr.count("\n") == 1
    assert content(tmp_path / "out") == content(undisturbed[0])


def test_a_hang_or_a_crash_is_listed_and_tried_again(dataset, tmp_path, monkeypatch):
    source = find_images(dataset)[0]
    (tmp_path / source.stem).parent.mkdir(parents=True)
    monkeypatch.setattr(batch, "TIME_LIMIT_S", 0.05)
    assert "stopped after" in batch.segment_one(source, tmp_path).remark
    monkeypatch.setattr(subprocess, "run", lambda *a, **k: subprocess.CompletedProcess(a, -11, "", ""))
    assert "status -11" in batch.segment_one(source, tmp_path).remark
    assert not list(tmp_path.rglob("*.json"))


def test_on_a_dask_cluster(dataset, undisturbed, tmp_path):
    distributed = pytest.importorskip("distributed")
    with distributed.LocalCluster(
        n_workers=1, threads_per_worker=2, processes=False, dashboard_address=None
    ) as cluster:
        batch.run_batch(dataset, tmp_path, dask=cluster.scheduler_address)
    assert content(tmp_path) == content(undisturbed[0])


def test_wrong_use(dataset, tmp_path):
    with pytest.raises(InputError, match="jobs"):
        batch.run_batch(dataset, tmp_path, jobs=0)
    (Path(tmp_path) / "file").write_text("")
    with pytest.raises(InputError, match="cannot write"):
        batch.run_batch(dataset, tmp_path / "file")
