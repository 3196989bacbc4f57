"""The panel: segment the selected image, look at the result, correct it."""

from __future__ import annotations

from collections.abc import Callable
from functools import partial
from typing import TYPE_CHECKING, Any
from weakref import WeakKeyDictionary

import napari.layers
import numpy as np
from magicgui.widgets import ComboBox, Container, Label, ProgressBar, PushButton, create_widget
from napari.utils import DirectLabelColormap
from napari.utils.notifications import show_error
from qtpy.QtWidgets import QFileDialog, QSizePolicy

import cordlevelset as cls
from cordlevelset.napari.history import Drawing, History, Step
from cordlevelset.napari.layers import grid_keywords, points_mm, volume_of_layer
from cordlevelset.napari.results import summary
from cordlevelset.napari.shown import ShownResult, same
from cordlevelset.napari.worker import Worker

if TYPE_CHECKING:
    from napari.viewer import Viewer

__all__ = ["CordWidget"]

CONTRAST_CHOICES = ("auto", "t1", "t2", "t2s", "stir", "mt", "epi", "dwi")
"""Hints that `segment` takes."""
POLARITY_CHOICES = ("auto", "bright", "dark")
"""Orders that `segment` takes."""
POINTS = {"points": "yellow", "top": "lime", "bottom": "magenta"}
"""Corrections that are points, and the colors of their layers; of top and bottom a layer holds one."""
LABELS: dict[str, dict[int | None, str]] = {"seeds": {1: "lime", 2: "red"}, "contours": {1: "deepskyblue"}}
"""Corrections that are labels, and their colors: none is that of the mask."""
DRAWN = (*POINTS, *LABELS)
"""All that is drawn in layers."""
LONG_STAGE = "centerline"
"""Has no steps to tell, and most of the compilation falls into it: the bar runs without saying how far it is."""
SAVES: dict[str, tuple[str, str, Callable[..., None]]] = {
    "mask": ("_cord.nii.gz", "Images (*.nii.gz *.nii *.nrrd *.mha)", lambda r, path, name: cls.write(r.mask, path)),
    "measures": ("_cord.csv", "Tables (*.csv *.json)", lambda r, path, name: cls.save_measures(r, path, name=name)),
    "report": ("_cord.html", "Pages (*.html)", lambda r, path, name: cls.save_report(r, path, name=name)),
}
"""What a button saves: ending of the name that is proposed, filter of the dialog, writer."""


