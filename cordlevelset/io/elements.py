"""Whether the elements of a DICOM file lie within it, as PS3.5 chapter 7 lays them out.

GDCM takes the memory that an element asks for, up to 4 GB, before it finds that the file is shorter. So the lengths are
walked through here first, those within sequences too. Left to it is only what is of an unknown kind.
"""

from __future__ import annotations

import io
import struct
import zlib
from collections.abc import Iterator
from pathlib import Path
from typing import BinaryIO

__all__ = ["is_dicom", "lengths_fit"]

PREAMBLE = 128
"""Bytes before the mark that a file is DICOM."""
IMPLICIT = b"1.2.840.10008.1.2"
"""Transfer syntax without value representations."""
BIG_ENDIAN = b"1.2.840.10008.1.2.2"
"""Transfer syntax, explicit, the highest byte first."""
DEFLATED = b"1.2.840.10008.1.2.1.99"
"""Transfer syntax, explicit, packed by zlib after the first group."""
META_GROUP = b"\2\0"
"""The first group, which says how the others are written and is itself explicit little-endian."""
SYNTAX = b"\2\0\x10\0"
"""Its element that names the transfer syntax."""
META_KINDS = set(b"AE OB SH UI UL UN UR UT".split())
"""Value representations that stand in that group (PS3.10 chapter 7), and the unknown one."""
PIXEL_DATA = (0x7FE0, 0x0010)
"""Tag of the voxels."""
ITEM = (0xFFFE, 0xE000)
"""Tag that begins each item of a sequence."""
SHORT_KINDS = set(b"AE AS AT CS DA DS DT FD FL IS LO LT PN SH SL SS ST TM UI UL US".split())
"""Value representations whose length takes two bytes; that of all others, unknown ones too, takes four."""
MOST_INFLATED = 1 << 28
"""Bytes that a deflated file may unpack to: a slice of 8192 x 8192 voxels of 4 bytes; GDCM would unpack a bomb, too."""
UNDEFINED = 0xFFFFFFFF
"""Length of what ends with a mark of its own."""
OPEN_KINDS = (b"SQ", b"UN", b"OB", b"OW")
"""Value representations that may have it."""


def is_dicom(path: Path) -> bool:
    """Whether a file bears the mark of DICOM; ITK reads none without it."""
    with path.open("rb") as stream:
        return stream.read(PREAMBLE + 4)[PREAMBLE:] == b"DICM"


def lengths_fit(path: Path) -> bool:
    """Whether no element of a DICOM file says it is longer than the file.

    Parameters
    ----------
    path : Path
        Bears the mark of DICOM.

    Returns
    -------
    bool

    Raises
    ------
    OSError
        If it cannot be read.
    """
    size = path.stat().st_size
    with path.open("rb") as stream:
        stream.seek(PREAMBLE + 4)
        syntax = _syntax(stream)
        if not syntax or stream.tell() > size:
            return False
        if syntax == DEFLATED:
            elements = _inflated(stream.read())
            return elements is not None and all(end <= len(elements) for end in _ends(io.BytesIO(elements), syntax))
        return all(end <= size for end in _ends(stream, syntax))


def _syntax(stream: BinaryIO) -> bytes:
    """How the groups after the first are written, of which the stream then stands before the first one.

    Empty if that is not said, or not first, or beside elements that do not belong there: GDCM would guess.
    """
    syntax = b""
    while (head := stream.read(8))[:2] == META_GROUP and len(head) == 8:
        kind = head[4:6]
        if kind not in META_KINDS:
            return b""
        length = _length(head, kind, "<", stream)
        if head[:4] == SYNTAX:
            syntax = stream.read(length).rstrip(b"\0 ")
        else:
            stream.seek(length, 1)
    stream.seek(-len(head), 1)
    return syntax if set(syntax) <= set(b"0123456789.") else b""


def _inflated(raw: bytes) -> bytes | None:
    """Elements that were deflated; None if they are damaged, or more than any slice."""
    unpack = zlib.decompressobj(-zlib.MAX_WBITS)
    try:
        elements = unpack.decompress(raw, MOST_INFLATED)
    except zlib.error:
        return None
    return elements if unpack.eof else None


def _ends(stream: BinaryIO, syntax: bytes) -> Iterator[float]:
    """Where each element's value ends, sequences being entered; infinity for one that cannot be an element."""
    explicit, order = syntax != IMPLICIT, ">" if syntax == BIG_ENDIAN else "<"
    pixels = False  # within compressed pixel data, which come in pieces
    while len(head := stream.read(8)) == 8:
        if head[:2] == META_GROUP:
            yield float("inf")
        tag, kind = struct.unpack(order + "HH", head[:4]), head[4:6]
        named = kind.isascii() and kind.decode().isprintable()  # else GDCM takes it for implicit
        if not (explicit and named) or tag[0] == ITEM[0]:
            kind = b""
        length = _length(head, kind, order, stream)
        if length == UNDEFINED:
            if kind == b"UN":  # a sequence, but written implicitly
                return
            pixels = pixels or tag == PIXEL_DATA
            yield float("inf") if kind and kind not in OPEN_KINDS else stream.tell()
            continue
        yield stream.tell() + length
        if kind != b"SQ" and (tag != ITEM or pixels):  # else what stands in it comes next
            stream.seek(length, 1)


def _length(head: bytes, kind: bytes, order: str, stream: BinaryIO) -> int:
    """Length of the value of an element that begins so; implicit ones have no kind."""
    if kind in SHORT_KINDS:
        (length,) = struct.unpack(order + "H", head[6:])
    else:
        (length,) = struct.unpack(order + "I", stream.read(4).ljust(4, b"\0") if kind else head[4:])
    return int(length)
