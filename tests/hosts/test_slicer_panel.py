"""Panel and Segment Editor effect without the application: Qt is a stand-in, the nodes are Slicer's own."""

import importlib
import json
import re
import sys
import time
from types import ModuleType, SimpleNamespace
from unittest.mock import MagicMock
from xml.etree import ElementTree

import numpy as np
import pytest

import cordlevelset as cls

pytest.importorskip("slicer", reason="needs slicer-core")

import slicer
from hosts.grids import GRIDS
from hosts.test_slicer import EXTENSION, bridge, node_of, scene  # noqa: F401

VOLUME = GRIDS["oblique"]
FORM = EXTENSION / "CordLevelSet" / "Resources" / "UI" / "CordLevelSet.ui"
WIDGETS = ElementTree.parse(FORM).getroot().iter("widget")
WIDGETS = {widget.get("name"): widget for widget in WIDGETS}


class Widget(SimpleNamespace):
    """Any Qt or MRML widget: takes every property and call, and holds what a user would choose."""

    def __init__(self, *args):
        super().__init__(currentText="")

    def addItems(self, items):
        self.currentText = items[0]

    def currentNode(self):
        return vars(self).get("node")

    def __getattr__(self, name):
        if name.startswith("__"):
            raise AttributeError(name)
        return lambda *args: None


class Form:
    """What Slicer makes of the .ui file: a widget for each name in it, and no other."""

    def __init__(self):
        vars(self).update({name: Widget() for name in WIDGETS})


def parameters(kind):
    """The wrapper of parameter nodes: fields with their defaults, none at first; tells its observers of changes."""

    class Wrapped(kind):
        __annotations__ = kind.__annotations__

        def __init__(self, node):
            for name in kind.__annotations__:
                object.__setattr__(self, name, getattr(kind, name, None))
            self.__dict__["observers"] = []

        def __setattr__(self, name, value):
            assert name in kind.__annotations__
            object.__setattr__(self, name, value)
            for tell in self.observers:
                tell()

        def connectGui(self, ui):
            return 1

        def disconnectGui(self, tag):
            pass

    return Wrapped


class Observing:
    def __init__(self):
        self.observing = []

    def addObserver(self, target, event, method):
        if hasattr(target, "observers"):
            target.observers.append(method)
        else:
            self.observing.append((target, target.AddObserver(event, method)))

    def removeObserver(self, target, event, method):
        target.observers.remove(method)

    def removeObservers(self):
        for target, tag in self.observing:
            target.RemoveObserver(tag)


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
            self.parent = SimpleNamespace(isEntered=True)

        def resourcePath(self, name):
            return FORM.parents[1] / name

    class Logic(Module):
        node = None

        def getParameterNode(self):
            return None

    widgets = ("QComboBox", "QPushButton", "QProgressBar", "QLabel", "QTimer", "QIcon", "QFileDialog")
    stand_in(monkeypatch, "qt", **dict.fromkeys(widgets, Widget))
    names = {"ScriptedLoadableModule": Module, "ScriptedLoadableModuleWidget": Panel}
    names |= {"ScriptedLoadableModuleLogic": Logic, "ScriptedLoadableModuleTest": Module}
    stand_in(monkeypatch, "slicer.ScriptedLoadableModule", **names)
    stand_in(monkeypatch, "slicer.parameterNodeWrapper", Choice=list, parameterNodeWrapper=parameters)

    class Effect:
        def __init__(self, effect):
            self.scriptedEffect = effect

    stand_in(monkeypatch, "SegmentEditorEffects", AbstractScriptedSegmentEditorEffect=Effect)
    monkeypatch.setattr(slicer.util, "loadUI", lambda path: Widget() if path == FORM else None)
    monkeypatch.setattr(slicer.util, "childWidgetVariables", lambda panel: Form())
    monkeypatch.setattr(slicer.util, "VTKObservationMixin", Observing, raising=False)
    monkeypatch.setattr(slicer, "app", Widget(), raising=False)
    monkeypatch.setattr(slicer, "qMRMLNodeComboBox", Widget, raising=False)
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
    yield panel
    panel.cleanup()


def run(panel, status):
    panel.onApply()
    assert panel.job is not None, status.text
    finish(panel)


