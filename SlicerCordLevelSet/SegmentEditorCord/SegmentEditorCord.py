"""Hidden module that registers the effect in the Segment Editor."""

from pathlib import Path

import slicer
from slicer.ScriptedLoadableModule import ScriptedLoadableModule


class SegmentEditorCord(ScriptedLoadableModule):
    """What the module is."""

    def __init__(self, parent):
        ScriptedLoadableModule.__init__(self, parent)
        parent.title = "Segment Editor Spinal Cord"
        parent.categories = ["Segmentation"]
        parent.dependencies = ["Segmentations", "CordLevelSet"]
        parent.contributors = ["The cordlevelset contributors"]
        parent.hidden = True
        slicer.app.connect("startupCompleted()", self.registerEffect)

    def registerEffect(self):
        """Hand the effect to the Segment Editor."""
        import qSlicerSegmentationsEditorEffectsPythonQt as effects

        instance = effects.qSlicerSegmentEditorScriptedEffect(None)
        path = Path(__file__).parent / "SegmentEditorCordLib" / "SegmentEditorEffect.py"
        instance.setPythonSource(path.as_posix())
        instance.self().register()
