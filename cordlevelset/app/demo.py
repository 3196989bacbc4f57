"""A demonstration without data: a synthetic lumbar image, its cord, the comparison with the truth, and a picture."""

from __future__ import annotations

import importlib.util
import os
from dataclasses import dataclass
from pathlib import Path

from cordlevelset.errors import InputError
from cordlevelset.io.files import whole_or_nothing, write_centerline
from cordlevelset.io.images import write
from cordlevelset.measures.comparison import Comparison, compare
from cordlevelset.outputs.report import draw
from cordlevelset.outputs.tables import record, summary, write_json
from cordlevelset.phantom import make_phantom
from cordlevelset.pipeline import segment
from cordlevelset.progress import Callback
from cordlevelset.result import CordSegmentation

__all__ = ["Demo", "run_demo"]

NAMES = (
    "image.nii.gz",
    "truth.nii.gz",
    "mask.nii.gz",
    "mask.json",
    "centerline.csv",
    "centerline.mrk.json",
    "demo.png",
)
"""Files of the demo, in the order in which they are written."""


@dataclass(frozen=True, slots=True)
class Demo:
    """What the demonstration found.

    Attributes
    ----------
    result : CordSegmentation
        Of the synthetic image.
    comparison : Comparison
        With the truth.
    tip_error_mm : float
        Height of the conus tip found less the true one; nan if none was found.
    files : tuple of Path
        What was written.
    """

    result: CordSegmentation
    comparison: Comparison
    tip_error_mm: float
    files: tuple[Path, ...]


def run_demo(folder: str | os.PathLike[str], *, callback: Callback | None = None) -> Demo:
    """Segment a synthetic lumbar T2 image with 4 mm sagittal slices and leave everything in a folder.

    Parameters
    ----------
    folder : path
        Made if missing. The picture is left out where matplotlib is not installed.
    callback : callable, optional
        Gets a `Progress`; returning True cancels.

    Returns
    -------
    Demo

    Raises
    ------
    InputError
        If the folder cannot be written.
    """
    folder = Path(folder)
    try:
        folder.mkdir(parents=True, exist_ok=True)
    except OSError as error:
        raise InputError(f"cannot make folder {folder}: {error.strerror}") from None
    # a spine is never quite straight nor in step with the slices
    phantom = make_phantom(scoliosis_mm=4.0, place_mm=(0.0, 1.5))
    result = segment(phantom.image, callback=callback)
    has_picture = importlib.util.find_spec("matplotlib") is not None
    files = tuple(folder / name for name in NAMES if has_picture or not name.endswith(".png"))
    with whole_or_nothing(files) as drafts:
        image, truth, mask, sidecar, table, markup, *picture = drafts
        write(phantom.image, image)
        write(phantom.soft_mask, truth)
        write(result.mask, mask)
        write_json(sidecar, record(summary(result), sources={}, options={}, command="cordlevelset demo"))
        write_centerline(result.centerline.points_mm, table)
        write_centerline(result.centerline.points_mm, markup)
        for draft in picture:
            draw(phantom.image, result, draft, reference=phantom.soft_mask)
    tip = float("nan")
    if result.conus is not None and phantom.conus_mm is not None:
        tip = float(result.conus.tip_mm[2] - phantom.conus_mm[2])
    return Demo(result, compare(result.mask, phantom.soft_mask), tip, files)
