"""Draws the icons of the Slicer extension: `python docs/slicer_pictures.py`."""

from pathlib import Path

import numpy as np
from matplotlib.figure import Figure

import cordlevelset as cls
from cordlevelset.phantom import make_phantom

EXTENSION = Path(__file__).parents[1] / "SlicerCordLevelSet"
ICON_PIXELS, EFFECT_PIXELS = 128, 48
HALF_MM = 13.0
CORD = (244 / 255, 214 / 255, 49 / 255)


def draw_icon(phantom, result, path, pixels):
    """A section across the neck with the cord's outline: what the tool does, legible at 24 pixels."""
    k = phantom.image.shape[0] // 2
    _, y, x = phantom.image.spacing
    middle = np.argwhere(result.mask.array[k]).mean(axis=0)
    figure = Figure(figsize=(1, 1), dpi=pixels)
    axes = figure.add_axes((0, 0, 1, 1))
    axes.imshow(phantom.image.array[k], cmap="gray", interpolation="bicubic", aspect=y / x)
    axes.contour(result.phi.array[k], [0.0], colors=[CORD], linewidths=7)
    axes.set_xlim(middle[1] - HALF_MM / x, middle[1] + HALF_MM / x)
    axes.set_ylim(middle[0] + HALF_MM / y, middle[0] - HALF_MM / y)
    axes.set_axis_off()
    path.parent.mkdir(parents=True, exist_ok=True)
    figure.savefig(path, metadata={"Software": None})


def main():
    """Of a synthetic neck."""
    phantom = make_phantom(region="cervical", spacing=(2.0, 0.5, 0.5), field_mm=(60.0, 80.0, 50.0))
    result = cls.segment(phantom.image)
    draw_icon(phantom, result, EXTENSION / "CordLevelSet/Resources/Icons/CordLevelSet.png", ICON_PIXELS)
    draw_icon(phantom, result, EXTENSION / "SegmentEditorCord/Resources/Icons/SegmentEditorCord.png", ICON_PIXELS)
    effect = EXTENSION / "SegmentEditorCord/SegmentEditorCordLib/SegmentEditorEffect.png"
    draw_icon(phantom, result, effect, EFFECT_PIXELS)


if __name__ == "__main__":
    main()
