"""A session in napari, as a person has it; draws the pictures of docs/napari.md.

`python docs/napari_session.py`, under xvfb-run where there is no display. The tests run the same session.
"""

import time
from collections.abc import Iterator
from pathlib import Path

import numpy as np
from qtpy.QtWidgets import QApplication

HERE = Path(__file__).parent
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


def session(viewer, *, pictures: Path | None = None) -> Iterator[tuple[str, object]]:
    """Open, segment, paint, correct, undo, redo; after each step its name and the panel."""

    def step(name):
        settle(panel)
        if pictures is not None:
            viewer.screenshot(str(pictures / f"napari_{name}.png"), canvas_only=False)
        return name, panel

    choose(viewer.window.file_menu, "Synthetic lumbar spine, T2")
    choose(viewer.window.plugins_menu, "Segment the spinal cord")
    (panel,) = viewer.window.dock_widgets.values()
    yield step("sample")

    press(panel, "segment")
    volume, result = panel.result.mask, panel.result
    z, y, x = result.centerline.points_mm[10][::-1]
    viewer.dims.order = (2, 0, 1)  # from the side, the head above
    viewer.camera.orientation2d = ("up", "right")
    viewer.dims.set_point((0, 2), (z, x))
    viewer.reset_view()
    yield step("segmented")

    k = int(volume.to_index([x, y, z])[0])
    viewer.dims.order = (0, 1, 2)  # across
    viewer.camera.orientation2d = ("down", "right")
    viewer.dims.set_point((0, 2), (z, x))
    viewer.reset_view()
    viewer.camera.center = (z, y, x)
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


def main():
    """Draw the pictures."""
    import napari

    viewer = napari.Viewer(show_welcome_screen=False)
    viewer.window.resize(1100, 720)
    for name, panel in session(viewer, pictures=HERE):
        print(name, panel.status.value, sep=": ")
    for name in ("sample", "undone", "redone"):  # little to see: the image alone, as segmented, as corrected
        (HERE / f"napari_{name}.png").unlink()
    viewer.close()


if __name__ == "__main__":
    main()
