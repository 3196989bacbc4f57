"""What this library reads of image headers itself: where the values stand, and where NIfTI says the image lies."""

from __future__ import annotations

import math
import re
import struct
from dataclasses import dataclass, field
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from cordlevelset.errors import GeometryError, InputError
from cordlevelset.forms import NiftiForms

__all__ = [
    "LONGEST_HEADER",
    "METAIMAGE_SUFFIXES",
    "NIFTI_SUFFIXES",
    "NRRD",
    "NiftiHeader",
    "Payload",
    "metaimage_payload",
    "nifti_header",
    "nifti_pair",
    "nrrd_payload",
]

LONGEST_HEADER = 1 << 20
"""Bytes in which a header must end: text headers are a few hundred long, with a segmentation's names some thousands."""
LONGEST_FIELD = 512
"""Bytes of a field in an NRRD header: from about 950 on ITK's reader writes its complaint past the end of its buffer.
What the standard asks for is shorter: the three directions of space with all digits of a double take about 230."""
LONGEST_NAME = 255
"""Bytes of a MetaImage's Name: ITK's reader keeps 256 and writes the rest into the process's memory."""
GZIP = b"\x1f\x8b"
"""First bytes of a gzip file."""
NRRD = b"NRRD"
"""First bytes of an NRRD file."""
NIFTI_SUFFIXES = (".nii", ".nii.gz", ".hdr", ".hdr.gz")
"""Names under which ITK takes a file for NIfTI."""
METAIMAGE_SUFFIXES = (".mha", ".mhd")
"""Names under which ITK takes a file for MetaImage."""
NRRD_BYTES = {
    1: ("signed char", "int8", "int8_t", "uchar", "unsigned char", "uint8", "uint8_t"),
    2: ("short", "short int", "signed short", "int16", "int16_t", "ushort", "unsigned short", "uint16", "uint16_t"),
    4: ("int", "signed int", "int32", "int32_t", "uint", "unsigned int", "uint32", "uint32_t", "float"),
    8: ("longlong", "long long", "int64", "int64_t", "ulonglong", "unsigned long long", "uint64", "uint64_t", "double"),
}
"""Size of a value by its type's names in an NRRD header."""
METAIMAGE_BYTES = {"CHAR": 1, "SHORT": 2, "INT": 4, "LONG": 4, "LONG_LONG": 8, "FLOAT": 4, "DOUBLE": 8}
"""Size of a value by its type's name in a MetaImage header, less MET_ and the U of unsigned."""


@dataclass(frozen=True, slots=True)
class Payload:
    """Where the values of an image stand.

    Attributes
    ----------
    path : Path
        File that holds them.
    start : int
        Bytes of the file before them, or before the compressed stream they are in.
    skip : int
        Bytes before them in that stream.
    n_bytes : int
        Their length, uncompressed.
    packed : bool
        Whether they are in a gzip or zlib stream.
    dtype : str or None
        Floating-point type, where their values are to be checked.
    """

    path: Path
    start: int
    skip: int
    n_bytes: int
    packed: bool
    dtype: str | None = None


@dataclass(frozen=True, slots=True)
class NiftiHeader:
    """What is taken from a NIfTI header.

    Attributes
    ----------
    forms : NiftiForms
        Where the image lies.
    payload : Payload
        Where the values stand.
    missing : (N,) array of int
        Which of them are NaN: ITK reads these as 0.
    """

    forms: NiftiForms
    payload: Payload
    missing: NDArray[np.int64] = field(default_factory=lambda: np.zeros(0, np.int64))


