"""The Slicer extension's bridge against Slicer's own MRML libraries: needs slicer-core from the Python index."""

import ctypes
import os
import resource
import subprocess
from dataclasses import asdict
from pathlib import Path

import numpy as np
import pytest

import cordlevelset as cls

pytest.importorskip("slicer", reason="needs slicer-core")

import slicer
import slicer.util
import vtk
from CordLevelSetLib import bridge, install
from CordLevelSetLib.job import Job, told
from CordLevelSetLib.paint import Painted
from hosts.grids import GRIDS, centroid, corners

EXTENSION = Path(__file__).parents[2] / "SlicerCordLevelSet"
RAS_LPS = np.array([-1.0, -1.0, 1.0])


def columns_of(result):
    records = [asdict(record) for record in result.slices]
    return {name: np.array([record[name] for record in records]) for name in records[0]}


@pytest.fixture
def scene():
    scene = slicer.vtkMRMLScene()
    application = slicer.vtkSlicerApplicationLogic()
    application.SetMRMLScene(scene)
    colors = slicer.vtkMRMLColorLogic()
    colors.SetMRMLScene(scene)
    colors.AddDefaultColorNodes()
    segmentations = slicer.vtkSlicerSegmentationsModuleLogic()
    segmentations.SetMRMLScene(scene)
    yield scene
    scene.Clear(1)


def node_of(scene, volume, transform=None):
    """A volume node as Slicer makes one on loading: array and IJKToRAS."""
    node = scene.AddNewNodeByClass("vtkMRMLScalarVolumeNode", "image")
    slicer.util.updateVolumeFromArray(node, volume.array)
    to_ras = np.eye(4)
    to_ras[:3, :3] = np.diag(RAS_LPS) @ volume.direction * volume.spacing[::-1]
    to_ras[:3, 3] = RAS_LPS * volume.origin
    if transform is not None:
        to_ras = np.linalg.inv(transform) @ to_ras
    matrix = vtk.vtkMatrix4x4()
    matrix.DeepCopy(to_ras.ravel())
    node.SetIJKToRASMatrix(matrix)
    if transform is not None:
        parent = scene.AddNewNodeByClass("vtkMRMLLinearTransformNode", "parent")
        matrix.DeepCopy(transform.ravel())
        parent.SetMatrixTransformToParent(matrix)
        node.SetAndObserveTransformNodeID(parent.GetID())
    return node


def ijk_to_world(node, index_kji):
    """LPS of array indices, by Slicer's own matrices."""
    matrix, world = vtk.vtkMatrix4x4(), vtk.vtkGeneralTransform()
    node.GetIJKToRASMatrix(matrix)
    slicer.vtkMRMLTransformNode.GetTransformBetweenNodes(node.GetParentTransformNode(), None, world)
    out = []
    for k, j, i in np.atleast_2d(index_kji):
        out.append(world.TransformPoint(matrix.MultiplyPoint((i, j, k, 1))[:3]))
    return np.array(out) * RAS_LPS


@pytest.fixture(scope="module", params=GRIDS)
def case(request):
    volume = GRIDS[request.param]
    return volume, cls.segment(volume)


ROTATION = np.array([[0.96, -0.28, 0, 5], [0.28, 0.96, 0, -7], [0, 0, 1, 11], [0, 0, 0, 1]])


