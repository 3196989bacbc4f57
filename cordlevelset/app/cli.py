"""The command line."""

from __future__ import annotations

import argparse
import io
import json
import math
import os
import sys
import time
from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor, wait
from contextlib import nullcontext
from dataclasses import asdict
from functools import partial
from pathlib import Path

from cordlevelset import __version__
from cordlevelset.app.bids import SUFFIXES, Choice
from cordlevelset.app.options import add_corrections, add_label

__all__ = ["main"]

DONE = 0
"""Exit status of work that was done; argparse ends wrong use with 2."""
FAILED = 1
"""Exit status of an error, which is told in one line."""
NO_CORD = 3
"""Exit status of an image in which no cord was found."""
INTERRUPTED = 130
"""Exit status after Ctrl-C: 128 and the signal's number, as shells have it."""
JSONL = "jsonl"
"""Progress as JSON, an object a line."""
ANSWER_S = 0.2
"""Seconds after which Ctrl-C is answered at the latest: Windows answers between two waits, never within one."""
SHELLS = ("bash", "zsh", "tcsh")
"""Shells that shtab writes for."""
N_DOUBTFUL = 10
"""No more names than a terminal shows without scrolling."""


def main(arguments: Sequence[str] | None = None) -> int:
    """Run one sub-command.

    Parameters
    ----------
    arguments : sequence of str, optional
        Default: those of the process.

    Returns
    -------
    int
        0 done, 1 failed, 2 wrong use, 3 no cord found, 130 interrupted.
    """
    from cordlevelset.app.lines import warning_lines
    from cordlevelset.app.showing import shown
    from cordlevelset.errors import CordLevelSetError, NoCordFoundError

    args = _parser().parse_args(arguments)
    lines = getattr(args, "progress", None) == JSONL
    fail = partial(_fail, lines=lines)
    args.words = sys.argv[1:] if arguments is None else list(arguments)
    try:
        with warning_lines() if lines else nullcontext(), shown(args) as args.callback:
            args.run(args)
    except NoCordFoundError as error:
        return fail(str(error), NO_CORD)
    except CordLevelSetError as error:
        return fail(str(error), FAILED)
    except OSError as error:
        return fail(f"{error.strerror or error}: {error.filename or ''}", FAILED)
    except MemoryError:
        return fail("the image needs more memory than there is; crop it", FAILED)
    except KeyboardInterrupt:
        return fail("interrupted", INTERRUPTED)
    return DONE


def process() -> None:
    """Run the command line as a process of its own: `main`, with Ctrl-C and standard error in its hands.

    The work runs in a thread: Python answers a signal only between two steps of its main thread, and reading a large
    image or a long kernel is one step. What C++ readers print is not shown: a failure is one line, ours.
    """
    from cordlevelset.app.children import answer_signals, end_children
    from cordlevelset.app.memory import share_memory
    from cordlevelset.io.drafts import discard_drafts

    try:
        answer_signals()
        share_memory()
        _own_streams()
        work = ThreadPoolExecutor(1).submit(main)
        while not wait([work], timeout=ANSWER_S).done:
            pass
        sys.exit(work.result())
    except KeyboardInterrupt:
        end_children()
        discard_drafts()
        _fail("interrupted", INTERRUPTED, lines=JSONL in sys.argv)
        os._exit(INTERRUPTED)


def _own_streams() -> None:
    """Standard error of Python alone; a file's name need not be in the encoding of a Windows console."""
    if isinstance(sys.stdout, io.TextIOWrapper):
        sys.stdout.reconfigure(errors="backslashreplace")
    if sys.stderr is not None:
        sys.stderr = open(os.dup(2), "w", buffering=1, errors="backslashreplace", closefd=False)
        with open(os.devnull, "w") as nowhere:
            os.dup2(nowhere.fileno(), 2)


def _fail(text: str, status: int, *, lines: bool) -> int:
    from cordlevelset.app.lines import write_line

    said = " ".join(text.split())
    if lines:
        write_line(error=said, status=status)
    else:
        print(f"cordlevelset: {said}", file=sys.stderr)
    return status


