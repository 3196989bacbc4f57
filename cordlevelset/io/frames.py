"""Frames of DICOM files: a plane of pixels, its place in the patient, and what tells it from others.

A classic file holds one frame and says all about it at its top. An enhanced one holds many, and says what they share in
one place and the rest frame by frame (PS3.3, C.7.6.16). Here both come out alike.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from cordlevelset.io.dicomfiles import damaged, read_dataset, whole_or_damaged

__all__ = ["MARKS", "SEGMENTATIONS", "Frame", "Place", "frames_of"]

MARKS = {
    "EchoTime": "echo time",
    "EchoNumbers": "echo",
    "ImageType": "kind",
    "ComplexImageComponent": "component",
    "TemporalPositionIndex": "time point",
    "DiffusionBValue": "b-value",
    "DiffusionGradientOrientation": "gradient",
    "InversionTime": "inversion time",
    "FlipAngle": "flip angle",
    "TriggerTime": "trigger time",
    "AcquisitionNumber": "acquisition",
}
"""Elements that may tell images of one place apart, most telling first, and their words."""
OTHER_NAMES = {
    "EffectiveEchoTime": "EchoTime",
    "FrameType": "ImageType",
    "TemporalPositionIdentifier": "TemporalPositionIndex",
    "InversionTimes": "InversionTime",
    "FrameAcquisitionNumber": "AcquisitionNumber",
    "EchoPulseSequence": "ScanningSequence",
}
"""What an element is called in the other kind of file."""
PLACE = ("ImagePositionPatient", "ImageOrientationPatient", "PixelSpacing", "Rows", "Columns", "StackID")
"""Elements that say where a plane lies."""
VALUES = ("RescaleSlope", "RescaleIntercept", "SamplesPerPixel")
"""Elements that say what its pixels mean."""
ABOUT = (
    "SOPClassUID", "SOPInstanceUID", "SeriesInstanceUID", "SeriesNumber", "SeriesDescription", "ProtocolName",
    "StudyInstanceUID", "StudyDate", "SliceThickness", "SpacingBetweenSlices", "RepetitionTime", "ScanningSequence",
)  # fmt: skip
"""Elements about a file and its series."""
WANTED = {*PLACE, *VALUES, *ABOUT, *MARKS, *OTHER_NAMES}
"""All that is kept of a header."""
IMAGES = "Image Storage"
"""End of the names of all kinds of file that hold images (PS3.4, B.5)."""
SEGMENTATIONS = ("1.2.840.10008.5.1.4.1.1.66.4", "1.2.840.10008.5.1.4.1.1.66.7")
"""Kinds of file that hold masks: one bit a structure, and labels."""


@dataclass(frozen=True, slots=True, eq=False)
class Place:
    """Where a plane of pixels lies.

    Parameters
    ----------
    position : (3,) array
        LPS mm of the middle of its first pixel.
    orientation : (2, 3) array
        LPS directions in which its columns and its rows are counted.
    spacing : (2,) array
        Distance of its rows and of its columns, mm.
    """

    position: NDArray[np.float64]
    orientation: NDArray[np.float64]
    spacing: NDArray[np.float64]

    @property
    def normal(self) -> NDArray[np.float64]:
        """LPS direction in which slices are counted."""
        return np.cross(*self.orientation)


@dataclass(frozen=True, slots=True, eq=False)
class Frame:
    """One plane of pixels.

    Parameters
    ----------
    path : Path
        The file it is in.
    number : int
        Which of the file's frames, from 0.
    n_frames : int
        How many the file holds.
    values : dict
        What the file says of it, by DICOM's keywords as classic files use them.
    place : Place or None
        None if the file does not say.
    """

    path: Path
    number: int
    n_frames: int
    values: dict[str, Any]
    place: Place | None

    @property
    def name(self) -> str:
        """What errors call it."""
        return self.path.name if self.n_frames == 1 else f"{self.path.name}, frame {self.number + 1}"

    def text(self, keyword: str) -> str:
        """A value as text that can be printed; empty if it is not said."""
        value = self.values.get(keyword)
        return "" if value is None else "".join(c for c in str(value) if c.isprintable()).strip()

    def number_of(self, keyword: str) -> float:
        """A value as a number; nan if it is none."""
        found = _numbers(self.values.get(keyword), 1)
        return float("nan") if found is None else float(found[0])


def frames_of(path: Path) -> list[Frame]:
    """The frames of a DICOM file.

    Parameters
    ----------
    path : Path
        Bears the mark of DICOM.

    Returns
    -------
    list of Frame
        Empty if it holds no image, but a report, a mask or the like.

    Raises
    ------
    InputError
        If it is damaged.
    """
    dataset = read_dataset(path, pixels=False)
    with whole_or_damaged(path):
        kind = dataset.file_meta.get("MediaStorageSOPClassUID") or dataset.get("SOPClassUID", "")
        if not dataset.pixels_follow:
            if str(getattr(kind, "name", "")).endswith(IMAGES):
                raise damaged(path)  # cut before its pixels
            return []
        if str(kind) in SEGMENTATIONS:
            return []
        return list(_frames(dataset, path))


def _frames(dataset: Any, path: Path) -> Iterable[Frame]:
    n_frames = int(dataset.get("NumberOfFrames") or 1)
    shared = _found(dataset) | _found_in_groups(dataset.get("SharedFunctionalGroupsSequence") or [])
    groups = dataset.get("PerFrameFunctionalGroupsSequence") or []
    if (groups and len(groups) != n_frames) or any(_numbers(shared.get(k), 1) is None for k in ("Rows", "Columns")):
        raise damaged(path)
    if n_frames > 1 and not groups:  # a film, say: no frame has a place of its own
        shared["ImagePositionPatient"], groups = None, [[]]
    for number in range(len(groups) or 1):
        values = shared | _found_in_groups(groups[number : number + 1])
        yield Frame(path, number, n_frames, values, _place(values))


def _place(values: dict[str, Any]) -> Place | None:
    position, spacing = _numbers(values.get("ImagePositionPatient"), 3), _numbers(values.get("PixelSpacing"), 2)
    orientation = _numbers(values.get("ImageOrientationPatient"), 6)
    if position is None or orientation is None or spacing is None:
        return None
    return Place(position, orientation.reshape(2, 3), spacing)


def _found(item: Any) -> dict[str, Any]:
    """What is wanted of one level of elements."""
    found = {keyword: item[keyword].value for keyword in item.dir() if keyword in WANTED}
    return {OTHER_NAMES.get(keyword, keyword): value for keyword, value in found.items()}


def _found_in_groups(groups: Iterable[Any]) -> dict[str, Any]:
    """What is wanted of functional groups: each is a sequence of one item."""
    found: dict[str, Any] = {}
    for group in groups:
        for element in group:
            if element.VR == "SQ" and element.value:
                found |= _found(element.value[0])
    return found


def _numbers(value: Any, count: int) -> NDArray[np.float64] | None:
    """So many finite numbers, or None."""
    try:
        numbers = np.array(value, dtype=np.float64).ravel()
    except (TypeError, ValueError):
        return None
    return numbers if numbers.size == count and np.isfinite(numbers).all() else None