def finish(panel):
    deadline = time.monotonic() + 180
    while panel.job is not None:
        assert time.monotonic() < deadline
        panel.onPoll()
        time.sleep(0.01)


def mask_in(node, volume):
    return bridge.segments_volume(node, {bridge.cord_segment(node): 1}, volume).array


def paint(node, volume, mask):
    """As the Segment Editor leaves it."""
    bridge._write_segment(bridge.volume_of_node(volume).like(mask), node, bridge.cord_segment(node))


def test_modules_say_what_they_are(application, monkeypatch):
    for name in ("CordLevelSet", "SegmentEditorCord"):
        parent = SimpleNamespace()
        getattr(fresh(monkeypatch, name), name)(parent)
        assert "Segmentation" in parent.categories
        if name == "CordLevelSet":
            assert "https://" in parent.helpText
            assert parent.acknowledgementText


def test_the_form_fits_the_module(application, monkeypatch):
    """Every widget the panel names is in the .ui file, every binding names a parameter, every kind is declared."""
    module = fresh(monkeypatch, "CordLevelSet")
    source = (EXTENSION / "CordLevelSet" / "CordLevelSet.py").read_text(encoding="utf-8")
    assert set(re.findall(r"self\.ui\.(\w+)", source)) <= set(WIDGETS)
    bound = {name: w.findtext("property[@name='SlicerParameterName']/string") for name, w in WIDGETS.items()}
    bound = {name: parameter for name, parameter in bound.items() if parameter}
    fields = module.CordLevelSetParameterNode.__annotations__
    assert set(bound.values()) == set(fields) - {"centerline", "measures"}
    for name, parameter in bound.items():
        kind = WIDGETS[name].findtext("property[@name='nodeTypes']/stringlist/string")
        assert kind is None or kind == fields[parameter].__name__
    declared = {kind.text for kind in ElementTree.parse(FORM).getroot().iter("class")}
    assert {w.get("class") for w in WIDGETS.values() if not w.get("class").startswith("Q")} <= declared
    receivers = {r.text for r in ElementTree.parse(FORM).getroot().iter("receiver")}
    assert receivers == {name for name, w in WIDGETS.items() if w.get("class") == "qMRMLNodeComboBox"}


def test_the_build_lists_every_file():
    for module in ("CordLevelSet", "SegmentEditorCord"):
        folder = EXTENSION / module
        listed = (folder / "CMakeLists.txt").read_text(encoding="utf-8").replace("${MODULE_NAME}", module)
        files = {p.relative_to(folder).as_posix() for kind in ("py", "ui", "png") for p in folder.rglob(f"*.{kind}")}
        assert [name for name in sorted(files) if name not in listed] == []
    description = json.loads((EXTENSION / "CordLevelSet.json").read_text(encoding="utf-8"))
    assert set(description) >= {"$schema", "category", "scm_url"}


def test_from_panel_to_nodes(panel, application):
    assert not panel.ui.apply.enabled
    chosen = panel._chosen
    chosen.inputVolume = node_of(application, VOLUME)
    assert panel.ui.apply.enabled
    run(panel, panel.ui.status)
    expected = cls.segment(VOLUME)
    np.testing.assert_array_equal(mask_in(chosen.outputSegmentation, chosen.inputVolume), expected.mask.array)
    assert chosen.centerline.GetNumberOfControlPoints() == len(expected.centerline.points_mm)
    assert chosen.measures.GetNumberOfRows() == len(expected.slices)
    assert "confidence" in panel.ui.status.text
    assert all(note in panel.ui.status.text for note in expected.notes)
    assert panel.ui.apply.enabled
    assert not panel.ui.cancel.enabled


def test_cancel_writes_nothing(panel, application):
    panel._chosen.inputVolume = node_of(application, VOLUME)
    before = application.GetNumberOfNodes()
    panel.onApply()
    process = panel.job._process
    panel.onCancel()
    assert process.poll() is not None
    assert panel.job is None
    assert panel.ui.status.text == "Cancelled."
    assert application.GetNumberOfNodes() == before


