"""Panel and Segment Editor effect without the application: Qt is a stand-in, the nodes are Slicer's own."""

import importlib
import sys
import time
from types import ModuleType, SimpleNamespace
from unittest.mock import MagicMock

import numpy as np
import pytest

import cordlevelset as cls

pytest.importorskip("slicer", reason="needs slicer-core")

import slicer
from hosts.grids import GRIDS
from hosts.test_slicer import EXTENSION, bridge, node_of, scene  # noqa: F401

VOLUME = GRIDS["oblique"]


class Widget(SimpleNamespace):
    """Any Qt or MRML widget: takes every property and call, and holds what a user would choose."""

    def __init__(self, *args):
        super().__init__(node=None, segment="", currentText="")

    def addItems(self, items):
        self.currentText = items[0]

    def currentNode(self):
        return self.node

    def currentSegmentID(self):
        return self.segment

    def __getattr__(self, name):
        if name.startswith("__"):
            raise AttributeError(name)
        return lambda *args: None


def stand_in(monkeypatch, name, **members):
    module = ModuleType(name)
    vars(module).update(members)
    monkeypatch.setitem(sys.modules, name, module)
    return module


@pytest.fixture
def application(monkeypatch, scene):  # noqa: F811
    """What Slicer adds to slicer-core."""

    class Module:
        def __init__(self, parent=None):
            self.parent = parent

    class Panel(Module):
        def setup(self):
            self.layout = Widget()

    widgets = ("QComboBox", "QPushButton", "QProgressBar", "QLabel", "QTimer", "QFormLayout", "QIcon")
    stand_in(monkeypatch, "qt", **dict.fromkeys(widgets, Widget))
    stand_in(monkeypatch, "ctk", ctkCollapsibleButton=Widget)
    names = {"ScriptedLoadableModule": Module, "ScriptedLoadableModuleWidget": Panel}
    names |= {"ScriptedLoadableModuleLogic": Module, "ScriptedLoadableModuleTest": Module}
    stand_in(monkeypatch, "slicer.ScriptedLoadableModule", **names)

    class Effect:
        def __init__(self, effect):
            self.scriptedEffect = effect

    stand_in(monkeypatch, "SegmentEditorEffects", AbstractScriptedSegmentEditorEffect=Effect)
    for name in ("qMRMLNodeComboBox", "qMRMLSegmentSelectorWidget"):
        monkeypatch.setattr(slicer, name, Widget, raising=False)
    monkeypatch.setattr(slicer, "app", Widget(), raising=False)
    monkeypatch.setattr(slicer, "mrmlScene", scene, raising=False)
    editor = SimpleNamespace(ModificationModeSet=0)
    monkeypatch.setattr(slicer, "qSlicerSegmentEditorAbstractEffect", editor, raising=False)
    for folder in ("CordLevelSet", "SegmentEditorCord"):
        monkeypatch.syspath_prepend(str(EXTENSION / folder))
    return scene


def fresh(monkeypatch, name):
    monkeypatch.delitem(sys.modules, name, raising=False)
    return importlib.import_module(name)


@pytest.fixture
def panel(application, monkeypatch):
    panel = fresh(monkeypatch, "CordLevelSet").CordLevelSetWidget()
    panel.setup()
    return panel


def run(panel):
    panel.onApply()
    assert panel.job is not None, panel.status.text
    finish(panel)


def finish(panel):
    deadline = time.monotonic() + 180
    while panel.job is not None:
        assert time.monotonic() < deadline
        panel.onPoll()
        time.sleep(0.01)


def test_modules_say_what_they_are(application, monkeypatch):
    for name in ("CordLevelSet", "SegmentEditorCord"):
        parent = SimpleNamespace()
        getattr(fresh(monkeypatch, name), name)(parent)
        assert "Segmentation" in parent.categories