class CordWidget(Container):  # type: ignore[misc]
    """Panel of the plugin.

    Parameters
    ----------
    napari_viewer : napari.viewer.Viewer
        The window it works in; napari hands it in by this name, whatever the annotation.
    """

    def __init__(self, napari_viewer: Viewer) -> None:
        self.viewer = napari_viewer
        self._worker: Worker | None = None
        self._histories: WeakKeyDictionary[napari.layers.Image, History] = WeakKeyDictionary()
        self._shown: WeakKeyDictionary[napari.layers.Image, ShownResult] = WeakKeyDictionary()
        self.image = create_widget(annotation=napari.layers.Image, label="image")
        self.contrast = ComboBox(choices=CONTRAST_CHOICES, label="contrast", tooltip="a hint; the image decides")
        self.polarity = ComboBox(
            choices=POLARITY_CHOICES, label="cord is", tooltip="an order: against the CSF around it"
        )
        self.segment = PushButton(text="Segment", tooltip="find the cord, with all that is chosen below")
        self.points = _optional(napari.layers.Points, "points", "points in the middle of the cord")
        self.top = _optional(napari.layers.Points, "top", "one point: no cord above it")
        self.bottom = _optional(napari.layers.Points, "bottom", "one point: no cord below it")
        self.seeds = _optional(napari.layers.Labels, "seeds", "1: cord, 2: not cord; every voxel is honoured")
        self.contours = _optional(napari.layers.Labels, "contours", "the cord drawn on some slices; they stay as drawn")
        self.add_points, self.add_top, self.add_bottom, self.add_seeds, self.add_contours = (
            PushButton(text=f"New {name}", tooltip="an empty layer on the grid of the image") for name in DRAWN
        )
        self.correct = PushButton(text="Correct", tooltip="with these, and with what was painted into the mask")
        self.undo, self.redo = PushButton(text="Undo"), PushButton(text="Redo")
        self.progress = ProgressBar(min=0, max=100, value=0, label="")
        self.cancel = PushButton(text="Cancel")
        self.save_mask, self.save_measures, self.save_report = (
            PushButton(text=f"Save {name}", tooltip="of the result that is shown") for name in SAVES
        )
        self.status = _wide(Label(value=""))
        super().__init__(
            widgets=[
                *(self.image, self.contrast, self.polarity, self.segment),
                _row(_wide(Label(value="<b>Corrections</b>: these, and what is painted into the mask"))),
                *(getattr(self, name) for name in DRAWN),
                *(_row(self.add_points, self.add_top, self.add_bottom), _row(self.add_seeds, self.add_contours)),
                *(_row(self.correct, self.undo, self.redo), self.progress, self.cancel),
                *(_row(self.save_mask, self.save_measures, self.save_report), _row(self.status)),
            ]
        )
        self.native.destroyed.connect(self._forget)
        self._connect()
        self._show_state()

    def _connect(self) -> None:
        """Buttons to what they do."""
        answers: tuple[tuple[PushButton, Callable[[], None]], ...] = (
            (self.segment, self._segment),
            (self.correct, self._correct),
            (self.undo, partial(self._go, -1)),
            (self.redo, partial(self._go, 1)),
            (self.cancel, self._cancel),
            *((getattr(self, f"add_{name}"), partial(self._new_points, name)) for name in POINTS),
            *((getattr(self, f"add_{name}"), partial(self._new_labels, name)) for name in LABELS),
            *((getattr(self, f"save_{what}"), partial(self._save, what)) for what in SAVES),
        )
        for button, answer in answers:
            button.changed.connect(partial(self._try, answer))
        self.image.changed.connect(self._show_state)

    def _try(self, answer: Callable[[], None]) -> None:
        """Do what a button says; what cannot be done is told in the panel."""
        try:
            answer()
        except cls.CordLevelSetError as error:
            self.status.value = str(error)

    @property
    def result(self) -> cls.CordSegmentation | None:
        """What is shown of the chosen image."""
        step = self._history.current
        return None if step is None else step.result

    @property
    def _history(self) -> History:
        layer = self.image.value
        return History() if layer is None else self._histories.setdefault(layer, History())

    def _segment(self) -> None:
        layer = self.image.value
        if layer is None:
            raise cls.InputError("Open an image first, or File > Open Sample > Cord Level Set.")
        self._take_painted()
        volume, given = volume_of_layer(layer), self._given()
        options = {"contrast": self.contrast.value, "polarity": self.polarity.value, **given}
        self._start(layer, given, lambda callback: cls.segment(volume, callback=callback, **options))

    def _correct(self) -> None:
        step = self._history.current
        if step is None:
            return
        self._take_painted()
        given = self._given()
        if not given and not step.honoured:
            raise cls.InputError("Paint into the mask, or choose a layer with something in it.")
        if given and step.honoured <= given.keys():
            result = step.result
            self._start(self.image.value, given, lambda callback: result.corrected(callback=callback, **given))
        else:  # something was taken back
            self._segment()

    def _take_painted(self) -> None:
        """Voxels painted into the mask, or erased from it, join the seeds, where they are seen."""
        shown = self._shown.get(self.image.value) if self.image.value is not None else None
        changes = None if shown is None else shown.painted()
        if shown is None or changes is None:
            return
        if self.seeds.value is None:
            self._new_labels("seeds")
        seeds = self.seeds.value
        if seeds.data.shape != changes.shape:
            raise cls.InputError(f"'{seeds.name}' is on another grid than the mask that was painted; choose no seeds")
        seeds.data = np.where(changes > 0, changes, seeds.data).astype(seeds.data.dtype)
        shown.taken()

    def _given(self) -> dict[str, Any]:
        """What the user drew; layers without anything on them say nothing."""
        given: dict[str, Any] = {}
        for name in POINTS:
            layer = getattr(self, name).value
            if layer is not None and len(layer.data):
                given["centerline" if name == "points" else name] = points_mm(layer)
        for name in LABELS:
            layer = getattr(self, name).value
            if layer is not None and np.any(layer.data):
                given[name] = volume_of_layer(layer)
        return given

    def _drawings(self) -> dict[str, Drawing]:
        chosen = {name: getattr(self, name).value for name in DRAWN}
        return {name: Drawing.of(layer) for name, layer in chosen.items() if layer is not None}

    def _start(
        self, layer: napari.layers.Image, given: dict[str, Any], job: Callable[[Any], cls.CordSegmentation]
    ) -> None:
        self._worker = worker = Worker(job)
        told = frozenset(given), self._drawings()
        worker.progressed.connect(partial(self._show_progress, worker))
        worker.returned.connect(partial(self._show_result, worker, layer, *told))
        worker.errored.connect(partial(self._show_error, worker))
        self.status.value = (
            "Working; the first image of an installation compiles the kernels, which takes a minute more."
        )
        self.progress.max = 0  # a bar that only says: alive
        self._show_state()
        worker.start()

    def _cancel(self) -> None:
        """Free the panel at once; the thread ends at its next step, and nobody listens to it any more."""
        if self._worker is not None:
            self._worker.quit()
            self._finished("Cancelled.")

    def _forget(self) -> None:
        """The panel is closed."""
        if self._worker is not None:
            self._worker.quit()
        self._worker = None

    def _finished(self, words: str) -> None:
        self._worker = None
        self.progress.max = 100
        self.progress.value = 0
        self.status.value = words
        self._show_state()

    def _show_state(self) -> None:
        busy, history = self._worker is not None, self._history
        there = history.current is not None
        self.segment.enabled = self.image.enabled = not busy
        self.cancel.enabled = busy
        self.correct.enabled = not busy and there
        self.undo.enabled, self.redo.enabled = not busy and history.can_undo, not busy and history.can_redo
        for what in SAVES:
            getattr(self, f"save_{what}").enabled = not busy and there

    def _listens(self, worker: Worker) -> bool:
        """Whether a job is still of interest: it was not cancelled, and the panel not closed, which cancels it."""
        if self._worker is not None and self.native.parent() is None:
            self._forget()
        return worker is self._worker

    def _show_progress(self, worker: Worker, progress: cls.Progress) -> None:
        if self._listens(worker):
            self.status.value = progress.stage.capitalize()
            if progress.stage != LONG_STAGE:
                self.progress.max = 100
                self.progress.value = round(100 * progress.fraction)

    def _show_error(self, worker: Worker, error: Exception) -> None:
        if not self._listens(worker):
            return
        if isinstance(error, cls.CordLevelSetError):
            self._finished(str(error))
        else:
            self._finished(f"Failed: {error}")
            show_error(f"cordlevelset: {type(error).__name__}: {error}")

    def _show_result(
        self,
        worker: Worker,
        layer: napari.layers.Image,
        honoured: frozenset[str],
        drawings: dict[str, Drawing],
        result: cls.CordSegmentation,
    ) -> None:
        if not self._listens(worker):
            return
        if layer not in self.viewer.layers:
            self._finished("The image was removed meanwhile.")
            return
        self._try(self._take_painted)  # what was painted meanwhile is for the next time
        self._histories.setdefault(layer, History()).add(Step(result, honoured, drawings))
        self._show(layer, result)
        self._finished(summary(result))

    def _show(self, layer: napari.layers.Image, result: cls.CordSegmentation) -> None:
        self._shown.setdefault(layer, ShownResult(self.viewer, layer.name)).show(result)
        self.viewer.layers.selection.active = layer

    def _go(self, by: int) -> None:
        """To an earlier or later result, with the drawings as they were then; those of now are kept with this one."""
        history = self._history
        self._take_painted()
        history.keep(self._drawings())
        history.at += by
        step = history.steps[history.at]
        for name in DRAWN:
            drawing, chosen = step.drawings.get(name), getattr(self, name)
            if chosen.value is not None:
                chosen.value.visible = False  # kept, but it says nothing of this result
            if drawing is None or drawing.layer not in self.viewer.layers:
                chosen.value = None
            else:
                drawing.layer.data = drawing.content.copy()
                drawing.layer.visible = True
                chosen.value = drawing.layer
        self._show(self.image.value, step.result)
        self._finished(summary(step.result))

    def _save(self, what: str) -> None:
        layer, result = self.image.value, self.result
        if result is None:
            return
        if self._shown[layer].painted() is not None:
            raise cls.InputError("The mask was painted since: Correct first, then save; all three then agree.")
        ending, kinds, write = SAVES[what]
        path, _ = QFileDialog.getSaveFileName(self.native, f"Save {what}", f"{layer.name}{ending}", kinds)
        if path:
            write(result, path, layer.name)
            self.status.value = f"Saved {path}"

    def _new_points(self, name: str) -> None:
        style = {"ndim": 3, "size": 2, "name": f"cord {name}", "face_color": POINTS[name]}
        self._new(getattr(self, name), partial(self.viewer.add_points, **style), "add")

    def _new_labels(self, name: str) -> None:
        image = self.image.value
        if image is not None:
            colors: dict[int | None, str] = {0: "transparent", None: "gray", **LABELS[name]}
            style = {"name": f"cord {name}", "colormap": DirectLabelColormap(color_dict=colors)}
            add = partial(self.viewer.add_labels, np.zeros(image.data.shape, np.uint8), **style)
            self._new(getattr(self, name), add, "paint")

    def _new(self, chosen: ComboBox, add: Callable[..., Any], mode: str) -> None:
        """An empty layer on the grid of the image, ready to draw on and chosen in the panel."""
        if self.image.value is None:
            return
        layer = same(add(**grid_keywords(volume_of_layer(self.image.value))))
        layer.mode = mode
        chosen.reset_choices()
        chosen.value = layer


def _row(*widgets: PushButton | Label) -> Container:
    row = Container(widgets=widgets, layout="horizontal", labels=False, label="")
    row.margins = (0, 0, 0, 0)
    return row


def _wide(label: Label) -> Label:
    """As wide as the panel, in as many lines as it needs."""
    label.native.setWordWrap(True)
    label.native.setSizePolicy(QSizePolicy.Policy.Expanding, QSizePolicy.Policy.Preferred)
    return label


def _optional(kind: type[napari.layers.Layer], label: str, tooltip: str) -> ComboBox:
    return create_widget(annotation=kind | None, label=label, options={"tooltip": tooltip, "nullable": True})