@pytest.mark.parametrize("transform", [None, ROTATION], ids=["plain", "under a transform"])
def test_mask_lies_where_it_belongs(scene, case, transform):
    volume, result = case
    node = node_of(scene, volume, transform)
    read = bridge.volume_of_node(node)
    ends = corners(volume.shape)
    np.testing.assert_array_equal(read.array, volume.array)
    np.testing.assert_allclose(read.to_lps(ends), volume.to_lps(ends), atol=0.01)
    np.testing.assert_allclose(ijk_to_world(node, ends), volume.to_lps(ends), atol=0.01)

    segmentation = bridge.write_segmentation(result.mask, node)
    segment = segmentation.GetSegmentation().GetNthSegmentID(0)
    assert segmentation.GetSegmentation().GetSegment(segment).GetName() == "spinal cord"
    middle = volume.to_lps(centroid(result.mask.array))
    image = slicer.vtkOrientedImageData()
    segmentation.GetBinaryLabelmapRepresentation(segment, image)  # cropped to the segment
    alone = bridge.volume_of_oriented_image(image)
    np.testing.assert_allclose(alone.to_lps(centroid(alone.array)), middle, atol=0.01)
    np.testing.assert_array_equal(bridge.on_grid(alone, read).array, result.mask.array)
    back = bridge.segments_volume(segmentation, {segment: 2}, node)
    np.testing.assert_array_equal(back.array, 2 * result.mask.array)
    np.testing.assert_allclose(back.to_lps(ends), volume.to_lps(ends), atol=0.01)

    labelmap = scene.AddNewNodeByClass("vtkMRMLLabelMapVolumeNode", "labels")
    slicer.vtkSlicerSegmentationsModuleLogic.ExportSegmentsToLabelmapNode(segmentation, [segment], labelmap, node)
    mask = slicer.util.arrayFromVolume(labelmap)
    np.testing.assert_allclose(ijk_to_world(labelmap, centroid(mask))[0], middle, atol=0.01)
    assert scene.GetNodesByClass("vtkMRMLLabelMapVolumeNode").GetNumberOfItems() == 1


def test_saved_by_slicer_and_read_elsewhere(scene, case, tmp_path):
    slicerio = pytest.importorskip("slicerio")
    volume, result = case
    segmentation = bridge.write_segmentation(result.mask, node_of(scene, volume))
    storage = slicer.vtkMRMLSegmentationStorageNode()
    storage.SetFileName(str(tmp_path / "cord.seg.nrrd"))
    assert storage.WriteData(segmentation)
    saved = slicerio.read_segmentation(str(tmp_path / "cord.seg.nrrd"))
    index = np.argwhere(saved["voxels"]).mean(axis=0)
    place = saved["ijkToLPS"] @ [*index, 1]
    np.testing.assert_allclose(place[:3], volume.to_lps(centroid(result.mask.array)), atol=0.01)
    assert saved["segments"][0]["name"] == "spinal cord"


def test_curve_and_table(scene, case):
    volume, result = case
    node = node_of(scene, volume)
    curve = bridge.write_curve(result.centerline.points_mm, node)
    np.testing.assert_allclose(bridge.points_lps(curve), result.centerline.points_mm, atol=1e-6)
    assert curve.GetCurveLengthWorld() == pytest.approx(result.length_mm, rel=0.01)
    table = bridge.write_table(columns_of(result), node)
    assert table.GetNumberOfRows() == len(result.slices)
    areas = slicer.util.arrayFromTableColumn(table, "area_mm2")
    np.testing.assert_allclose(areas, [record.area_mm2 for record in result.slices])


def test_rerun_replaces_the_cord_only(scene, case):
    volume, result = case
    node = node_of(scene, volume)
    segmentation = bridge.write_segmentation(result.mask, node)
    segmentation.GetSegmentation().AddEmptySegment("tumour", "tumour")
    assert bridge.write_segmentation(result.mask, node, segmentation) is segmentation
    names = [segmentation.GetSegmentation().GetNthSegment(n).GetName() for n in range(2)]
    assert sorted(names) == ["spinal cord", "tumour"]
    curve, table = bridge.write_curve(result.centerline.points_mm, node), bridge.write_table(columns_of(result), node)
    assert bridge.write_curve(result.centerline.points_mm, node, curve).GetNumberOfControlPoints() == len(
        result.centerline.points_mm
    )
    assert bridge.write_table(columns_of(result), node, table).GetNumberOfRows() == len(result.slices)


def test_oriented_image_round_trip(case):
    volume, result = case
    back = bridge.volume_of_oriented_image(bridge.oriented_image(result.mask))
    np.testing.assert_array_equal(back.array, result.mask.array)
    np.testing.assert_allclose(back.to_lps(corners(volume.shape)), volume.to_lps(corners(volume.shape)), atol=0.01)


