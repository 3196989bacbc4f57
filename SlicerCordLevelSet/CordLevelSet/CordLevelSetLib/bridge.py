"""Between MRML nodes and the library; no Qt, so that it runs wherever the `slicer` classes are.

Slicer's world is RAS mm, the library's is LPS mm; both keep arrays in k, j, i order. What is read from nodes is in the
world: linear parent transforms are applied to the geometry. What is written to nodes carries no transform.
Nodes must be read and written in the main thread only.
"""

from dataclasses import asdict

import numpy as np
import slicer
import vtk
from vtk.util.numpy_support import numpy_to_vtk, vtk_to_numpy

import cordlevelset as cls

RAS_LPS = np.diag([-1.0, -1.0, 1.0, 1.0])
CORD_NAME, CORD_COLOR = "spinal cord", (0.96, 0.84, 0.24)


def volume_of_node(node):
    """The image of a scalar or labelmap volume node, where it stands in the world.

    Parameters
    ----------
    node : vtkMRMLScalarVolumeNode
        One component a voxel.

    Returns
    -------
    cordlevelset.Volume
        A copy.

    Raises
    ------
    InputError
        If it holds no image, has several components, or is bent by a non-linear transform.
    GeometryError
        If it is sheared.
    """
    image = node.GetImageData()
    if image is None or image.GetNumberOfPoints() == 0:
        raise cls.InputError(f"the volume '{node.GetName()}' holds no image")
    if image.GetNumberOfScalarComponents() != 1:
        raise cls.InputError(f"the volume '{node.GetName()}' has several components a voxel; give one channel")
    to_ras = vtk.vtkMatrix4x4()
    node.GetIJKToRASMatrix(to_ras)
    return _volume(_array(image), _to_world(node) @ _numpy(to_ras))


def volume_of_oriented_image(image):
    """The same from the Segment Editor's own image class.

    Parameters
    ----------
    image : vtkOrientedImageData
        In the world's RAS.

    Returns
    -------
    cordlevelset.Volume

    Raises
    ------
    InputError
        If it is empty.
    """
    if image is None or image.GetNumberOfPoints() == 0:
        raise cls.InputError("the segment is empty; draw something first")
    to_ras = vtk.vtkMatrix4x4()
    image.GetImageToWorldMatrix(to_ras)
    to_ras = _numpy(to_ras)
    i, _, j, _, k, _ = image.GetExtent()
    to_ras[:3, 3] += to_ras[:3, :3] @ [i, j, k]  # an extent need not start at 0
    return _volume(_array(image), to_ras)


def on_grid(drawn, image):
    """A label image of another extent, as the Segment Editor crops them, on the grid of an image.

    Parameters
    ----------
    drawn : cordlevelset.Volume
        Its voxels coincide with those of the image.
    image : cordlevelset.Volume
        The image.

    Returns
    -------
    cordlevelset.Volume
        uint8: 1 where something was drawn.

    Raises
    ------
    InputError
        If nothing was drawn, or on another grid.
    """
    places = image.to_index(drawn.to_lps(np.argwhere(drawn.array)))
    index = np.rint(places).astype(int)
    if not len(index):
        raise cls.InputError("the segment is empty; draw something first")
    if np.abs(places - index).max() > 0.01:
        raise cls.InputError("the segment is on another grid than the image; resample it to the image's geometry")
    index = index[((index >= 0) & (index < image.shape)).all(axis=1)]
    out = np.zeros(image.shape, np.uint8)
    out[tuple(index.T)] = 1
    return image.like(out)


def oriented_image(volume):
    """A label image as the Segment Editor takes it.

    Parameters
    ----------
    volume : cordlevelset.Volume
        uint8.

    Returns
    -------
    vtkOrientedImageData
        In the world's RAS.
    """
    image = slicer.vtkOrientedImageData()
    image.SetDimensions(*volume.shape[::-1])
    scalars = numpy_to_vtk(np.ascontiguousarray(volume.array, dtype=np.uint8).ravel(), deep=True)
    image.GetPointData().SetScalars(scalars)
    to_lps = np.eye(4)
    to_lps[:3, :3] = volume.direction * volume.spacing[::-1]
    to_lps[:3, 3] = volume.origin
    matrix = vtk.vtkMatrix4x4()
    matrix.DeepCopy((RAS_LPS @ to_lps).ravel())
    image.SetImageToWorldMatrix(matrix)
    return image


def write_segmentation(result, volume_node, node=None):
    """Put the mask into a segmentation node; an earlier cord in it is replaced, its other segments stay.

    Parameters
    ----------
    result : cordlevelset.CordSegmentation
        Of the volume.
    volume_node : vtkMRMLScalarVolumeNode
        The image it is of.
    node : vtkMRMLSegmentationNode, optional
        Made if not given.

    Returns
    -------
    vtkMRMLSegmentationNode
    """
    if node is None:
        node = _new(volume_node, "vtkMRMLSegmentationNode", "segmentation")
        node.CreateDefaultDisplayNodes()
        node.SetReferenceImageGeometryParameterFromVolumeNode(volume_node)
    elif node.GetParentTransformNode() is not None:
        raise cls.InputError(f"the segmentation '{node.GetName()}' is under a transform; harden it or choose another")
    segmentation = node.GetSegmentation()
    old = segmentation.GetSegmentIdBySegmentName(CORD_NAME)
    if old:
        segmentation.RemoveSegment(old)
    before = set(segmentation.GetSegmentIDs())
    if not slicer.vtkSlicerSegmentationsModuleLogic.ImportLabelmapToSegmentationNode(
        oriented_image(result.mask), node, CORD_NAME
    ):
        raise cls.InputError(f"the segmentation '{node.GetName()}' does not take the mask")
    (new,) = set(segmentation.GetSegmentIDs()) - before
    segmentation.GetSegment(new).SetName(CORD_NAME)
    segmentation.GetSegment(new).SetColor(CORD_COLOR)
    return node


