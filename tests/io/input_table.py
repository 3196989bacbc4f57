"""What goes in and what comes out: every odd input, and the answer to it, as data.

``python tests/io/input_table.py`` runs all rows and writes the table of ``docs/reference/input.md``; `test_input_table`
runs the same rows, checks what they promise, and that the table is as written.
"""

from __future__ import annotations

import contextlib
import ctypes
import gzip
import io
import json
import os
import re
import struct
import sys
import tempfile
import warnings
from collections.abc import Callable, Iterator, Mapping
from contextlib import AbstractContextManager
from dataclasses import dataclass, field
from functools import cache
from pathlib import Path
from typing import Any

import dicom_folders
import nibabel as nib
import numpy as np
import SimpleITK as sitk

import cordlevelset as cls
from cordlevelset.app.cli import main
from cordlevelset.phantom import Phantom, make_phantom

DOCUMENT = Path(__file__).parents[2] / "docs" / "reference" / "input.md"
BEGIN, BEGIN_AROUND, END = "<!-- table -->\n", "<!-- around -->\n", "<!-- end -->\n"
LEAST_DICE = 0.85
"""A right mask of the phantom, for images that hold all of it; in each row, unless it says another."""


@cache
def neck() -> Phantom:
    """Small: 30 x 80 x 50 voxels, a few tenths of a second for the whole path."""
    return make_phantom(region="cervical", spacing=(2.0, 1.0, 1.0), field_mm=(60.0, 80.0, 50.0), scoliosis_mm=2.0)


@dataclass(frozen=True)
class Made:
    """An input on disk, and the share of each voxel that is cord, where a mask is to come out."""

    path: Path
    truth: np.ndarray | None = None


@dataclass(frozen=True)
class Row:
    """One kind of input and the answer to it."""

    what: str
    make: Callable[[Path], Made]
    status: int = 0
    says: str = ""  # of the error, or of a note on the result
    frame: int | None = None
    output: str = "mask.nii.gz"
    around: Callable[[Path], AbstractContextManager[object]] = lambda folder: contextlib.nullcontext()
    error: type[cls.CordLevelSetError] = cls.InputError
    least_dice: float = LEAST_DICE
    command: str = "segment"
    options: Mapping[str, str | int] = field(default_factory=dict)  # names of files in the folder, or numbers

    def keywords(self, folder: Path) -> dict[str, object]:
        """The options as keywords of the Python function."""
        there = {k: folder / v if (folder / str(v)).exists() else v for k, v in self.options.items()}
        return there if self.frame is None else {**there, "frame": self.frame}

    def python(self, made: Made, folder: Path) -> object:
        """What the function of the command's name returns."""
        with warnings.catch_warnings(action="ignore"):  # `measure` says in this way what it left out
            return getattr(cls, self.command)(made.path, **self.keywords(folder))


@dataclass(frozen=True)
class Seen:
    """What the command line did with a row."""

    status: int
    out: str
    err: str
    files: frozenset[str]


def run(row: Row, made: Made, folder: Path) -> Seen:
    """Run the row's command on its input."""
    out, err = io.StringIO(), io.StringIO()
    given = row.keywords(folder)
    words = [row.command, str(made.path)]
    words += [str(given.pop("reference"))] if row.command == "compare" else ["-o", str(folder / row.output)]
    for name, value in given.items():
        words += [f"--{name.replace('_', '-')}", str(value)]
    with row.around(folder), contextlib.redirect_stdout(out), contextlib.redirect_stderr(err):
        status = main(words)
    return Seen(status, out.getvalue(), err.getvalue(), files_in(folder))


def files_in(folder: Path) -> frozenset[str]:
    return frozenset(str(p.relative_to(folder)) for p in folder.rglob("*"))


def line(row: Row, seen: Seen, folder: Path) -> str:
    """The row as it stands in the document."""
    text = seen.err.removeprefix("cordlevelset: ")
    if seen.status == 0 and row.command != "segment":
        text = " ".join(re.sub(" +", " ", seen.out).splitlines()[:2])
    elif seen.status == 0:
        text = "; ".join(["mask", *(s.removeprefix("note: ") for s in seen.out.splitlines() if s.startswith("note: "))])
    text = re.sub(r"[-\d.]+ to [-\d.]+ mm apart", "… mm apart", text)
    text = re.sub(r"probability of [\d.]+", "probability of …", text)
    text = text.replace("name" * 80, "namename…")
    return f"| {row.what} | {seen.status} | {text.strip().replace(f'{folder}/', '')} |"


# images that a mask comes out of


def _sitk(array: np.ndarray | None = None) -> sitk.Image:
    image = neck().image
    return cls.Volume(image.array if array is None else array, image.spacing, image.origin, image.direction).to_sitk()


def _truth() -> np.ndarray:
    return neck().soft_mask.array


def _values(change: Callable[[np.ndarray], np.ndarray], name: str = "image.nrrd") -> Callable[[Path], Made]:
    """The phantom with other values, on the same grid."""

    def make(folder: Path) -> Made:
        sitk.WriteImage(_sitk(change(neck().image.array)), str(folder / name))
        return Made(folder / name, _truth())

    return make


def _as_type(dtype: str) -> Callable[[np.ndarray], np.ndarray]:
    def change(array: np.ndarray) -> np.ndarray:
        top = 120 if np.dtype(dtype).itemsize == 1 else 1000
        return (array * (top / array.max())).astype(dtype)

    return change