def _parser() -> argparse.ArgumentParser:
    from cordlevelset.app.showing import add_options

    parser = argparse.ArgumentParser(prog="cordlevelset", description="Segment the spinal cord in MR images.")
    parser.add_argument("--version", action="version", version=f"cordlevelset {__version__}")
    commands = parser.add_subparsers(required=True, metavar="COMMAND")

    _add_segment(commands)

    centerline = commands.add_parser("centerline", help="write the middle of the cord as a curve")
    _image_options(centerline)
    centerline.add_argument("-o", "--output", required=True, type=Path, metavar="F", help=".csv or .mrk.json")
    centerline.set_defaults(run=_centerline)

    series = commands.add_parser("series", help="list the image series of a DICOM folder")
    series.add_argument("folder", type=Path, metavar="FOLDER", help="as a scanner, an archive or a disc gives it")
    series.add_argument("--json", action="store_true", help="print JSON")
    series.set_defaults(run=_series)

    measure = commands.add_parser("measure", help="write area, diameters and angle of a mask, slice by slice")
    measure.add_argument("mask", type=Path, metavar="MASK", help="a mask or soft mask of a cord")
    add_label(measure)
    measure.add_argument("-o", "--output", required=True, type=Path, metavar="F", help=".csv, .json or .sct.csv")
    measure.set_defaults(run=_measure)

    compare = commands.add_parser("compare", help="compare a mask with a reference on the same grid")
    compare.add_argument("mask", type=Path, metavar="MASK")
    compare.add_argument("reference", type=Path, metavar="REFERENCE")
    add_label(compare)
    add_label(compare, "--reference-label")
    compare.add_argument("--json", action="store_true", help="print JSON")
    compare.set_defaults(run=_compare)

    batch = commands.add_parser("batch", help="segment all anatomical images of a BIDS dataset")
    batch.add_argument("dataset", type=Path, metavar="BIDS_DIR")
    batch.add_argument("output", type=Path, metavar="OUT_DIR", help="goes on where an earlier run was stopped")
    batch.add_argument("--report", action="store_true", help="also write a page for each image, linked from index.html")
    batch.add_argument("--participant-label", nargs="+", default=(), metavar="L", help="only these, e.g. 01 02")
    batch.add_argument("--session-label", nargs="+", default=(), metavar="L", help="only these sessions")
    batch.add_argument("--suffix", nargs="+", default=(), choices=SUFFIXES, help="only images of these kinds")
    where = batch.add_mutually_exclusive_group()
    where.add_argument("--jobs", type=int, default=1, metavar="N", help="images at a time")
    where.add_argument("--dask", metavar="ADDRESS", help="run on the workers of a Dask scheduler")
    batch.set_defaults(run=_batch)

    demo = commands.add_parser("demo", help="segment a synthetic lumbar image and compare with the truth")
    demo.add_argument("-o", "--output", type=Path, default=Path("cordlevelset-demo"), metavar="DIR")
    demo.set_defaults(run=_demo)

    completion = commands.add_parser("completion", help="print the script that completes this command in a shell")
    completion.add_argument("shell", choices=SHELLS)
    completion.set_defaults(run=_completion)

    warmup = commands.add_parser("warmup", help="compile the kernels ahead of the first image")
    warmup.set_defaults(run=_warmup)

    for command in (commands.choices[name] for name in ("segment", "centerline", "measure", "demo", "warmup")):
        add_options(command)
    return parser


