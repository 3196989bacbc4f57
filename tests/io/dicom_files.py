"""DICOM files as scanners write them, made from volumes with pydicom: classic, enhanced, packed, and with faults."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import Any

import numpy as np
from pydicom.dataset import Dataset, FileMetaDataset
from pydicom.uid import UID, ExplicitVRLittleEndian

import cordlevelset as cls

MR, ENHANCED_MR, REPORT = (f"1.2.840.10008.5.1.4.1.1.{end}" for end in ("4", "4.1", "88.11"))
STUDY = "1.2.826.0.1.3680043.8.498.1"
"""Study Instance UID; those of series and files begin with it."""

VENDORS: dict[str, dict[str, Any]] = {
    "Siemens": {"Manufacturer": "SIEMENS", "SoftwareVersions": "syngo MR E11", "BitsStored": 12, "HighBit": 11},
    "GE": {"Manufacturer": "GE MEDICAL SYSTEMS", "PixelRepresentation": 1, "SmallestImagePixelValue": 0},
    "Philips": {"Manufacturer": "Philips", "RescaleSlope": 2.5, "RescaleIntercept": -10, "RescaleType": "normalized"},
}
"""What tells their files apart for a reader: bits in use, signed values, scaled values."""


def numbers(values: Iterable[float]) -> list[str]:
    """Decimal strings, at most 16 letters each."""
    return [f"{value:.9g}" for value in values]


def dataset(sop_class: str, uid: str, *, number: int, description: str, **others: Any) -> Dataset:
    """What all files say of patient, study and series."""
    series = f"{STUDY}.{number}"
    ds = Dataset()
    ds.file_meta = FileMetaDataset()
    ds.file_meta.TransferSyntaxUID = ExplicitVRLittleEndian
    ds.file_meta.MediaStorageSOPClassUID = ds.SOPClassUID = sop_class
    ds.file_meta.MediaStorageSOPInstanceUID = ds.SOPInstanceUID = f"{series}.{uid}"
    ds.PatientName, ds.PatientID, ds.PatientBirthDate, ds.PatientSex = "Phantom^Neck", "1", "", ""
    ds.StudyInstanceUID, ds.StudyID, ds.StudyDate, ds.StudyTime = STUDY, "1", "20240102", "101112"
    ds.AccessionNumber, ds.ReferringPhysicianName = "", ""
    ds.SeriesInstanceUID, ds.SeriesNumber, ds.SeriesDescription = series, number, description
    ds.Modality, ds.FrameOfReferenceUID, ds.PositionReferenceIndicator = "MR", f"{STUDY}.99", ""
    _set(ds, others)
    return ds


def _set(ds: Dataset, values: Mapping[str, Any]) -> None:
    for keyword, value in values.items():
        if value is None:
            ds.pop(keyword, None)
        else:
            setattr(ds, keyword, value)


def _pixels(ds: Dataset, array: np.ndarray) -> None:
    ds.SamplesPerPixel, ds.PhotometricInterpretation = 1, "MONOCHROME2"
    ds.Rows, ds.Columns = array.shape[-2:]
    for keyword, value in {"BitsAllocated": 16, "BitsStored": 16, "HighBit": 15, "PixelRepresentation": 0}.items():
        if keyword not in ds:
            setattr(ds, keyword, value)
    ds.PixelData = np.ascontiguousarray(array, "<i2" if ds.PixelRepresentation else "<u2").tobytes()


def _orientation(volume: cls.Volume) -> list[str]:
    return numbers(volume.direction.T[:2].ravel())


def _save(ds: Dataset, path: Path, syntax: str) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    if syntax == ExplicitVRLittleEndian:
        ds.save_as(path, enforce_file_format=True)
    elif UID(syntax).is_compressed:
        ds.compress(syntax, generate_instance_uid=False)
        ds.save_as(path, enforce_file_format=True)
    else:
        ds.file_meta.TransferSyntaxUID = UID(syntax)
        ds.save_as(path, enforce_file_format=True)


def write_classic(
    folder: Path,
    volume: cls.Volume,
    *,
    number: int = 3,
    description: str = "t2_tse_sag",
    planes: Iterable[int] | None = None,
    prefix: str = "",
    syntax: str = ExplicitVRLittleEndian,
    slices: Mapping[int, Mapping[str, Any]] | None = None,
    **others: Any,
) -> list[Path]:
    """One file a slice, named by its number; `slices` changes elements of some, `others` those of all."""
    paths = []
    thickness, *in_plane = volume.spacing
    for k in range(len(volume.array)) if planes is None else planes:
        ds = dataset(MR, f"{k + 1}", number=number, description=description)
        ds.ImageType, ds.InstanceNumber = ["ORIGINAL", "PRIMARY", "M"], k + 1
        ds.EchoTime, ds.RepetitionTime, ds.ScanningSequence = "100", "3500", "SE"
        ds.SliceThickness, ds.PixelSpacing = f"{thickness:.9g}", numbers(in_plane)
        ds.ImagePositionPatient, ds.ImageOrientationPatient = numbers(volume.to_lps([k, 0, 0])), _orientation(volume)
        array = volume.array[k]
        _set(ds, others)
        _set(ds, (slices or {}).get(k, {}))
        _pixels(ds, array)
        paths.append(folder / f"{prefix}{k:03}.dcm")
        _save(ds, paths[-1], syntax)
    return paths


def write_enhanced(
    path: Path,
    volume: cls.Volume,
    *,
    number: int = 3,
    description: str = "t2_tse_sag",
    order: Iterable[int] | None = None,
    echoes: Iterable[float] = (100.0,),
    stacks: Mapping[int, str] | None = None,
    syntax: str = ExplicitVRLittleEndian,
    **others: Any,
) -> Path:
    """One file with all slices, stored in an order of its own; each echo adds 1000 to the values of the one before."""
    planes = list(range(len(volume.array)) if order is None else order)
    echoes = list(echoes)
    ds = dataset(ENHANCED_MR, "100", number=number, description=description)
    ds.ImageType, ds.InstanceNumber, ds.NumberOfFrames = (
        ["ORIGINAL", "PRIMARY", "M", "NONE"],
        1,
        len(planes) * len(echoes),
    )
    _set(ds, others)
    shared = Dataset()
    shared.PlaneOrientationSequence = [_item(ImageOrientationPatient=_orientation(volume))]
    measures = _item(SliceThickness=f"{volume.spacing[0]:.9g}", PixelSpacing=numbers(volume.spacing[1:]))
    shared.PixelMeasuresSequence = [measures]
    if "RescaleSlope" in others:
        slope, intercept = ds.pop("RescaleSlope").value, ds.pop("RescaleIntercept").value
        shared.PixelValueTransformationSequence = [_item(RescaleSlope=slope, RescaleIntercept=intercept)]
    ds.SharedFunctionalGroupsSequence = [shared]
    frames, values = [], []
    for k in planes:
        for n, echo in enumerate(echoes):
            frame = Dataset()
            content = {
                "StackID": (stacks or {}).get(k, "1"),
                "InStackPositionNumber": k + 1,
                "DimensionIndexValues": [1, k + 1],
            }
            frame.FrameContentSequence = [_item(**content)]
            frame.PlanePositionSequence = [_item(ImagePositionPatient=numbers(volume.to_lps([k, 0, 0])))]
            frame.MREchoSequence = [_item(EffectiveEchoTime=echo)]
            frames.append(frame)
            values.append(volume.array[k] + 1000 * n)
    ds.PerFrameFunctionalGroupsSequence = frames
    _pixels(ds, np.stack(values))
    _save(ds, path, syntax)
    return path


def write_report(path: Path) -> None:
    """A structured report: DICOM, and no image."""
    _save(dataset(REPORT, "7", number=9, description="report", Modality="SR"), path, ExplicitVRLittleEndian)


def _item(**values: Any) -> Dataset:
    ds = Dataset()
    _set(ds, values)
    return ds