def _grid(change: Callable[[np.ndarray], np.ndarray], spacing: tuple[float, float, float]) -> Callable[[Path], Made]:
    """The phantom on another grid, made from image and truth alike."""

    def make(folder: Path) -> Made:
        cls.write(cls.Volume(np.ascontiguousarray(change(neck().image.array)), spacing), folder / "image.mha")
        return Made(folder / "image.mha", change(_truth()))

    return make


def _thick(axis: int, n: int) -> Callable[[np.ndarray], np.ndarray]:
    """Mean of every n planes."""

    def change(array: np.ndarray) -> np.ndarray:
        kept = array.shape[axis] // n
        parts = np.split(np.take(array, range(kept * n), axis), kept, axis)
        return np.stack([p.mean(axis, dtype=np.float32) for p in parts], axis)

    return change


def _nifti(
    change: Callable[[nib.Nifti1Image], object] = lambda image: None,
    *,
    array: Callable[[np.ndarray], np.ndarray] = lambda a: a,
    affine: np.ndarray | None = None,
    truth: Callable[[np.ndarray], np.ndarray] = lambda a: a,
    endian: str = "<",
    name: str = "image.nii",
    patch: tuple[int, str, tuple[float, ...]] | None = None,
) -> Callable[[Path], Made]:
    """The phantom by nibabel, axes i, j, k; `patch` packs numbers into the written header."""

    def make(folder: Path) -> Made:
        values = array(neck().image.array).T
        matrix = np.diag([-1.0, -1.0, 2.0, 1.0]) if affine is None else affine
        image = nib.Nifti1Image(values, matrix, nib.Nifti1Header(endianness=endian))
        change(image)
        nib.save(image, folder / name)
        if patch is not None:
            raw = bytearray((folder / name).read_bytes())
            struct.pack_into(endian + patch[1], raw, patch[0], *patch[2])
            (folder / name).write_bytes(raw)
        return Made(folder / name, truth(_truth()))

    return make


def _scaled(image: nib.Nifti1Image) -> None:
    image.set_data_dtype(np.int16)  # nibabel then writes a slope and an intercept


def _two_forms(image: nib.Nifti1Image) -> None:
    image.set_qform(image.affine, 1)
    shifted = image.affine.copy()
    shifted[0, 3] += 5
    image.set_sform(shifted, 2)


def _no_form(image: nib.Nifti1Image) -> None:
    image.set_qform(None, 0)
    image.set_sform(None, 0)
    image.header["pixdim"][1:4] = 1, 1, 2


def _sform_only(image: nib.Nifti1Image) -> None:
    image.set_qform(None, 0)
    image.set_sform(image.affine, 2)


def _other_sizes(image: nib.Nifti1Image) -> None:
    _sform_only(image)
    image.set_sform(image.affine @ np.diag([1.05, 1.05, 1.05, 1]), 2)
    image.header["pixdim"][1:4] = 1, 1, 2


def _in_metres(image: nib.Nifti1Image) -> None:
    image.header.set_xyzt_units("meter")


def _named(name: str) -> Callable[[Path], Made]:
    def make(folder: Path) -> Made:
        path = folder / name
        path.parent.mkdir(exist_ok=True)
        cls.write(neck().image, path)
        return Made(path, _truth())

    return make


def _dicom(fill: dicom_folders.Fill) -> Callable[[Path], Made]:
    """A DICOM folder of the phantom."""

    def make(folder: Path) -> Made:
        (folder / "disc").mkdir()
        fill(folder / "disc")
        return Made(folder / "disc", _truth())

    return make


def _with_labels(folder: Path) -> Made:
    """The phantom, and beside it a label image of the kind other tools write: vertebrae 41, canal 2, cord 1."""
    return _with_masks(folder, lambda cord: _vertebrae(cord) | np.where(cord, 1, 2 * (neck().sac_mask.array > 0)))


def _vertebrae(cord: np.ndarray) -> np.ndarray:
    block = np.zeros(cord.shape, np.uint8)
    block[:, :20, 8:42] = 40
    return block


def _with_255(folder: Path) -> Made:
    return _with_masks(folder, lambda cord: 255 * cord)


def _with_masks(folder: Path, change: Callable[[np.ndarray], np.ndarray]) -> Made:
    """The phantom with a mask, a drawing of three slices of it, and the plain cord for comparison."""
    cord, image = _truth() >= 0.5, neck().image
    labels = change(cord).astype(np.uint8)
    drawn = np.zeros_like(labels)
    drawn[[5, 15, 25]] = labels[[5, 15, 25]]
    for name, array in (("mask", labels), ("drawn", drawn), ("cord", cord.astype(np.uint8))):
        cls.write(image.like(array), folder / f"{name}.nrrd")
    cls.write(image, folder / "image.nrrd")
    return Made(folder / "image.nrrd", _truth())


def _beside(of: Callable[[Path], Made], name: str) -> Callable[[Path], Made]:
    """Another of the files that `of` makes."""
    return lambda folder: Made(of(folder).path.parent / name)


