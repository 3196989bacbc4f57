"""Slicer module: segment the spinal cord, look, mend, again. All that touches data is in CordLevelSetLib."""

from typing import Annotated

import numpy as np
import qt
import slicer
import slicer.util
import vtk
from CordLevelSetLib import install
from slicer import (
    vtkMRMLMarkupsCurveNode,
    vtkMRMLMarkupsFiducialNode,
    vtkMRMLScalarVolumeNode,
    vtkMRMLSegmentationNode,
    vtkMRMLTableNode,
)
from slicer.parameterNodeWrapper import Choice, parameterNodeWrapper
from slicer.ScriptedLoadableModule import (
    ScriptedLoadableModule,
    ScriptedLoadableModuleLogic,
    ScriptedLoadableModuleTest,
    ScriptedLoadableModuleWidget,
)
from slicer.util import VTKObservationMixin

POLL_MS = 100
"""Between two looks at the process; a bar that moves ten times a second is smooth."""
CONTRASTS = ["auto", "t1", "t2", "t2s", "stir", "mt", "epi", "dwi"]
POLARITIES = ["auto", "bright", "dark"]
HOME = "https://cordlevelset.readthedocs.io/en/latest/slicer.html"
HELP = f"""Finds and outlines the spinal cord in MR images by itself, lumbar included, without learned weights.
Choose an image, Apply, look, draw what you know better, Apply again.
Research software, not a medical device. <a href="{HOME}">Documentation</a>"""
THANKS = "Made by the cordlevelset contributors. Built on NumPy, SciPy, Numba, SimpleITK and scikit-image."


class CordLevelSet(ScriptedLoadableModule):
    """What the module is."""

    def __init__(self, parent):
        ScriptedLoadableModule.__init__(self, parent)
        parent.title = "Spinal Cord (Level Set)"
        parent.categories = ["Segmentation"]
        parent.dependencies = ["Segmentations", "Markups", "Tables"]
        parent.contributors = ["The cordlevelset contributors"]
        parent.helpText = HELP
        parent.acknowledgementText = THANKS


@parameterNodeWrapper
class CordLevelSetParameterNode:
    """What is chosen; saved with the scene."""

    inputVolume: vtkMRMLScalarVolumeNode
    contrast: Annotated[str, Choice(CONTRASTS)] = "auto"
    polarity: Annotated[str, Choice(POLARITIES)] = "auto"
    outputSegmentation: vtkMRMLSegmentationNode
    points: vtkMRMLMarkupsFiducialNode
    top: vtkMRMLMarkupsFiducialNode
    bottom: vtkMRMLMarkupsFiducialNode
    drawings: vtkMRMLSegmentationNode
    centerline: vtkMRMLMarkupsCurveNode
    measures: vtkMRMLTableNode


class CordLevelSetLogic(ScriptedLoadableModuleLogic):
    """From nodes to nodes."""

    def __init__(self):
        ScriptedLoadableModuleLogic.__init__(self)
        self._painted = {}  # by the ID of the segmentation that results go to

    def getParameterNode(self):
        """With its types.

        Returns
        -------
        CordLevelSetParameterNode
        """
        return CordLevelSetParameterNode(super().getParameterNode())

    def start(self, chosen):
        """Start the work in a process of its own, with all that was drawn and painted.

        Parameters
        ----------
        chosen : CordLevelSetParameterNode
            Image, settings and corrections.

        Returns
        -------
        Job
        """
        install.check_library()
        from CordLevelSetLib import bridge
        from CordLevelSetLib.job import Job

        volume = bridge.volume_of_node(chosen.inputVolume)
        self._take_painted(chosen)
        given = {} if chosen.drawings is None else bridge.drawn(chosen.drawings, chosen.inputVolume)
        given |= bridge.placed(centerline=chosen.points, top=chosen.top, bottom=chosen.bottom)
        return Job(volume, contrast=chosen.contrast, polarity=chosen.polarity, **given)

    def show(self, outcome, chosen):
        """Put what a job brought into nodes, those of an earlier result if there are any.

        Parameters
        ----------
        outcome : Outcome
            Of the chosen image.
        chosen : CordLevelSetParameterNode
            Gets the nodes.
        """
        from CordLevelSetLib import bridge
        from CordLevelSetLib.paint import Painted

        volume, node = chosen.inputVolume, chosen.outputSegmentation
        self._take_painted(chosen)  # what was painted meanwhile is for the next time
        before = self._cord(node, volume)
        ours = node is not None and node.GetID() in self._painted
        node = bridge.write_segmentation(outcome.mask, volume, node, ours=ours or not before.any())
        chosen.outputSegmentation = node
        self._painted.setdefault(node.GetID(), Painted()).show(before, outcome.mask.array)
        chosen.centerline = bridge.write_curve(outcome.centerline_mm, volume, chosen.centerline)
        chosen.measures = bridge.write_table(outcome.measures, volume, chosen.measures)

    def _take_painted(self, chosen):
        """Voxels painted into the result, or erased from it, join the drawings, where they are seen."""
        from CordLevelSetLib import bridge

        node = chosen.outputSegmentation
        if node is None or node.GetID() not in self._painted or not bridge.cord_segment(node):
            return
        changes = self._painted[node.GetID()].take(self._cord(node, chosen.inputVolume))
        if changes.any():
            chosen.drawings = chosen.drawings or bridge.new_drawings(chosen.inputVolume)
            bridge.add_seeds(chosen.drawings, changes, chosen.inputVolume)

    def _cord(self, node, volume):
        from CordLevelSetLib import bridge

        segment = bridge.cord_segment(node)
        if not segment:
            return np.zeros(bridge.volume_of_node(volume).shape, np.uint8)
        return bridge.segments_volume(node, {segment: 1}, volume).array


