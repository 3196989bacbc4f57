"""Slicer module: segment the spinal cord, look, mend, again. All that touches data is in CordLevelSetLib.bridge."""

import ctk
import qt
import slicer
import slicer.util
import vtk
from CordLevelSetLib.install import ensure_library
from CordLevelSetLib.job import Job
from slicer.ScriptedLoadableModule import (
    ScriptedLoadableModule,
    ScriptedLoadableModuleLogic,
    ScriptedLoadableModuleTest,
    ScriptedLoadableModuleWidget,
)

POLL_MS = 100
CONTRASTS = ("auto", "t1", "t2", "t2s", "stir", "mt", "epi", "dwi")
POLARITIES = ("auto", "bright", "dark")


class CordLevelSet(ScriptedLoadableModule):
    """What the module is."""

    def __init__(self, parent):
        ScriptedLoadableModule.__init__(self, parent)
        parent.title = "Spinal Cord (Level Set)"
        parent.categories = ["Segmentation"]
        parent.dependencies = ["Segmentations", "Markups", "Tables"]
        parent.contributors = ["The cordlevelset contributors"]
        parent.helpText = "Finds and outlines the spinal cord in MR images by itself. Not a medical device."
        parent.acknowledgementText = ""


class CordLevelSetLogic(ScriptedLoadableModuleLogic):
    """From nodes to nodes."""

    def start(self, volume_node, *, contrast="auto", polarity="auto", previous=None, **drawn):
        """Start the work in a thread.

        Parameters
        ----------
        volume_node : vtkMRMLScalarVolumeNode
            The image.
        contrast, polarity : str
            As in `cordlevelset.segment`.
        previous : Job, optional
            On the same image with the same settings: only what the drawings change is done again.
        **drawn
            points : markups node; segments : segmentation node; cord, not_cord, contours : IDs of its segments.

        Returns
        -------
        Job
        """
        ensure_library()
        from CordLevelSetLib import bridge

        import cordlevelset as cls

        volume = bridge.volume_of_node(volume_node)
        given = self._given(volume_node, **drawn)
        if previous is not None and given and previous.given <= given.keys():  # nothing was taken back
            return Job(lambda callback: previous.result.corrected(callback=callback, **given), given)
        options = {"contrast": contrast, "polarity": polarity, **given}
        return Job(lambda callback: cls.segment(volume, callback=callback, **options), given)

    def _given(self, volume_node, *, points=None, segments=None, cord="", not_cord="", contours=""):
        from CordLevelSetLib import bridge

        given = {}
        if points is not None and points.GetNumberOfControlPoints():
            given["centerline"] = bridge.points_lps(points)
        seeds = {segment: label for segment, label in ((cord, 1), (not_cord, 2)) if segment}
        if segments is not None and seeds:
            given["seeds"] = bridge.segments_volume(segments, seeds, volume_node)
        if segments is not None and contours:
            given["contours"] = bridge.segments_volume(segments, {contours: 1}, volume_node)
        return given

    def show(self, result, volume_node, nodes=None):
        """Put a result into nodes, those of an earlier one if given.

        Returns
        -------
        tuple
            Segmentation, curve and table node.
        """
        from CordLevelSetLib import bridge

        segmentation, curve, table = nodes or (None, None, None)
        return (
            bridge.write_segmentation(result, volume_node, segmentation),
            bridge.write_curve(result, volume_node, curve),
            bridge.write_table(result, volume_node, table),
        )