def test_closing_the_scene_ends_the_work(panel, application):
    panel._chosen.inputVolume = node_of(application, VOLUME)
    first = panel._chosen
    panel.onApply()
    process = panel.job._process
    application.Clear(0)  # File > Close Scene
    assert process.poll() is not None
    assert panel.job is None
    assert panel._chosen is not first
    assert not panel.ui.apply.enabled
    panel._chosen.inputVolume = node_of(application, VOLUME)
    run(panel, panel.ui.status)
    assert "confidence" in panel.ui.status.text


def test_what_cannot_be_done_is_said(panel, application, rng, monkeypatch):
    noise = cls.Volume(rng.rayleigh(size=(30, 60, 50)), (2.0, 1.0, 1.0))
    panel._chosen.inputVolume = node_of(application, noise)
    run(panel, panel.ui.status)
    assert "no spinal cord found" in panel.ui.status.text
    assert panel._chosen.outputSegmentation is None
    monkeypatch.setattr(importlib.util, "find_spec", lambda name: None)
    panel.onApply()
    assert "not installed" in panel.ui.status.text
    assert panel.ui.librarySection.collapsed is False


def test_drawings_and_points_correct(panel, application):
    chosen = panel._chosen
    node = chosen.inputVolume = node_of(application, VOLUME)
    run(panel, panel.ui.status)
    shown = (chosen.outputSegmentation, chosen.centerline, chosen.measures)
    first = mask_in(chosen.outputSegmentation, node)
    k = VOLUME.shape[0] // 2
    drawn = np.zeros(VOLUME.shape, np.uint8)
    drawn[k, 1:] = first[k, :-1]
    chosen.drawings = bridge.new_drawings(node)
    whole = chosen.drawings.GetSegmentation().GetSegmentIdBySegmentName(bridge.WHOLE)
    bridge._write_segment(VOLUME.like(drawn), chosen.drawings, whole)
    points = chosen.points = application.AddNewNodeByClass("vtkMRMLMarkupsFiducialNode", "points")
    place = bridge.points_lps(chosen.centerline)[chosen.centerline.GetNumberOfControlPoints() // 3]
    points.AddControlPointWorld(*(place * [-1, -1, 1]))
    run(panel, panel.ui.status)
    assert (chosen.outputSegmentation, chosen.centerline, chosen.measures) == shown
    assert "confidence" in panel.ui.status.text, panel.ui.status.text
    mask = mask_in(chosen.outputSegmentation, node)
    np.testing.assert_array_equal(mask[k], drawn[k])
    assert mask[tuple(np.rint(VOLUME.to_index(place)).astype(int))] == 1
    chosen.points = chosen.drawings = None  # taken back
    run(panel, panel.ui.status)
    np.testing.assert_array_equal(mask_in(chosen.outputSegmentation, node), first)


def point(scene, place):  # noqa: F811
    node = scene.AddNewNodeByClass("vtkMRMLMarkupsFiducialNode", "end")
    node.AddControlPointWorld(*(place * [-1, -1, 1]))
    return node


def planes_of(mask):
    """First and last plane of the cord, along the body."""
    return tuple(np.flatnonzero(mask.any(axis=(1, 2)))[[0, -1]])


def planes_between(*places):
    return tuple(sorted(round(float(VOLUME.to_index(place)[0])) for place in places))


def test_top_and_bottom_are_honoured_to_the_slice(panel, application):
    chosen = panel._chosen
    node = chosen.inputVolume = node_of(application, VOLUME)
    line = cls.segment(VOLUME).centerline.points_mm
    chosen.top, chosen.bottom = point(application, line[4]), point(application, line[-6])
    run(panel, panel.ui.status)
    assert planes_of(mask_in(chosen.outputSegmentation, node)) == planes_between(line[4], line[-6])
    chosen.top.AddControlPointWorld(*(line[5] * [-1, -1, 1]))
    run(panel, panel.ui.status)
    assert "top holds 2 points" in panel.ui.status.text


def test_what_is_painted_counts(panel, application):
    chosen = panel._chosen
    node = chosen.inputVolume = node_of(application, VOLUME)
    run(panel, panel.ui.status)
    mask = mask_in(chosen.outputSegmentation, node)
    k = VOLUME.shape[0] // 2
    cord = np.argwhere(mask[k])
    erased, added = (k, *cord[0]), (k, *cord[-1] + [1, 0])
    mask[erased], mask[added] = 0, 1
    paint(chosen.outputSegmentation, node, mask)
    run(panel, panel.ui.status)
    mask = mask_in(chosen.outputSegmentation, node)
    assert (mask[erased], mask[added]) == (0, 1)
    seeds = bridge.drawn(chosen.drawings, node)["seeds"].array  # where the user sees them
    assert (seeds[erased], seeds[added], np.count_nonzero(seeds)) == (2, 1, 2)
    run(panel, panel.ui.status)  # again, without painting
    np.testing.assert_array_equal(mask_in(chosen.outputSegmentation, node), mask)


def test_a_cord_of_somebody_else_is_kept(panel, application):
    chosen = panel._chosen
    node = chosen.inputVolume = node_of(application, VOLUME)
    theirs = VOLUME.like((np.indices(VOLUME.shape).sum(axis=0) == 40).astype(np.uint8))
    chosen.outputSegmentation = bridge.write_segmentation(theirs, node)
    run(panel, panel.ui.status)
    segmentation = chosen.outputSegmentation.GetSegmentation()
    kept = segmentation.GetSegmentIdBySegmentName("spinal cord, earlier")
    np.testing.assert_array_equal(
        bridge.segments_volume(chosen.outputSegmentation, {kept: 1}, node).array, theirs.array
    )


class Editor(MagicMock):
    """The Segment Editor with one segment."""

    def modifySelectedSegmentByLabelmap(self, image, mode):
        assert mode == 0
        self.image = image

    def selectedSegmentLabelmap(self):
        return self.image


@pytest.fixture
def effect(application, monkeypatch):
    module = fresh(monkeypatch, "SegmentEditorCordLib.SegmentEditorEffect")
    editor = Editor(image=slicer.vtkOrientedImageData())
    editor.sourceVolumeImageData.return_value = bridge.oriented_image(VOLUME.like(to_bytes(VOLUME.array)))
    effect = module.SegmentEditorEffect(editor)
    effect.setupOptionsFrame()
    return effect


def to_bytes(array):
    return (255 * array / array.max()).astype(np.uint8)


def test_effect_writes_the_selected_segment(effect):
    run(effect, effect.status)
    effect.scriptedEffect.saveStateForUndo.assert_called_once()
    expected = cls.segment(VOLUME.like(to_bytes(VOLUME.array)))
    written = bridge.volume_of_oriented_image(effect.scriptedEffect.image)
    np.testing.assert_array_equal(written.array, expected.mask.array)
    np.testing.assert_allclose(written.to_lps([3, 4, 5]), VOLUME.to_lps([3, 4, 5]), atol=0.01)


def test_effect_ends_where_it_is_told(effect, application):
    line = cls.segment(VOLUME).centerline.points_mm
    effect.ends["bottom"].node, effect.ends["top"].node = point(application, line[-6]), point(application, line[4])
    run(effect, effect.status)
    written = bridge.volume_of_oriented_image(effect.scriptedEffect.image)
    assert planes_of(written.array) == planes_between(line[4], line[-6])


def test_effect_takes_what_was_painted(effect):
    effect.use.currentText = "painting corrects the last result"
    effect.onApply()
    assert "no result" in effect.status.text
    effect.use.currentText = "is replaced"
    run(effect, effect.status)
    effect.use.currentText = "painting corrects the last result"
    effect.onApply()
    assert "Nothing was painted" in effect.status.text
    first = bridge.volume_of_oriented_image(effect.scriptedEffect.image)
    mask = first.array.copy()
    k = VOLUME.shape[0] // 2
    erased = (k, *np.argwhere(mask[k])[0])
    mask[erased] = 0
    effect.scriptedEffect.image = bridge.oriented_image(first.like(mask))
    run(effect, effect.status)
    assert bridge.volume_of_oriented_image(effect.scriptedEffect.image).array[erased] == 0
    effect.scriptedEffect.image = bridge.oriented_image(first)  # undone twice
    effect.onApply()
    assert "Nothing was painted" in effect.status.text


def test_effect_cancels_and_says_what_is_missing(effect):
    effect.onApply()
    process = effect.job._process
    effect.deactivate()
    assert process.poll() is not None
    assert effect.status.text == "Cancelled."
    assert effect.scriptedEffect.image.IsEmpty()
    effect.use.currentText = "is a hint"
    effect.onApply()
    assert "Nothing was painted" in effect.status.text
