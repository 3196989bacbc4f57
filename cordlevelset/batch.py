"""A whole cohort: every anatomical image of a BIDS dataset, one process an image.

Each image leaves its derivatives and, written last, a record with the checksum of the input. A run that was stopped at
any moment goes on from the records: an image with one is done, whatever lies about of the others is written anew.
"""

from __future__ import annotations

import hashlib
import html
import json
import os
import shutil
import subprocess
import sys
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor, as_completed
from dataclasses import dataclass
from pathlib import Path

from cordlevelset import __version__, files
from cordlevelset.bids import Source, dataset_description, find_images
from cordlevelset.errors import InputError

__all__ = ["Outcome", "run_batch"]

TIME_LIMIT_S = 900
"""Longest time for one image: a hundred times that of a large one."""
ONE_THREAD = {"OMP_NUM_THREADS": "1", "NUMBA_NUM_THREADS": "1", "ITK_GLOBAL_DEFAULT_NUMBER_OF_THREADS": "1"}
"""The parallelism is over images."""
WORDS = {0: "done", 3: "no cord found"}
"""Exit statuses that are answers; 1 is a failure with a reason; others are accidents, tried again by the next run."""
COLUMNS = (
    "participant_id", "session_id", "image", "status", "polarity", "length_mm", "mean_area_mm2", "confidence", "remark",
)  # fmt: skip


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
        """Values of `COLUMNS`."""
        figures = (self.summary.get(k, "n/a") for k in ("polarity", "length_mm", "mean_area_mm2", "confidence"))
        return self.source.subject, self.source.session, self.source.name, self.status, *figures, self.remark or "n/a"