class CordLevelSetWidget(ScriptedLoadableModuleWidget):
    """The panel."""

    def setup(self):
        """Build it."""
        ScriptedLoadableModuleWidget.setup(self)
        self.logic = CordLevelSetLogic()
        self.job = None
        self.last = None  # the job whose result is shown,
        self.source = None  # and the volume node and settings it is of
        self.nodes = None

        form = self._section("Image")
        self.volume = self._nodes("vtkMRMLScalarVolumeNode", none=False)
        self.contrast, self.polarity = qt.QComboBox(), qt.QComboBox()
        self.contrast.addItems(list(CONTRASTS))
        self.polarity.addItems(list(POLARITIES))
        form.addRow("MR image:", self.volume)
        form.addRow("Contrast (a hint):", self.contrast)
        form.addRow("Cord against fluid:", self.polarity)

        form = self._section("Corrections")
        self.points = self._nodes("vtkMRMLMarkupsFiducialNode")
        form.addRow("Points in the cord:", self.points)
        self.cord, self.not_cord, self.contours = (slicer.qMRMLSegmentSelectorWidget() for _ in range(3))
        for label, selector in (
            ("Seeds, cord:", self.cord),
            ("Seeds, not cord:", self.not_cord),
            ("Cord drawn on some slices:", self.contours),
        ):
            selector.noneEnabled = True
            selector.setMRMLScene(slicer.mrmlScene)
            form.addRow(label, selector)

        self.apply = qt.QPushButton("Apply")
        self.cancel = qt.QPushButton("Cancel")
        self.progress = qt.QProgressBar()
        self.status = qt.QLabel()
        self.status.setWordWrap(True)
        for widget in (self.apply, self.cancel, self.progress, self.status):
            self.layout.addWidget(widget)
        self.layout.addStretch(1)
        self.cancel.enabled = False
        self.timer = qt.QTimer()
        self.timer.setInterval(POLL_MS)
        self.timer.connect("timeout()", self.onPoll)
        self.apply.connect("clicked(bool)", self.onApply)
        self.cancel.connect("clicked(bool)", self.onCancel)

    def cleanup(self):
        """Stop what runs."""
        self.timer.stop()
        if self.job is not None:
            self.job.cancel()

    def onApply(self, checked=False):
        """Start."""
        node = self.volume.currentNode()
        if node is None:
            self.status.text = "Load an MR image first."
            return
        settings = (node.GetID(), node.GetImageData().GetMTime(), self.contrast.currentText, self.polarity.currentText)
        self.status.text = "Working; the first time, the library is installed and compiled, which takes minutes."
        slicer.app.processEvents()
        try:
            self.job = self.logic.start(
                node,
                contrast=self.contrast.currentText,
                polarity=self.polarity.currentText,
                previous=self.last if settings == self.source else None,
                **self._drawn(),
            )
        except Exception as error:
            self.status.text = str(error)
            return
        self.pending = (node, settings)
        self.apply.enabled, self.cancel.enabled = False, True
        self.timer.start()

    def _drawn(self):
        """What the user drew; the three segments must be of one segmentation."""
        chosen = {"cord": self.cord, "not_cord": self.not_cord, "contours": self.contours}
        used = {name: w for name, w in chosen.items() if w.currentNode() is not None and w.currentSegmentID()}
        nodes = {w.currentNode().GetID(): w.currentNode() for w in used.values()}
        if len(nodes) > 1:
            raise ValueError("choose seeds and contours from one segmentation")
        drawn = {name: w.currentSegmentID() for name, w in used.items()}
        return {"points": self.points.currentNode(), "segments": next(iter(nodes.values()), None), **drawn}

    def onCancel(self, checked=False):
        """Ask the work to stop."""
        if self.job is not None:
            self.job.cancel()
            self.status.text = "Stopping ..."

    def onPoll(self):
        """See how far it is; at its end, show what came of it."""
        job = self.job
        self.progress.value = round(100 * job.fraction)
        if not job.done:
            return
        self.timer.stop()
        self.job = None
        self.apply.enabled, self.cancel.enabled = True, False
        self.progress.value = 0
        if job.error is not None:
            self.status.text = str(job.error)
            return
        from CordLevelSetLib.bridge import summary

        node, settings = self.pending
        same_image = self.source is not None and self.source[0] == settings[0]
        try:
            self.nodes = self.logic.show(job.result, node, self.nodes if same_image and self._alive() else None)
        except Exception as error:
            self.status.text = str(error)
            return
        self.last, self.source = job, settings
        self.status.text = summary(job.result)

    def _alive(self):
        """Whether the nodes of the last result are still in the scene."""
        return all(slicer.mrmlScene.GetNodeByID(node.GetID()) is node for node in self.nodes)

    def _section(self, title):
        box = ctk.ctkCollapsibleButton()
        box.text = title
        self.layout.addWidget(box)
        return qt.QFormLayout(box)

    def _nodes(self, kind, none=True):
        selector = slicer.qMRMLNodeComboBox()
        selector.nodeTypes = [kind]
        selector.addEnabled = selector.removeEnabled = False
        selector.noneEnabled = none
        selector.setMRMLScene(slicer.mrmlScene)
        return selector


class CordLevelSetTest(ScriptedLoadableModuleTest):
    """In Slicer: a synthetic spine from node to node."""

    def runTest(self):
        """Run it."""
        slicer.mrmlScene.Clear(0)
        ensure_library()
        from CordLevelSetLib import bridge

        import cordlevelset as cls
        from cordlevelset.phantom import make_phantom

        phantom = make_phantom(region="cervical", spacing=(2.0, 1.0, 1.0), field_mm=(60.0, 80.0, 50.0))
        node = slicer.mrmlScene.AddNewNodeByClass("vtkMRMLScalarVolumeNode", "phantom")
        image = bridge.oriented_image(phantom.soft_mask)
        matrix = vtk.vtkMatrix4x4()
        image.GetImageToWorldMatrix(matrix)
        slicer.util.updateVolumeFromArray(node, phantom.image.array)
        node.SetIJKToRASMatrix(matrix)
        logic = CordLevelSetLogic()
        job = logic.start(node)
        job.wait()
        self.assertIsNone(job.error)
        segmentation, _, table = logic.show(job.result, node)
        mask = bridge.segments_volume(segmentation, {segmentation.GetSegmentation().GetNthSegmentID(0): 1}, node)
        self.assertGreater(cls.compare(mask, phantom.soft_mask).dice, 0.9)
        self.assertEqual(table.GetNumberOfRows(), len(job.result.slices))