def _segments(
    *segments: tuple[str, int, int], layers: Callable[[np.ndarray], list[np.ndarray]]
) -> Callable[[Path], Made]:
    """The phantom with its cord in a ``.seg.nrrd`` of named segments, as Slicer writes them: name, value, layer."""

    def make(folder: Path) -> Made:
        made = GOOD(folder)
        stack = np.stack(layers(_truth() >= 0.5), axis=-1).astype(np.uint8)
        image = (
            sitk.GetImageFromArray(stack, isVector=stack.shape[-1] > 1) if stack.shape[-1] > 1 else _sitk(stack[..., 0])
        )
        image.CopyInformation(_sitk())
        for n, (name, value, layer) in enumerate(segments):
            for key, text in (("Name", name), ("LabelValue", str(value)), ("Layer", str(layer))):
                image.SetMetaData(f"Segment{n}_{key}", text)
        sitk.WriteImage(image, str(folder / "mask.seg.nrrd"))
        return made

    return make


LAYERS = _segments(("canal", 1, 0), ("Spinal Cord", 1, 1), layers=lambda cord: [neck().sac_mask.array > 0, cord])
"""Two segments that overlap, each of value 1 in a layer of its own."""
SHARED = _segments(
    ("canal", 2, 0), ("cord", 1, 0), layers=lambda cord: [np.where(cord, 1, 2 * (neck().sac_mask.array > 0))]
)
"""Two segments in one layer."""


def _points(units: str, scale: float) -> Callable[[Path], Made]:
    """The phantom, and two points in its cord in another unit."""

    def make(folder: Path) -> Made:
        points = [{"position": (neck().centerline_mm[n] * scale).tolist()} for n in (5, 25)]
        markup = {"coordinateSystem": "LPS", "coordinateUnits": units, "controlPoints": points}
        (folder / "line.mrk.json").write_text(json.dumps({"markups": [markup]}), encoding="utf-8")
        return GOOD(folder)

    return make


def _scattered(folder: Path) -> Made:
    cord = (_truth() >= 0.5).astype(np.uint8)
    cord[4, 3, 3] = cord[10:14, 70:74, 40:44] = 1
    cls.write(neck().image.like(cord), folder / "mask.nrrd")
    return Made(folder / "mask.nrrd")


def _turned(array: np.ndarray) -> Callable[[Path], Made]:
    """Values of the phantom under a header that is turned by 50 degrees about left to right."""

    def make(folder: Path) -> Made:
        c, s = np.cos(np.radians(50)), np.sin(np.radians(50))
        turned = np.array([[1, 0, 0], [0, c, -s], [0, s, c]])
        cls.write(cls.Volume(array, (2.0, 1.0, 1.0), direction=turned), folder / "image.nrrd")
        return Made(folder / "image.nrrd", _truth())

    return make


# inputs that no mask can come out of


def _two_files(name: str) -> Callable[[Path], Made]:
    def make(folder: Path) -> Made:
        sitk.WriteImage(_sitk(), str(folder / name), useCompression=True)
        return Made(folder / name, _truth())

    return make


def _without_values(folder: Path) -> Made:
    made = _two_files("image.mhd")(folder)
    (folder / "image.zraw").unlink()
    return Made(made.path)


def _bytes(name: str, content: bytes) -> Callable[[Path], Made]:
    def make(folder: Path) -> Made:
        (folder / name).write_bytes(content)
        return Made(folder / name)

    return make


def _colour(folder: Path) -> Made:
    image = sitk.GetImageFromArray(np.zeros((30, 80, 50, 3), np.uint8), isVector=True)
    sitk.WriteImage(image, str(folder / "image.nrrd"))
    return Made(folder / "image.nrrd")


def _with(value: float) -> Callable[[np.ndarray], np.ndarray]:
    def change(array: np.ndarray) -> np.ndarray:
        array = array.copy()
        array[3, 4, 5] = value
        return array

    return change


def _two_passes(array: np.ndarray) -> np.ndarray:
    return array * np.where(np.arange(len(array)) % 2, 0.7, 1.0).astype(np.float32)[:, None, None]


def _nan_around(array: np.ndarray) -> np.ndarray:
    """Nothing was measured in a rim, nor in the planes at both ends."""
    array = array.copy()
    array[:2] = array[-2:] = array[:, :8] = array[:, -6:] = array[:, :, :5] = np.nan
    return array


def _nifti2(folder: Path) -> Made:
    nib.save(nib.Nifti2Image(np.ones((3, 4, 5)), np.eye(4)), folder / "image.nii")
    return Made(folder / "image.nii")


def _renamed(folder: Path) -> Made:
    return Made(_nifti()(folder).path.rename(folder / "image.nrrd"))


def _annex_link(folder: Path) -> Made:
    (folder / "image.nii.gz").symlink_to(".git/annex/objects/none.nii.gz")
    return Made(folder / "image.nii.gz")


def _pipe(folder: Path) -> Made:
    os.mkfifo(folder / "image.nii")
    return Made(folder / "image.nii")


def _folder(folder: Path) -> Made:
    (folder / "series").mkdir()
    return Made(folder / "series")


def _noise(folder: Path) -> Made:
    return _values(lambda a: np.random.default_rng(0).rayleigh(size=a.shape).astype("f4"))(folder)


HUGE = "3000 3000 3000"
HUGE_NRRD = f"NRRD0004\ntype: short\ndimension: 3\nsizes: {HUGE}\nencoding: raw\nendian: little\n\n".encode()
HUGE_MHA = (
    f"ObjectType = Image\nNDims = 3\nDimSize = {HUGE}\nElementType = MET_SHORT\nElementDataFile = LOCAL\n".encode()
)


