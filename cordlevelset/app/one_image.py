"""One image: `cordlevelset segment`, from the options to the files and the words."""

from __future__ import annotations

import argparse
import json
import shlex
import sys
import time
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, NamedTuple

from cordlevelset.errors import InputError

if TYPE_CHECKING:
    from cordlevelset.result import CordSegmentation

__all__ = ["segment_image", "sentences"]

GIVEN = ("centerline", "seeds", "contours", "initial", "bottom", "top", "label")
"""Options that say what a user knows of the cord."""


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
    from cordlevelset.correction.atlas import register_atlas
    from cordlevelset.io import files, images
    from cordlevelset.io.dicomseg import check_source
    from cordlevelset.io.masks import as_mask
    from cordlevelset.levels.told import read_told
    from cordlevelset.measures.surface import check_mesh
    from cordlevelset.outputs.tables import summary
    from cordlevelset.outputs.viewers import open_line
    from cordlevelset.pipeline import segment
    from cordlevelset.progress import COMPILED
    from cordlevelset.vertebral import with_disc

    if (args.perlevel or args.perslice) and not any(path.name.endswith(".sct.csv") for path in args.measures or ()):
        raise InputError("--perlevel and --perslice choose the rows of a .sct.csv; add --measures FILE.sct.csv")
    disc = None if args.disc is None else read_told(args.disc)
    given = {name: getattr(args, name) for name in GIVEN}
    outputs = _outputs(args)
    files.check_distinct([o.path for o in outputs], _inputs(args))
    report = None if args.report is None else _report_path(args.report)
    for output in outputs:
        if output.path == report and args.report != report and not args.report.exists():
            files.check_makeable(args.report)
        else:
            files.check_writable(output.path, output.suffixes)
    if args.mesh is not None:
        check_mesh(args.mesh)
    start, compiled_before = time.perf_counter(), COMPILED.seconds
    image = images.read(args.image, frame=args.frame, series=args.series)
    check_source(image, args.output)
    if args.atlas is not None:
        given["initial"] = register_atlas(image, *args.atlas, label=args.label)
        given["contours"] = [as_mask(path, "contours", label=args.label) for path in args.contours or ()]
        given["label"] = None  # what comes out of the atlas has none
    result = segment(image, contrast=args.contrast, polarity=args.polarity, callback=args.callback, **given)
    result = with_disc(result, disc)
    if disc is not None:
        result.levels  # noqa: B018  a disc that is not there is said before anything is written
    if report is not None:
        report.parent.mkdir(parents=True, exist_ok=True)
    with files.whole_or_nothing([o.path for o in outputs]) as drafts:
        for output, draft in zip(outputs, drafts, strict=True):
            output.write(result, draft)
    compiled = COMPILED.seconds - compiled_before
    seconds = time.perf_counter() - start - compiled
    said = {**summary(result), "seconds": round(seconds, 2), "compile_seconds": round(compiled, 2)}
    if args.json:
        return json.dumps(said)
    at_a_terminal = sys.stdout is not None and sys.stdout.isatty()
    line = open_line(args.image, args.output) if at_a_terminal else ""
    return sentences(result, seconds, compiled) + (f"\nlook at it: {line}" if line else "")


