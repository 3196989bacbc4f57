"""A whole cohort: every anatomical image of a BIDS dataset, one process an image.

Each image with an answer leaves its derivatives and, written last, a record with the checksum of the input. A run that
was stopped at any moment goes on from the records: an image with one is done, all else is written anew.
"""

from __future__ import annotations

import html
import json
import os
import shutil
import sys
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor, as_completed
from dataclasses import dataclass
from functools import partial
from itertools import chain
from pathlib import Path
from urllib.parse import quote

from cordlevelset import __version__
from cordlevelset.app.bids import DESCRIPTION, Source, check_output, dataset_description, find_images
from cordlevelset.app.children import run_child
from cordlevelset.errors import InputError
from cordlevelset.io import files
from cordlevelset.outputs.plot import check_drawing
from cordlevelset.outputs.tables import checksum, record, write_json

__all__ = ["Outcome", "run_batch"]

TIME_LIMIT_S = 900
"""Longest time for one image: a hundred times that of a large one."""
ONE_THREAD = {"OMP_NUM_THREADS": "1", "NUMBA_NUM_THREADS": "1", "ITK_GLOBAL_DEFAULT_NUMBER_OF_THREADS": "1"}
"""The parallelism is over images."""
WORDS = {0: "done", 3: "no cord found"}
"""Exit statuses that are answers. 1 is a failure with a reason, such as a full disk, others are accidents: the next run
tries again."""
LEAVES = ("seg.json", "seg.nii.gz", "measures.csv", "centerline.csv", "report.html")
"""What an image may leave, after its name and ``_label-SC_``; the record comes first to go and last to come."""
INDEX_COLUMNS = (
    "participant_id", "session_id", "image", "status", "polarity", "length_mm", "mean_area_mm2", "volume_mm3",
    "confidence", "remark",
)  # fmt: skip
"""Of the table of a batch, one row an image."""


@dataclass(frozen=True, slots=True)
class Outcome:
    """What became of one image.

    Attributes
    ----------
    source : Source
        The image.
    status : str
        "done", "no cord found" or "failed".
    summary : dict
        What ``cordlevelset segment --json`` printed, without the time taken; empty unless done.
    remark : str
        Notes of the result, or why there is none.
    """

    source: Source
    status: str
    summary: dict[str, object]
    remark: str

    @property
    def row(self) -> tuple[object, ...]:
        """Values of `INDEX_COLUMNS`."""
        figures = (self.summary.get(name, "n/a") for name in INDEX_COLUMNS[4:-1])
        return self.source.subject, self.source.session, self.source.name, self.status, *figures, self.remark or "n/a"