def test_what_cannot_be_read_is_said(scene):
    empty = scene.AddNewNodeByClass("vtkMRMLScalarVolumeNode", "empty")
    with pytest.raises(cls.InputError, match="'empty' holds no image"):
        bridge.volume_of_node(empty)
    node = node_of(scene, GRIDS["axial"], ROTATION)
    shear = vtk.vtkMatrix4x4()
    shear.SetElement(0, 1, 0.3)
    node.GetParentTransformNode().SetMatrixTransformToParent(shear)
    with pytest.raises(cls.GeometryError, match="right angles"):
        bridge.volume_of_node(node)


def test_an_unknown_cord_is_kept(scene, case):
    volume, result = case
    node = node_of(scene, volume)
    segmentation = bridge.write_segmentation(result.mask, node)
    first = bridge.cord_segment(segmentation)
    bridge.write_segmentation(result.mask.like(np.roll(result.mask.array, 1)), node, segmentation, ours=False)
    assert bridge.cord_segment(segmentation) != first
    assert segmentation.GetSegmentation().GetSegment(first).GetName() == "spinal cord, earlier"
    np.testing.assert_array_equal(bridge.segments_volume(segmentation, {first: 1}, node).array, result.mask.array)


def test_term_and_color_are_those_of_the_spinal_cord(scene, case):
    volume, result = case
    segmentation = bridge.write_segmentation(result.mask, node_of(scene, volume))
    segment = segmentation.GetSegmentation().GetSegment(bridge.cord_segment(segmentation))
    entry = slicer.vtkSlicerTerminologyEntry()
    assert slicer.vtkSlicerTerminologiesModuleLogic().DeserializeTerminologyEntry(segment.GetTerminology(), entry)
    kind = entry.GetTypeObject()
    assert (kind.GetCodingSchemeDesignator(), kind.GetCodeValue(), kind.GetCodeMeaning()) == (
        "SCT",
        "2748008",
        "Spinal cord",
    )
    assert np.round(np.multiply(segment.GetColor(), 255)).tolist() == [244, 214, 49]


def test_shown_in_3d(scene, case):
    volume, result = case
    segmentation = bridge.write_segmentation(result.mask, node_of(scene, volume))
    assert segmentation.CreateClosedSurfaceRepresentation()
    surface = vtk.vtkPolyData()
    segmentation.GetClosedSurfaceRepresentation(bridge.cord_segment(segmentation), surface)
    properties = vtk.vtkMassProperties()
    properties.SetInputData(surface)
    assert properties.GetVolume() == pytest.approx(result.mask.array.sum() * np.prod(volume.spacing), rel=0.1)


def test_drawings_are_read_and_painted_voxels_join_them(scene):
    volume = GRIDS["oblique"]
    node = node_of(scene, volume)
    drawings = bridge.new_drawings(node)
    assert bridge.drawn(drawings, node) == {}
    changes = np.zeros(volume.shape, np.uint8)
    changes[5, 6, 7], changes[5, 6, 8] = 1, 2
    bridge.add_seeds(drawings, changes, node)
    np.testing.assert_array_equal(bridge.drawn(drawings, node)["seeds"].array, changes)
    newer = np.zeros_like(changes)
    newer[5, 6, 7] = 2
    bridge.add_seeds(drawings, newer, node)
    assert bridge.drawn(drawings, node)["seeds"].array[5, 6, 7:9].tolist() == [2, 2]
    with pytest.raises(cls.InputError, match="no segment named 'cord'"):
        bridge.drawn(scene.AddNewNodeByClass("vtkMRMLSegmentationNode", "empty"), node)


