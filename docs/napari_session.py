"""A session in napari, as a person has it; draws the pictures of docs/napari.md.

`python docs/napari_session.py`, under xvfb-run where there is no display; with the name of a folder, the pictures of
all steps go there. The tests run the same session.
"""

import sys
import tempfile
import time
from collections.abc import Iterator
from pathlib import Path

import numpy as np
from qtpy.QtCore import Qt, QTimer
from qtpy.QtWidgets import QApplication, QDialogButtonBox, QLineEdit

HERE = Path(__file__).parent
SHOWN = ("segmented", "painted", "corrected", "ended")
"""Steps whose pictures the page shows."""
WAIT_SECONDS = 600
"""The first image of an installation compiles the kernels."""


def choose(menu, words):
    """Click the one entry of a menu, or of a menu in it, that holds these words."""

    def entries(menu):
        menu.aboutToShow.emit()
        for action in menu.actions():
            yield from entries(action.menu()) if action.menu() else (action,)

    (found,) = [action for action in entries(menu) if words in action.text()]
    assert found.isEnabled()
    found.trigger()


def press(panel, name):
    """Click a button of the panel and wait until the panel is idle again."""
    button = getattr(panel, name)
    assert button.enabled, f"{name} is not enabled: {panel.status.value}"
    button.native.click()
    settle(panel)


def settle(panel, seconds=0.3):
    """Let the window work until the panel is idle, and a little longer."""
    begin = time.monotonic()
    while not panel.segment.enabled or time.monotonic() < begin + seconds:
        assert time.monotonic() < begin + WAIT_SECONDS, panel.status.value
        QApplication.processEvents()
        time.sleep(0.01)


def save(panel, what, path, picture=None):
    """Click a button that saves, and give the dialog a name."""

    def answer():
        dialog = QApplication.activeModalWidget()
        dialog.findChild(QLineEdit).setText(str(path))
        if picture is not None:
            dialog.grab().save(str(picture))
        dialog.findChild(QDialogButtonBox).button(QDialogButtonBox.StandardButton.Save).click()

    QApplication.setAttribute(Qt.AA_DontUseNativeDialogs)
    QTimer.singleShot(500, answer)
    press(panel, f"save_{what}")


def session(viewer, folder, *, pictures: Path | None = None, names=None) -> Iterator[tuple[str, object]]:
    """Open, segment, paint, correct, undo, redo, say where it ends, save, close; after each its name and the panel."""

    def picture(name):
        return pictures / f"napari_{name}.png" if pictures is not None and (names is None or name in names) else None

    def step(name):
        settle(panel)
        if picture(name) is not None:
            viewer.screenshot(str(picture(name)), canvas_only=False)
        return name, panel

    choose(viewer.window.file_menu, "Synthetic lumbar spine, T2")
    choose(viewer.window.plugins_menu, "Segment the spinal cord")
    (panel,) = viewer.window.dock_widgets.values()
    yield step("sample")

    press(panel, "segment")
    volume, result = panel.result.mask, panel.result
    place = result.centerline.points_mm[10][::-1]
    look(viewer, place, (2, 0, 1), "up")  # from the side, the head above
    yield step("segmented")

    k = int(volume.to_index(place[::-1])[0])
    look(viewer, place, (0, 1, 2), "down")  # across
    viewer.camera.center = place
    viewer.camera.zoom *= 3
    mask = viewer.layers["lumbar T2 cord"]
    viewer.layers.selection.active = mask
    cord = np.argwhere(volume.array[k])
    rows = range(cord[:, 0].max() + 1, cord[:, 0].max() + 4)
    column = int(np.median(cord[:, 1]))
    mask.mode, mask.brush_size, mask.n_edit_dimensions = "paint", 1, 2
    for row in rows:
        mask.paint((k, row, column), 1)
    yield step("painted")

    press(panel, "correct")
    yield step("corrected")
    press(panel, "undo")
    yield step("undone")
    press(panel, "redo")
    yield step("redone")

    points = panel.result.centerline.points_mm
    end = points[3 * len(points) // 4][::-1]
    look(viewer, end, (2, 0, 1), "up")
    panel.add_bottom.native.click()
    panel.bottom.value.add(volume.to_index(end[::-1]))
    press(panel, "correct")
    yield step("ended")

    for what, ending in (("mask", ".nii.gz"), ("measures", ".csv"), ("report", ".html")):
        save(panel, what, folder / f"saved{ending}", picture("saving") if what == "mask" else None)
        assert panel.status.value.startswith("Saved"), panel.status.value
    yield step("saved")

    viewer.window.remove_dock_widget(panel.native)
    yield step("closed")


def look(viewer, place, order, orientation):
    """Show the slice through a place."""
    viewer.dims.order = order
    viewer.camera.orientation2d = (orientation, "right")
    viewer.dims.set_point((0, 1, 2), place)
    viewer.reset_view()


def main(folder=None):
    """Draw the pictures: those of the page beside it, or all into a folder."""
    import napari

    viewer = napari.Viewer(show_welcome_screen=False)
    viewer.window.resize(1100, 760)
    with tempfile.TemporaryDirectory() as saved:
        names = SHOWN if folder is None else None
        for name, panel in session(viewer, Path(saved), pictures=Path(folder or HERE), names=names):
            print(name, panel.status.value, sep=": ")
    viewer.close()


if __name__ == "__main__":
    main(*sys.argv[1:2])
