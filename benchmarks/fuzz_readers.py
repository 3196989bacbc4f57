"""Coverage-guided fuzzing of the readers: ``python benchmarks/fuzz_readers.py [SECONDS]`` (needs atheris).

Each input is written as one of the formats that are read: images (NIfTI, NRRD, MetaImage, each plain and compressed;
DICOM), constraints (seeds, contours, another tool's mask; centerlines as CSV, Slicer markups, fiducials), a known disc
(markups), and lines of progress as a host reads them. Compressed ones are packed here, so that mutations reach what is
inside. An image is read and measured, a constraint read and checked against a small image. Each may only return or
raise a `CordLevelSetError` of one line; it may take 60 s (kernels compile when first called), and the run 2 GB (a DICOM
element's length may claim 4 GB).
Anything else stops the run with the input. In what libFuzzer prints, ``cov`` counts the branches of the package that
were reached, and the last lines the inputs tried.
"""

import gzip
import struct
import sys
import tempfile
import zlib
from pathlib import Path

import atheris

with atheris.instrument_imports(include=["cordlevelset", "CordLevelSetLib"]):
    import cordlevelset as cls
    from cordlevelset import volume
    from cordlevelset.correction import constraints, drawn, given  # noqa: F401
    from cordlevelset.io import dicom, files, headers, images, integrity  # noqa: F401
    from cordlevelset.levels.told import read_told
    from cordlevelset.measures import morphometry  # noqa: F401

    sys.path.append(str(Path(__file__).parents[1] / "SlicerCordLevelSet" / "CordLevelSet"))
    from CordLevelSetLib.job import told

NRRD = (
    b"NRRD0004\ntype: short\ndimension: 3\nspace: left-posterior-superior\nsizes: 2 3 4\n"
    b"space directions: (1,0,0) (0,1,0) (0,0,2)\nkinds: domain domain domain\nendian: little\nencoding: %s\n"
    b"space origin: (0,0,0)\n\n"
)
MHA = (
    b"ObjectType = Image\nNDims = 3\nBinaryData = True\nBinaryDataByteOrderMSB = False\nCompressedData = %s\n"
    b"TransformMatrix = 1 0 0 0 1 0 0 0 1\nOffset = 0 0 0\nElementSpacing = 1 1 2\nDimSize = 2 3 4\n"
    b"ElementType = MET_SHORT\nElementDataFile = LOCAL\n"
)
VALUES = struct.pack("<24h", *range(24))
MR_IMAGE, DEFLATED = b"1.2.840.10008.5.1.4.1.1.4", b"1.2.840.10008.1.2.1.99"


def nifti(values=range(24)):
    raw = bytearray(352)
    struct.pack_into("<i", raw, 0, 348)
    struct.pack_into("<8h", raw, 40, 3, 2, 3, 4, 1, 1, 1, 1)
    struct.pack_into("<2h", raw, 70, 4, 16)
    struct.pack_into("<8f", raw, 76, 1, 1, 1, 2, 0, 0, 0, 0)
    struct.pack_into("<3f", raw, 108, 352, 1, 0)
    struct.pack_into("<2h", raw, 252, 1, 1)
    struct.pack_into("<12f", raw, 280, 1, 0, 0, 0, 0, 1, 0, 0, 0, 0, 2, 0)
    raw[344:348] = b"n+1\0"
    return bytes(raw) + struct.pack("<24h", *values)


def dicom_slice():
    """One slice as SimpleITK writes it."""
    import SimpleITK as sitk

    with tempfile.TemporaryDirectory() as folder:
        sitk.WriteImage(sitk.Image(3, 4, 1, sitk.sitkInt16), f"{folder}/a.dcm")
        return Path(folder, "a.dcm").read_bytes()


def deflated_slice():
    """One slice, explicit, under the name of the deflated way to write it; not deflated yet."""

    def element(tag, kind, value):
        value += b" " * (len(value) % 2)
        length = struct.pack("<2xI" if kind == b"OW" else "<H", len(value))
        return struct.pack("<HH", tag >> 16, tag & 0xFFFF) + kind + length + value

    number = struct.Struct("<H").pack
    head = (
        element(0x00020002, b"UI", MR_IMAGE)
        + element(0x00020003, b"UI", b"1.2.3")
        + element(0x00020010, b"UI", DEFLATED)
    )
    head = element(0x00020000, b"UL", struct.pack("<I", len(head))) + head
    texts = ((0x00080016, b"UI", MR_IMAGE), (0x00080018, b"UI", b"1.2.3"), (0x00080060, b"CS", b"MR"))
    places = ((0x0020000E, b"UI", b"1.2"), (0x00200032, b"DS", rb"0\0\0"), (0x00200037, b"DS", rb"1\0\0\0\1\0"))
    sizes = ((0x00280002, 1), (0x00280010, 4), (0x00280011, 3), (0x00280100, 16), (0x00280101, 16), (0x00280102, 15))
    parts = [element(*text) for text in (*texts, *places)]
    parts += [element(tag, b"US", number(value)) for tag, value in (*sizes, (0x00280103, 1))]
    parts += [element(0x7FE00010, b"OW", VALUES[:24])]
    return bytes(128) + b"DICM" + head + b"".join(parts)


