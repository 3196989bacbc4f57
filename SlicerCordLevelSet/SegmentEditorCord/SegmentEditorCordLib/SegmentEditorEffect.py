"""Segment Editor effect: the selected segment becomes the cord; what was in it can guide the search."""

from pathlib import Path

import numpy as np
import qt
import slicer
import slicer.util
from CordLevelSetLib import install
from SegmentEditorEffects import AbstractScriptedSegmentEditorEffect

POLL_MS = 100
"""Between two looks at the process."""
PAINTED = "painting corrects the last result"
USES = {
    "is replaced": "",
    PAINTED: "seeds",
    "is kept as it is on its slices": "contours",
    "is a hint": "initial",
    "is cord": "seeds",
}
"""What the selected segment says, and the keyword of `cordlevelset.segment` that says it."""


class SegmentEditorEffect(AbstractScriptedSegmentEditorEffect):
    """The effect."""

    def __init__(self, scriptedEffect):
        scriptedEffect.name = "Spinal cord"
        scriptedEffect.perSegment = True
        scriptedEffect.requireSegments = True
        AbstractScriptedSegmentEditorEffect.__init__(self, scriptedEffect)
        self.job = None
        self._painted = {}  # by segmentation and segment

    def clone(self):
        """Another one, for the editor."""
        import qSlicerSegmentationsEditorEffectsPythonQt as effects

        other = effects.qSlicerSegmentEditorScriptedEffect(None)
        other.setPythonSource(__file__.replace("\\", "/"))
        return other

    def icon(self):
        """Picture on the editor's button."""
        return qt.QIcon(str(Path(__file__).with_name("SegmentEditorEffect.png")))

    def helpText(self):
        """For the editor's help button."""
        return (
            "<html>Finds the spinal cord and writes it into the selected segment, within the editor's mask. "
            "What the segment holds can guide the search: painted corrections, slices to keep, a hint. "
            '<a href="https://cordlevelset.readthedocs.io/en/latest/slicer.html">Documentation</a></html>'
        )

    def setupOptionsFrame(self):
        """Build the options."""
        self.use = qt.QComboBox()
        self.use.addItems(list(USES))
        self.scriptedEffect.addLabeledOptionsWidget("Selected segment:", self.use)
        self.ends = {name: self._point_chooser(f"{name.capitalize()} of the cord:") for name in ("top", "bottom")}
        self.apply, self.cancel = qt.QPushButton("Apply"), qt.QPushButton("Cancel")
        self.progress, self.status = qt.QProgressBar(), qt.QLabel()
        self.status.setWordWrap(True)
        for widget in (self.apply, self.cancel, self.progress, self.status):
            self.scriptedEffect.addOptionsWidget(widget)
        self.cancel.enabled = False
        self.timer = qt.QTimer()
        self.timer.setInterval(POLL_MS)
        self.timer.connect("timeout()", self.onPoll)
        self.apply.connect("clicked()", self.onApply)
        self.cancel.connect("clicked()", self.onCancel)

    def deactivate(self):
        """Another effect was chosen: stop."""
        self.onCancel()

    def onApply(self):
        """Start."""
        if not self.scriptedEffect.confirmCurrentSegmentVisible():
            return
        try:
            install.check_library()
            from CordLevelSetLib import bridge
            from CordLevelSetLib.job import Job

            # as the editor sees them: both may have been resampled to its grid
            image = bridge.volume_of_oriented_image(self.scriptedEffect.sourceVolumeImageData())
            ends = bridge.placed(**{name: chooser.currentNode() for name, chooser in self.ends.items()})
            self.job = Job(image, **ends, **self._given(image))
        except Exception as error:
            self.status.text = str(error)
            return
        self.image, self.target = image, self._selected()
        self.apply.enabled, self.cancel.enabled = False, True
        self.status.text = "Working; the first time the kernels are compiled, which takes a minute more."
        self.timer.start()

    def onCancel(self):
        """End the process."""
        if self.job is not None:
            self.job.cancel()
            self._end("Cancelled.")

    def onPoll(self):
        """See how far it is; at its end, write the mask."""
        job = self.job
        if job is None or not job.poll():
            percent = 0 if job is None else job.percent
            self.progress.maximum = 0 if percent is None else 100  # 0: a bar that only says: alive
            self.progress.value = percent or 0
            return
        if job.error is not None:
            self._end(job.error)
            return
        if self._selected() != self.target:
            self._end("Another segment was selected meanwhile; nothing was written.")
            return
        from CordLevelSetLib.bridge import oriented_image, sentences
        from CordLevelSetLib.paint import Painted

        before = self._drawn(self.image).array
        self.scriptedEffect.saveStateForUndo()
        self.scriptedEffect.modifySelectedSegmentByLabelmap(
            oriented_image(job.outcome.mask), slicer.qSlicerSegmentEditorAbstractEffect.ModificationModeSet
        )
        # as it is now: the editor's mask may have kept a part out
        self._painted.setdefault(self.target, Painted()).show(before, self._drawn(self.image).array)
        self._end(sentences(job.outcome.summary))

    def _point_chooser(self, label):
        """A list of the scene's points, of which one may say where the cord ends."""
        chooser = slicer.qMRMLNodeComboBox()
        chooser.nodeTypes = ["vtkMRMLMarkupsFiducialNode"]
        chooser.noneEnabled = chooser.renameEnabled = True
        chooser.toolTip = "One point: no cord beyond it."
        chooser.setMRMLScene(slicer.mrmlScene)
        self.scriptedEffect.addLabeledOptionsWidget(label, chooser)
        return chooser

    def _given(self, image):
        """What the selected segment says."""
        keyword = USES[self.use.currentText]
        if not keyword:
            return {}
        drawn = self._drawn(image)
        if self.use.currentText == PAINTED:
            painted = self._painted.get(self._selected())
            if painted is None:
                raise ValueError("There is no result in this segment yet: Apply with 'is replaced' first.")
            painted.take(drawn.array)
            drawn = image.like(painted.seeds)
        if not drawn.array.any():
            raise ValueError("Nothing was painted into the segment, or erased from it.")
        return {keyword: drawn}

    def _drawn(self, image):
        """The selected segment on the image's grid."""
        from CordLevelSetLib import bridge

        labelmap = self.scriptedEffect.selectedSegmentLabelmap()
        if labelmap is not None and not labelmap.IsEmpty():
            drawn = bridge.volume_of_oriented_image(labelmap)
            if drawn.array.any():
                return bridge.on_grid(drawn, image)
        return image.like(np.zeros(image.shape, np.uint8))

    def _selected(self):
        node = self.scriptedEffect.parameterSetNode()
        return node.GetSegmentationNode().GetID(), node.GetSelectedSegmentID()

    def _end(self, words):
        self.timer.stop()
        self.job = None
        self.progress.maximum = 100
        self.progress.value = 0
        self.apply.enabled, self.cancel.enabled = True, False
        self.status.text = words
