"""The panel: segment the selected image, look at the result, correct it."""

from __future__ import annotations

from collections.abc import Callable
from functools import partial
from typing import TYPE_CHECKING, Any

import napari.layers
import numpy as np
from magicgui.widgets import ComboBox, Container, Label, ProgressBar, PushButton, create_widget
from napari.qt.threading import WorkerBase, WorkerBaseSignals
from napari.utils.notifications import show_error
from qtpy.QtCore import Signal

import cordlevelset as cls
from cordlevelset.napari.layers import grid_keywords, points_mm, volume_of_layer
from cordlevelset.napari.results import centerline_layer, contour_layer, mask_layer, summary

if TYPE_CHECKING:
    from napari.viewer import Viewer

__all__ = ["CordWidget"]

CONTRAST_CHOICES = ("auto", "t1", "t2", "t2s", "stir", "mt", "epi", "dwi")
"""Hints that `segment` takes."""
POLARITY_CHOICES = ("auto", "bright", "dark")
"""Orders that `segment` takes."""


class _Signals(WorkerBaseSignals):  # type: ignore[misc]
    progressed = Signal(object)


class _Worker(WorkerBase):  # type: ignore[misc]
    """Runs a job off the window's thread; its callback tells of progress and asks whether to go on."""

    def __init__(self, job: Callable[[Any], cls.CordSegmentation]) -> None:
        super().__init__(SignalsClass=_Signals)
        self._job = job

    def work(self) -> cls.CordSegmentation:
        return self._job(self._callback)

    def _callback(self, progress: cls.Progress) -> bool:
        self.progressed.emit(progress)
        return bool(self.abort_requested)


