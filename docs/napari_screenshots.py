"""Draws the pictures of docs/napari.md: `python docs/napari_screenshots.py`, under xvfb-run where there is no display."""

import time
from pathlib import Path

import napari
import numpy as np
from qtpy.QtWidgets import QApplication

from cordlevelset.napari.layers import volume_of_layer
from cordlevelset.napari.widget import CordWidget

HERE = Path(__file__).parent


def settle(panel, seconds=1.0):
    """Let the window work until the panel is idle, and a little longer."""
    end = time.monotonic() + seconds
    while not panel.segment.enabled or time.monotonic() < end:
        QApplication.processEvents()
        time.sleep(0.01)


def main():
    """Segment the lumbar sample, then draw the cord on one slice and correct."""
    viewer = napari.Viewer()
    viewer.window.resize(1200, 780)
    (image,) = viewer.open_sample("cordlevelset", "lumbar")
    panel = CordWidget(viewer)
    viewer.window.add_dock_widget(panel, name="Segment the spinal cord")
    panel.image.reset_choices()
    panel.segment.changed.emit(True)
    settle(panel)

    result, volume = panel.result, volume_of_layer(image)
    z, y, x = result.centerline.points_mm[10][::-1]
    viewer.dims.order = (2, 0, 1)
    viewer.camera.orientation2d = ("up", "right")
    viewer.dims.set_point((0, 2), (z, x))
    viewer.reset_view()
    settle(panel)
    viewer.screenshot(HERE / "napari_sagittal.png", canvas_only=False)

    panel.add_contours.changed.emit(True)
    k = int(volume.to_index([x, y, z])[0])
    rows, columns = np.indices(volume.shape[1:])
    middle = volume.to_index([x, y + 1.0, z])[1:]
    oval = ((rows - middle[0]) * volume.spacing[1] / 3.5) ** 2 + (
        (columns - middle[1]) * volume.spacing[2] / 5.5
    ) ** 2 <= 1
    panel.contours.value.data[k][oval] = 1
    panel.correct.changed.emit(True)
    settle(panel)
    viewer.dims.order = (0, 1, 2)
    viewer.camera.orientation2d = ("down", "right")
    viewer.dims.set_point((0, 2), (z, x))
    viewer.reset_view()
    viewer.camera.center = (z, y, x)
    viewer.camera.zoom *= 3
    settle(panel)
    viewer.screenshot(HERE / "napari_corrected.png", canvas_only=False)
    viewer.close()


if __name__ == "__main__":
    main()
