"""The plugin in a real napari window: needs napari, a Qt binding, pytest-qt, and a display (xvfb-run will do).

All is opened as a person opens it: the panel and the samples from the menus, files by the viewer with this reader.
"""

import importlib.util
import threading
from pathlib import Path

import numpy as np
import pytest
import SimpleITK as sitk
from hosts.grids import GRIDS, centroid, corners

import cordlevelset as cls

pytest.importorskip("napari", reason="needs the extra napari and a Qt binding")

from npe2 import PluginManifest
from qtpy.QtWidgets import QFileDialog

from cordlevelset.napari.history import History, Step, painted
from cordlevelset.napari.images import get_reader
from cordlevelset.napari.layers import grid_keywords, points_mm, volume_of_layer

WAIT_MS = 600_000  # the first image compiles the kernels
_spec = importlib.util.spec_from_file_location(
    "napari_session", Path(__file__).parents[2] / "docs" / "napari_session.py"
)
person = importlib.util.module_from_spec(_spec)
_spec.loader.exec_module(person)


@pytest.fixture
def viewer(make_napari_viewer):
    return make_napari_viewer(show=True)


@pytest.fixture
def panel(viewer, qtbot):
    person.choose(viewer.window.plugins_menu, "Segment the spinal cord")
    return next(iter(viewer.window.dock_widgets.values()))


def run(panel, button, qtbot):
    assert getattr(panel, button).enabled
    getattr(panel, button).native.click()
    qtbot.waitUntil(lambda: panel.segment.enabled, timeout=WAIT_MS)


def add(viewer, panel, volume, name="image"):
    layer = viewer.add_image(volume.array, name=name, **grid_keywords(volume))
    panel.image.value = layer
    return layer


def world_lps(layer, index):
    return np.array([layer.data_to_world(one)[::-1] for one in np.atleast_2d(index)])


def test_manifest():
    manifest = PluginManifest.from_distribution("cordlevelset")
    manifest.validate_imports()
    assert manifest.contributions.menus["napari/layers/segment"]


@pytest.mark.parametrize("menu", ["plugins_menu", "layers_menu"])
def test_the_panel_opens_from_both_menus(menu, viewer):
    person.choose(getattr(viewer.window, menu), "Segment the spinal cord")
    (panel,) = viewer.window.dock_widgets.values()
    panel.segment.native.click()
    assert "Open an image first" in panel.status.value


def test_a_session(viewer, qtbot, tmp_path, monkeypatch):
    steps = person.session(viewer, tmp_path)
    _, panel = next(steps)
    assert [layer.name for layer in viewer.layers] == ["lumbar T2"]
    next(steps)
    first = panel.result
    assert "dark cord" in panel.status.value
    assert "conus" in panel.status.value
    assert all(note in panel.status.value for note in first.notes)
    mask, line = viewer.layers["lumbar T2 cord"], viewer.layers["lumbar T2 cord centerline"]
    colors = np.unique(line.face_color, axis=0)
    assert len(colors) > len(first.slices) / 2  # a color for each confidence

    next(steps)
    touched = np.argwhere(mask.data != first.mask.array)
    assert len(touched) == 3
    assert not first.mask.array[tuple(touched.T)].any()  # painting leaves the result as it is
    with monkeypatch.context() as patch:
        patch.setattr(QFileDialog, "getSaveFileName", lambda *_: pytest.fail("painted, not corrected"))
        panel.save_mask.native.click()
    assert "Correct first" in panel.status.value

    next(steps)
    second = panel.result
    assert second.mask.array[tuple(touched.T)].all()
    assert viewer.layers["lumbar T2 cord"] is mask
    np.testing.assert_array_equal(mask.data, second.mask.array)
    assert np.count_nonzero(panel.seeds.value.data) == 3
    next(steps)
    assert panel.result is first
    np.testing.assert_array_equal(mask.data, first.mask.array)
    assert panel.seeds.value is None
    assert not viewer.layers["cord seeds"].visible  # kept, but it says nothing of this result
    next(steps)
    assert panel.result is second
    assert viewer.layers["cord seeds"].visible
    assert panel.seeds.value is not None
    next(steps)
    third, (point,) = panel.result, points_mm(panel.bottom.value)
    lowest = np.flatnonzero(third.mask.array.any(axis=(1, 2)))[0]
    assert lowest == np.rint(third.mask.to_index(point)[0])  # to the slice
    assert third.mask.array[tuple(touched[touched[:, 0] >= lowest].T)].all()
    next(steps)
    np.testing.assert_array_equal(cls.read(tmp_path / "saved.nii.gz").array, third.mask.array)
    assert len((tmp_path / "saved.csv").read_text(encoding="utf-8").splitlines()) == len(third.slices) + 1
    assert "lumbar T2" in (tmp_path / "saved.html").read_text(encoding="utf-8")
    next(steps)
    assert not viewer.window.dock_widgets
    assert "lumbar T2 cord" in viewer.layers  # the result stays
    assert next(steps, None) is None
    viewer.close()