def run_batch(
    dataset: Path,
    output: Path,
    *,
    jobs: int = 1,
    dask: str | None = None,
    report: bool = False,
    progress: Callable[[int, int], None] | None = None,
) -> list[Outcome]:
    """Segment all anatomical images of a dataset.

    Parameters
    ----------
    dataset : Path
        Root of a BIDS dataset; nothing is written into it but where `output` lies in it.
    output : Path
        Root of the derivatives; made if need be. Images that have a record there are not repeated.
    jobs : int
        Images at a time on this machine.
    dask : str, optional
        Address of a Dask scheduler whose workers see both folders; instead of `jobs`.
    report : bool
        Also leave a page for each image, linked from ``index.html``; images that are done but have none are repeated.
    progress : callable, optional
        Gets the numbers of images done and of all, first before any.

    Returns
    -------
    list of Outcome
        In the order of the images' names. The same is in ``cord.tsv`` and ``index.html`` of the output.

    Raises
    ------
    InputError
        If there is nothing to do, no place to write, or nothing to draw with.
    """
    if jobs < 1:
        raise InputError(f"jobs = {jobs}: at least one image at a time")
    if report:
        check_drawing("--report")
    sources = find_images(dataset)
    check_output(dataset, output)
    try:
        for folder in {output, *((output / s.stem).parent for s in sources)}:
            folder.mkdir(parents=True, exist_ok=True)
            for draft in folder.glob(".cordlevelset-*"):  # of a run that was killed
                shutil.rmtree(draft, ignore_errors=True)
    except OSError as error:
        raise InputError(f"cannot write into {error.filename}: {error.strerror}") from None
    write_json(output / DESCRIPTION, dataset_description(__version__, _way(output.resolve(), dataset.resolve())))
    outcomes: dict[str, Outcome] = {}
    start = _on_dask(dask) if dask is not None else _on_threads(jobs)
    if progress is not None:
        progress(0, len(sources))
    place = output.resolve()
    with ThreadPoolExecutor(jobs) as pool:
        known = list(pool.map(partial(known_outcome, output=place, report=report), sources))
    rest = [s for s, outcome in zip(sources, known, strict=True) if outcome is None]
    if dask is None and jobs > 1 and len(rest) == len(sources) > 1:  # else the first children all compile the kernels
        run_child([sys.executable, "-m", "cordlevelset", "warmup"], timeout=TIME_LIMIT_S, env=os.environ)
    work = partial(segment_one, output=place, report=report)
    for outcome in chain(filter(None, known), start(rest, work) if rest else ()):
        outcomes[outcome.source.name] = outcome
        if progress is not None:
            progress(len(outcomes), len(sources))
    ordered = [outcomes[s.name] for s in sources]
    with files.whole_or_nothing([output / "cord.tsv", output / "index.html"]) as (table, page):
        files.write_table(table, INDEX_COLUMNS, (o.row for o in ordered), separator="\t")
        page.write_text(_page(ordered, output), encoding="utf-8", newline="\n")
    return ordered


def _way(start: Path, end: Path) -> str:
    """From one folder to another; the address of that one where no way leads from one drive to another."""
    try:
        return Path(os.path.relpath(end, start)).as_posix()
    except ValueError:
        return end.as_uri()


Work = Callable[[Source], Outcome]
Start = Callable[[list[Source], Work], Iterator[Outcome]]


def _on_threads(jobs: int) -> Start:
    """Children of this process."""

    def start(sources: list[Source], work: Work) -> Iterator[Outcome]:
        pool = ThreadPoolExecutor(jobs)
        try:
            for future in as_completed([pool.submit(work, s) for s in sources]):
                yield future.result()
        finally:
            pool.shutdown(cancel_futures=True)

    return start


def _on_dask(address: str) -> Start:
    """Children of the workers of a cluster."""
    try:
        from distributed import Client
        from distributed import as_completed as completed
    except ImportError:
        raise InputError("--dask needs the extra: pip install 'cordlevelset[dask]'") from None

    def start(sources: list[Source], work: Work) -> Iterator[Outcome]:
        try:
            client = Client(address, timeout=10)
        except (OSError, ValueError) as error:
            raise InputError(f"no Dask scheduler at {address}: {error}") from None
        with client:
            for future in completed(client.map(work, sources, pure=False)):
                yield future.result()

    return start


def known_outcome(source: Source, *, output: Path, report: bool) -> Outcome | None:
    """What an earlier run left of an image; None if it is to be done: another image or version, no page where asked."""
    leaves = _leaves(source, output)
    try:
        known = json.loads(leaves["seg.json"].read_text(encoding="utf-8"))
        outcome = Outcome(source, known["Status"], known["Result"], known["Remark"])
        same = known["GeneratedBy"][0]["Version"] == __version__
        same = same and list(known["SourceSHA256"].values()) == [checksum(source.path)]
    except (OSError, ValueError, KeyError, TypeError, IndexError, AttributeError):
        return None
    pages = not report or outcome.status != "done" or leaves["report.html"].exists()
    return outcome if same and pages else None