def nifti_header(path: Path, start: bytes) -> NiftiHeader | None:
    """Parse and check the header of a NIfTI-1 file.

    Parameters
    ----------
    path : Path
        Its name.
    start : bytes
        Its first bytes, unpacked.

    Returns
    -------
    NiftiHeader or None
        None if it does not begin like NIfTI.

    Raises
    ------
    GeometryError
        If a voxel size is not a positive number.
    InputError
        If it is NIfTI-2 or Analyze, or does not say how long it is.
    """
    if len(start) < 348:
        return None
    is_nifti = start[344:348] in (b"n+1\0", b"ni1\0")
    for endian in "<>":
        size = struct.unpack(endian + "i", start[:4])[0]
        if size == 540:
            raise InputError(f"{path} is NIfTI-2, which SimpleITK does not read; convert it to NIfTI-1")
        if size == 348 and is_nifti:
            return _parse(path, start, endian)
        if size == 348 and path.name.lower().endswith(NIFTI_SUFFIXES):
            raise InputError(f"{path} is an Analyze file, which cannot tell left from right; convert it to NIfTI-1")
    if is_nifti:  # ITK reads it, and would do so unchecked
        raise InputError(f"{path} is damaged: its header does not begin as a NIfTI header does; copy the file again")
    return None


def nifti_pair(path: Path) -> tuple[Path, Path]:
    """The files that ITK takes for the header and the values of a NIfTI image in two files.

    Parameters
    ----------
    path : Path
        Either file: .hdr or .img, or these with .gz.

    Returns
    -------
    header, values : Path
        Both `path` itself where it is named otherwise, or its counterpart is not there.
    """
    found = re.fullmatch(r"(.*\.)(hdr|img)(\.gz)?", path.name, re.IGNORECASE | re.DOTALL)
    if not found:
        return path, path
    stem, kind, _ = found.groups()
    as_written = str.upper if kind.isupper() else str.lower
    counterpart = "img" if kind.lower() == "hdr" else "hdr"
    names = [stem + as_written(counterpart + packed) for packed in ("", ".gz")]
    other = next((file for file in map(path.with_name, names) if file.exists()), path)
    return (path, other) if counterpart == "img" else (other, path)


def _parse(path: Path, raw: bytes, endian: str) -> NiftiHeader:
    dim = struct.unpack_from(endian + "8h", raw, 40)
    pixdim = struct.unpack_from(endian + "8f", raw, 76)
    code, bits = struct.unpack_from(endian + "2h", raw, 70)
    (offset,) = struct.unpack_from(endian + "f", raw, 108)
    if not (1 <= dim[0] <= 7 and min(dim[1 : 1 + dim[0]]) > 0 and bits > 0 and 0 <= offset < 1 << 31):
        raise InputError(f"{path} is damaged: its header gives no size; copy the file again")
    if not all(0 < abs(size) < np.inf for size in pixdim[1 : 1 + min(dim[0], 3)]):
        raise GeometryError(f"{path}: voxel size {pixdim[1:4]} mm in the header is not usable; correct it")
    values, start = path, int(offset)
    if raw[344:348] == b"ni1\0":  # values in a file of their own
        values = nifti_pair(path)[1]
    with values.open("rb") as stream:
        packed = stream.read(2) == GZIP
    n_bytes = math.prod(dim[1 : 1 + dim[0]]) * bits // 8
    forms = NiftiForms.unpack(raw, endian)
    if not forms.finite:
        raise GeometryError(  # ITK's decomposition of such a matrix may never end
            f"{path}: the sform or qform in its header holds values that are not numbers; correct it"
        )
    return NiftiHeader(
        forms=forms,
        payload=Payload(
            path=values,
            start=0 if packed else start,
            skip=start if packed else 0,
            n_bytes=n_bytes,
            packed=packed,
            dtype={16: endian + "f4", 64: endian + "f8"}.get(code),
        ),
    )