def enhanced_slices():
    """Two slices in one file, and the mask of them as a DICOM segmentation."""
    sys.path.insert(0, str(Path(__file__).parents[1] / "tests" / "io"))
    import numpy as np
    from dicom_files import write_enhanced

    with tempfile.TemporaryDirectory() as folder:
        volume = cls.Volume(np.arange(24, dtype=np.int16).reshape(2, 4, 3), (2.0, 1.0, 1.0))
        image = write_enhanced(Path(folder, "a.dcm"), volume)
        cls.write(cls.read(image).like(volume.array % 2), Path(folder, "cord.dcm"))
        return image.read_bytes(), Path(folder, "cord.dcm").read_bytes()


def split(raw, mark):
    """Header and values of a text header's file."""
    at = raw.find(mark)
    return (raw, b"") if at < 0 else (raw[: at + len(mark)], raw[at + len(mark) :])


def nrrd_packed(raw):
    head, values = split(raw, b"\n\n")
    return head + gzip.compress(values, 1)


def deflated(raw):
    """The elements of a DICOM slice after those that say how they are written."""
    head, values = split(raw, DEFLATED)
    pack = zlib.compressobj(1, wbits=-zlib.MAX_WBITS)
    return head + pack.compress(values) + pack.flush()


def mha_packed(raw):
    head, values = split(raw, b"LOCAL\n")
    return head + zlib.compress(values, 1)


ENHANCED, SEGMENTATION = enhanced_slices()
FORMATS = (
    ("image.nii", bytes, nifti()),
    ("image.nii.gz", lambda raw: gzip.compress(raw, 1), nifti()),
    ("image.nii.gz", bytes, gzip.compress(nifti())),
    ("image.nrrd", bytes, NRRD % b"raw" + VALUES),
    ("image.nrrd", nrrd_packed, NRRD % b"gzip" + VALUES),
    ("image.mha", bytes, MHA % b"False" + VALUES),
    ("image.mha", mha_packed, MHA % b"True" + VALUES),
    ("series/a.dcm", bytes, dicom_slice()),
    ("series/a.dcm", deflated, deflated_slice()),
    ("series/a.dcm", bytes, ENHANCED),
    ("image.dcm", bytes, SEGMENTATION),
    ("line.csv", bytes, b"x_lps_mm,y_lps_mm,z_lps_mm\n0,0,0\n0,-1,2\n"),
    (
        "line.mrk.json",
        bytes,
        b'{"markups":[{"coordinateSystem":"RAS","coordinateUnits":"cm","controlPoints":[{"position":[0,0,0]},{"position":[0,-1,2]}]}]}',
    ),
    ("line.fcsv", bytes, b"# Markups fiducial file\n# CoordinateSystem = RAS\n1,0,0,0\n2,0,-1,2\n"),
    ("seeds.nii", bytes, nifti(i % 3 for i in range(24))),
    ("contours.nii", bytes, nifti(8 <= i < 12 for i in range(24))),
    (
        "initial.seg.nrrd",
        bytes,
        NRRD.replace(b"\n\n", b"\nSegment0_Name:=cord\nSegment0_LabelValue:=1\nSegment0_Layer:=0\n\n") % b"raw"
        + struct.pack("<24h", *(i % 6 < 4 for i in range(24))),
    ),
    ("initial.nii", bytes, nifti(i % 6 < 4 for i in range(24))),
    (
        "disc.mrk.json",
        bytes,
        b'{"markups":[{"coordinateSystem":"RAS","controlPoints":[{"label":"L4/5","position":[0,0,0]}]}]}',
    ),
    ("progress.jsonl", bytes, b'{"stage": "border", "fraction": 0.5}\n{"compiled": 3, "of": 48}\n{"error": "no"}\n'),
)


def try_one(data):
    name, pack, _ = FORMATS[data[0] % len(FORMATS)] if data else FORMATS[0]
    path = FOLDER / name
    path.write_bytes(pack(bytes(data[1:])))
    try:
        kind = name.split(".")[0]
        if kind in ("image", "series/a"):
            image = cls.read(path if kind == "image" else path.parent)
            volume.image_values(image)
            cls.measure(image)
        elif kind == "disc":
            read_told(str(path))
        elif kind == "progress":
            for line in path.read_bytes().splitlines():
                told(line)
        else:
            what = dict.fromkeys(("centerline", "seeds", "contours", "initial")) | {
                "centerline" if kind == "line" else kind: path
            }
            known = given.read_constraints(GRID, volume.canonical_turn(GRID), given.as_given(**what))
            known.hint(GRID.spacing)
    except cls.CordLevelSetError as error:
        if "\n" in str(error):
            raise AssertionError("an error of several lines") from error


if __name__ == "__main__":
    seconds = sys.argv[1] if len(sys.argv) > 1 else "600"
    with tempfile.TemporaryDirectory() as folder:
        FOLDER, corpus = Path(folder, "input"), Path(folder, "corpus")
        (FOLDER / "series").mkdir(parents=True)
        corpus.mkdir()
        (FOLDER / "grid.nii").write_bytes(nifti())
        GRID = cls.read(FOLDER / "grid.nii")
        for number, (_, _, seed) in enumerate(FORMATS):
            (corpus / str(number)).write_bytes(bytes([number]) + seed)
        options = [
            f"-max_total_time={seconds}",
            "-timeout=60",
            "-rss_limit_mb=2000",
            "-max_len=8192",
            "-print_final_stats=1",
        ]
        atheris.Setup([sys.argv[0], str(corpus), *options], try_one)
        atheris.Fuzz()
