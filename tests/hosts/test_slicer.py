"""The Slicer extension's bridge against Slicer's own MRML libraries: needs slicer-core from the Python index."""

from pathlib import Path

import numpy as np
import pytest

import cordlevelset as cls

pytest.importorskip("slicer", reason="needs slicer-core")

import slicer
import slicer.util
import vtk
from CordLevelSetLib import bridge
from CordLevelSetLib.job import Job
from hosts.grids import GRIDS, centroid, corners

EXTENSION = Path(__file__).parents[2] / "SlicerCordLevelSet"
RAS_LPS = np.array([-1.0, -1.0, 1.0])


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

    segmentation = bridge.write_segmentation(result, node)
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
    segmentation = bridge.write_segmentation(result, node_of(scene, volume))
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
    curve = bridge.write_curve(result, node)
    np.testing.assert_allclose(bridge.points_lps(curve), result.centerline.points_mm, atol=1e-6)
    assert curve.GetCurveLengthWorld() == pytest.approx(result.length_mm, rel=0.01)
    table = bridge.write_table(result, node)
    assert table.GetNumberOfRows() == len(result.slices)
    areas = slicer.util.arrayFromTableColumn(table, "area_mm2")
    np.testing.assert_allclose(areas, [record.area_mm2 for record in result.slices])


def test_rerun_replaces_the_cord_only(scene, case):
    volume, result = case
    node = node_of(scene, volume)
    segmentation = bridge.write_segmentation(result, node)
    segmentation.GetSegmentation().AddEmptySegment("tumour", "tumour")
    assert bridge.write_segmentation(result, node, segmentation) is segmentation
    names = [segmentation.GetSegmentation().GetNthSegment(n).GetName() for n in range(2)]
    assert sorted(names) == ["spinal cord", "tumour"]
    curve, table = bridge.write_curve(result, node), bridge.write_table(result, node)
    assert bridge.write_curve(result, node, curve).GetNumberOfControlPoints() == len(result.centerline.points_mm)
    assert bridge.write_table(result, node, table).GetNumberOfRows() == len(result.slices)


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


def test_job_tells_and_stops():
    job = Job(lambda callback: cls.segment(GRIDS["axial"], callback=callback))
    job.wait(120)
    assert job.done
    assert job.error is None
    assert job.fraction == 1.0
    assert job.result.mask.array.any()
    job = Job(lambda callback: cls.segment(GRIDS["axial"], callback=callback))
    job.cancel()
    job.wait(120)
    assert isinstance(job.error, cls.Cancelled)
    assert job.result is None
