"""The plugin in a real napari window: needs napari, a Qt binding, pytest-qt, and a display (xvfb-run will do)."""

import numpy as np
import pytest
from hosts.grids import GRIDS, centroid, corners

import cordlevelset as cls

pytest.importorskip("napari", reason="needs the extra napari and a Qt binding")

from npe2 import PluginManager, PluginManifest, read, write

from cordlevelset.napari.layers import grid_keywords, points_mm, volume_of_layer

WAIT_MS = 180_000  # the first image compiles the kernels


@pytest.fixture
def viewer(make_napari_viewer):
    return make_napari_viewer(show=True)


def choose(menu, words):
    """Click the one entry of a menu, or of a menu in it, that holds these words."""

    def entries(menu):
        menu.aboutToShow.emit()
        for action in menu.actions():
            yield from entries(action.menu()) if action.menu() else (action,)

    (found,) = [action for action in entries(menu) if words in action.text()]
    assert found.isEnabled()
    found.trigger()


@pytest.fixture
def panel(viewer, qtbot):
    choose(viewer.window.plugins_menu, "Segment the spinal cord")
    return next(iter(viewer.window.dock_widgets.values()))


def run(panel, button, qtbot):
    getattr(panel, button).changed.emit(True)
    assert not panel.segment.enabled
    qtbot.waitUntil(lambda: panel.segment.enabled, timeout=WAIT_MS)


def add(viewer, panel, volume, name="image"):
    layer = viewer.add_image(volume.array, name=name, **grid_keywords(volume))
    panel.image.reset_choices()
    panel.image.value = layer
    return layer


def world_lps(layer, index):
    return np.array([layer.data_to_world(one)[::-1] for one in np.atleast_2d(index)])


def test_manifest():
    manifest = PluginManifest.from_distribution("cordlevelset")
    manifest.validate_imports()
    assert manifest.contributions.menus["napari/layers/segment"]


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
    PluginManager.instance().discover()
    layer = viewer.add_image(volume.array, name="image", **grid_keywords(volume))
    path = str(tmp_path / f"image{suffix}")
    assert write(path, [layer.as_layer_data_tuple()], plugin_name="cordlevelset") == [path]
    ((data, keywords, kind),) = read([path], stack=False, plugin_name="cordlevelset")
    back = getattr(viewer, f"add_{kind}")(data, **keywords)
    assert kind == "image"
    np.testing.assert_array_equal(back.data, volume.array)
    np.testing.assert_allclose(world_lps(back, corners(volume.shape)), volume.to_lps(corners(volume.shape)), atol=0.01)


def test_a_mask_is_read_as_labels(tmp_path):
    volume = GRIDS["oblique"]
    cls.write(volume.like((volume.array > np.median(volume.array)).astype(np.uint8)), tmp_path / "mask.nii.gz")
    ((_, _, kind),) = read([str(tmp_path / "mask.nii.gz")], stack=False, plugin_name="cordlevelset")
    assert kind == "labels"


def test_values_of_a_byte_are_an_image(tmp_path):
    volume = GRIDS["oblique"]
    values = np.linspace(-128, 127, volume.array.size).astype(np.int8)  # their range is no byte
    cls.write(volume.like(values.reshape(volume.shape)), tmp_path / "image.nii.gz")
    ((_, _, kind),) = read([str(tmp_path / "image.nii.gz")], stack=False, plugin_name="cordlevelset")
    assert kind == "image"


def test_samples_open(viewer, panel, qtbot):
    (layer,) = viewer.open_sample("cordlevelset", "lumbar")
    panel.image.reset_choices()
    panel.image.value = layer
    run(panel, "segment", qtbot)
    assert "dark cord" in panel.status.value
    assert "conus" in panel.status.value
    assert viewer.open_sample("cordlevelset", "cervical")[0].ndim == 3


def test_progress_is_shown_and_the_window_lives(viewer, panel, qtbot):
    add(viewer, panel, GRIDS["axial"])
    seen = []
    panel.progress.changed.connect(seen.append)
    run(panel, "segment", qtbot)
    assert len(set(seen)) > 3
    assert panel.progress.value == 0


def test_cancel(viewer, panel, qtbot):
    add(viewer, panel, GRIDS["axial"])
    panel.segment.changed.emit(True)
    panel.cancel.changed.emit(True)
    qtbot.waitUntil(lambda: panel.segment.enabled, timeout=WAIT_MS)
    assert panel.status.value == "Cancelled."
    assert [layer.name for layer in viewer.layers] == ["image"]


def test_what_cannot_be_done_is_said(viewer, panel, qtbot, rng):
    add(viewer, panel, cls.Volume(rng.rayleigh(size=(30, 60, 50)), (2.0, 1.0, 1.0)), "noise")
    run(panel, "segment", qtbot)
    assert "cord" in panel.status.value
    assert len(viewer.layers) == 1
    panel.image.value = viewer.add_image(rng.random((2, 3, 4, 5)), name="series")
    panel.segment.changed.emit(True)
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

    panel.correct.changed.emit(True)
    assert "Choose" in panel.status.value  # nothing drawn yet
    panel.add_contours.changed.emit(True)
    drawn = panel.contours.value
    k = volume.shape[0] // 2
    drawn.data[k, 1:] = first.mask.array[k, :-1]  # a voxel further on
    drawn.refresh()
    run(panel, "correct", qtbot)
    np.testing.assert_array_equal(panel.result.mask.array[k], drawn.data[k])
    np.testing.assert_array_equal(viewer.layers["image cord"].data, panel.result.mask.array)
    assert len([layer for layer in viewer.layers if layer.name.startswith("image")]) == 4

    panel.add_seeds.changed.emit(True)
    seeds = panel.seeds.value
    cord = np.argwhere(first.mask.array[k + 5])
    seeds.data[(k + 5, *cord[0])] = 2
    seeds.data[(k + 5, *cord[-1] + [1, 0])] = 1
    run(panel, "correct", qtbot)
    assert panel.result.mask.array[(k + 5, *cord[0])] == 0
    assert panel.result.mask.array[(k + 5, *cord[-1] + [1, 0])] == 1
    np.testing.assert_array_equal(panel.result.mask.array[k], drawn.data[k])

    panel.add_points.changed.emit(True)
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