def _add_segment(commands: argparse._SubParsersAction[argparse.ArgumentParser]) -> None:
    segment = commands.add_parser("segment", help="write a mask of the cord")
    _image_options(segment)
    segment.add_argument(
        "-o",
        "--output",
        required=True,
        type=Path,
        metavar="MASK",
        help=".nii, .nii.gz, .nrrd or .mha; of a DICOM image also .dcm",
    )
    segment.add_argument(
        "--soft",
        type=Path,
        metavar="F",
        help="also write the share of each voxel that is cord (partial-volume fraction)",
    )
    segment.add_argument(
        "--centerline-out", type=Path, metavar="F", help="also write the centerline: .csv or .mrk.json"
    )
    segment.add_argument(
        "--measures", type=Path, metavar="F", action="append",
        help="also write area, diameters, angle of each slice: .csv, .json or .sct.csv; may be repeated",
    )  # fmt: skip
    segment.add_argument(
        "--levels-out", type=Path, metavar="F", action="append",
        help="also write vertebral levels: measures by level (.csv), discs (.json), or their labels as SCT numbers "
        "them (.nii.gz and other images); may be repeated",
    )  # fmt: skip
    rows = segment.add_mutually_exclusive_group()
    rows.add_argument("--perslice", action="store_true", help="rows of .sct.csv: one a slice (the default)")
    rows.add_argument("--perlevel", action="store_true", help="rows of .sct.csv: one a vertebral level")
    segment.add_argument(
        "--mesh", type=Path, metavar="F", help="also write the closed surface, LPS mm: .stl, .ply, .vtk, .obj, .vtp"
    )
    segment.add_argument(
        "--report",
        type=Path,
        metavar="DIR",
        help="also write DIR/report.html to judge it by; a name in .html is the page itself",
    )
    segment.add_argument("--thumbnail", type=Path, metavar="F", help="also write a small picture of it: .svg")
    add_corrections(segment)
    segment.add_argument("--json", action="store_true", help="print the summary as JSON")
    segment.set_defaults(run=_segment)


def _image_options(parser: argparse.ArgumentParser) -> None:
    from cordlevelset.notes import CONTRASTS
    from cordlevelset.pipeline import POLARITIES

    parser.add_argument("image", type=Path, metavar="IMAGE", help="an image file, or a DICOM folder")
    parser.add_argument("--contrast", choices=list(CONTRASTS), default="auto", help="a hint; the image decides")
    parser.add_argument(
        "--polarity", choices=list(POLARITIES), default="auto", help="an order: the cord against the CSF"
    )
    parser.add_argument("--frame", type=int, metavar="N", help="which volume of a 4-D image, from 0")
    parser.add_argument("--series", metavar="NUMBER|TEXT", help="which series of a DICOM folder; `series` lists them")
    parser.add_argument(
        "--progress", choices=[JSONL], help="for a program that started this one: JSON lines on standard error"
    )


def _segment(args: argparse.Namespace) -> None:
    from cordlevelset.app.one_image import segment_image

    print(segment_image(args))


def _centerline(args: argparse.Namespace) -> None:
    from cordlevelset.io import files
    from cordlevelset.pipeline import detect_centerline

    files.check_writable(args.output, files.CENTERLINE_SUFFIXES)
    files.check_distinct([args.output], [args.image])
    asked = {name: getattr(args, name) for name in ("contrast", "polarity", "frame", "series")}
    line = detect_centerline(args.image, **asked, callback=args.callback)
    with files.whole_or_nothing([args.output]) as (draft,):
        files.write_centerline(line.points_mm, draft)
    print(f"cord {line.polarity} against the CSF, {line.arclength_mm[-1]:.1f} mm long, {len(line.points_mm)} points")


def _series(args: argparse.Namespace) -> None:
    from cordlevelset.app.listing import list_folder

    print(list_folder(args.folder, as_json=args.json))


def _measure(args: argparse.Namespace) -> None:
    from cordlevelset.io import files
    from cordlevelset.io.masks import as_mask
    from cordlevelset.measures.morphometry import measure_mask
    from cordlevelset.outputs.tables import MEASURES_SUFFIXES, checksum, record, write_measures

    files.check_writable(args.output, MEASURES_SUFFIXES)
    files.check_distinct([args.output], [args.mask])
    measured = measure_mask(as_mask(args.mask, "mask", label=args.label))
    records = measured.records
    mean = sum(r.area_mm2 for r in records) / len(records)
    result = {
        "length_mm": round(sum(r.length_mm for r in records), 1),
        "mean_area_mm2": round(mean, 1),
        "volume_mm3": round(sum(r.volume_mm3 for r in records)),
        "notes": list(measured.notes),
    }
    write_measures(
        args.output,
        records,
        planes=measured.planes,
        name=args.mask.as_posix(),
        about=record(result, sources={args.mask.as_posix(): checksum(args.mask)}, options={"label": args.label}),
    )
    print("\n".join([f"{len(records)} slices, mean area {mean:.1f} mm2", *(f"note: {n}" for n in measured.notes)]))


