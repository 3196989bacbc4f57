"""Images of a BIDS dataset, and where their derivatives go.

Names as spinal cord datasets have them: ``sub-01/anat/sub-01_T2w_label-SC_seg.nii.gz`` beside its ``.json``
(Gorgolewski 2016, doi:10.1038/sdata.2016.44; Cohen-Adad 2021, doi:10.1038/s41597-021-00941-8).
"""

from __future__ import annotations

import json
from dataclasses import dataclass
from pathlib import Path

from cordlevelset.errors import InputError

__all__ = [
    "DESCRIPTION",
    "SUFFIXES",
    "Choice",
    "Source",
    "check_output",
    "choose",
    "dataset_description",
    "find_images",
]

SUFFIXES = ("T1w", "T2w", "T2starw", "T2star", "PDw", "MTS", "MTw", "UNIT1")
"""Anatomical images in which a cord can be seen."""
N_PARTICIPANTS_LISTED = 8
"""Participants that an error lists: one line must hold them."""
BIDS_VERSION = "1.9.0"
"""Of the standard that a derivative dataset follows."""
DESCRIPTION = "dataset_description.json"
"""Name of the file that says what a dataset is."""
NAME = "cordlevelset"
"""Who wrote a description."""


@dataclass(frozen=True, slots=True)
class Source:
    """One image of the dataset.

    Attributes
    ----------
    path : Path
        The image.
    name : str
        Its path inside the dataset, with forward slashes.
    """

    path: Path
    name: str

    @property
    def subject(self) -> str:
        """``sub-01``."""
        return self.name.split("/")[0]

    @property
    def session(self) -> str:
        """``ses-a``, or ``n/a``."""
        part = self.name.split("/")[1]
        return part if part.startswith("ses-") else "n/a"

    @property
    def stem(self) -> str:
        """Path of its derivatives inside the output, up to the label: ``sub-01/anat/sub-01_T2w``."""
        return self.name.removesuffix(".gz").removesuffix(".nii")


@dataclass(frozen=True, slots=True)
class Choice:
    """Which images of a dataset; empty: all.

    Attributes
    ----------
    participants, sessions : tuple of str
        Labels, with or without ``sub-`` and ``ses-``.
    suffixes : tuple of str
        Of `SUFFIXES`.
    """

    participants: tuple[str, ...] = ()
    sessions: tuple[str, ...] = ()
    suffixes: tuple[str, ...] = ()

    def holds(self, source: Source) -> bool:
        """Whether an image is among them."""
        wanted = (
            (source.subject, {f"sub-{label.removeprefix('sub-')}" for label in self.participants}),
            (source.session, {f"ses-{label.removeprefix('ses-')}" for label in self.sessions}),
            (source.stem.rsplit("_", 1)[-1], set(self.suffixes)),
        )
        return all(not labels or found in labels for found, labels in wanted)


def choose(sources: list[Source], choice: Choice) -> list[Source]:
    """The images that were asked for.

    Parameters
    ----------
    sources : list of Source
        All of a dataset.
    choice : Choice
        Which of them.

    Returns
    -------
    list of Source

    Raises
    ------
    InputError
        If a participant is not there, or none of its images fits.
    """
    subjects = sorted({s.subject for s in sources})
    for label in choice.participants:
        if f"sub-{label.removeprefix('sub-')}" not in subjects:
            raise InputError(
                f"no images of participant {label}; there are {', '.join(subjects[:N_PARTICIPANTS_LISTED])}"
            )
    kept = [s for s in sources if choice.holds(s)]
    if not kept:
        raise InputError("no image fits the chosen participants, sessions and suffixes; choose fewer of them")
    return kept


def find_images(dataset: Path) -> list[Source]:
    """Anatomical images of all subjects and sessions, sorted by name; hidden ones are none.

    Parameters
    ----------
    dataset : Path
        Root of the BIDS dataset.

    Returns
    -------
    list of Source

    Raises
    ------
    InputError
        If there is no such folder, or no such image in it.
    """
    if not dataset.is_dir():
        raise InputError(f"no folder {dataset}; give the root of a BIDS dataset")
    found = [p for pattern in ("sub-*/anat/*.nii*", "sub-*/ses-*/anat/*.nii*") for p in dataset.glob(pattern)]
    named = [p for p in found if p.name.endswith((".nii", ".nii.gz")) and not p.name.startswith(".")]  # "._": macOS
    sources = (Source(p, p.relative_to(dataset).as_posix()) for p in named)
    kept = sorted((s for s in sources if s.stem.rsplit("_", 1)[-1] in SUFFIXES), key=lambda s: s.name)
    if not kept:
        raise InputError(f"no anatomical image in {dataset}; expected sub-*/[ses-*/]anat/*_T2w.nii.gz or the like")
    twice = {s.stem for s in kept if sum(o.stem == s.stem for o in kept) > 1}
    if twice:
        raise InputError(f"{min(twice)} is there as .nii and as .nii.gz; remove one")
    return kept


def dataset_description(version: str, raw: str) -> dict[str, object]:
    """What ``dataset_description.json`` of the output says; `raw` is the way from there to the dataset."""
    return {
        "Name": "Spinal cord segmentations",
        "BIDSVersion": BIDS_VERSION,
        "DatasetType": "derivative",
        "GeneratedBy": [{"Name": NAME, "Version": version}],
        "DatasetLinks": {"raw": raw},
    }


def check_output(dataset: Path, output: Path) -> None:
    """Make sure that a description in the output replaces none but an earlier one of ours."""
    if output.resolve() == dataset.resolve():
        raise InputError(f"{output} is the dataset itself; give another folder, or one in it")
    path = output / DESCRIPTION
    try:
        makers = {maker["Name"] for maker in json.loads(path.read_text(encoding="utf-8"))["GeneratedBy"]}
    except (FileNotFoundError, NotADirectoryError):
        return
    except (OSError, ValueError, KeyError, TypeError):
        makers = set()
    if NAME not in makers:
        raise InputError(f"{path} describes another dataset and would be lost; give a folder of its own")