def run_batch(
    dataset: Path,
    output: Path,
    *,
    jobs: int = 1,
    dask: str | None = None,
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
    progress : callable, optional
        Gets the numbers of images done and of all, first before any.

    Returns
    -------
    list of Outcome
        In the order of the images' names. The same is in ``cord.tsv`` and ``index.html`` of the output.

    Raises
    ------
    InputError
        If there is nothing to do or no place to write.
    """
    if jobs < 1:
        raise InputError(f"jobs = {jobs}: at least one image at a time")
    sources = find_images(dataset)
    try:
        for folder in {output, *((output / s.stem).parent for s in sources)}:
            folder.mkdir(parents=True, exist_ok=True)
            for draft in folder.glob(".cordlevelset-*"):  # of a run that was killed
                shutil.rmtree(draft, ignore_errors=True)
    except OSError as error:
        raise InputError(f"cannot write into {error.filename}: {error.strerror}") from None
    _write_json(output / "dataset_description.json", dataset_description(__version__))
    outcomes: dict[str, Outcome] = {}
    start = _on_dask(dask) if dask is not None else _on_threads(jobs)
    if progress is not None:
        progress(0, len(sources))
    for outcome in start(sources, output):
        outcomes[outcome.source.name] = outcome
        if progress is not None:
            progress(len(outcomes), len(sources))
    ordered = [outcomes[s.name] for s in sources]
    with files.whole_or_nothing([output / "cord.tsv", output / "index.html"]) as (table, page):
        files.write_table(table, COLUMNS, (o.row for o in ordered), separator="\t")
        page.write_text(_page(ordered), encoding="utf-8")
    return ordered


Start = Callable[[list[Source], Path], Iterator[Outcome]]


def _on_threads(jobs: int) -> Start:
    """Children of this process."""

    def start(sources: list[Source], output: Path) -> Iterator[Outcome]:
        pool = ThreadPoolExecutor(jobs)
        try:
            for future in as_completed([pool.submit(segment_one, s, output) for s in sources]):
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

    def start(sources: list[Source], output: Path) -> Iterator[Outcome]:
        try:
            client = Client(address, timeout=10)
        except (OSError, ValueError) as error:
            raise InputError(f"no Dask scheduler at {address}: {error}") from None
        with client:
            for future in completed(client.map(segment_one, sources, output=output.resolve(), pure=False)):
                yield future.result()

    return start


def segment_one(source: Source, output: Path) -> Outcome:
    """Segment one image in a process of its own, unless its record says that it is done."""
    record = output / f"{source.stem}_label-SC_seg.json"
    try:
        checksum = _checksum(source.path)
    except OSError as error:
        return Outcome(source, "failed", {}, f"{error.strerror}: {source.name}")
    known = _read_record(record, source, checksum)
    if known is not None:
        return known
    mask, measures, line = (
        output / f"{source.stem}_label-SC_{end}" for end in ("seg.nii.gz", "measures.csv", "centerline.csv")
    )
    command = [sys.executable, "-m", "cordlevelset", "segment", os.fspath(source.path), "-o", os.fspath(mask)]
    command += ["--measures", os.fspath(measures), "--centerline-out", os.fspath(line), "--json"]
    try:
        child = subprocess.run(
            command, capture_output=True, text=True, errors="replace", timeout=TIME_LIMIT_S, env=os.environ | ONE_THREAD
        )
    except subprocess.TimeoutExpired:
        return Outcome(source, "failed", {}, f"stopped after {TIME_LIMIT_S} s")
    if child.returncode not in (0, 1, 3):
        return Outcome(source, "failed", {}, f"its process ended with status {child.returncode}")
    status = WORDS.get(child.returncode, "failed")
    if child.returncode == 0:
        summary = json.loads(child.stdout)
        del summary["seconds"]  # the same input leaves the same bytes
        remark = "; ".join(summary["notes"])
    else:
        summary, remark = (
            {},
            child.stderr.strip().removeprefix("cordlevelset: ").replace(os.fspath(source.path), source.name),
        )
    outcome = Outcome(source, status, summary, " ".join(remark.split()))
    _write_json(record, _record(outcome, checksum))
    return outcome


def _record(outcome: Outcome, checksum: str) -> dict[str, object]:
    """Sidecar of the mask, or what stands in its place."""
    return {
        "Description": "Spinal cord, 1 where at least half of the voxel is cord",
        "SpatialReference": "orig",
        "GeneratedBy": [{"Name": "cordlevelset", "Version": __version__}],
        "Sources": [f"bids:raw:{outcome.source.name}"],
        "SourceSHA256": checksum,
        "Units": {"length_mm": "mm", "mean_area_mm2": "mm^2", "tip_mm": "mm, LPS"},
        "Status": outcome.status,
        "Remark": outcome.remark,
        "Result": outcome.summary,
    }


def _read_record(path: Path, source: Source, checksum: str) -> Outcome | None:
    """What an earlier run found; None if there is none, or for another image or version."""
    try:
        record = json.loads(path.read_text(encoding="utf-8"))
        same = record["SourceSHA256"] == checksum and record["GeneratedBy"][0]["Version"] == __version__
        outcome = Outcome(source, record["Status"], record["Result"], record["Remark"])
    except (OSError, ValueError, KeyError, TypeError, IndexError):
        return None
    return outcome if same else None


def _write_json(path: Path, content: dict[str, object]) -> None:
    with files.whole_or_nothing([path]) as (draft,):
        draft.write_text(json.dumps(content, indent=2) + "\n", encoding="utf-8")


def _checksum(path: Path) -> str:
    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()


def _page(outcomes: list[Outcome]) -> str:
    """The table as a page; whatever comes from files is escaped."""
    counts = ", ".join(
        f"{sum(o.status == status for o in outcomes)} {status}" for status in ("done", "no cord found", "failed")
    )
    head = "".join(f"<th>{html.escape(c)}</th>" for c in COLUMNS)
    rows = "\n".join(
        f'<tr class="{o.status.split()[0]}">' + "".join(f"<td>{html.escape(str(v))}</td>" for v in o.row) + "</tr>"
        for o in outcomes
    )
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
