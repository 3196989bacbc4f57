"""The image series of a DICOM folder tree: their list, and which one is meant."""

from __future__ import annotations

import math
import os
import re
from dataclasses import dataclass, field, replace
from pathlib import Path
from string import ascii_lowercase

from cordlevelset.brief import one_line
from cordlevelset.errors import CordLevelSetError, InputError
from cordlevelset.io.dicomfiles import DIRECTORY, find_dicom
from cordlevelset.io.frames import Frame, frames_of
from cordlevelset.io.stacks import grid_of, plane_of, split, unlike

__all__ = ["Scan", "Series", "choose", "list_series", "scan"]

LEAST_SLICES = 3
"""With fewer no slice has neighbours on both sides: a series that is taken unasked has more."""
OVERVIEW = re.compile(r"localizer|localiser|\bloc\b|_loc|scout|survey|pilot|smartbrain|3.?pl(ane)?\b", re.IGNORECASE)
"""What scanners and technicians call the images that a series is planned on."""
LONG_ECHO_MS = 50.0
"""Echo time of spin echoes from which CSF is bright: T1 and proton density are taken at 8 to 30 ms, T2 at 80 to 120."""
LONG_GRADIENT_ECHO_MS = 8.0
"""Echo time of gradient echoes from which T2* shows: T1 is taken at 2 to 5 ms, T2* of the cord at 12 to 25."""
SHORT_REPETITION_MS = 1200.0
"""Repetition time up to which T1 shows: T1 is taken at 400 to 800 ms, proton density and T2 at 2000 and more."""
SHORT_INVERSION_MS = 300.0
"""Inversion time up to which it is fat that is nulled: 130 to 240 ms; for CSF it is 2000 and more."""
LONGEST = 64
"""Letters of a description: DICOM allows no more (LO, PS3.5, 6.2)."""
N_NAMED = 6
"""No more series in one line of an error than a person will read."""


@dataclass(frozen=True, slots=True)
class Series:
    """One image of a DICOM folder: a series, or one of the stacks that it holds.

    Attributes
    ----------
    label : str
        What it is chosen by: the series number, with ``.1``, ``.2`` where it holds several images and a letter where
        several series bear the number.
    description : str
        Of the series, and what tells this image from others in it.
    study_date : str
        YYYYMMDD; empty if it is not said.
    uid : str
        Series Instance UID.
    n_slices, n_rows, n_columns : int
        Its size.
    thickness_mm, spacing_mm : float
        Of the slices, and between their middles; nan if it is not said, or cannot be told.
    plane : str
        "sagittal", "coronal", "axial", or empty.
    contrast : str
        A guess from echo, repetition and inversion time, as `segment` names contrasts; or empty.
    overview : bool
        Whether it looks like a localizer.
    problem : str
        Why it cannot be read; empty if it can.
    frames : tuple of Frame
        Its slices.
    """

    label: str
    description: str
    study_date: str
    uid: str
    n_slices: int
    n_rows: int
    n_columns: int
    thickness_mm: float
    spacing_mm: float
    plane: str
    contrast: str
    overview: bool
    problem: str
    frames: tuple[Frame, ...] = field(repr=False, compare=False)

    __repr__ = one_line

    @property
    def name(self) -> str:
        """What errors and notes call it."""
        return f"series {self.label}" + (f" ({self.description})" if self.description else "")


@dataclass(frozen=True, slots=True)
class Scan:
    """What a folder holds: its image series, and the errors about its damaged files."""

    series: list[Series]
    damaged: dict[Path, InputError]


def list_series(folder: str | os.PathLike[str]) -> list[Series]:
    """List the image series of a DICOM folder and of the folders in it.

    Parameters
    ----------
    folder : path
        As a scanner, an archive or a disc gives it; or one DICOM file.

    Returns
    -------
    list of Series
        In the order of their numbers.

    Raises
    ------
    InputError
        If it cannot be read.
    """
    return scan(Path(folder)).series


def scan(folder: Path) -> Scan:
    """Read the headers of all DICOM files of a folder tree.

    Parameters
    ----------
    folder : Path
        Or one file; a DICOMDIR stands for its folder.

    Returns
    -------
    Scan

    Raises
    ------
    InputError
        If it cannot be read.
    """
    if folder.name == DIRECTORY:
        folder = folder.parent
    of_series: dict[str, list[Frame]] = {}
    hurt = {}
    for path in find_dicom(folder) if folder.is_dir() else [folder]:
        try:
            for frame in frames_of(path):
                of_series.setdefault(frame.text("SeriesInstanceUID"), []).append(frame)
        except InputError as error:
            hurt[path] = error
    groups = sorted(of_series.values(), key=_order)
    numbers = [_number(group) for group in groups]
    found = []
    for n, group in enumerate(groups):
        label = numbers[n]
        if numbers.count(label) > 1:
            label += _letters(numbers[:n].count(label))
        found += _images(group, label)
    return Scan(found, hurt)