def test_painting_is_told_from_undoing():
    painted = Painted()
    empty, mask = np.zeros((3, 4, 5), np.uint8), np.zeros((3, 4, 5), np.uint8)
    mask[1, 1:3, 1:3] = 1
    assert not painted.take(mask).any()  # nothing was written: whose it is, is not known
    painted.show(empty, mask)
    assert not painted.take(mask).any()
    assert not painted.take(empty).any()  # undone in the editor
    touched = mask.copy()
    touched[1, 1, 1], touched[2, 2, 2] = 0, 1
    changes = painted.take(touched)
    assert (changes[1, 1, 1], changes[2, 2, 2], np.count_nonzero(changes)) == (2, 1, 2)
    painted.show(touched, mask)  # the next result
    touched[1, 1, 1] = 0
    mask[0, 0, 0] = 1
    assert np.count_nonzero(painted.take(mask)) == 1
    assert np.count_nonzero(painted.seeds) == 3


def finished(job):
    while not job.poll():
        os.sched_yield()
        ctypes.PyDLL(None).usleep(LOCK_MICROSECONDS)
    return job


LOCK_MICROSECONDS = 100_000
"""Slicer's event loop keeps Python's lock for so long at a time; a call through PyDLL does, too."""


def test_job_brings_what_a_call_brings():
    volume = GRIDS["flipped, oblique"]
    expected = cls.segment(volume, contrast="t2")
    job = Job(volume, contrast="t2")
    assert job.percent is None  # not to be told yet
    finished(job)
    assert job.percent == 100
    assert (job.error, job.stage, job.fraction) == (None, "done", 1.0)
    np.testing.assert_array_equal(job.outcome.mask.array, expected.mask.array)
    np.testing.assert_array_equal(job.outcome.mask.direction, volume.direction)
    np.testing.assert_allclose(job.outcome.centerline_mm, expected.centerline.points_mm, atol=1e-3)
    np.testing.assert_allclose(job.outcome.measures["area_mm2"], columns_of(expected)["area_mm2"], rtol=1e-4)
    assert job.outcome.summary["polarity"] == expected.polarity
    assert "confidence" in bridge.sentences(job.outcome.summary)
    assert not job._folder.exists()


def test_the_bar_shows_how_much_is_compiled():
    job = Job(GRIDS["axial"])
    job._folder.joinpath("stderr").write_text(
        '{"stage": "centerline", "fraction": 0.05}\n{"compiled": 12, "of": 48}\n', encoding="utf-8"
    )
    job._read = 0
    job._listen()
    assert job.percent == 25
    job.cancel()


@pytest.mark.parametrize(
    ("line", "expected"),
    [
        (b'{"stage": "border", "fraction": 0.5}', {"stage": "border", "fraction": 0.5}),
        (b'{"compiled": 12, "of": 48}', {"compiled": 0.25}),
        (b'{"error": "no spinal cord found"}', {"error": "no spinal cord found"}),
        *((line, {}) for line in (b"Traceback", b"12", b"null", b'["stage"]', b'{"compiled": 1}', b"[" * 100_000)),
        *((line, {}) for line in (b'{"fraction": "x"}', b'{"compiled": 1, "of": 0}', b'{"stage": "\xff"}')),
        (b'{"fraction": NaN}', {"fraction": 0.0}),
    ],
)
def test_lines_of_progress(line, expected):
    assert told(line) == expected


def test_job_takes_corrections():
    volume = GRIDS["axial"]
    first = cls.segment(volume)
    k = volume.shape[0] // 2
    seeds, drawn = np.zeros(volume.shape, np.uint8), np.zeros(volume.shape, np.uint8)
    drawn[k, 1:] = first.mask.array[k, :-1]
    edge = tuple(np.argwhere(first.mask.array[k + 6])[0])
    seeds[(k + 6, *edge)] = 2
    given = {"seeds": volume.like(seeds), "contours": volume.like(drawn), "centerline": first.centerline.points_mm[3:5]}
    mask = finished(Job(volume, **given)).outcome.mask.array
    np.testing.assert_array_equal(mask[k], drawn[k])
    assert mask[(k + 6, *edge)] == 0