def _unreadable(of: Callable[[Path], Made]) -> Callable[[Path], Made]:
    def make(folder: Path) -> Made:
        made = of(folder)
        made.path.chmod(0)
        return made

    return make


# faults of the machine


@contextlib.contextmanager
def no_privilege(folder: Path | None = None) -> Iterator[None]:
    """As an ordinary user: root's right to pass over permissions is set aside for a while, under Linux."""
    if os.geteuid() != 0:
        yield
        return
    libc = ctypes.CDLL(None, use_errno=True)
    head = (ctypes.c_uint32 * 2)(0x20080522, 0)  # Linux capabilities, version 3, of this thread
    held = (ctypes.c_uint32 * 6)()
    assert libc.capget(head, held) == 0
    fewer = (ctypes.c_uint32 * 6)(*held)
    fewer[0] &= ~0b110  # CAP_DAC_OVERRIDE, CAP_DAC_READ_SEARCH
    assert libc.capset(head, fewer) == 0
    try:
        yield
    finally:
        assert libc.capset(head, held) == 0


@contextlib.contextmanager
def no_pydicom(folder: Path) -> Iterator[None]:
    """As if it were not installed."""
    held = {name: sys.modules.pop(name) for name in tuple(sys.modules) if name.split(".")[0] == "pydicom"}
    sys.modules["pydicom"] = None  # type: ignore[assignment]
    try:
        yield
    finally:
        sys.modules.update(held)


@contextlib.contextmanager
def closed_folder(folder: Path) -> Iterator[None]:
    (folder / "closed").mkdir()
    (folder / "closed").chmod(0o500)
    with no_privilege():
        yield


@contextlib.contextmanager
def full_disk(folder: Path) -> Iterator[None]:
    """No file may grow past 100 bytes."""
    import resource

    limits = resource.getrlimit(resource.RLIMIT_FSIZE)
    resource.setrlimit(resource.RLIMIT_FSIZE, (100, limits[1]))
    try:
        yield
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, limits)


GOOD, GRID = _values(lambda a: a), cls.GeometryError
SHEARED = np.array([[-1, 0.3, 0, 0], [0, -1, 0, 0], [0, 0, 2, 0], [0, 0, 0, 1.0]])
NEARLY = np.array([[-1, 0.004, 0, 0], [0, -1, 0, 0], [0, 0, 2, 0], [0, 0, 0, 1.0]])
MIRRORED = np.diag([1.0, -1.0, 2.0, 1.0])
NAMES = {"i1": "int8", "u1": "uint8", "i2": "int16", "u2": "uint16", "i4": "int32", "u4": "uint32", "i8": "int64"}
NAMES |= {"u8": "uint64", "f4": "float32", "f8": "float64"}