@pytest.mark.parametrize("name", GRIDS)
def test_mask_lies_where_it_belongs(name, viewer, panel, qtbot):
    volume = GRIDS[name]
    image = add(viewer, panel, volume)
    np.testing.assert_allclose(world_lps(image, corners(volume.shape)), volume.to_lps(corners(volume.shape)), atol=0.01)
    run(panel, "segment", qtbot)
    expected = cls.segment(volume)
    mask, line = viewer.layers["image cord"], viewer.layers["image cord centerline"]
    np.testing.assert_array_equal(mask.data, expected.mask.array)
    np.testing.assert_allclose(world_lps(mask, corners(volume.shape)), volume.to_lps(corners(volume.shape)), atol=0.01)
    middle = centroid(mask.data)
    np.testing.assert_allclose(world_lps(mask, middle)[0], volume.to_lps(middle), atol=0.01)
    np.testing.assert_allclose(points_mm(line), expected.centerline.points_mm, atol=0.01)
    contour = viewer.layers["image cord contour"]
    index = volume.to_index(world_lps(contour, np.concatenate(contour.data)))
    inside = expected.phi.array[tuple(np.rint(index).astype(int).T)]
    assert np.abs(inside).max() < np.linalg.norm(volume.spacing)  # within a voxel of the border


@pytest.mark.parametrize("name", GRIDS)
@pytest.mark.parametrize("suffix", [".nii.gz", ".nrrd", ".mha"])
def test_files_keep_the_geometry(name, suffix, viewer, tmp_path):
    volume = GRIDS[name]
    layer = viewer.add_image(volume.array, name="saved", **grid_keywords(volume))
    path = str(tmp_path / f"image{suffix}")
    assert layer.save(path, plugin="cordlevelset") == [path]
    (back,) = viewer.open(path, plugin="cordlevelset")
    assert (back.name, type(back)) == ("image", type(layer))
    np.testing.assert_array_equal(back.data, volume.array)
    np.testing.assert_allclose(world_lps(back, corners(volume.shape)), volume.to_lps(corners(volume.shape)), atol=0.01)


def test_a_mask_is_read_as_labels(viewer, tmp_path):
    volume = GRIDS["oblique"]
    cls.write(volume.like((volume.array > np.median(volume.array)).astype(np.uint8)), tmp_path / "mask.nii.gz")
    (layer,) = viewer.open(str(tmp_path / "mask.nii.gz"), plugin="cordlevelset")
    assert type(layer).__name__ == "Labels"


def test_values_of_a_byte_are_an_image(viewer, tmp_path):
    volume = GRIDS["oblique"]
    values = np.linspace(-128, 127, volume.array.size).astype(np.int8)  # their range is no byte
    cls.write(volume.like(values.reshape(volume.shape)), tmp_path / "image.nii.gz")
    (layer,) = viewer.open(str(tmp_path / "image.nii.gz"), plugin="cordlevelset")
    assert type(layer).__name__ == "Image"


