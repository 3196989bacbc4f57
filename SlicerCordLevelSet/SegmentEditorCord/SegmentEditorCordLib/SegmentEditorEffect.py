"""Segment Editor effect: the selected segment becomes the cord; what was in it can guide the search."""

import qt
import slicer
import slicer.util
from CordLevelSetLib.install import ensure_library
from CordLevelSetLib.job import Job
from SegmentEditorEffects import AbstractScriptedSegmentEditorEffect

POLL_MS = 100
USES = {"is replaced": "", "is kept as it is on its slices": "contours", "is a hint": "initial", "is cord": "seeds"}
"""What the selected segment says, and the keyword of `cordlevelset.segment` that says it."""


class SegmentEditorEffect(AbstractScriptedSegmentEditorEffect):
    """The effect."""

    def __init__(self, scriptedEffect):
        scriptedEffect.name = "Spinal cord"
        scriptedEffect.perSegment = True
        scriptedEffect.requireSegments = True
        AbstractScriptedSegmentEditorEffect.__init__(self, scriptedEffect)
        self.job = None

    def clone(self):
        """Another one, for the editor."""
        import qSlicerSegmentationsEditorEffectsPythonQt as effects

        other = effects.qSlicerSegmentEditorScriptedEffect(None)
        other.setPythonSource(__file__.replace("\\", "/"))
        return other

    def icon(self):
        """No picture of its own."""
        return qt.QIcon()

    def helpText(self):
        """For the editor's help button."""
        return "Finds the spinal cord and writes it into the selected segment. What the segment holds can guide it."

    def setupOptionsFrame(self):
        """Build the options."""
        self.use = qt.QComboBox()
        self.use.addItems(list(USES))
        self.scriptedEffect.addLabeledOptionsWidget("Selected segment:", self.use)
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
            ensure_library()
            from CordLevelSetLib import bridge

            import cordlevelset as cls

            # as the editor sees them: both may have been resampled to its grid
            image = bridge.volume_of_oriented_image(self.scriptedEffect.sourceVolumeImageData())
            given = {}
            if use := USES[self.use.currentText]:
                drawn = bridge.volume_of_oriented_image(self.scriptedEffect.selectedSegmentLabelmap())
                given[use] = bridge.on_grid(drawn, image)
        except Exception as error:
            self.status.text = str(error)
            return
        node = self.scriptedEffect.parameterSetNode()
        self.target = (node.GetSegmentationNode().GetID(), node.GetSelectedSegmentID())
        self.job = Job(lambda callback: cls.segment(image, callback=callback, **given))
        self.apply.enabled, self.cancel.enabled = False, True
        self.status.text = "Working; the first time takes a minute more."
        self.timer.start()

    def onCancel(self):
        """Ask the work to stop."""
        if self.job is not None:
            self.job.cancel()

    def onPoll(self):
        """See how far it is; at its end, write the mask."""
        job = self.job
        self.progress.value = round(100 * job.fraction)
        if not job.done:
            return
        self.timer.stop()
        self.job = None
        self.progress.value = 0
        self.apply.enabled, self.cancel.enabled = True, False
        if job.error is not None:
            self.status.text = str(job.error)
            return
        node = self.scriptedEffect.parameterSetNode()
        if (node.GetSegmentationNode().GetID(), node.GetSelectedSegmentID()) != self.target:
            self.status.text = "Another segment was selected meanwhile; nothing was written."
            return
        from CordLevelSetLib.bridge import oriented_image, summary

        self.scriptedEffect.saveStateForUndo()
        self.scriptedEffect.modifySelectedSegmentByLabelmap(
            oriented_image(job.result.mask), slicer.qSlicerSegmentEditorAbstractEffect.ModificationModeSet
        )
        self.status.text = summary(job.result)