def test_the_work_goes_on_while_the_lock_is_held():
    """The host's loop never lets go of Python's lock until the process has ended: a thread would never begin."""
    job = Job(GRIDS["axial"])
    before = resource.getrusage(resource.RUSAGE_CHILDREN).ru_utime
    info = ctypes.create_string_buffer(256)
    wait_for_its_end = ctypes.PyDLL(None).waitid
    assert wait_for_its_end(os.P_PID, job._process.pid, info, os.WEXITED | os.WNOWAIT) == 0
    assert job.poll()
    assert job.error is None
    assert job.outcome.mask.array.any()
    assert resource.getrusage(resource.RUSAGE_CHILDREN).ru_utime > before  # by a process of its own


def heard(wait):
    """Every stage that a job tells while the host waits in this way, and the mask."""
    job = Job(GRIDS["axial"])
    while os.waitid(os.P_PID, job._process.pid, os.WEXITED | os.WNOWAIT | os.WNOHANG) is None:
        wait(LOCK_MICROSECONDS)
    lines = [told(line) for line in job._folder.joinpath("stderr").read_bytes().splitlines()]
    assert job.poll()
    return [line for line in lines if "stage" in line], job.outcome.mask.array


def test_a_loop_that_holds_the_lock_changes_nothing():
    """100 ms at a time, as Slicer's does: stage for stage the same work, none of it waits for the host.

    How long it takes is for `benchmarks/host_lock.py`.
    """
    alone, expected = heard(ctypes.CDLL(None).usleep)  # lets go of the lock
    held, mask = heard(ctypes.PyDLL(None).usleep)  # keeps it
    assert held == alone
    assert held[-1] == {"stage": "done", "fraction": 1.0}
    assert len({line["stage"] for line in held}) > 3
    np.testing.assert_array_equal(mask, expected)


def test_cancel_ends_the_process():
    job = Job(GRIDS["axial"])
    process = job._process
    job.cancel()
    assert process.poll() is not None
    assert job.poll()
    assert (job.outcome, job.error) == (None, "Cancelled.")
    assert not job._folder.exists()


def test_failures_are_told(rng, monkeypatch):
    noise = cls.Volume(rng.rayleigh(size=(30, 60, 50)), (2.0, 1.0, 1.0))
    assert "no spinal cord found" in finished(Job(noise)).error
    monkeypatch.setattr(install.sys, "executable", "/nowhere/python")
    with pytest.raises(FileNotFoundError):
        Job(noise)
    monkeypatch.undo()
    run = subprocess.Popen
    monkeypatch.setattr(subprocess, "Popen", lambda words, **more: run([words[0], "-c", "import nothing"], **more))
    assert "No module named 'nothing'" in finished(Job(noise)).error
    monkeypatch.setattr(
        subprocess, "Popen", lambda words, **more: run([words[0], "-c", "import os; os.abort()"], **more)
    )
    assert "ended with status -6" in finished(Job(noise)).error


def test_installation(monkeypatch, tmp_path):
    asked = []
    monkeypatch.setattr(slicer.util, "pip_install", asked.append, raising=False)
    install.install()
    wheel = tmp_path / "my wheels" / "cordlevelset-1.0-py3-none-any.whl"
    install.install(wheel)
    folder = install.source_folder()
    assert (folder / "cordlevelset").is_dir()
    install.install(folder)
    first = asked[::2]
    assert all(words.startswith("--upgrade --no-deps ") for words in first)  # Slicer's own SimpleITK stays
    assert "requirements.txt" in first[0]
    assert first[1].endswith(f'"{wheel.as_posix()}"')
    assert first[2].endswith(f'"{folder.as_posix()}"')
    assert set(asked[1::2]) == {install.DEPENDENCIES}
    with pytest.raises(install.LibraryMissingError, match="neither a wheel"):
        install.install(tmp_path)
    monkeypatch.setattr(install.importlib.util, "find_spec", lambda name: None)
    with pytest.raises(install.LibraryMissingError, match="not installed"):
        install.check_library()
    monkeypatch.setattr(install.sys, "version_info", (3, 9, 10))
    with pytest.raises(install.LibraryMissingError, match=r"Slicer 5\.10"):
        install.check_library()