def segment_one(source: Source, *, output: Path, report: bool) -> Outcome:
    """Segment one image in a process of its own."""
    leaves = _leaves(source, output)
    try:
        digest = checksum(source.path)
    except OSError as error:
        return Outcome(source, "failed", {}, f"{error.strerror}: {source.name}")
    for old in leaves.values():  # the record first: of another image or version
        old.unlink(missing_ok=True)
    command = [sys.executable, "-m", "cordlevelset", "segment", os.fspath(source.path)]
    for option, end in (("-o", "seg.nii.gz"), ("--measures", "measures.csv"), ("--centerline-out", "centerline.csv")):
        command += [option, os.fspath(leaves[end])]
    command += ["--report", os.fspath(leaves["report.html"]), "--json"] if report else ["--json"]
    child = run_child(command, timeout=TIME_LIMIT_S, env=os.environ | ONE_THREAD)
    if child is None:
        return Outcome(source, "failed", {}, f"stopped after {TIME_LIMIT_S} s")
    if child.returncode not in (0, 1, 3):
        return Outcome(source, "failed", {}, f"its process ended with status {child.returncode}")
    status = WORDS.get(child.returncode, "failed")
    if child.returncode == 0:
        summary = json.loads(child.stdout)
        del summary["seconds"]  # the same input leaves the same bytes
        remark = "; ".join(summary["notes"])
    else:
        said = child.stderr.strip().removeprefix("cordlevelset: ")
        summary, remark = {}, said.replace(os.fspath(source.path), source.name)
    outcome = Outcome(source, status, summary, " ".join(remark.split()))
    if status != "failed":
        write_json(leaves["seg.json"], _record(outcome, digest))
    return outcome


def _record(outcome: Outcome, digest: str) -> dict[str, object]:
    """Sidecar of the mask, or what stands in its place."""
    return {
        "Description": "Spinal cord, 1 where at least half of the voxel is cord",
        "SpatialReference": "orig",
        **record(outcome.summary, sources={f"bids:raw:{outcome.source.name}": digest}, options={}),
        "Status": outcome.status,
        "Remark": outcome.remark,
    }


def _leaves(source: Source, output: Path) -> dict[str, Path]:
    return {end: output / f"{source.stem}_label-SC_{end}" for end in LEAVES}


def _page(outcomes: list[Outcome], output: Path) -> str:
    """The table as a page; whatever comes from files is escaped."""

    def cells(outcome: Outcome) -> Iterator[str]:
        for name, value in zip(INDEX_COLUMNS, outcome.row, strict=True):
            text = html.escape(str(value))
            page = _leaves(outcome.source, output)["report.html"]
            if name == "image" and page.exists():
                target = html.escape(quote(page.relative_to(output).as_posix()))
                text = f'<a href="{target}">{text}</a>'
            yield f"<td>{text}</td>"

    counts = ", ".join(
        f"{sum(o.status == status for o in outcomes)} {status}" for status in ("done", "no cord found", "failed")
    )
    head = "".join(f"<th>{html.escape(c)}</th>" for c in INDEX_COLUMNS)
    rows = "\n".join(f'<tr class="{o.status.split()[0]}">' + "".join(cells(o)) + "</tr>" for o in outcomes)
    return f"""<!doctype html>
<html lang="en"><meta charset="utf-8"><meta name="viewport" content="width=device-width">
<title>Spinal cord segmentations</title>
<style>
:root {{ color-scheme: light dark }}
body {{ font: 14px sans-serif; margin: 1.5em }}
table {{ border-collapse: collapse }}
th, td {{ text-align: left; padding: .3em .8em; border-bottom: 1px solid #8886 }}
.failed td:nth-child(4) {{ color: #d33; font-weight: bold }}
.no td:nth-child(4) {{ color: #a70 }}
</style>
<h1>Spinal cord segmentations</h1>
<p>{len(outcomes)} images: {counts}. cordlevelset {__version__}.</p>
<div style="overflow-x: auto"><table><tr>{head}</tr>
{rows}
</table></div>
</html>
"""
