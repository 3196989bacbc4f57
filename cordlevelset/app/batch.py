"""A whole cohort: every anatomical image of a BIDS dataset, one process an image.

Each image with an answer leaves its derivatives and, written last, a record with the checksum of the input. A run that
was stopped at any moment goes on from the records: an image with one is done, all else is written again.
"""

from __future__ import annotations

import json
import os
import sys
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor, as_completed
from contextlib import suppress
from dataclasses import dataclass
from functools import partial
from itertools import chain
from pathlib import Path
from typing import Any

from cordlevelset import __version__
from cordlevelset.app.bids import (
    DESCRIPTION,
    Choice,
    Source,
    check_output,
    choose,
    dataset_description,
    find_images,
)
from cordlevelset.app.children import run_child
from cordlevelset.errors import CordLevelSetError, InputError
from cordlevelset.io import drafts, files, images
from cordlevelset.io.integrity import check_present
from cordlevelset.outputs.index import Case, doubt, index_page
from cordlevelset.outputs.pictures import bare_thumbnail
from cordlevelset.outputs.tables import checksum, record, write_json

__all__ = ["Outcome", "run_batch"]

TIME_LIMIT_S = 900
"""Longest time for one image: a hundred times that of a large one."""
ONE_THREAD = {"OMP_NUM_THREADS": "1", "NUMBA_NUM_THREADS": "1", "ITK_GLOBAL_DEFAULT_NUMBER_OF_THREADS": "1"}
"""The parallelism is over images."""
WORDS = {0: "done", 3: "no cord found"}
"""Exit statuses that are answers. 1 is a failure with a reason, such as a full disk, others are accidents: the next run
tries again."""
LEAVES = ("seg.json", "seg.nii.gz", "measures.csv", "centerline.csv", "view.svg", "report.html")
"""What an image may leave, after its name and ``_label-SC_``; the record comes first to go and last to come."""
OPTIONS = {
    "-o": "seg.nii.gz", "--measures": "measures.csv", "--centerline-out": "centerline.csv", "--thumbnail": "view.svg",
    "--report": "report.html",
}  # fmt: skip
"""Of ``cordlevelset segment``, and what each leaves; the sidecar comes with the mask, the report only if asked for."""
TITLE = "Spinal cord segmentations"
"""Of the index and, in BIDS, of the dataset."""
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
        The ``Result`` of the mask's sidecar; empty unless done.
    remark : str
        Notes of the result, or why there is none.
    digest : str
        SHA-256 of the image; empty if it could not be read.
    """

    source: Source
    status: str
    summary: dict[str, object]
    remark: str
    digest: str = ""

    @property
    def row(self) -> tuple[object, ...]:
        """Values of `INDEX_COLUMNS`."""
        figures = (self.summary.get(name, "n/a") for name in INDEX_COLUMNS[4:-1])
        return self.source.subject, self.source.session, self.source.name, self.status, *figures, self.remark or "n/a"

    @property
    def doubt(self) -> str:
        """Why to look at it first; empty if nothing is in doubt."""
        return doubt(self.status, self.summary)


def run_batch(
    dataset: Path,
    output: Path,
    *,
    jobs: int = 1,
    dask: str | None = None,
    report: bool = False,
    choice: Choice | None = None,
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
    choice : Choice, optional
        Which images; several runs, also at the same time, may share the work and the output.
    progress : callable, optional
        Gets the numbers of images done and of all, first before any.

    Returns
    -------
    list of Outcome
        In the order of the images' names. The same is in ``cord.tsv`` and ``index.html`` of the output, with what other
        runs have left of images that were not chosen.

    Raises
    ------
    InputError
        If there is nothing to do or no place to write.
    """
    if jobs < 1:
        raise InputError(f"jobs = {jobs}: at least one image at a time")
    everything = find_images(dataset)
    sources = choose(everything, choice or Choice())
    check_output(dataset, output)
    try:
        for folder in {output, *((output / s.stem).parent for s in sources)}:
            folder.mkdir(parents=True, exist_ok=True)
            drafts.remove_dead_drafts(folder)
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
    found = [outcomes.get(s.name) or _recorded(s, place) for s in everything]
    listed = [outcome for outcome in found if outcome is not None]
    with files.whole_or_nothing([output / "cord.tsv", output / "index.html"]) as (table, page):
        files.write_table(table, INDEX_COLUMNS, (o.row for o in listed), separator="\t")
        page.write_text(index_page(TITLE, [_case(o, output) for o in listed]), encoding="utf-8", newline="\n")
    return [outcomes[s.name] for s in sources]


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
    try:
        outcome = _recorded(source, output, digest=checksum(source.path))
    except OSError:
        return None
    if outcome is None or (report and outcome.status == "done" and not _leaves(source, output)["report.html"].exists()):
        return None
    return outcome