def _compare(args: argparse.Namespace) -> None:
    from cordlevelset.measures.comparison import compare

    figures = asdict(compare(args.mask, args.reference, label=args.label, reference_label=args.reference_label))
    if args.json:  # JSON knows no nan
        print(json.dumps({name: None if math.isnan(value) else value for name, value in figures.items()}))
    else:
        print("\n".join(f"{name:14s} {value:.3f}" for name, value in figures.items()))


def _batch(args: argparse.Namespace) -> None:
    from cordlevelset.app.batch import run_batch
    from cordlevelset.errors import CordLevelSetError

    choice = Choice(tuple(args.participant_label), tuple(args.session_label), tuple(args.suffix))
    progress = partial(_show_progress, began=time.monotonic())
    outcomes = run_batch(
        args.dataset, args.output, jobs=args.jobs, dask=args.dask, report=args.report, choice=choice, progress=progress
    )
    failed = [o for o in outcomes if o.status == "failed"]
    none = sum(o.status == "no cord found" for o in outcomes)
    done = len(outcomes) - len(failed) - none
    print(f"{done} images done, {none} without a cord, {len(failed)} failed; see {args.output / 'index.html'}")
    doubtful = sorted((o for o in outcomes if o.doubt), key=lambda o: (o.status == "done", o.doubt))
    if doubtful:
        print(f"doubtful: {len(doubtful)}, look at these first")
    for outcome in doubtful[:N_DOUBTFUL]:
        why = outcome.remark.removeprefix(f"{outcome.source.name} ")
        print(f"  {outcome.source.name}: {outcome.doubt}" + (f"; {why}" if why else ""))
    if len(doubtful) > N_DOUBTFUL:
        print(f"  and {len(doubtful) - N_DOUBTFUL} more, on top of the index")
    if failed:
        raise CordLevelSetError(f"{len(failed)} of {len(outcomes)} images failed, first {failed[0].source.name}")


def _show_progress(done: int, total: int, *, began: float) -> None:
    """One line on standard error, if that is a terminal."""
    if sys.stderr is None or not sys.stderr.isatty():
        return
    left = f", {(time.monotonic() - began) / done * (total - done) / 60:.0f} min left" if done else ""
    bar = "#" * round(30 * done / total)
    print(f"\r[{bar:30s}] {done} of {total}{left}   ", end="\n" if done == total else "", file=sys.stderr, flush=True)


def _demo(args: argparse.Namespace) -> None:
    from cordlevelset.app.demo import run_demo
    from cordlevelset.app.one_image import sentences
    from cordlevelset.progress import COMPILED

    start, compiled_before = time.perf_counter(), COMPILED.seconds
    demo = run_demo(args.output, callback=args.callback)
    c = demo.comparison
    compiled = COMPILED.seconds - compiled_before
    print(sentences(demo.result, time.perf_counter() - start - compiled, compiled))
    print(
        f"against the truth: Dice {c.dice:.3f}, border {c.assd_mm:.2f} mm (bias {c.bias_mm:+.2f}), area error "
        f"{100 * c.area_error:.0f} %, tip {demo.tip_error_mm:+.1f} mm"
    )
    for path in demo.files:
        print(f"wrote {path}")
    if not any(path.suffix == ".png" for path in demo.files):
        print("no picture: matplotlib is not installed (pip install 'cordlevelset[viz]')")


def _completion(args: argparse.Namespace) -> None:
    from cordlevelset.app.completion import completion_script

    print(completion_script(_parser(), args.shell))


def _warmup(args: argparse.Namespace) -> None:
    from cordlevelset.app.warm import warmup

    print(f"kernels ready in {warmup(callback=args.callback):.1f} s")


if __name__ == "__main__":
    process()
