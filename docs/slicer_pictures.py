"""Draws the icons of the Slicer extension and docs/slicer.png: `python docs/slicer_pictures.py`.

The picture needs slicer-core: it shows the nodes that the extension writes, held by Slicer's own libraries and rendered
by VTK. It is no picture of the application's window.
"""

import sys
from importlib.util import find_spec
from pathlib import Path

import numpy as np
from matplotlib.figure import Figure

import cordlevelset as cls
from cordlevelset.phantom import make_phantom

PICTURE_PIXELS = (900, 640)
CURVE_MM = 0.6
EXTENSION = Path(__file__).parents[1] / "SlicerCordLevelSet"
ICON_PIXELS, EFFECT_PIXELS = 128, 48
HALF_MM = 13.0
CORD = (244 / 255, 214 / 255, 49 / 255)


def draw_icon(phantom, result, path, pixels):
    """A section across the neck with the cord's outline: what the tool does, legible at 24 pixels."""
    k = phantom.image.shape[0] // 2
    _, y, x = phantom.image.spacing
    middle = np.argwhere(result.mask.array[k]).mean(axis=0)
    figure = Figure(figsize=(1, 1), dpi=pixels)
    axes = figure.add_axes((0, 0, 1, 1))
    axes.imshow(phantom.image.array[k], cmap="gray", interpolation="bicubic", aspect=y / x)
    axes.contour(result.phi.array[k], [0.0], colors=[CORD], linewidths=7)
    axes.set_xlim(middle[1] - HALF_MM / x, middle[1] + HALF_MM / x)
    axes.set_ylim(middle[0] + HALF_MM / y, middle[0] - HALF_MM / y)
    axes.set_axis_off()
    path.parent.mkdir(parents=True, exist_ok=True)
    figure.savefig(path, metadata={"Software": None})


def actor(port, color, opacity=1.0):
    """A surface to be rendered."""
    import vtk

    mapper = vtk.vtkPolyDataMapper()
    mapper.SetInputConnection(port)
    mapper.ScalarVisibilityOff()
    shown = vtk.vtkActor()
    shown.SetMapper(mapper)
    shown.GetProperty().SetColor(color)
    shown.GetProperty().SetOpacity(opacity)
    return shown


def middle_slice(node):
    """The sagittal slice in the middle of a volume node, where it stands in the world."""
    import vtk

    matrix, mapper, shown = vtk.vtkMatrix4x4(), vtk.vtkImageSliceMapper(), vtk.vtkImageSlice()
    node.GetIJKToRASMatrix(matrix)
    mapper.SetInputData(node.GetImageData())
    mapper.SetOrientationToX()
    mapper.SetSliceNumber(node.GetImageData().GetDimensions()[0] // 2)
    shown.SetMapper(mapper)
    shown.SetUserMatrix(matrix)
    low, high = np.percentile(slicer_array(node), (1, 99.5))
    shown.GetProperty().SetColorWindow(high - low)
    shown.GetProperty().SetColorLevel((low + high) / 2)
    return shown


def slicer_array(node):
    """Voxels of a volume node."""
    import slicer.util

    return slicer.util.arrayFromVolume(node)


def draw_nodes(path):
    """Segmentation and centerline of a synthetic lumbar spine on its middle slice."""
    import slicer
    import slicer.util
    import vtk
    from CordLevelSetLib import bridge

    scene = slicer.vtkMRMLScene()
    colors, segmentations = slicer.vtkMRMLColorLogic(), slicer.vtkSlicerSegmentationsModuleLogic()
    colors.SetMRMLScene(scene)
    segmentations.SetMRMLScene(scene)
    image = make_phantom(scoliosis_mm=4.0, place_mm=(0.0, 1.5)).image
    result = cls.segment(image)
    node = scene.AddNewNodeByClass("vtkMRMLScalarVolumeNode", "lumbar T2")
    slicer.util.updateVolumeFromArray(node, image.array)
    matrix = vtk.vtkMatrix4x4()
    bridge.oriented_image(image).GetImageToWorldMatrix(matrix)
    node.SetIJKToRASMatrix(matrix)
    segmentation = bridge.write_segmentation(result.mask, node)
    segmentation.CreateClosedSurfaceRepresentation()
    surface = vtk.vtkPolyData()
    cord = bridge.cord_segment(segmentation)
    segmentation.GetClosedSurfaceRepresentation(cord, surface)
    source, tube = vtk.vtkTrivialProducer(), vtk.vtkTubeFilter()
    source.SetOutput(surface)
    tube.SetInputData(bridge.write_curve(result.centerline.points_mm, node).GetCurveWorld())
    tube.SetRadius(CURVE_MM)

    renderer, window = vtk.vtkRenderer(), vtk.vtkRenderWindow()
    renderer.SetBackground(0.1, 0.1, 0.14)
    color = segmentation.GetSegmentation().GetSegment(cord).GetColor()
    for shown in (actor(source.GetOutputPort(), color, 0.6), actor(tube.GetOutputPort(), (0.9, 0.2, 0.2))):
        renderer.AddActor(shown)
    renderer.AddViewProp(middle_slice(node))
    window.SetOffScreenRendering(1)
    window.SetSize(*PICTURE_PIXELS)
    window.AddRenderer(renderer)
    camera = renderer.GetActiveCamera()
    camera.SetPosition(-1.0, 0.45, 0.1)  # from the left, a little from the front
    camera.SetViewUp(0, 0, 1)
    renderer.ResetCamera()
    camera.Zoom(1.6)
    renderer.ResetCameraClippingRange()
    window.Render()
    grab, writer = vtk.vtkWindowToImageFilter(), vtk.vtkPNGWriter()
    grab.SetInput(window)
    writer.SetInputConnection(grab.GetOutputPort())
    writer.SetFileName(str(path))
    writer.Write()


def main():
    """Icons always, the picture where slicer-core is."""
    phantom = make_phantom(region="cervical", spacing=(2.0, 0.5, 0.5), field_mm=(60.0, 80.0, 50.0))
    result = cls.segment(phantom.image)
    draw_icon(phantom, result, EXTENSION / "CordLevelSet/Resources/Icons/CordLevelSet.png", ICON_PIXELS)
    draw_icon(phantom, result, EXTENSION / "SegmentEditorCord/Resources/Icons/SegmentEditorCord.png", ICON_PIXELS)
    effect = EXTENSION / "SegmentEditorCord/SegmentEditorCordLib/SegmentEditorEffect.png"
    draw_icon(phantom, result, effect, EFFECT_PIXELS)
    if find_spec("slicer") is None:
        print("no docs/slicer.png: slicer-core is not installed")
        return
    sys.path.insert(0, str(EXTENSION / "CordLevelSet"))
    draw_nodes(EXTENSION.parent / "docs" / "slicer.png")


if __name__ == "__main__":
    main()