def test_from_panel_to_nodes(panel, application):
    panel.onApply()
    assert "Load an MR image" in panel.status.text
    panel.volume.node = node_of(application, VOLUME)
    run(panel)
    segmentation, curve, table = panel.nodes
    expected = cls.segment(VOLUME)
    segment = segmentation.GetSegmentation().GetNthSegmentID(0)
    mask = bridge.segments_volume(segmentation, {segment: 1}, panel.volume.node)
    np.testing.assert_array_equal(mask.array, expected.mask.array)
    assert curve.GetNumberOfControlPoints() == len(expected.centerline.points_mm)
    assert table.GetNumberOfRows() == len(expected.slices)
    assert "confidence" in panel.status.text
    assert panel.apply.enabled
    assert not panel.cancel.enabled


def test_cancel_writes_nothing(panel, application):
    panel.volume.node = node_of(application, VOLUME)
    before = application.GetNumberOfNodes()
    panel.onApply()
    panel.onCancel()
    finish(panel)
    assert "cancelled" in panel.status.text
    assert application.GetNumberOfNodes() == before


def test_what_cannot_be_done_is_said(panel, application, rng):
    noise = cls.Volume(rng.rayleigh(size=(30, 60, 50)), (2.0, 1.0, 1.0))
    panel.volume.node = node_of(application, noise)
    run(panel)
    assert "cord" in panel.status.text
    assert panel.nodes is None


def test_segments_and_points_correct(panel, application):
    node = panel.volume.node = node_of(application, VOLUME)
    run(panel)
    first = panel.last.result
    shown = panel.nodes
    k = VOLUME.shape[0] // 2
    drawn = np.zeros(VOLUME.shape, np.uint8)
    drawn[k, 1:] = first.mask.array[k, :-1]
    mine = application.AddNewNodeByClass("vtkMRMLSegmentationNode", "mine")
    logic = slicer.vtkSlicerSegmentationsModuleLogic
    assert logic.ImportLabelmapToSegmentationNode(bridge.oriented_image(VOLUME.like(drawn)), mine, "drawn")
    panel.contours.node, panel.contours.segment = mine, mine.GetSegmentation().GetNthSegmentID(0)
    points = application.AddNewNodeByClass("vtkMRMLMarkupsFiducialNode", "points")
    place = first.centerline.points_mm[len(first.centerline.points_mm) // 3]
    points.AddControlPointWorld(*(place * [-1, -1, 1]))
    panel.points.node = points
    run(panel)
    assert panel.nodes == shown, panel.status.text
    assert "confidence" in panel.status.text, panel.status.text
    mask = panel.last.result.mask.array
    np.testing.assert_array_equal(mask[k], drawn[k])
    assert mask[tuple(np.rint(VOLUME.to_index(place)).astype(int))] == 1
    panel.points.node, panel.contours.segment = None, ""  # taken back
    run(panel)
    np.testing.assert_array_equal(panel.last.result.mask.array, first.mask.array)
    assert node.GetScene() is application


@pytest.fixture
def effect(application, monkeypatch):
    module = fresh(monkeypatch, "SegmentEditorCordLib.SegmentEditorEffect")
    editor = MagicMock()
    editor.sourceVolumeImageData.return_value = bridge.oriented_image(VOLUME.like(to_bytes(VOLUME.array)))
    effect = module.SegmentEditorEffect(editor)
    effect.setupOptionsFrame()
    return effect


def to_bytes(array):
    return (255 * array / array.max()).astype(np.uint8)


def test_effect_writes_the_selected_segment(effect):
    run(effect)
    effect.scriptedEffect.saveStateForUndo.assert_called_once()
    image, mode = effect.scriptedEffect.modifySelectedSegmentByLabelmap.call_args.args
    assert mode == 0
    expected = cls.segment(VOLUME.like(to_bytes(VOLUME.array)))
    written = bridge.volume_of_oriented_image(image)
    np.testing.assert_array_equal(written.array, expected.mask.array)
    np.testing.assert_allclose(written.to_lps([3, 4, 5]), VOLUME.to_lps([3, 4, 5]), atol=0.01)


def test_effect_cancels_and_says_what_is_missing(effect):
    effect.onApply()
    effect.onCancel()
    finish(effect)
    effect.scriptedEffect.modifySelectedSegmentByLabelmap.assert_not_called()
    effect.use.currentText = "is a hint"
    effect.scriptedEffect.selectedSegmentLabelmap.return_value = slicer.vtkOrientedImageData()
    effect.onApply()
    assert "empty" in effect.status.text