class CordLevelSetWidget(ScriptedLoadableModuleWidget, VTKObservationMixin):
    """The panel."""

    def __init__(self, parent=None):
        ScriptedLoadableModuleWidget.__init__(self, parent)
        VTKObservationMixin.__init__(self)
        self.logic = self.ui = self.job = self.working_on = None
        self._chosen = self._tag = None

    def setup(self):
        """Build it."""
        ScriptedLoadableModuleWidget.setup(self)
        panel = slicer.util.loadUI(self.resourcePath("UI/CordLevelSet.ui"))
        self.layout.addWidget(panel)
        self.ui = slicer.util.childWidgetVariables(panel)
        panel.setMRMLScene(slicer.mrmlScene)
        self.logic = CordLevelSetLogic()
        self.addObserver(slicer.mrmlScene, slicer.mrmlScene.StartCloseEvent, self.onSceneStartClose)
        self.addObserver(slicer.mrmlScene, slicer.mrmlScene.EndCloseEvent, self.onSceneEndClose)
        self.timer = qt.QTimer()
        self.timer.setInterval(POLL_MS)
        self.timer.connect("timeout()", self.onPoll)
        for name, answer in (
            ("apply", self.onApply),
            ("cancel", self.onCancel),
            ("newDrawings", self.onNewDrawings),
            ("installWheel", self.onInstallWheel),
            ("installFolder", self.onInstallFolder),
            ("installIndex", self.onInstallIndex),
        ):
            getattr(self.ui, name).connect("clicked(bool)", answer)
        self.initializeParameterNode()
        self._show_library()

    def cleanup(self):
        """The application ends: stop what runs."""
        self._end_job()
        self._choose(None)
        self.removeObservers()

    def enter(self):
        """The user opens the module."""
        self.initializeParameterNode()

    def exit(self):
        """The user opens another module; a running job goes on."""
        self._choose(None)

    def onSceneStartClose(self, caller=None, event=None):
        """The nodes are about to go."""
        self._end_job()
        self._choose(None)

    def onSceneEndClose(self, caller=None, event=None):
        """An empty scene is there."""
        self.logic = CordLevelSetLogic()
        if self.parent.isEntered:
            self.initializeParameterNode()

    def initializeParameterNode(self):
        """Take up what was chosen in this scene; the first image if nothing was."""
        chosen = self.logic.getParameterNode()
        if chosen.inputVolume is None:
            chosen.inputVolume = slicer.mrmlScene.GetFirstNodeByClass("vtkMRMLScalarVolumeNode")
        self._choose(chosen)

    def onApply(self, checked=False):
        """Start."""
        try:
            self.job = self.logic.start(self._chosen)
        except Exception as error:
            self.ui.status.text = str(error)
            self.ui.librarySection.collapsed = not isinstance(error, install.LibraryMissingError)
            return
        self.working_on = self._chosen
        self.ui.status.text = "Working; the first time the kernels are compiled, which takes a minute more."
        self._show_state()
        self.timer.start()

    def onCancel(self, checked=False):
        """End the process."""
        self._end_job()
        self.ui.status.text = "Cancelled."

    def onPoll(self):
        """See how far it is; at its end, show what came of it."""
        job = self.job
        if job is None or not job.poll():
            percent = 0 if job is None else job.percent
            self.ui.progress.maximum = 0 if percent is None else 100  # 0: a bar that only says: alive
            self.ui.progress.value = percent or 0
            return
        chosen = self.working_on
        self._end_job()
        if job.error is not None:
            self.ui.status.text = job.error
            return
        from CordLevelSetLib.bridge import sentences

        try:
            self.logic.show(job.outcome, chosen)
        except Exception as error:
            self.ui.status.text = str(error)
            return
        self.ui.show3D.setSegmentationNode(chosen.outputSegmentation)
        self.ui.status.text = sentences(job.outcome.summary)

    def onNewDrawings(self, checked=False):
        """Empty segments to draw corrections into, in the Segment Editor."""
        from CordLevelSetLib import bridge

        chosen = self._chosen
        chosen.drawings = bridge.new_drawings(chosen.inputVolume)
        slicer.util.selectModule("SegmentEditor")
        editor = slicer.modules.segmenteditor.widgetRepresentation().self().editor
        editor.setSegmentationNode(chosen.drawings)
        editor.setSourceVolumeNode(chosen.inputVolume)

    def onInstallWheel(self, checked=False):
        """From a file."""
        path = qt.QFileDialog.getOpenFileName(None, "Wheel of cordlevelset", "", "Wheels (*.whl)")
        if path:
            self._install(path)

    def onInstallFolder(self, checked=False):
        """From a copy of the whole project."""
        start = str(install.source_folder() or "")
        path = qt.QFileDialog.getExistingDirectory(None, "Folder that holds pyproject.toml", start)
        if path:
            self._install(path)

    def onInstallIndex(self, checked=False):
        """From the package index."""
        self._install(None)

    def _install(self, source):
        self.ui.library.text = "Installing; this takes some minutes."
        slicer.app.processEvents()
        try:
            install.install(source)
        except Exception as error:
            self.ui.library.text = f"Not installed: {error}"
            return
        self._show_library()

    def _show_library(self):
        try:
            install.check_library()
        except install.LibraryMissingError as error:
            self.ui.library.text = str(error)
            self.ui.librarySection.collapsed = False
            return
        import cordlevelset

        self.ui.library.text = f"cordlevelset {cordlevelset.__version__} is installed."
        self.ui.librarySection.collapsed = True

    def _choose(self, chosen):
        """Bind the panel to a parameter node, or to none."""
        if self._chosen is not None:
            self._chosen.disconnectGui(self._tag)
            self.removeObserver(self._chosen, vtk.vtkCommand.ModifiedEvent, self._show_state)
        self._chosen = chosen
        if chosen is not None:
            self._tag = chosen.connectGui(self.ui)
            self.addObserver(chosen, vtk.vtkCommand.ModifiedEvent, self._show_state)
        self._show_state()

    def _show_state(self, caller=None, event=None):
        image = None if self._chosen is None else self._chosen.inputVolume
        self.ui.apply.enabled = image is not None and self.job is None
        self.ui.apply.toolTip = "Find the cord" if image is not None else "Load an MR image first."
        self.ui.newDrawings.enabled = image is not None
        self.ui.cancel.enabled = self.job is not None
        if self._chosen is not None:
            self.ui.show3D.setSegmentationNode(self._chosen.outputSegmentation)

    def _end_job(self):
        self.timer.stop()
        if self.job is not None:
            self.job.cancel()
        self.job = self.working_on = None
        self.ui.progress.maximum = 100
        self.ui.progress.value = 0
        self._show_state()