def _outputs(args: argparse.Namespace) -> list[Output]:
    """The files that `segment` was asked for."""
    from cordlevelset.io import files, images
    from cordlevelset.io.dicomseg import DICOM_SUFFIX, write_segmentation
    from cordlevelset.measures.morphometry import input_slices
    from cordlevelset.measures.surface import MESH_SUFFIXES, write_surface
    from cordlevelset.outputs.by_level import LEVEL_SUFFIXES, slice_levels, write_levels
    from cordlevelset.outputs.page import report_page
    from cordlevelset.outputs.pictures import thumbnail
    from cordlevelset.outputs.tables import MEASURES_SUFFIXES, sidecar_path, write_json, write_measures

    def measures(result: CordSegmentation, path: Path) -> None:
        planes = input_slices(result.turn, result.automatic.image)
        named = args.perlevel or path.name.endswith(".sct.csv")  # else the levels are not asked for
        named = named and result.levels is not None and result.levels.anchor != "none"
        levels = {i: number for i, (number, _) in slice_levels(result).items()} if named else {}
        name, about = args.image.as_posix(), _about(args, result)
        write_measures(
            path, result.slices, planes=planes, name=name, about=about, levels=levels, per_level=args.perlevel
        )

    def small(result: CordSegmentation, path: Path) -> None:
        path.write_text(thumbnail(result), encoding="utf-8", newline="\n")

    def mask(result: CordSegmentation, path: Path) -> None:
        if path.suffix != DICOM_SUFFIX:
            return images.write(result.mask, path)
        by_hand = len(_inputs(args)) > 1
        write_segmentation(result.mask, path, automatic=not by_hand, remark=f"confidence {result.confidence:.2f} of 1")

    def report(result: CordSegmentation, path: Path) -> None:
        page = report_page(result, name=args.image.name, about=_about(args, result))
        path.write_text(page, encoding="utf-8", newline="\n")

    asked: list[tuple[Path | None, tuple[str, ...], Callable[[CordSegmentation, Path], None]]] = [
        (args.output, images.MASK_SUFFIXES, mask),
        (args.soft, images.IMAGE_SUFFIXES, lambda result, path: images.write(result.soft_mask, path)),
        (
            args.centerline_out,
            files.CENTERLINE_SUFFIXES,
            lambda result, path: files.write_centerline(result.centerline.points_mm, path),
        ),
        *((path, MEASURES_SUFFIXES, measures) for path in args.measures or ()),
        *((path, LEVEL_SUFFIXES, write_levels) for path in args.levels_out or ()),
        (args.mesh, MESH_SUFFIXES, lambda result, path: write_surface(result.surface, path)),
        (args.thumbnail, (".svg",), small),
        (args.report and _report_path(args.report), (".html",), report),
    ]
    sidecar = sidecar_path(args.output)
    if sidecar not in (args.measures or ()):  # the measures as JSON hold all that it would
        asked.append((sidecar, (".json",), lambda result, path: write_json(path, _about(args, result))))
    return [Output(path, suffixes, write) for path, suffixes, write in asked if path is not None]


def _about(args: argparse.Namespace, result: CordSegmentation) -> dict[str, object]:
    """What the mask's sidecar, the measures as JSON and the report say of the run."""
    from cordlevelset.outputs.tables import checksum, record, summary

    slices = [file for file, _ in result.mask.source]
    sources = {p.as_posix(): checksum(p, files=slices if p == args.image else ()) for p in _inputs(args)}
    options = {k: getattr(args, k) for k in ("contrast", "polarity", "frame", "series", "label", "disc")}
    about = record(summary(result), sources=sources, options=options, command=_command(args.words))
    return {
        "Description": "Spinal cord, 1 where at least half of the voxel is cord", "SpatialReference": "orig", **about
    }  # fmt: skip


def _command(words: Sequence[str]) -> str:
    """The command line with file names only: folders are of one machine, and may name a person."""

    def short(word: str) -> str:
        option, equals, value = word.partition("=") if word.startswith("--") else ("", "", word)
        path = Path(value)
        return option + equals + (path.name if path.name and path.parent.is_dir() else value)

    return shlex.join(["cordlevelset", *map(short, words)])


def _report_path(asked: Path) -> Path:
    """A page, or the one in a folder."""
    return asked if asked.suffix.lower() == ".html" else asked / "report.html"


def _inputs(args: argparse.Namespace) -> list[Path]:
    """All that `segment` reads."""
    given = (args.image, args.centerline, args.seeds, *(args.contours or ()), args.initial, *(args.atlas or ()))
    ends = (end for end in (args.bottom, args.top) if isinstance(end, Path))
    return [path for path in (*given, *ends) if path is not None]


def sentences(result: CordSegmentation, seconds: float, compiled: float) -> str:
    """A result in words, for a person at a terminal.

    Parameters
    ----------
    result : CordSegmentation
        A cord.
    seconds : float
        What it took, without compilation.
    compiled : float
        Seconds of compilation, in a first run.

    Returns
    -------
    str
        A line each for the cord, the conus and every note.
    """
    from cordlevelset.outputs.page import conus_words

    lines = [
        f"cord {result.polarity} against the CSF, {result.length_mm:.1f} mm long, "
        f"mean area {result.mean_area_mm2:.1f} mm2, confidence {result.confidence:.2f}, {seconds:.2f} s"
        + (f"; compiling, this once: {compiled:.0f} s" if compiled else ""),
        f"conus tip: {conus_words(result)}",
        *(() if result.levels is None else (f"levels: {result.levels.words}",)),
        *(f"note: {note}" for note in result.notes),
    ]
    return "\n".join(lines)