def write_dicom(volume, folder, number=3):
    """A series, a file a slice."""
    writer = sitk.ImageFileWriter()
    writer.KeepOriginalImageUIDOn()
    image = sitk.Cast(volume.to_sitk(), sitk.sitkInt16)
    axes = np.array(image.GetDirection()).reshape(3, 3)
    tags = {"0008|0060": "MR", "0020|000d": "1.2.3", "0020|000e": f"1.2.3.{number}", "0020|0011": str(number)}
    tags["0020|0037"] = "\\".join(f"{v:.9f}" for v in (*axes[:, 0], *axes[:, 1]))
    folder.mkdir(parents=True)
    for k in range(image.GetDepth()):
        one = image[:, :, k]
        place = image.TransformIndexToPhysicalPoint((0, 0, k))
        more = {
            "0020|0032": "\\".join(f"{v:.9f}" for v in place),
            "0020|0013": str(k + 1),
            "0008|0018": f"1.2.3.{number}.{k}",
        }
        for tag, value in (tags | more).items():
            one.SetMetaData(tag, value)
        writer.SetFileName(str(folder / f"{k:03d}.dcm"))
        writer.Execute(one)


def test_a_dicom_folder_opens(viewer, tmp_path):
    volume = GRIDS["axial"]
    volume = volume.like(np.round(100 * volume.array / volume.array.max()).astype(np.float32))
    write_dicom(volume, tmp_path / "disc" / "study" / "series")
    (layer,) = viewer.open(str(tmp_path / "disc" / "study" / "series"), plugin="cordlevelset")
    np.testing.assert_array_equal(layer.data, volume.array)
    np.testing.assert_allclose(world_lps(layer, corners(volume.shape)), volume.to_lps(corners(volume.shape)), atol=0.01)
    write_dicom(volume, tmp_path / "disc" / "study" / "other", number=4)
    both = viewer.open(str(tmp_path / "disc"), plugin="cordlevelset")
    assert [layer.name.split()[0] for layer in both] == ["3", "4"]
    (tmp_path / "other" / "0").mkdir(parents=True)
    (tmp_path / "other" / "0" / "0.0").write_bytes(bytes(200))
    assert get_reader(str(tmp_path / "other")) is None


def test_what_the_file_said_goes_with_the_layer(viewer, tmp_path):
    volume = GRIDS["oblique"]
    values = volume.array.copy()
    values[0] = np.nan  # empty margin
    cls.write(volume.like(values), tmp_path / "image.nii.gz")
    read = cls.read(tmp_path / "image.nii.gz")
    (layer,) = viewer.open(str(tmp_path / "image.nii.gz"), plugin="cordlevelset")
    kept = volume_of_layer(layer)
    assert (kept.notes, kept.forms, kept.origin) == (read.notes, read.forms, read.origin)
    layer.translate = (1.0, 0.0, 0.0)  # moved by hand: what the file said is no longer so
    assert volume_of_layer(layer).forms is None
    assert volume_of_layer(layer).origin != read.origin


def test_progress_is_shown_and_the_window_lives(viewer, panel, qtbot):
    add(viewer, panel, GRIDS["axial"])
    seen = []
    panel.progress.changed.connect(seen.append)
    run(panel, "segment", qtbot)
    assert len(set(seen)) > 3
    assert (panel.progress.value, panel.progress.max) == (0, 100)


@pytest.fixture
def stuck(monkeypatch):
    """A step that asks nobody whether to go on, as the compilation of a kernel: until it is let go."""
    gate, ended = threading.Event(), threading.Event()

    def segment(image, *, callback, **_):
        callback(cls.Progress("search", 0.1))
        assert gate.wait(WAIT_MS / 1000)
        ended.set()
        callback(cls.Progress("border", 0.5))

    monkeypatch.setattr(cls, "segment", segment)
    yield gate, ended
    gate.set()
    assert ended.wait(WAIT_MS / 1000)