class CordWidget(Container):  # type: ignore[misc]
    """Panel of the plugin.

    Parameters
    ----------
    napari_viewer : napari.viewer.Viewer
        The window it works in; napari hands it in by this name, whatever the annotation.
    """

    def __init__(self, napari_viewer: Viewer) -> None:
        self.viewer = napari_viewer
        self.result: cls.CordSegmentation | None = None
        self.image = create_widget(annotation=napari.layers.Image, label="image")
        self.contrast = ComboBox(choices=CONTRAST_CHOICES, label="contrast", tooltip="a hint; the image decides")
        self.polarity = ComboBox(
            choices=POLARITY_CHOICES, label="cord is", tooltip="an order: against the CSF around it"
        )
        self.segment = PushButton(text="Segment")
        self.points = _optional(napari.layers.Points, "points", "points in the middle of the cord")
        self.seeds = _optional(napari.layers.Labels, "seeds", "1: cord, 2: not cord; every voxel is honoured")
        self.contours = _optional(napari.layers.Labels, "contours", "the cord drawn on some slices; they stay as drawn")
        self.add_points, self.add_seeds, self.add_contours = (
            PushButton(text=f"New {name}", tooltip="an empty layer on the grid of the image")
            for name in ("points", "seeds", "contours")
        )
        self.correct = PushButton(text="Correct", enabled=False)
        self.cancel = PushButton(text="Cancel", enabled=False)
        self.progress = ProgressBar(min=0, max=100, value=0, label="")
        self.status = Label(value="")
        new = Container(
            widgets=[self.add_points, self.add_seeds, self.add_contours], layout="horizontal", labels=False, label=""
        )
        new.margins = (0, 0, 0, 0)
        super().__init__(
            widgets=[
                *(self.image, self.contrast, self.polarity, self.segment),
                *(Label(value="<b>Corrections</b>"), self.points, self.seeds, self.contours, new, self.correct),
                *(self.progress, self.cancel, self.status),
            ]
        )
        self.status.native.setWordWrap(True)
        self._worker: _Worker | None = None
        self._source: napari.layers.Image | None = None  # the layer that `result` is of,
        self._honoured: set[str] = set()  # and what it was told
        self.segment.changed.connect(self._segment)
        self.correct.changed.connect(self._correct)
        self.cancel.changed.connect(self._cancel)
        self.image.changed.connect(self._show_state)
        self.add_points.changed.connect(self._new_points)
        self.add_seeds.changed.connect(partial(self._new_labels, self.seeds, "cord seeds"))
        self.add_contours.changed.connect(partial(self._new_labels, self.contours, "cord contours"))

    def _segment(self) -> None:
        layer = self.image.value
        if layer is None:
            self.status.value = "Open an image first, or File > Open Sample > Cord Level Set."
            return
        try:
            volume, given = volume_of_layer(layer), self._given()
        except cls.CordLevelSetError as error:
            self.status.value = str(error)
            return
        options = {"contrast": self.contrast.value, "polarity": self.polarity.value, **given}
        self._start(layer, given, lambda callback: cls.segment(volume, callback=callback, **options))

    def _correct(self) -> None:
        result, layer = self.result, self._source
        if result is None or layer is None:
            return
        try:
            given = self._given()
        except cls.CordLevelSetError as error:
            self.status.value = str(error)
            return
        if not given:
            self.status.value = "Choose a points, seeds or contours layer with something in it."
        elif self._honoured <= given.keys():
            self._start(layer, given, lambda callback: result.corrected(callback=callback, **given))
        else:  # something was taken back
            self._segment()

    def _given(self) -> dict[str, Any]:
        """What the user drew; layers without anything on them say nothing."""
        given: dict[str, Any] = {}
        if self.points.value is not None and len(self.points.value.data):
            given["centerline"] = points_mm(self.points.value)
        for name, chosen in (("seeds", self.seeds.value), ("contours", self.contours.value)):
            if chosen is not None and np.any(chosen.data):
                given[name] = volume_of_layer(chosen)
        return given

    def _start(
        self, layer: napari.layers.Image, given: dict[str, Any], job: Callable[[Any], cls.CordSegmentation]
    ) -> None:
        self._worker = worker = _Worker(job)
        worker.progressed.connect(self._show_progress)
        worker.returned.connect(partial(self._show_result, layer, set(given)))
        worker.errored.connect(self._show_error)
        worker.finished.connect(self._finished)
        self.status.value = "Working; the first image of an installation takes a minute more."
        self._show_state()
        worker.start()

    def _cancel(self) -> None:
        if self._worker is not None:
            self._worker.quit()
            self.status.value = "Stopping ..."

    def _finished(self) -> None:
        if self._worker is not None and self._worker.abort_requested:
            self.status.value = "Cancelled."
        self._worker = None
        self.progress.value = 0
        self._show_state()

    def _show_state(self) -> None:
        busy = self._worker is not None
        self.segment.enabled = not busy
        self.cancel.enabled = busy
        self.correct.enabled = not busy and self._source is not None and self._source == self.image.value

    def _show_progress(self, progress: cls.Progress) -> None:
        self.progress.value = round(100 * progress.fraction)
        self.status.value = progress.stage.capitalize()

    def _show_error(self, error: Exception) -> None:
        if isinstance(error, cls.CordLevelSetError):
            self.status.value = str(error)
        else:
            self.status.value = f"Failed: {error}"
            show_error(f"cordlevelset: {type(error).__name__}: {error}")

    def _show_result(self, layer: napari.layers.Image, honoured: set[str], result: cls.CordSegmentation) -> None:
        self.result, self._source, self._honoured = result, layer, honoured
        for data, keywords, kind in (mask_layer(result), contour_layer(result), centerline_layer(result)):
            name = f"{layer.name} {keywords.pop('name')}"
            if name in self.viewer.layers:
                self.viewer.layers.remove(name)
            getattr(self.viewer, f"add_{kind}")(data, name=name, **keywords)
        self.viewer.layers.selection.active = layer
        self.status.value = summary(result)

    def _new_points(self) -> None:
        self._new(
            self.points,
            partial(self.viewer.add_points, ndim=3, size=1, name="cord points", face_color="yellow"),
            "add",
        )

    def _new_labels(self, chosen: ComboBox, name: str) -> None:
        image = self.image.value
        if image is not None:
            self._new(chosen, partial(self.viewer.add_labels, np.zeros(image.data.shape, np.uint8), name=name), "paint")

    def _new(self, chosen: ComboBox, add: Callable[..., Any], mode: str) -> None:
        """An empty layer on the grid of the image, ready to draw on and chosen in the panel."""
        if self.image.value is None:
            return
        try:
            layer = add(**grid_keywords(volume_of_layer(self.image.value)))
        except cls.CordLevelSetError as error:
            self.status.value = str(error)
            return
        layer.mode = mode
        chosen.reset_choices()
        chosen.value = layer


def _optional(kind: type[napari.layers.Layer], label: str, tooltip: str) -> ComboBox:
    return create_widget(annotation=kind | None, label=label, options={"tooltip": tooltip, "nullable": True})
