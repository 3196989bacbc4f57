"""Between MRML nodes and the library; no Qt, so that it runs wherever the `slicer` classes are.

Slicer's world is RAS mm, the library's is LPS mm; both keep arrays in k, j, i order. What is read from nodes is in the
world: linear parent transforms are applied to the geometry. What is written to nodes carries no transform.
Nodes must be read and written in the main thread only.
"""

import numpy as np
import slicer
import vtk
from vtk.util.numpy_support import numpy_to_vtk, vtk_to_numpy

import cordlevelset as cls

RAS_LPS = np.diag([-1.0, -1.0, 1.0, 1.0])
CORD_NAME = "spinal cord"
CORD_COLOR = (244 / 255, 214 / 255, 49 / 255)
"""Of the spinal cord in Slicer's anatomical colors."""
CORD_TERM = (
    "Segmentation category and type - DICOM master list~SCT^123037004^Anatomical Structure~SCT^2748008^Spinal cord~^^"
    "~Anatomic codes - DICOM master list~^^~^^"
)
"""SNOMED CT codes of category and type, as Slicer stores them and writes them into DICOM SEG."""
KEPT_NAME = "spinal cord, earlier"
SEEDS_CORD, SEEDS_NOT_CORD, WHOLE = "cord", "not cord", "whole cord on some slices"
DRAWN = {SEEDS_CORD: (0.2, 0.8, 0.3), SEEDS_NOT_CORD: (0.85, 0.2, 0.2), WHOLE: (0.2, 0.6, 1.0)}
"""Names and colors of the segments that a user draws corrections into."""


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


def write_segmentation(mask, volume_node, node=None, *, ours=True):
    """Put the mask into a segmentation node; its other segments stay.

    Parameters
    ----------
    mask : cordlevelset.Volume
        On the volume's grid.
    volume_node : vtkMRMLScalarVolumeNode
        The image it is of.
    node : vtkMRMLSegmentationNode, optional
        Made if not given.
    ours : bool
        Whether a cord that is already in it may be replaced; otherwise it stays, hidden, under another name.

    Returns
    -------
    vtkMRMLSegmentationNode
    """
    if node is None:
        node = _new(volume_node, "vtkMRMLSegmentationNode", "segmentation")
    elif node.GetParentTransformNode() is not None:
        raise cls.InputError(f"the segmentation '{node.GetName()}' is under a transform; harden it or choose another")
    node.CreateDefaultDisplayNodes()
    node.SetReferenceImageGeometryParameterFromVolumeNode(volume_node)
    segmentation = node.GetSegmentation()
    old = cord_segment(node)
    if old and not ours:
        segmentation.GetSegment(old).SetName(KEPT_NAME)
        if node.GetDisplayNode() is not None:
            node.GetDisplayNode().SetSegmentVisibility(old, False)
        old = ""
    new = old or segmentation.AddEmptySegment("", CORD_NAME, CORD_COLOR)
    segmentation.GetSegment(new).SetTerminology(CORD_TERM)
    _write_segment(mask, node, new)
    return node


def cord_segment(node):
    """ID of the segment that holds the cord; "" if there is none.

    Parameters
    ----------
    node : vtkMRMLSegmentationNode or None
        A segmentation.

    Returns
    -------
    str
    """
    return "" if node is None else node.GetSegmentation().GetSegmentIdBySegmentName(CORD_NAME)


def new_drawings(volume_node):
    """A segmentation with an empty segment for each kind of correction.

    Parameters
    ----------
    volume_node : vtkMRMLScalarVolumeNode
        The image.

    Returns
    -------
    vtkMRMLSegmentationNode
    """
    node = _new(volume_node, "vtkMRMLSegmentationNode", "corrections")
    node.CreateDefaultDisplayNodes()
    node.SetReferenceImageGeometryParameterFromVolumeNode(volume_node)
    for name, color in DRAWN.items():
        node.GetSegmentation().AddEmptySegment("", name, color)
    return node


def drawn(node, volume_node):
    """What was drawn as corrections.

    Parameters
    ----------
    node : vtkMRMLSegmentationNode
        With segments of the names in `DRAWN`.
    volume_node : vtkMRMLScalarVolumeNode
        The image.

    Returns
    -------
    dict of str to cordlevelset.Volume
        ``seeds``, ``contours``; an empty one is left out.

    Raises
    ------
    InputError
        If it has no segment of such a name.
    """
    ids = {name: node.GetSegmentation().GetSegmentIdBySegmentName(name) for name in DRAWN}
    if not any(ids.values()):
        raise cls.InputError(f"'{node.GetName()}' has no segment named " + " or ".join(f"'{name}'" for name in DRAWN))
    seeds = {ids[name]: label for name, label in ((SEEDS_CORD, 1), (SEEDS_NOT_CORD, 2)) if ids[name]}
    found = {"seeds": segments_volume(node, seeds, volume_node)}
    found["contours"] = segments_volume(node, {ids[WHOLE]: 1} if ids[WHOLE] else {}, volume_node)
    return {name: volume for name, volume in found.items() if volume.array.any()}