def _recorded(source: Source, output: Path, *, digest: str | None = None) -> Outcome | None:
    """What a run of this version left of an image; None where there is nothing, or it is of another `digest`."""
    try:
        known = json.loads(_leaves(source, output)["seg.json"].read_text(encoding="utf-8"))
        (made_from,) = known["SourceSHA256"].values()
        outcome = Outcome(source, known["Status"], known["Result"], known["Remark"], made_from)
        same = known["GeneratedBy"][0]["Version"] == __version__ and digest in (None, made_from)
    except (OSError, ValueError, KeyError, TypeError, IndexError, AttributeError):
        return None
    return outcome if same else None


def segment_one(source: Source, *, output: Path, report: bool) -> Outcome:
    """Segment one image in a process of its own; what another run leaves of it meanwhile stays."""
    known = known_outcome(source, output=output, report=report)
    if known is not None:
        return known
    leaves = _leaves(source, output)
    try:
        check_present(source.path)
        digest = checksum(source.path)
        with drafts.draft_folder(leaves["seg.json"].parent) as folder:
            made = {end: folder / leaf.name for end, leaf in leaves.items()}
            outcome = _run_child(source, made, digest, report)
            return known_outcome(source, output=output, report=report) or _place(outcome, made, leaves)
    except InputError as error:
        return Outcome(source, "failed", {}, str(error).replace(os.fspath(source.path), source.name))
    except OSError as error:
        return Outcome(source, "failed", {}, f"{error.strerror}: {source.name}")


def _run_child(source: Source, made: dict[str, Path], digest: str, report: bool) -> Outcome:
    """Segment an image in a process of its own; what it leaves is in a folder of its own too."""
    command = [sys.executable, "-m", "cordlevelset", "segment", os.fspath(source.path)]
    for option, end in OPTIONS.items() if report else list(OPTIONS.items())[:-1]:
        command += [option, os.fspath(made[end])]
    child = run_child(command, timeout=TIME_LIMIT_S, env=os.environ | ONE_THREAD)
    if child is None:
        return Outcome(source, "failed", {}, f"stopped after {TIME_LIMIT_S} s")
    if child.returncode not in (0, 1, 3):
        return Outcome(source, "failed", {}, f"its process ended with status {child.returncode}")
    status = WORDS.get(child.returncode, "failed")
    about: dict[str, Any] = {}
    if child.returncode == 0:
        about = json.loads(made["seg.json"].read_text(encoding="utf-8"))
        remark = "; ".join(about["Result"]["notes"])
    else:
        said = child.stderr.strip().removeprefix("cordlevelset: ").replace(f"{made['seg.json'].parent}{os.sep}", "")
        remark = said.replace(os.fspath(source.path), source.name)
    outcome = Outcome(source, status, about.get("Result", {}), " ".join(remark.split()), digest)
    if status == "no cord found":
        _show_image(source, made["view.svg"])
    if status != "failed":
        write_json(made["seg.json"], _record(outcome, about))
    return outcome


def _place(outcome: Outcome, made: dict[str, Path], leaves: dict[str, Path]) -> Outcome:
    """Replace what there was of the image, of another version of it: the record goes first and comes last."""
    for leaf in leaves.values():
        leaf.unlink(missing_ok=True)
    if outcome.status != "failed":
        for end in reversed(LEAVES):
            if made[end].exists():
                os.replace(made[end], leaves[end])
    return outcome


def _show_image(source: Source, path: Path) -> None:
    """The image for the index, where there is no result to show; it is no answer, so it is no reason to fail."""
    with suppress(CordLevelSetError), files.whole_or_nothing([path]) as (draft,):
        draft.write_text(bare_thumbnail(images.read(source.path)), encoding="utf-8", newline="\n")


def _record(outcome: Outcome, about: dict[str, Any]) -> dict[str, object]:
    """Sidecar of the mask as the image's own process left it, or what stands in its place, in the words of BIDS."""
    sources = {f"bids:raw:{outcome.source.name}": outcome.digest}
    about = about or record({}, sources=sources, options={})
    origin = {"Sources": list(sources), "SourceSHA256": sources}
    return {**about, **origin, "Status": outcome.status, "Remark": outcome.remark}


def _leaves(source: Source, output: Path) -> dict[str, Path]:
    return {end: output / f"{source.stem}_label-SC_{end}" for end in LEAVES}


def _case(outcome: Outcome, output: Path) -> Case:
    """What the index shows of an image."""
    leaves = _leaves(outcome.source, output)
    view, page = leaves["view.svg"], leaves["report.html"]
    return Case(
        name=outcome.source.name,
        status=outcome.status,
        figures=outcome.summary,
        remark=outcome.remark,
        version=f"{__version__} {outcome.digest[:12]}",
        picture=view.read_text(encoding="utf-8") if view.exists() else "",
        page=page.relative_to(output).as_posix() if page.exists() else "",
    )
