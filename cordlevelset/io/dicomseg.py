"""Masks as DICOM segmentations (PS3.3, A.51): bound to the slices of their source series, with coded terms.

An archive files one under the patient's study, and viewers lay it on the images it refers to.
"""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np

from cordlevelset import __version__
from cordlevelset.errors import InputError
from cordlevelset.io.dicomfiles import MOST_INFLATED, damaged, quiet, read_dataset, whole_or_damaged
from cordlevelset.io.frames import SEGMENTATIONS, Frame, frames_of
from cordlevelset.volume import Volume

__all__ = ["DICOM_SUFFIX", "check_source", "read_segmentation", "segment_names", "write_segmentation"]

DICOM_SUFFIX = ".dcm"
"""Ending of the name of a mask that is to be written as a DICOM segmentation."""
NEW_SERIES = 1000
"""Added to the number of the source series: scanners count their own to some hundreds."""
MAY_BE_EMPTY = (
    "PatientID", "PatientName", "PatientBirthDate", "PatientSex", "AccessionNumber", "StudyID", "StudyDate",
    "StudyTime", "ReferringPhysicianName",
)  # fmt: skip
"""Elements that must be there and may be empty (type 2): those who take names out take some out as a whole."""
MUST_BE_KNOWN = {"StudyInstanceUID": "study", "SOPInstanceUID": "file", "FrameOfReferenceUID": "frame of reference"}
"""Elements by which a segmentation refers to its source, and what they name."""


def check_source(volume: Volume, path: Path) -> None:
    """Find out before the work whether a mask of an image can be written as DICOM.

    Parameters
    ----------
    volume : Volume
        The image, or a mask of it.
    path : Path
        The file to be; any name that does not end in `DICOM_SUFFIX` passes.

    Raises
    ------
    InputError
        If it cannot.
    """
    if not path.name.lower().endswith(DICOM_SUFFIX):
        return
    _highdicom()
    if not volume.source:
        raise InputError(
            f"cannot write {path}: a DICOM segmentation refers to DICOM slices, and the image was not read from any; "
            "give a name in .nii.gz"
        )
    _sources(volume, path)


def write_segmentation(mask: Volume, path: Path, *, automatic: bool = False, remark: str = "") -> None:
    """Write a mask as a DICOM segmentation of the series that its image was read from.

    Parameters
    ----------
    mask : Volume
        0 and 1; its `source` names the slices.
    path : Path
        The file to be.
    automatic : bool
        Whether nobody had a hand in it; if that is not known it is called semi-automatic.
    remark : str
        At most 64 letters about it.

    Raises
    ------
    InputError
        If it is no mask, was not read from DICOM, or the slices do not say what they belong to.
    """
    array = np.asarray(mask.array)
    if not np.isin(array, (0, 1)).all():
        raise InputError(f"cannot write {path}: a DICOM segmentation holds 0 and 1; give the mask, not the soft mask")
    check_source(mask, path)
    frames, headers = _sources(mask, path)
    with quiet():
        made = _segmentation(array.astype(np.uint8), mask.spacing[0], frames, headers, automatic, remark)
        _refer_to(made, frames)
        made.save_as(path)


def read_segmentation(path: Path) -> Volume | None:
    """The masks of a DICOM segmentation as a label image, or None if the file is none.

    Parameters
    ----------
    path : Path
        A DICOM file.

    Returns
    -------
    Volume or None
        Segment numbers; where there is but one segment, the share of each voxel that it takes.

    Raises
    ------
    InputError
        If it is damaged, its segments overlap, or its slices make no image.
    """
    dataset = read_dataset(path, pixels=False)
    if str(dataset.get("SOPClassUID", "")) not in SEGMENTATIONS:
        return None
    highdicom = _highdicom()
    dataset = read_dataset(path)
    with whole_or_damaged(path):
        made = highdicom.seg.Segmentation.from_dataset(dataset, copy=False)
        grid = made.get_volume_geometry()
        if grid is None:
            raise InputError(f"{path}: its slices lie unevenly or in several planes; convert it in the tool it is from")
        if np.prod(grid.spatial_shape, dtype=float) > MOST_INFLATED:
            raise damaged(path)
        try:
            volume = made.get_volume(combine_segments=made.number_of_segments > 1)
        except RuntimeError:
            raise InputError(f"{path}: its segments overlap; write each into a file of its own") from None
        volume = volume.flip_spatial(0)  # highdicom counts slices against their normal, images here along it
        array = volume.array if volume.array.ndim == 3 else volume.array[..., 0]
        return Volume(array, volume.spacing, volume.position, np.array(volume.direction)[:, ::-1])