def add_seeds(node, changes, volume_node):
    """Put painted voxels into the segments "cord" and "not cord"; the newest word on a voxel counts.

    Parameters
    ----------
    node : vtkMRMLSegmentationNode
        As `new_drawings` makes it.
    changes : (K, J, I) array of uint8
        1 cord, 2 not cord, 0 nothing new.
    volume_node : vtkMRMLScalarVolumeNode
        The image.
    """
    grid = volume_of_node(volume_node)
    for name, label in ((SEEDS_CORD, 1), (SEEDS_NOT_CORD, 2)):
        segmentation = node.GetSegmentation()
        segment = segmentation.GetSegmentIdBySegmentName(name) or segmentation.AddEmptySegment("", name, DRAWN[name])
        before = segments_volume(node, {segment: 1}, volume_node).array
        _write_segment(grid.like(np.where(changes > 0, changes == label, before).astype(np.uint8)), node, segment)


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
    labels = {segment: label for segment, label in labels.items() if _has_voxels(node, segment)}
    if not labels:
        return grid.like(out)
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


def placed(**nodes):
    """Points that say something.

    Parameters
    ----------
    **nodes : vtkMRMLMarkupsNode or None
        By the keyword of `cordlevelset.segment` that they are for.

    Returns
    -------
    dict of str to (N, 3) array
        LPS mm, in the world; without those that hold no point.
    """
    return {
        name: points_lps(node) for name, node in nodes.items() if node is not None and node.GetNumberOfControlPoints()
    }


def write_curve(points_mm, volume_node, node=None):
    """Put the centerline into a markups curve node.

    Parameters
    ----------
    points_mm : (N, 3) array
        LPS mm.
    volume_node : vtkMRMLScalarVolumeNode
        The image it is of.
    node : vtkMRMLMarkupsCurveNode, optional
        Made if not given.

    Returns
    -------
    vtkMRMLMarkupsCurveNode
    """
    node = node or _new(volume_node, "vtkMRMLMarkupsCurveNode", "centerline")
    slicer.util.updateMarkupsControlPointsFromArray(node, points_mm * RAS_LPS.diagonal()[:3])
    node.SetLocked(True)
    node.CreateDefaultDisplayNodes()
    if node.GetDisplayNode() is not None:
        node.GetDisplayNode().SetPointLabelsVisibility(False)
    return node


def write_table(columns, volume_node, node=None):
    """Put the measures of every slice into a table node, from the top down.

    Parameters
    ----------
    columns : dict of str to (N,) array
        The measures.
    volume_node : vtkMRMLScalarVolumeNode
        The image it is of.
    node : vtkMRMLTableNode, optional
        Made if not given.

    Returns
    -------
    vtkMRMLTableNode
    """
    node = node or _new(volume_node, "vtkMRMLTableNode", "measures")
    slicer.util.updateTableFromArray(node, list(columns.values()), list(columns))
    return node


def sentences(summary):
    """What to tell the user, a line each.

    Parameters
    ----------
    summary : dict
        As `cordlevelset segment --json` prints it.

    Returns
    -------
    str
    """
    lines = [
        "{polarity} cord, {length_mm:.0f} mm long, mean area {mean_area_mm2:.1f} mm2, "
        "confidence {confidence:.2f}".format(**summary)
    ]
    if summary["conus"] is not None:
        tip, uncertainty = summary["conus"]["tip_mm"], summary["conus"]["uncertainty_mm"]
        lines.append(f"conus at S {tip[2]:.1f} mm, +- {uncertainty:.1f} mm")
    return "\n".join([*lines, *(f"note: {note}" for note in summary["notes"])])


def _write_segment(mask, node, segment):
    if not slicer.vtkSlicerSegmentationsModuleLogic.SetBinaryLabelmapToSegment(
        oriented_image(mask), node, segment, slicer.vtkSlicerSegmentationsModuleLogic.MODE_REPLACE
    ):
        raise cls.InputError(f"the segmentation '{node.GetName()}' does not take the mask")


def _has_voxels(node, segment):
    image = slicer.vtkOrientedImageData()
    return bool(node.GetBinaryLabelmapRepresentation(segment, image)) and not image.IsEmpty()


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
