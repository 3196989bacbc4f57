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
IMPLICIT, BIG_ENDIAN, DEFLATED = b"1.2.840.10008.1.2", b"1.2.840.10008.1.2.2", b"1.2.840.10008.1.2.1.99"
"""Transfer syntaxes that are not explicit little-endian."""
META_GROUP, SYNTAX = 0x0002, (0x0002, 0x0010)
"""The group that says how the others are written, always explicit little-endian, and its element that does."""
META_KINDS = set(b"AE OB SH UI UL UN UR UT".split())
"""Value representations that stand in that group (PS3.10 chapter 7), and the unknown one."""
PIXEL_DATA, ITEM = (0x7FE0, 0x0010), (0xFFFE, 0xE000)
SHORT_KINDS = set(b"AE AS AT CS DA DS DT FD FL IS LO LT PN SH SL SS ST TM UI UL US".split())
"""Value representations whose length takes two bytes; that of all others, unknown ones too, takes four."""
MOST_INFLATED = 1 << 28
"""Bytes that a deflated file may unpack to: a slice of 8192 x 8192 voxels of 4 bytes; GDCM would unpack a bomb, too."""
UNDEFINED, OPEN_KINDS = 0xFFFFFFFF, (b"SQ", b"UN", b"OB", b"OW")
"""Length of what ends with a mark of its own, and which kinds may."""


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
    with path.open("rb") as stream:
        stream.seek(PREAMBLE + 4)
        return all(end <= path.stat().st_size for end in _ends(stream))


def _inflated_fit(raw: bytes) -> bool:
    """The same of elements that are deflated."""
    unpack = zlib.decompressobj(-zlib.MAX_WBITS)
    try:
        elements = unpack.decompress(raw, MOST_INFLATED)
    except zlib.error:
        return False
    return unpack.eof and all(end <= len(elements) for end in _ends(io.BytesIO(elements), meta=False))


def _ends(stream: BinaryIO, *, meta: bool = True) -> Iterator[float]:
    """Where each element's value ends, sequences being entered; infinity for one that cannot be an element."""
    explicit, order, syntax = True, "<", b""
    pixels = False  # within compressed pixel data, which come in pieces
    while len(head := stream.read(8)) == 8:
        in_meta = head[:2] == struct.pack("<H", META_GROUP)
        if in_meta != meta and (in_meta or not syntax):
            yield float("inf")  # how it is written must be said, and first; else GDCM guesses
        if meta and not in_meta:
            meta, explicit, order = False, syntax != IMPLICIT, ">" if syntax == BIG_ENDIAN else "<"
        if syntax == DEFLATED and not meta:
            yield 0 if _inflated_fit(head + stream.read()) else float("inf")
            return
        tag, kind = struct.unpack(order + "HH", head[:4]), head[4:6]
        if meta and kind not in META_KINDS:  # GDCM guesses what else it may be
            yield float("inf")
        named = kind.isascii() and kind.decode().isprintable()  # else GDCM takes it for implicit
        if not (explicit and named) or tag[0] == ITEM[0]:
            kind = b""
            (length,) = struct.unpack(order + "I", head[4:])
        elif kind in SHORT_KINDS:
            (length,) = struct.unpack(order + "H", head[6:])
        else:
            (length,) = struct.unpack(order + "I", stream.read(4).ljust(4, b"\0"))
        if length == UNDEFINED:
            if kind == b"UN":  # a sequence, but written implicitly
                return
            pixels = pixels or tag == PIXEL_DATA
            yield float("inf") if kind and kind not in OPEN_KINDS else stream.tell()
            continue
        yield stream.tell() + length
        if kind == b"SQ" or (tag == ITEM and not pixels):
            continue  # what stands in it comes next
        if meta and tag == SYNTAX:
            syntax = stream.read(length).rstrip(b"\0 ")
            if set(syntax) - set(b"0123456789."):
                yield float("inf")  # no name of a way to write; GDCM guesses
        else:
            stream.seek(length, 1)
