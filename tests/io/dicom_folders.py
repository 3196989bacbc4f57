"""DICOM folders as hospitals give them, good and odd, made from an axial phantom; each function fills a folder."""

from __future__ import annotations

import shutil
from collections.abc import Callable, Sequence
from functools import cache
from pathlib import Path
from typing import Any

import numpy as np
from dicom_files import STUDY, write_classic, write_enhanced, write_report
from pydicom.uid import JPEG2000Lossless, JPEGLSLossless, RLELossless

import cordlevelset as cls
from cordlevelset.phantom import Phantom, make_phantom
from cordlevelset.volume import Turn

T1 = {"description": "t1_tse", "EchoTime": "10", "RepetitionTime": "600"}
Fill = Callable[[Path], object]


@cache
def _neck() -> Phantom:
    """As in the input table."""
    return make_phantom(region="cervical", spacing=(2.0, 1.0, 1.0), field_mm=(60.0, 80.0, 50.0), scoliosis_mm=2.0)


def phantom(n: int = 30) -> cls.Volume:
    """Its lowest n slices."""
    made = _neck().image
    return cls.Volume(made.array[:n].astype(np.int16), made.spacing, made.origin, made.direction)


def classic(**options: Any) -> Fill:
    return lambda folder: write_classic(folder, phantom(), **options)


def enhanced(**options: Any) -> Fill:
    return lambda folder: write_enhanced(folder / "IM1", phantom(), **options)


def packed(syntax: str) -> Fill:
    return classic(syntax={"RLE": RLELossless, "JPEG-LS": JPEGLSLossless, "JPEG 2000": JPEG2000Lossless}[syntax])


def changed(slices: Sequence[int], **elements: Any) -> Fill:
    """Some slices with other elements; None takes one out."""
    return classic(slices=dict.fromkeys(slices, elements))


def moved(places: Sequence[tuple[float, float, float]]) -> Fill:
    """The first slices at other places."""
    slices = {k: {"ImagePositionPatient": list(place)} for k, place in enumerate(places)}
    return classic(planes=range(len(places)), slices=slices)


def staggered(shift: float) -> Fill:
    """Each slice further back than the one before, mm."""
    return moved([(0.0, shift * k, 2.0 * k) for k in range(30)])


def _localizer(folder: Path) -> None:
    """Three slices in each of three planes, in one series."""
    for n, direction in enumerate([np.eye(3), np.eye(3)[[2, 0, 1]], np.eye(3)[[1, 2, 0]]]):
        plane = cls.Volume(np.zeros((3, 40, 40), np.int16), (20.0, 2.0, 2.0), (0.0, 0.0, 0.0), direction)
        ids = {k: {"SOPInstanceUID": f"{STUDY}.1.{n + 1}{k}"} for k in range(3)}
        write_classic(folder, plane, number=1, description="loc", prefix=f"IM{n}", slices=ids)


def disc(folder: Path) -> None:
    """A patient's disc: folders in folders, a localizer, a report, the list of all files, hidden ones."""
    _localizer(folder / "DICOM/ST0/SE0")
    classic()(folder / "DICOM/ST0/SE1")
    write_report(folder / "DICOM/ST0/SE2/SR0")
    (folder / "DICOMDIR").write_bytes(bytes(128) + b"DICM")
    (folder / "DICOM/ST0/SE1/._000.dcm").write_bytes(bytes(128) + b"DICM")


def lumbar_disc(folder: Path, t2: cls.Volume, t1: cls.Volume) -> None:
    """The disc that the documentation reads: sagittal slices, T2 and T1, of images with axes up, back and left."""
    _localizer(folder / "DICOM/ST0/SE0")
    sagittal = Turn((2, 0, 1), (True, True, False))
    for number, image, times in ((5, t2, {"description": "t2_tse_sag"}), (6, t1, {**T1, "description": "t1_tse_sag"})):
        stack = sagittal.volume(cls.Volume(image.array.astype(np.int16), image.spacing, image.origin, image.direction))
        write_classic(folder / f"DICOM/ST0/SE{number - 4}", stack, number=number, **times)
    write_report(folder / "DICOM/ST0/SE3/SR0")
    (folder / "DICOMDIR").write_bytes(bytes(128) + b"DICM")


def beside_others(folder: Path) -> None:
    """A text, an empty folder, a report and a copy of a slice among the slices."""
    classic()(folder)
    (folder / "notes.txt").write_text("not DICOM", encoding="utf-8")
    (folder / "sub").mkdir()
    write_report(folder / "report.dcm")
    shutil.copy(folder / "003.dcm", folder / "003 (1).dcm")


def two_series(folder: Path) -> None:
    classic()(folder)
    classic(number=4, prefix="t1_", **T1)(folder)


def one_number_twice(folder: Path) -> None:
    """Of two studies."""
    classic()(folder / "a")
    classic(StudyDate="20250304", SeriesInstanceUID=f"{STUDY}9.3")(folder / "b")


def two_echoes(folder: Path) -> None:
    classic(EchoTime="20")(folder)
    second = {k: {"SOPInstanceUID": f"{STUDY}.3.2{k:02}"} for k in range(30)}
    inverted = phantom().like(4000 - phantom().array)
    write_classic(folder, inverted, prefix="echo2_", EchoTime="80", slices=second)


def no_telling_apart(folder: Path) -> None:
    classic()(folder)
    write_classic(
        folder, phantom(), prefix="again_", slices={k: {"SOPInstanceUID": f"{STUDY}.3.2{k}"} for k in range(30)}
    )


def two_enhanced(folder: Path) -> None:
    enhanced()(folder)
    write_enhanced(folder / "IM2", phantom(), number=4, description="t1_tse", echoes=[10.0])


def damaged(folder: Path) -> None:
    classic()(folder)
    cut(folder / "029.dcm")


def damaged_elsewhere(folder: Path) -> None:
    classic()(folder / "SE1")
    write_classic(folder / "SE2", phantom(3), **T1)
    for path in (folder / "SE2").iterdir():
        cut(path)


def cut(path: Path) -> None:
    path.write_bytes(path.read_bytes()[:500])


def mosaic(folder: Path) -> None:
    classic(ImageType=["ORIGINAL", "PRIMARY", "M", "ND", "MOSAIC"])(folder)


def with_segmentation(folder: Path) -> None:
    """A series, and the mask of its cord beside its slices."""
    classic()(folder)
    image = cls.read(folder)
    cls.write(image.like((_neck().soft_mask.array >= 0.5).astype(np.uint8)), folder / "cord.dcm")