def nrrd_payload(path: Path, start: bytes) -> Payload | None:
    """Where the values of an NRRD file stand.

    Parameters
    ----------
    path : Path
        Its name.
    start : bytes
        Its first bytes.

    Returns
    -------
    Payload or None
        None if it is not NRRD, or keeps its values in a way that is left to the reader: as text, or spread over files.

    Raises
    ------
    InputError
        If a field is so long that it must not reach ITK, or the header does not end.
    """
    if not start.startswith(NRRD):
        return None
    blank = re.search(rb"\n\r?\n", start)
    if not blank and len(start) == LONGEST_HEADER:
        raise InputError(f"{path} is damaged: its header does not end; copy the file again")
    head = start[: blank.start()] if blank else start
    longest = max(map(_field_length, re.split(rb"[\r\n]", head)))
    if longest > LONGEST_FIELD:
        raise InputError(f"{path} is damaged: a field of its header has {longest} letters; copy the file again")
    if not blank:
        return None
    fields = {name.lower(): value for name, value in _fields(head, ":").items()}
    name = fields.get("data file", fields.get("datafile"))
    size = next((n for n, names in NRRD_BYTES.items() if fields.get("type", "").lower() in names), 0)
    encoding = fields.get("encoding", "").lower()
    odd = {"byte skip", "byteskip", "line skip", "lineskip"} & set(fields)
    shape = _sizes(fields.get("sizes", ""))
    if not (size and shape) or odd or encoding not in ("raw", "gzip", "gz") or (name and _several_files(name)):
        return None
    values = path if name is None else path.parent / name
    return Payload(values, blank.end() if name is None else 0, 0, math.prod(shape) * size, encoding != "raw")


def metaimage_payload(path: Path, start: bytes) -> Payload | None:
    """Where the values of a MetaImage file stand.

    Parameters
    ----------
    path : Path
        Its name.
    start : bytes
        Its first bytes.

    Returns
    -------
    Payload or None
        None if it is not MetaImage, or keeps its values as text.

    Raises
    ------
    InputError
        If its name is one of MetaImage and the header does not say in plain words how many axes there are, how long
        they are, and which one file holds the values. Otherwise it must not reach ITK, which takes a negative number of
        axes for an array's length, and formats a pattern of file names as it is: %s or %n in a damaged or malicious one
        writes into the process's memory.
    """
    if path.suffix.lower() not in METAIMAGE_SUFFIXES:
        return None
    mark = start.find(b"ElementDataFile")
    end = start.find(b"\n", mark) + 1
    line = start[start.rfind(b"\n", 0, max(mark, 0)) + 1 : end]
    key, _, value = line.decode("latin-1").partition("=")
    name = value.strip()
    if key.strip() != "ElementDataFile" or not name or _several_files(name):
        raise InputError(f"{path} does not say which one file holds its values (ElementDataFile); write it as one .mha")
    fields = _fields(start[:end], "=:")
    shape = _sizes(fields.get("DimSize", ""))
    if not shape or fields.get("NDims") != str(len(shape)) or len(fields.get("Name", "")) > LONGEST_NAME:
        raise InputError(f"{path} is damaged: its header gives no size, or too long a name; copy the file again")
    kind = fields.get("ElementType", "").removeprefix("MET_")
    size = METAIMAGE_BYTES.get(kind, METAIMAGE_BYTES.get(kind.removeprefix("U"), 0))
    channels = _sizes(fields.get("ElementNumberOfChannels", "1"))
    text = fields.get("BinaryData", "true").lower() != "true"
    if not size or not channels or text or "HeaderSize" in fields:
        return None
    local = name == "LOCAL"
    packed = fields.get("CompressedData", "false").lower() == "true"
    n_bytes = math.prod(shape + channels) * size
    return Payload(path if local else path.parent / name, end if local else 0, 0, n_bytes, packed)


def _field_length(line: bytes) -> int:
    """Length of an NRRD header's line; 0 where free text may be of any: a comment, a pair of its own, the content."""
    name, _, value = line.partition(b":")
    return 0 if line.startswith(b"#") or value.startswith(b"=") or name.lower() == b"content" else len(line)


def _fields(head: bytes, marks: str) -> dict[str, str]:
    """Lines "name<mark> value" of a text header."""
    lines = (line for line in head.decode("latin-1").split("\n") if not line.startswith("#"))
    parts = (re.split(f"[{marks}]", line, maxsplit=1) for line in lines)
    return {name.strip(): "".join(value).strip() for name, *value in parts}


def _sizes(text: str) -> tuple[int, ...]:
    words = text.split()
    return tuple(map(int, words)) if all(w.isascii() and w.isdigit() and len(w) < 10 for w in words) else ()


def _several_files(name: str) -> bool:
    """Whether a name stands for a list of files, for a pattern of names, or for none that can be."""
    return name.split(" ")[0] == "LIST" or "%" in name or not name.isprintable()