def test_cancel_is_at_once(viewer, panel, qtbot, stuck):
    add(viewer, panel, GRIDS["axial"])
    panel.segment.native.click()
    assert not panel.segment.enabled
    assert panel.progress.max == 0  # a bar that only says: alive
    qtbot.waitUntil(lambda: panel.progress.value == 10, timeout=WAIT_MS)
    panel.cancel.native.click()
    assert panel.segment.enabled  # though the thread is still at it
    assert not stuck[1].is_set()
    stuck[0].set()
    qtbot.waitUntil(stuck[1].is_set, timeout=WAIT_MS)
    qtbot.wait(200)
    assert (panel.status.value, panel.progress.value) == ("Cancelled.", 0)
    assert [layer.name for layer in viewer.layers] == ["image"]


def test_closed_while_it_works(viewer, panel, qtbot, stuck):
    add(viewer, panel, GRIDS["axial"])
    panel.segment.native.click()
    viewer.window.remove_dock_widget(panel.native)
    qtbot.wait(100)
    stuck[0].set()
    qtbot.waitUntil(stuck[1].is_set, timeout=WAIT_MS)
    qtbot.wait(200)  # an exception in the window's loop fails the test
    assert [layer.name for layer in viewer.layers] == ["image"]


def test_what_is_painted_meanwhile_is_not_lost(viewer, panel, qtbot):
    add(viewer, panel, GRIDS["axial"])
    run(panel, "segment", qtbot)
    mask, first = viewer.layers["image cord"], panel.result.mask.array
    k = first.shape[0] // 2
    early, late = (tuple(int(v) for v in (k + n, *np.argwhere(first[k + n])[0])) for n in (0, 5))
    mask.data[early] = 0
    panel.correct.native.click()
    mask.data[late] = 0
    qtbot.waitUntil(lambda: panel.segment.enabled, timeout=WAIT_MS)
    assert (panel.result.mask.array[early], panel.result.mask.array[late]) == (0, 1)
    assert (panel.seeds.value.data[early], panel.seeds.value.data[late]) == (2, 2)
    run(panel, "correct", qtbot)
    assert (panel.result.mask.array[early], panel.result.mask.array[late]) == (0, 0)


def test_painted_voxels():
    shown, now = np.zeros((2, 3, 4), np.uint8), np.zeros((2, 3, 4), np.uint8)
    shown[0, 0], now[0, 0, 1:], now[1, 1, 1] = 1, 7, 3  # any label is cord
    expected = np.zeros((2, 3, 4), np.uint8)
    expected[0, 0, 0], expected[1, 1, 1] = 2, 1
    np.testing.assert_array_equal(painted(shown, now), expected)


def test_history_forgets_what_was_undone_once_something_new_comes():
    history = History()
    assert history.current is None
    for name in "abc":
        history.add(Step(name, frozenset(), {}))
    history.at -= 2
    history.keep({"seeds": "as drawn now"})
    assert (history.can_undo, history.can_redo) == (False, True)
    history.add(Step("d", frozenset(), {}))
    assert [step.result for step in history.steps] == ["a", "d"]
    assert history.steps[0].drawings == {"seeds": "as drawn now"}
    assert not history.can_redo


def test_top_and_bottom_are_honoured_to_the_slice(viewer, panel, qtbot):
    volume = GRIDS["flipped, oblique"]
    add(viewer, panel, volume)
    run(panel, "segment", qtbot)
    first = panel.result
    line = first.centerline.points_mm
    ends = {"top": volume.to_index(line[4]), "bottom": volume.to_index(line[-6])}
    for name, index in ends.items():
        getattr(panel, f"add_{name}").native.click()
        getattr(panel, name).value.add(index)
    run(panel, "correct", qtbot)
    planes = np.flatnonzero(panel.result.mask.array.any(axis=(1, 2)))
    assert (planes[0], planes[-1]) == tuple(sorted(round(float(index[0])) for index in ends.values()))
    panel.top.value.add(volume.to_index(line[6]))
    run(panel, "correct", qtbot)
    assert "top holds 2 points" in panel.status.value
    panel.top.value.data = panel.top.value.data[:0]  # the point is taken back, the empty layer stays
    run(panel, "correct", qtbot)
    np.testing.assert_array_equal(
        panel.result.mask.array, cls.segment(volume, bottom=points_mm(panel.bottom.value)).mask.array
    )
    run(panel, "undo", qtbot)
    assert len(panel.top.value.data) == 1
    planes = np.flatnonzero(panel.result.mask.array.any(axis=(1, 2)))
    assert len(planes) == 1 + abs(round(float(ends["top"][0])) - round(float(ends["bottom"][0])))