DISC = dicom_folders
DICOM_ROWS = [
    Row("DICOM folder", _dicom(DISC.classic())),
    *(Row(f"DICOM, packed: {how}", _dicom(DISC.packed(how))) for how in ("RLE", "JPEG-LS", "JPEG 2000")),
    Row("DICOM, a text, a report and a copy of a slice among the slices", _dicom(DISC.beside_others)),
    Row("DICOM, a disc with a localizer and a report", _dicom(DISC.disc), says="series 3 (t2_tse_sag) was taken"),
    Row("DICOM, two series", _dicom(DISC.two_series), 1, "3 (t2_tse_sag, 30 slices), 4 (t1_tse"),
    Row("DICOM, two series, --series 3", _dicom(DISC.two_series), options={"series": "3"}),
    Row("DICOM, two series, --series T2", _dicom(DISC.two_series), options={"series": "T2"}),
    Row("DICOM, two series, --series 7", _dicom(DISC.two_series), 1, "no series '7'", options={"series": "7"}),
    Row(
        "DICOM, two studies that number alike, --series 3",
        _dicom(DISC.one_number_twice),
        1,
        "3a",
        options={"series": "3"},
    ),
    Row("DICOM, two studies that number alike, --series 3b", _dicom(DISC.one_number_twice), options={"series": "3b"}),
    Row("DICOM, two echoes of each slice", _dicom(DISC.two_echoes), 1, "echo time 20"),
    Row("DICOM, two echoes of each slice, --series 3.1", _dicom(DISC.two_echoes), options={"series": "3.1"}),
    Row("DICOM, two images at each place that nothing tells apart", _dicom(DISC.no_telling_apart), 1, "at one place"),
    Row("DICOM, slices missing", _dicom(DISC.classic(planes=[*range(9), *range(12, 30)])), 1, "missing", error=GRID),
    Row("DICOM, uneven gaps", _dicom(DISC.changed([5], ImagePositionPatient=[0, 0, 10.5])), 1, "place", error=GRID),
    Row("DICOM, staggered slices", _dicom(DISC.staggered(2.0)), 1, "staggered", error=GRID),
    Row(
        "DICOM, one slice turned",
        _dicom(DISC.changed([3], ImageOrientationPatient=[1, 0, 0, 0, 0.96, 0.28])),
        1,
        "003.dcm is not parallel",
    ),
    Row(
        "DICOM, one slice without a place",
        _dicom(DISC.changed([3], ImagePositionPatient=None)),
        1,
        "does not say where",
    ),
    Row("DICOM, no slice says where it lies", _dicom(DISC.classic(ImagePositionPatient=None)), 1, "where it lies"),
    Row("DICOM, one slice", _dicom(DISC.classic(planes=[0])), 1, "one voxel thick"),
    Row("DICOM, a file of a slice", _beside(_dicom(DISC.classic()), "disc/003.dcm"), 1, "give the folder"),
    Row("DICOM, a slice damaged", _dicom(DISC.damaged), 1, "029.dcm is damaged"),
    Row("DICOM, another folder damaged", _dicom(DISC.damaged_elsewhere)),
    Row("DICOM, several slices in one (mosaic)", _dicom(DISC.mosaic), 1, "mosaic"),
    Row("enhanced DICOM, frames out of order", _dicom(DISC.enhanced(order=[*range(0, 30, 2), *range(1, 30, 2)]))),
    Row("enhanced DICOM, two echoes", _dicom(DISC.enhanced(echoes=[20.0, 80.0])), 1, "echo time 80"),
    Row(
        "enhanced DICOM, two echoes, --series 3.1",
        _dicom(DISC.enhanced(echoes=[20.0, 80.0])),
        options={"series": "3.1"},
    ),
    Row("enhanced DICOM, two stacks", _dicom(DISC.enhanced(stacks={k: str(1 + k // 15) for k in range(30)})), 1, "3.2"),
    Row("enhanced DICOM, two files in a folder", _dicom(DISC.two_enhanced), 1, "4 (t1_tse, 30 slices)"),
    Row("enhanced DICOM, two files in a folder, --series 3", _dicom(DISC.two_enhanced), options={"series": "3"}),
    Row("DICOM, the mask as a DICOM segmentation", _dicom(DISC.classic()), output="cord.dcm"),
    Row("enhanced DICOM, the mask as a DICOM segmentation", _dicom(DISC.enhanced()), output="cord.dcm"),
    Row(
        "DICOM without a frame of reference, the mask as a DICOM segmentation",
        _dicom(DISC.classic(FrameOfReferenceUID=None)),
        1,
        "FrameOfReferenceUID",
        output="cord.dcm",
    ),
    Row("not DICOM, the mask as a DICOM segmentation", GOOD, 1, "refers to DICOM slices", output="cord.dcm"),
    Row("a DICOM segmentation as a hint", _dicom(DISC.with_segmentation), options={"initial": "disc/cord.dcm"}),
    Row(
        "measure: a DICOM segmentation",
        _beside(_dicom(DISC.with_segmentation), "disc/cord.dcm"),
        0,
        "30 slices",
        command="measure",
        output="m.csv",
    ),
    Row("DICOM where the extra is missing", _dicom(DISC.classic()), 1, "cordlevelset[dicom]", around=no_pydicom),
    Row("not DICOM, --series 3", GOOD, 1, "is not DICOM", options={"series": "3"}),
]

MEASURE: dict[str, Any] = {"command": "measure", "output": "m.csv"}

ROWS = [
    *(Row(f"values of type {NAMES[t]}", _values(_as_type(t))) for t in NAMES),
    Row("two values only, 0 and 1", _values(lambda a: (a > 600).astype("u1")), least_dice=0.5),
    Row("NIfTI, big-endian", _nifti(endian=">")),
    Row("NIfTI, gzipped", _nifti(name="image.nii.gz")),
    Row("NIfTI, scaled by slope and intercept", _nifti(_scaled)),
    Row("NIfTI, slope 0 (not scaled)", _nifti(array=lambda a: a.astype("i2"), patch=(112, "2f", (0, 0)))),
    Row("NIfTI, slope not a number", _nifti(array=lambda a: a.astype("i2"), patch=(112, "2f", (np.nan, 0)))),
    Row("NIfTI, header and values in two files", _nifti(name="image.hdr")),
    Row("NIfTI, sizes in metres", _nifti(_in_metres, affine=np.diag([-0.001, -0.001, 0.002, 1]))),
    Row("NIfTI, negative voxel size", _nifti(patch=(80, "f", (-1.0,)))),
    Row("NIfTI, sform and qform 5 mm apart", _nifti(_two_forms), says="differ by up to 5 mm"),
    Row("NIfTI, neither sform nor qform", _nifti(_no_form), says="does not say how"),
    Row("NIfTI, sform sheared by 0.23 degrees", _nifti(affine=NEARLY, change=_sform_only), says="0.23 degrees off"),
    Row("NIfTI, sform with other voxel sizes than beside it", _nifti(_other_sizes), says="sform's voxels of 1.05"),
    Row("NRRD, header and values in two files", _two_files("image.nhdr")),
    Row("MetaImage, header and values in two files", _two_files("image.mhd")),
    Row("a header turned by 50 degrees", _turned(neck().image.array), says="turns the image by 50 degrees"),
    Row("left-handed axes", _nifti(affine=MIRRORED)),
    Row("4-D with one volume", _nifti(array=lambda a: a[None])),
    Row("4-D with two volumes, one chosen", _nifti(array=lambda a: np.stack([0 * a, a])), frame=1),
    Row("negative values", _values(lambda a: a - 500)),
    Row("all values negative", _values(lambda a: a - 5000)),
    Row("values times a million", _values(lambda a: a * 1e6)),
    Row("values times a millionth", _values(lambda a: a * 1e-6)),
    Row("clipped at their 98th percentile", _values(lambda a: np.minimum(a, np.percentile(a, 98)))),
    Row("every other slice 30 % darker", _values(_two_passes), says="every other axial slice is"),
    Row("a wide rim of zeros", _grid(lambda a: np.pad(a, ((0, 0), (30, 30), (30, 30))), (2.0, 1.0, 1.0))),
    Row("planes of zeros at both ends", _grid(lambda a: np.pad(a, ((5, 5), (0, 0), (0, 0))), (2.0, 1.0, 1.0))),
    Row("voxels 10 times longer than wide (10 x 1 x 1 mm)", _grid(_thick(0, 5), (10.0, 1.0, 1.0))),
    Row("sagittal slices of 5 mm", _grid(_thick(2, 5), (2.0, 1.0, 5.0)), least_dice=0.75),
    Row("axes in another order, backwards", _nifti(affine=np.diag([1.0, 1.0, -2.0, 1.0]))),
    Row("a name with spaces and letters beyond ASCII", _named("a case, Größe 1/имя 図.nii.gz")),
    Row("an ending in capitals", _named("IMAGE.NII.GZ")),
    *DICOM_ROWS,
    Row("folder without images", _folder, 1, "no DICOM series"),
    Row("no such file", lambda f: Made(f / "none.nii.gz"), 1, "no such file"),
    Row("a pipe instead of a file", _pipe, 1, "not a file"),
    Row("a name that is too long", lambda f: Made(f / ("name" * 80)), 1, "cannot read"),
    Row("a link of a git-annex dataset without its content", _annex_link, 1, "get it first"),
    Row(
        "a pointer file of a git-annex dataset",
        _bytes("image.nii", b"/annex/objects/MD5E-s9--0.nii\n"),
        1,
        "get it first",
    ),
    Row("empty file", _bytes("image.nii", b""), 1, "not an image"),
    Row("empty gzip file", _bytes("image.nii.gz", gzip.compress(b"")), 1, "not an image"),
    Row("text under an image's name", _bytes("image.nii", b"no image"), 1, "not an image"),
    Row("NIfTI under the name of an NRRD", _renamed, 1, "under another name"),
    Row("NIfTI-2", _nifti2, 1, "convert it to NIfTI-1"),
    Row("Analyze 7.5", _nifti(patch=(344, "4s", (bytes(4),))), 1, "left from right"),
    Row("NIfTI header of another size", _nifti(patch=(0, "i", (431,))), 1, "does not begin as a NIfTI header"),
    Row("NRRD header that asks for 54 GB", _bytes("image.nrrd", HUGE_NRRD), 1, "holds 0 bytes"),
    Row("MetaImage header that asks for 54 GB", _bytes("image.mha", HUGE_MHA), 1, "holds 0 bytes"),
    Row(
        "MetaImage of several files",
        _bytes("image.mha", HUGE_MHA.replace(b"LOCAL", b"%03d.raw 1 30 1")),
        1,
        "which one",
    ),
    Row("MetaImage header without its values", _without_values, 1, "put it beside it"),
    Row("MetaImage of -3 axes", _bytes("image.mha", HUGE_MHA.replace(b"NDims = 3", b"NDims = -3")), 1, "gives no size"),
    Row(
        "NRRD with a field of 2000 letters",
        _bytes("image.nrrd", HUGE_NRRD.replace(b"type", b"space: " + b"x" * 1993 + b"\ntype")),
        1,
        "2000 letters",
    ),
    Row("2-D", _nifti(array=lambda a: a[3]), 1, "2-D"),
    Row("5-D", _nifti(array=lambda a: np.stack([a, a])[:, None]), 1, "has 5 axes"),
    Row("4-D, none chosen", _nifti(array=lambda a: np.stack([a, a])), 1, "4-D with 2 volumes"),
    Row("4-D, one chosen that is not there", _nifti(array=lambda a: np.stack([a, a])), 1, "no frame 2", frame=2),
    Row("colour", _colour, 1, "3 components"),
    Row("complex values", _values(lambda a: a.astype("c8")), 1, "magnitude"),
    Row("a value that is not a number", _values(_with(np.nan)), 1, "inside the body"),
    Row("NIfTI, a value that is not a number", _nifti(array=_with(np.nan)), 1, "inside the body"),
    Row("NaN around the body", _values(_nan_around), says="taken for air"),
    Row("NIfTI, NaN around the body", _nifti(array=_nan_around), says="taken for air"),
    Row("NIfTI, 4-D, NaN around the body", _nifti(array=lambda a: np.stack([a, _nan_around(a)])), frame=1, says="air"),
    Row("an infinite value", _values(_with(np.inf)), 1, "infinite"),
    Row("NIfTI, an infinite value", _nifti(array=_with(np.inf)), 1, "infinite"),
    Row("a value too large for float32", _values(lambda a: _with(1e300)(a.astype("f8"))), 1, "too large"),
    Row("all zero", _values(lambda a: 0 * a), 1, "constant"),
    Row("constant", _values(lambda a: 0 * a + 7), 1, "constant"),
    Row("one voxel thick", _grid(lambda a: a[:, :, 25:26], (2.0, 1.0, 1.0)), 1, "one voxel thick"),
    Row("1 x 1 x N", _grid(lambda a: a[:, 40:41, 25:26], (2.0, 1.0, 1.0)), 1, "one voxel thick"),
    Row("2 x 2 x 2 voxels", _grid(lambda a: a[:2, :2, :2], (10.0, 10.0, 10.0)), 3, error=cls.NoCordFoundError),
    Row("noise alone", _noise, 3, "no spinal cord found", error=cls.NoCordFoundError),
    Row("voxel size 0", _nifti(patch=(80, "f", (0.0,))), 1, "voxel size", error=cls.GeometryError),
    Row("voxel size not a number", _nifti(patch=(80, "f", (np.nan,))), 1, "voxel size", error=cls.GeometryError),
    Row("a place not a number", _nifti(patch=(292, "f", (np.nan,))), 1, "not numbers", error=cls.GeometryError),
    Row("micrometres taken for mm", _grid(lambda a: a, (2e3, 1e3, 1e3)), 1, "unit", error=cls.GeometryError),
    Row("metres taken for mm", _grid(lambda a: a, (2e-3, 1e-3, 1e-3)), 1, "unit", error=cls.GeometryError),
    Row("sheared axes", _nifti(affine=SHEARED), 1, "right angles", error=cls.GeometryError),
    Row("a file that may not be read", _unreadable(GOOD), 1, "ermission denied", around=no_privilege),
    Row(
        "a folder that may not be read", _unreadable(_dicom(DISC.classic())), 1, "ermission denied", around=no_privilege
    ),
    Row("a hint (--initial) with several labels", _with_labels, 1, "labels 1, 2, 40", options={"initial": "mask.nrrd"}),
    Row("a hint with several labels, one chosen", _with_labels, options={"initial": "mask.nrrd", "label": 1}),
    Row(
        "a hint with several labels, one chosen that is not there",
        _with_labels,
        1,
        "no label 3",
        options={"initial": "mask.nrrd", "label": 3},
    ),
    Row(
        "drawn slices (--contours) with several labels",
        _with_labels,
        1,
        "labels 1, 2, 40",
        options={"contours": "drawn.nrrd"},
    ),
    Row("drawn slices with several labels, one chosen", _with_labels, options={"contours": "drawn.nrrd", "label": 1}),
    Row("a hint stored as 0 and 255", _with_255, options={"initial": "mask.nrrd"}),
    Row("an image taken for a mask", GOOD, 1, "are no mask's", options={"initial": "image.nrrd"}),
    Row("points (--centerline) in cm", _points("cm", 0.1), options={"centerline": "line.mrk.json"}),
    Row("points in voxels", _points("voxel", 1.0), 1, "in 'voxel' are not", options={"centerline": "line.mrk.json"}),
    Row(
        ".seg.nrrd with two layers as a hint",
        LAYERS,
        1,
        "several segments among 1 'canal', 1 'Spinal Cord'",
        options={"initial": "mask.seg.nrrd"},
    ),
    Row(
        ".seg.nrrd with two layers, one chosen by its name",
        LAYERS,
        options={"initial": "mask.seg.nrrd", "label": "spinal cord"},
    ),
    Row(
        ".seg.nrrd with two layers, chosen by a number that both have",
        LAYERS,
        1,
        "2 segments '1'",
        options={"initial": "mask.seg.nrrd", "label": 1},
    ),
    Row(".seg.nrrd with one layer, chosen by its number", SHARED, options={"initial": "mask.seg.nrrd", "label": 1}),
    Row(
        ".seg.nrrd, a name that is not there",
        SHARED,
        1,
        "no segments 'chord' among 2 'canal', 1 'cord'",
        options={"initial": "mask.seg.nrrd", "label": "chord"},
    ),
    Row(
        "measure: several labels",
        _beside(_with_labels, "mask.nrrd"),
        1,
        "labels 1, 2, 40",
        command="measure",
        output="m.csv",
    ),
    Row(
        "measure: several labels, one chosen",
        _beside(_with_labels, "mask.nrrd"),
        0,
        "30 slices",
        command="measure",
        output="m.csv",
        options={"label": 1},
    ),
    Row(
        "measure: a mask stored as 0 and 255",
        _beside(_with_255, "mask.nrrd"),
        0,
        "30 slices",
        command="measure",
        output="m.csv",
    ),
    Row(
        "measure: a stray voxel and a second piece",
        _scattered,
        0,
        "in 2 pieces apart from the cord were left out",
        **MEASURE,
    ),
    Row(
        "measure: a header turned by 50 degrees", _turned((_truth() >= 0.5).astype(np.uint8)), 0, "30 slices", **MEASURE
    ),
    Row(
        "compare: a reference with several labels",
        _beside(_with_labels, "cord.nrrd"),
        1,
        "reference: several",
        command="compare",
        options={"reference": "mask.nrrd"},
    ),
    Row(
        "compare: a reference with several labels, one chosen",
        _beside(_with_labels, "cord.nrrd"),
        0,
        "dice           1.000",
        command="compare",
        options={"reference": "mask.nrrd", "reference_label": 1},
    ),
    Row("output: disk full", GOOD, 1, "disk is full", around=full_disk),
    Row("output: folder that may not be written", GOOD, 1, "cannot write", output="closed/m.nii", around=closed_folder),
    Row("output: no such folder", GOOD, 1, "no folder", output="none/m.nii"),
    Row("output: an ending of another format", GOOD, 1, "must end in", output="m.png"),
    Row("output: the input itself", GOOD, 1, "is an input", output="image.nrrd"),
]


# files damaged at random


DAMAGED_SUFFIXES = {".nii": False, ".nii.gz": True, ".nrrd": False, ".nrrd, gzipped": True, ".mha": False}
DAMAGED_SUFFIXES |= {".mha, compressed": True, "DICOM": False}
"""The formats, and whether their values carry a checksum."""
N_DAMAGED = 20
"""Files of each kind, each damaged at places of its own."""


def _whole(form: str, folder: Path) -> tuple[Path, Path]:
    """An image in a format: what to read, and the file to be damaged."""
    if form == "DICOM":
        dicom_folders.classic()(folder / "series")
        return folder / "series", folder / "series" / "007.dcm"
    path = folder / f"image{form.split(',')[0]}"
    array = neck().image.array.astype(np.int16)
    sitk.WriteImage(_sitk(array), str(path), useCompression=DAMAGED_SUFFIXES[form])
    return path, path


def _cut(raw: bytes, rng: np.random.Generator) -> bytes:
    return raw[: int(rng.integers(0, len(raw)))]


def _flipped(raw: bytes, rng: np.random.Generator) -> bytes:
    changed = bytearray(raw)
    for at in rng.integers(0, len(raw), 8):
        changed[at] ^= 1 << int(rng.integers(8))
    return bytes(changed)


def _bad_header(raw: bytes, rng: np.random.Generator) -> bytes:
    changed = bytearray(raw)
    for at in rng.integers(0, min(len(raw), 400), 4):
        changed[at] = int(rng.integers(256))
    return bytes(changed)


DAMAGES = {"cut": _cut, "8 bits flipped": _flipped, "4 bytes of the header replaced": _bad_header}


def damaged(form: str, damage: str, folder: Path) -> list[Seen]:
    """What the command line does with files damaged at random places."""
    path, victim = _whole(form, folder)
    whole, rng = victim.read_bytes(), np.random.default_rng(0)
    seen = []
    for _ in range(N_DAMAGED):
        victim.write_bytes(DAMAGES[damage](whole, rng))
        seen.append(run(Row(damage, lambda f: Made(path)), Made(path), folder))
        (folder / "mask.nii.gz").unlink(missing_ok=True)
    return seen


def damage_line(form: str, damage: str, seen: list[Seen]) -> str:
    """The kind of damage as it stands in the document."""
    if all(s.status == 1 for s in seen):
        return f"| {form}: {damage} | 1 | refused |"
    return f"| {form}: {damage} | 0, 1 or 3 | refused, or taken for the image that it looks like now |"


AROUND = (
    (
        "kernel cache: a file empty, cut or changed",
        "the kernel is compiled and its file replaced; one warning",
        "test_jit.py::test_a_damaged_file_is_replaced_with_one_warning",
    ),
    (
        "kernel cache: its disk full",
        "compiled in memory; one warning that names `NUMBA_CACHE_DIR`",
        "test_jit.py::test_a_full_disk_costs_the_cache_only",
    ),
    (
        "kernel cache: no place that may be written",
        "compiled in memory; one warning that names `NUMBA_CACHE_DIR`",
        "test_jit.py::test_without_a_place_it_says_so_once",
    ),
    ("kernel cache: no HOME", "no folder named ~ is made", "test_jit.py::test_no_folder_named_tilde_is_made"),
    (
        "kernel cache: several processes fill it together",
        "each works; the cache is whole",
        "test_jit.py::test_processes_that_fill_it_together",
    ),
    (
        "batch: hidden files, and those that macOS leaves (`._name`)",
        "passed over",
        "app/test_batch.py::test_hidden_files_are_no_images",
    ),
    (
        "batch: links of a git-annex dataset without their content",
        "listed as failed: get it first",
        "app/test_batch.py::test_content_that_was_not_fetched_is_named",
    ),
    (
        "batch: two into one output at a time",
        "all is there, as of one",
        "app/test_batch.py::test_two_runs_share_an_output",
    ),
    (
        "batch: killed and started again",
        "all is there, as of one",
        "app/test_batch.py::test_killed_and_started_again_leaves_the_same_bytes",
    ),
)
"""What stands around an image: situation, answer, and the test that makes it."""


def around_lines() -> Iterator[str]:
    """The table of what stands around an image."""
    yield "| situation | answer |"
    yield "| --- | --- |"
    for situation, answer, _ in AROUND:
        yield f"| {situation} | {answer} |"


def lines() -> Iterator[str]:
    """The whole table."""
    yield "| input | status | answer |"
    yield "| --- | --- | --- |"
    for row in ROWS:
        with tempfile.TemporaryDirectory() as name:
            folder = Path(name)
            made = row.make(folder)
            yield line(row, run(row, made, folder), folder)
    for form in DAMAGED_SUFFIXES:
        for damage in DAMAGES:
            with tempfile.TemporaryDirectory() as name:
                yield damage_line(form, damage, damaged(form, damage, Path(name)))


if __name__ == "__main__":
    text = DOCUMENT.read_text(encoding="utf-8")
    for begin, rows in ((BEGIN, lines()), (BEGIN_AROUND, around_lines())):
        before, rest = text.split(begin)
        after = rest.split(END, 1)[1]
        text = before + begin + "".join(f"{row}\n" for row in rows) + END + after
    DOCUMENT.write_text(text, encoding="utf-8")