class CordLevelSetTest(ScriptedLoadableModuleTest):
    """In Slicer: a synthetic spine from node to node."""

    def runTest(self):
        """Run it."""
        slicer.mrmlScene.Clear(0)
        install.check_library()
        from CordLevelSetLib import bridge

        import cordlevelset as cls
        from cordlevelset.phantom import make_phantom

        phantom = make_phantom(region="cervical", spacing=(2.0, 1.0, 1.0), field_mm=(60.0, 80.0, 50.0))
        node = slicer.mrmlScene.AddNewNodeByClass("vtkMRMLScalarVolumeNode", "phantom")
        matrix = vtk.vtkMatrix4x4()
        bridge.oriented_image(phantom.soft_mask).GetImageToWorldMatrix(matrix)
        slicer.util.updateVolumeFromArray(node, phantom.image.array)
        node.SetIJKToRASMatrix(matrix)
        logic = CordLevelSetLogic()
        chosen = logic.getParameterNode()
        chosen.inputVolume = node
        job = logic.start(chosen)
        while not job.poll():
            slicer.app.processEvents()
        self.assertIsNone(job.error)
        logic.show(job.outcome, chosen)
        cord = bridge.cord_segment(chosen.outputSegmentation)
        mask = bridge.segments_volume(chosen.outputSegmentation, {cord: 1}, node)
        self.assertGreater(cls.compare(mask, phantom.soft_mask).dice, 0.9)
        self.assertEqual(chosen.measures.GetNumberOfRows(), len(job.outcome.measures["slice"]))