def choose(found: list[Series], wanted: str | None, folder: Path) -> Series:
    """The series that is meant.

    Parameters
    ----------
    found : list of Series
        What there is.
    wanted : str or None
        A label, the number before its point, a part of the description, or a Series Instance UID; None: the only one
        that can be meant.
    folder : Path
        What errors call the place.

    Returns
    -------
    Series

    Raises
    ------
    InputError
        If it is none, or more than one.
    """
    if not found:
        raise InputError(f"no DICOM series in folder {folder}; give a folder that holds the slices, or one above it")
    matching = found if wanted is None else _matching(found, wanted.strip())
    if not matching:
        raise InputError(f"no series {wanted!r} in {folder}; there are {_named(found)}")
    likely = [s for s in matching if s.n_slices >= LEAST_SLICES and not s.overview]
    if len(matching) == 1 or len(likely) == 1:
        one = matching[0] if len(matching) == 1 else likely[0]
        if wanted != one.label:
            _check_no_odd_slice(one, found)
        return one
    raise InputError(
        f"{len(likely or matching)} series in {folder} may be meant: {_named(likely or matching)}; "
        "choose by --series NUMBER (series=)"
    )


def _check_no_odd_slice(one: Series, found: list[Series]) -> None:
    """Refuse a series in which a single slice differs: it may be one of those that are wanted."""
    for other in found:
        if other.uid == one.uid and other.n_slices == 1 and (how := unlike(other.frames[0], one.frames[0])):
            raise InputError(
                f"{one.name}: {other.frames[0].name} {how}, unlike the other {one.n_slices} slices; take it out, or "
                f"leave it out by --series {one.label}"
            )


def _matching(found: list[Series], wanted: str) -> list[Series]:
    for same in (
        lambda s: wanted == s.label,
        lambda s: wanted == re.split("[.a-z]", s.label)[0] or wanted == s.label.partition(".")[0],
        lambda s: wanted == s.uid,
        lambda s: wanted.lower() in s.description.lower(),
    ):
        if matching := [s for s in found if same(s)]:
            return matching
    return []


def _named(series: list[Series]) -> str:
    dated = len({s.study_date for s in series}) > 1
    parts = []
    for s in series[:N_NAMED]:
        texts = (s.description, s.study_date if dated else "", f"{s.n_slices} slice{'s' * (s.n_slices > 1)}")
        parts.append(f"{s.label} ({', '.join(text for text in texts if text)})")
    more = len(series) - N_NAMED
    return ", ".join(parts) + (f" and {more} more" if more > 0 else "")


def _order(group: list[Frame]) -> tuple[float, str, str]:
    number = group[0].number_of("SeriesNumber")
    return (
        number if number == number else float("inf"),
        group[0].text("StudyDate"),
        group[0].text("SeriesInstanceUID"),
    )


def _number(group: list[Frame]) -> str:
    return group[0].text("SeriesNumber") or "0"


def _letters(n: int) -> str:
    """Letters a to z, aa, ab and so on."""
    first, last = divmod(n, len(ascii_lowercase))
    return (_letters(first - 1) if first else "") + ascii_lowercase[last]


def _images(group: list[Frame], label: str) -> list[Series]:
    """The images of one series."""
    stacks = split(group)
    several = len({plane_of(frames[0]) for frames, _ in stacks} - {""}) > 1
    return [
        _image(frames, f"{label}.{n}" if len(stacks) > 1 else label, words, several)
        for n, (frames, words) in enumerate(stacks, 1)
    ]


def _image(frames: list[Frame], label: str, words: str, several_planes: bool) -> Series:
    first = frames[0]
    own = (first.text("SeriesDescription") or first.text("ProtocolName"))[:LONGEST]
    bare = Series(
        label=label,
        description=", ".join(text for text in (own, words) if text),
        study_date=first.text("StudyDate").replace(".", ""),  # as older files put it
        uid=first.text("SeriesInstanceUID"),
        n_slices=len(frames),
        n_rows=int(first.number_of("Rows")),
        n_columns=int(first.number_of("Columns")),
        thickness_mm=first.number_of("SliceThickness"),
        spacing_mm=math.nan,
        plane=plane_of(first),
        contrast=_contrast(first),
        overview=several_planes or bool(OVERVIEW.search(own)) or "LOCALIZER" in first.text("ImageType"),
        problem="",
        frames=tuple(frames),
    )
    try:
        grid = grid_of(frames, bare.name)
    except CordLevelSetError as error:
        return replace(bare, problem=str(error))
    return replace(bare, spacing_mm=grid.spacing[0] if len(frames) > 1 else math.nan, frames=grid.frames)


def _contrast(frame: Frame) -> str:
    """A guess, from how the image was taken; empty if that is not said."""
    echo, repetition = frame.number_of("EchoTime"), frame.number_of("RepetitionTime")
    inversion, b_value = frame.number_of("InversionTime"), frame.number_of("DiffusionBValue")
    if b_value > 0:
        return "dwi"
    if "G" in frame.text("ScanningSequence"):  # GR, or GRADIENT
        return "t2s" if echo >= LONG_GRADIENT_ECHO_MS else "t1" if echo > 0 else ""
    if 0 < inversion <= SHORT_INVERSION_MS:
        return "stir"
    if echo >= LONG_ECHO_MS:
        return "t2"
    return "t1" if echo > 0 and 0 < repetition <= SHORT_REPETITION_MS else ""