def test_what_cannot_be_done_is_said(viewer, panel, qtbot, rng):
    add(viewer, panel, cls.Volume(rng.rayleigh(size=(30, 60, 50)), (2.0, 1.0, 1.0)), "noise")
    run(panel, "segment", qtbot)
    assert "cord" in panel.status.value
    assert len(viewer.layers) == 1
    panel.image.value = viewer.add_image(rng.random((2, 3, 4, 5)), name="series")
    panel.segment.native.click()
    assert "4 axes" in panel.status.value


def test_units_and_plain_layers(viewer):
    micro = viewer.add_image(np.zeros((3, 4, 5)), scale=(2000, 1000, 500), units=("um",) * 3)
    assert volume_of_layer(micro).spacing == pytest.approx((2.0, 1.0, 0.5))
    assert volume_of_layer(viewer.add_image(np.zeros((3, 4, 5)), scale=(2, 1, 0.5))).spacing == (2.0, 1.0, 0.5)
    with pytest.raises(cls.GeometryError, match="right angles"):
        volume_of_layer(viewer.add_image(np.zeros((3, 4, 5)), shear=[0.5, 0, 0]))


def test_points_seeds_and_contours_are_honoured(viewer, panel, qtbot):
    volume = GRIDS["flipped, oblique"]
    add(viewer, panel, volume)
    run(panel, "segment", qtbot)
    first = panel.result
    across = first.turn.order[0]
    assert across == 0

    panel.correct.native.click()
    assert "Paint" in panel.status.value  # nothing drawn yet
    panel.add_contours.native.click()
    drawn = panel.contours.value
    k = volume.shape[0] // 2
    drawn.data[k, 1:] = first.mask.array[k, :-1]  # a voxel further on
    drawn.refresh()
    run(panel, "correct", qtbot)
    np.testing.assert_array_equal(panel.result.mask.array[k], drawn.data[k])
    np.testing.assert_array_equal(viewer.layers["image cord"].data, panel.result.mask.array)
    assert len([layer for layer in viewer.layers if layer.name.startswith("image")]) == 4

    panel.add_seeds.native.click()
    seeds = panel.seeds.value
    cord = np.argwhere(first.mask.array[k + 5])
    seeds.data[(k + 5, *cord[0])] = 2
    seeds.data[(k + 5, *cord[-1] + [1, 0])] = 1
    run(panel, "correct", qtbot)
    assert panel.result.mask.array[(k + 5, *cord[0])] == 0
    assert panel.result.mask.array[(k + 5, *cord[-1] + [1, 0])] == 1
    np.testing.assert_array_equal(panel.result.mask.array[k], drawn.data[k])

    panel.add_points.native.click()
    inside = np.argwhere(first.mask.array[k - 4]).mean(axis=0)
    panel.points.value.add([k - 4, *inside])
    np.testing.assert_allclose(points_mm(panel.points.value)[0], volume.to_lps([k - 4, *inside]), atol=0.01)
    run(panel, "correct", qtbot)
    assert panel.result.mask.array[(k - 4, *np.rint(inside).astype(int))] == 1

    panel.seeds.value = panel.points.value = None  # taken back
    run(panel, "correct", qtbot)
    np.testing.assert_array_equal(
        panel.result.mask.array, cls.segment(volume, contours=volume_of_layer(drawn)).mask.array
    )