def segments_volume(node, labels, volume_node):
    """Segments as one label image on the grid of a volume.

    Parameters
    ----------
    node : vtkMRMLSegmentationNode
        In the same scene.
    labels : dict of str to int
        Label of each segment, by its ID; of two at one place the later wins.
    volume_node : vtkMRMLScalarVolumeNode
        The image.

    Returns
    -------
    cordlevelset.Volume
        uint8.
    """
    grid = volume_of_node(volume_node)
    out = np.zeros(grid.shape, np.uint8)
    scratch = node.GetScene().AddNewNodeByClass("vtkMRMLLabelMapVolumeNode", "cordlevelset scratch")
    try:
        for segment, label in labels.items():
            if not slicer.vtkSlicerSegmentationsModuleLogic.ExportSegmentsToLabelmapNode(
                node, [segment], scratch, volume_node
            ):
                raise cls.InputError(f"the segment '{segment}' of '{node.GetName()}' cannot be read")
            out[_array(scratch.GetImageData()) > 0] = label
    finally:
        node.GetScene().RemoveNode(scratch)
    return grid.like(out)


def points_lps(node):
    """Control points of a markups node.

    Parameters
    ----------
    node : vtkMRMLMarkupsNode
        Points or a curve.

    Returns
    -------
    (N, 3) array
        LPS mm, in the world.
    """
    points = np.zeros((node.GetNumberOfControlPoints(), 3))
    for n, point in enumerate(points):
        node.GetNthControlPointPositionWorld(n, point)
    return points * RAS_LPS.diagonal()[:3]


def write_curve(result, volume_node, node=None):
    """Put the centerline into a markups curve node.

    Parameters
    ----------
    result : cordlevelset.CordSegmentation
        Of the volume.
    volume_node : vtkMRMLScalarVolumeNode
        The image it is of.
    node : vtkMRMLMarkupsCurveNode, optional
        Made if not given.

    Returns
    -------
    vtkMRMLMarkupsCurveNode
    """
    node = node or _new(volume_node, "vtkMRMLMarkupsCurveNode", "centerline")
    slicer.util.updateMarkupsControlPointsFromArray(node, result.centerline.points_mm * RAS_LPS.diagonal()[:3])
    node.SetLocked(True)
    node.CreateDefaultDisplayNodes()
    if node.GetDisplayNode() is not None:
        node.GetDisplayNode().SetPointLabelsVisibility(False)
    return node


def write_table(result, volume_node, node=None):
    """Put the measures of every slice into a table node, from the top down.

    Parameters
    ----------
    result : cordlevelset.CordSegmentation
        Of the volume.
    volume_node : vtkMRMLScalarVolumeNode
        The image it is of.
    node : vtkMRMLTableNode, optional
        Made if not given.

    Returns
    -------
    vtkMRMLTableNode
    """
    node = node or _new(volume_node, "vtkMRMLTableNode", "measures")
    records = [asdict(record) for record in result.slices]
    columns = {name: np.array([record[name] for record in records]) for name in records[0]}
    slicer.util.updateTableFromArray(node, list(columns.values()), list(columns))
    return node


def summary(result):
    """What to tell the user, a line each."""
    lines = [
        f"{result.polarity} cord, {result.length_mm:.0f} mm long, mean area {result.mean_area_mm2:.1f} mm2, "
        f"confidence {result.confidence:.2f}"
    ]
    if result.conus is not None:
        lines.append(f"conus at S {result.conus.tip_mm[2]:.1f} mm, +- {result.conus.uncertainty_mm:.1f} mm")
    return "\n".join([*lines, *result.notes])


def _volume(array, to_ras):
    to_lps = RAS_LPS @ to_ras
    spacing = np.linalg.norm(to_lps[:3, :3], axis=0)
    return cls.Volume(array, tuple(spacing[::-1]), tuple(to_lps[:3, 3]), to_lps[:3, :3] / spacing)


def _array(image):
    """(K, J, I) copy of the voxels."""
    return vtk_to_numpy(image.GetPointData().GetScalars()).reshape(image.GetDimensions()[::-1]).copy()


def _to_world(node):
    """(4, 4) parent transform."""
    parent = node.GetParentTransformNode()
    if parent is None:
        return np.eye(4)
    if not parent.IsTransformToWorldLinear():
        raise cls.InputError(f"'{node.GetName()}' is under a non-linear transform; harden it first")
    matrix = vtk.vtkMatrix4x4()
    parent.GetMatrixTransformToWorld(matrix)
    return _numpy(matrix)


def _numpy(matrix):
    return np.array([[matrix.GetElement(row, column) for column in range(4)] for row in range(4)])


def _new(beside, kind, name):
    return beside.GetScene().AddNewNodeByClass(kind, f"{beside.GetName()} {name}")
