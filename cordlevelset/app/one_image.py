"""One image: `cordlevelset segment`, from the options to the files and the words."""

from __future__ import annotations

import argparse
import json
import time
from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING, NamedTuple

if TYPE_CHECKING:
    from cordlevelset.result import CordSegmentation

__all__ = ["segment_image", "sentences"]


class Output(NamedTuple):
    """A file that was asked for, the endings it may have, and its writer."""

    path: Path
    suffixes: tuple[str, ...]
    write: Callable[[CordSegmentation, Path], None]


def segment_image(args: argparse.Namespace) -> str:
    """Segment one image and write what was asked for.

    Parameters
    ----------
    args : argparse.Namespace
        Options of ``cordlevelset segment``.

    Returns
    -------
    str
        What to print.
    """
    from cordlevelset.app.lines import progress_line
    from cordlevelset.correction.atlas import register_atlas
    from cordlevelset.io import files, images
    from cordlevelset.io.dicomseg import check_source
    from cordlevelset.io.masks import as_mask
    from cordlevelset.outputs.plot import check_drawing
    from cordlevelset.outputs.tables import summary
    from cordlevelset.pipeline import segment

    given = {name: getattr(args, name) for name in ("centerline", "seeds", "contours", "initial", "label")}
    outputs = _outputs(args)
    files.check_distinct([o.path for o in outputs], _inputs(args))
    report = None if args.report is None else _report_path(args.report)
    if report is not None:
        check_drawing("--report")
    for output in outputs:
        if output.path == report and args.report != report and not args.report.exists():
            files.check_makeable(args.report)
        else:
            files.check_writable(output.path, output.suffixes)
    start = time.perf_counter()
    image = images.read(args.image, frame=args.frame, series=args.series)
    check_source(image, args.output)
    if args.atlas is not None:
        given["initial"] = register_atlas(image, *args.atlas, label=args.label)
        given["contours"] = [as_mask(path, "contours", label=args.label) for path in args.contours or ()]
        given["label"] = None  # what comes out of the atlas has none
    callback = progress_line if args.progress else None
    result = segment(image, contrast=args.contrast, polarity=args.polarity, callback=callback, **given)
    if report is not None:
        report.parent.mkdir(parents=True, exist_ok=True)
    with files.whole_or_nothing([o.path for o in outputs]) as drafts:
        for output, draft in zip(outputs, drafts, strict=True):
            output.write(result, draft)
    seconds = time.perf_counter() - start
    said = {**summary(result), "seconds": round(seconds, 2)}
    return json.dumps(said) if args.json else sentences(result, seconds)


def _outputs(args: argparse.Namespace) -> list[Output]:
    """The files that `segment` was asked for."""
    from cordlevelset.io import files, images
    from cordlevelset.io.dicomseg import DICOM_SUFFIX, write_segmentation
    from cordlevelset.measures.morphometry import input_slices
    from cordlevelset.measures.surface import MESH_SUFFIXES, write_surface
    from cordlevelset.outputs.page import report_page
    from cordlevelset.outputs.tables import MEASURES_SUFFIXES, checksum, record, summary, write_measures

    def measures(result: CordSegmentation, path: Path) -> None:
        sources = {p.as_posix(): checksum(p) for p in _inputs(args)}
        options = {k: getattr(args, k) for k in ("contrast", "polarity", "frame", "series", "label")}
        write_measures(
            path,
            result.slices,
            planes=input_slices(result.turn, result.automatic.image),
            name=args.image.as_posix(),
            about=record(summary(result), sources=sources, options=options),
        )

    def mask(result: CordSegmentation, path: Path) -> None:
        if path.suffix != DICOM_SUFFIX:
            return images.write(result.mask, path)
        by_hand = len(_inputs(args)) > 1
        write_segmentation(result.mask, path, automatic=not by_hand, remark=f"confidence {result.confidence:.2f} of 1")

    def report(result: CordSegmentation, path: Path) -> None:
        path.write_text(report_page(result, name=args.image.name), encoding="utf-8", newline="\n")

    asked: list[tuple[Path | None, tuple[str, ...], Callable[[CordSegmentation, Path], None]]] = [
        (args.output, images.MASK_SUFFIXES, mask),
        (args.soft, images.IMAGE_SUFFIXES, lambda result, path: images.write(result.soft_mask, path)),
        (
            args.centerline_out,
            files.CENTERLINE_SUFFIXES,
            lambda result, path: files.write_centerline(result.centerline.points_mm, path),
        ),
        *((path, MEASURES_SUFFIXES, measures) for path in args.measures or ()),
        (args.mesh, MESH_SUFFIXES, lambda result, path: write_surface(result.surface, path)),
        (args.report and _report_path(args.report), (".html",), report),
    ]
    return [Output(path, suffixes, write) for path, suffixes, write in asked if path is not None]


def _report_path(asked: Path) -> Path:
    """A page, or the one in a folder."""
    return asked if asked.suffix.lower() == ".html" else asked / "report.html"


def _inputs(args: argparse.Namespace) -> list[Path]:
    """All that `segment` reads."""
    given = (args.image, args.centerline, args.seeds, *(args.contours or ()), args.initial, *(args.atlas or ()))
    return [path for path in given if path is not None]


CONUS_WORDS = {
    "outside": "outside the field of view",
    "unclear": "not visible: the cord fades, or was lost, before the image's lower edge",
}
"""What the summary says of a conus without a tip."""


def sentences(result: CordSegmentation, seconds: float) -> str:
    """A result in words, for a person at a terminal.

    Parameters
    ----------
    result : CordSegmentation
        A cord.
    seconds : float
        What it took.

    Returns
    -------
    str
        A line each for the cord, the conus and every note.
    """
    conus = CONUS_WORDS.get(result.conus_state, "")
    if result.conus is not None:
        tip = ", ".join(f"{v:.1f}" for v in result.conus.tip_mm)
        conus = f"{tip} LPS mm, give or take {result.conus.uncertainty_mm:.0f} mm"
    lines = [
        f"cord {result.polarity} against the fluid, {result.length_mm:.1f} mm long, "
        f"mean area {result.mean_area_mm2:.1f} mm2, confidence {result.confidence:.2f}, {seconds:.2f} s",
        f"conus tip: {conus}",
        *(f"note: {note}" for note in result.notes),
    ]
    return "\n".join(lines)