def segment_names(path: Path) -> list[tuple[int, str]]:
    """Numbers and names of the segments of a DICOM segmentation.

    Parameters
    ----------
    path : Path
        A DICOM file.

    Returns
    -------
    list of (int, str)
        Empty if it is no segmentation.

    Raises
    ------
    InputError
        If it is damaged.
    """
    dataset = read_dataset(path, pixels=False)
    with whole_or_damaged(path):
        segments = dataset.get("SegmentSequence") or []
        return [(int(one.SegmentNumber), str(one.get("SegmentLabel", "")).strip()) for one in segments]


def _sources(volume: Volume, path: Path) -> tuple[list[Frame], list[Any]]:
    """Frame of each plane, and the header of each file that they are in."""
    of_file = {file: frames_of(file) for file in dict.fromkeys(file for file, _ in volume.source)}
    headers = [read_dataset(file, pixels=False) for file in of_file]
    for header in headers:
        header.SliceThickness = header.get("SliceThickness") or f"{volume.spacing[0]:.6g}"
        for keyword in MAY_BE_EMPTY:
            if keyword not in header:
                setattr(header, keyword, None)
        for keyword, words in MUST_BE_KNOWN.items():
            if not header.get(keyword):
                raise InputError(
                    f"cannot write {path}: the slices do not name their {words} ({keyword}), and a DICOM segmentation "
                    "must; give a name in .nii.gz"
                )
    return [of_file[file][number] for file, number in volume.source], headers


def _segmentation(
    array: Any, step_mm: float, frames: Sequence[Frame], headers: list[Any], automatic: bool, remark: str
) -> Any:
    from pydicom.sr.codedict import codes

    highdicom = _highdicom()
    by = highdicom.AlgorithmIdentificationSequence(
        name="cordlevelset", family=codes.DCM.DeformableModels, version=__version__
    )
    cord = highdicom.seg.SegmentDescription(
        segment_number=1,
        segment_label="Spinal cord",
        segmented_property_category=codes.SCT.AnatomicalStructure,
        segmented_property_type=codes.SCT.SpinalCord,
        algorithm_type="AUTOMATIC" if automatic else "SEMIAUTOMATIC",
        algorithm_identification=by,
    )
    places = [frame.place for frame in frames if frame.place is not None]
    thickness = frames[0].number_of("SliceThickness")
    return highdicom.seg.Segmentation(
        source_images=headers,
        pixel_array=array,
        segmentation_type="BINARY",
        segment_descriptions=[cord],
        series_instance_uid=highdicom.UID(),
        series_number=NEW_SERIES + int(np.nan_to_num(frames[0].number_of("SeriesNumber"))),
        sop_instance_uid=highdicom.UID(),
        instance_number=1,
        manufacturer="cordlevelset",
        manufacturer_model_name="cordlevelset",
        software_versions=__version__,
        device_serial_number="none",
        pixel_measures=highdicom.PixelMeasuresSequence(
            pixel_spacing=places[0].spacing.tolist(),
            slice_thickness=thickness if thickness > 0 else step_mm,
            spacing_between_slices=step_mm,
        ),
        plane_positions=[highdicom.PlanePositionSequence("PATIENT", place.position.tolist()) for place in places],
        omit_empty_frames=False,  # so that the mask has the image's grid wherever it is read
        content_label="SPINAL_CORD",
        content_description=remark or None,
        series_description="Spinal cord (cordlevelset)",
    )


def _refer_to(made: Any, frames: Sequence[Frame]) -> None:
    """Of the frames of an enhanced file that lie at one place, refer to the one that was segmented."""
    numbers = {tuple(np.round(f.place.position, 3)): f.number + 1 for f in frames if f.place and f.n_frames > 1}
    for group in made.PerFrameFunctionalGroupsSequence:
        at = tuple(np.round(np.array(group.PlanePositionSequence[0].ImagePositionPatient, dtype=float), 3))
        for derivation in group.DerivationImageSequence if numbers else ():
            derivation.SourceImageSequence = [
                item for item in derivation.SourceImageSequence if item.ReferencedFrameNumber == numbers.get(at)
            ]


def _highdicom() -> Any:
    """The library, imported when first needed."""
    try:
        import highdicom
    except ImportError:
        raise InputError('DICOM needs an extra; install it: pip install "cordlevelset[dicom]"') from None
    return highdicom
