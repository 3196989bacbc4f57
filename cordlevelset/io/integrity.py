"""Whether an image file holds all the values its header asks for, undamaged.

SimpleITK reads some damaged files without a word (a cut .nii.gz, a .nrrd or .mha whose compressed values are corrupt)
and writes NIfTI to a full disk without one. So files are read through once here, before it and after it. Compressed
values carry a checksum; plain ones can only be counted.
"""

from __future__ import annotations

import zlib
from collections.abc import Iterable, Iterator
from dataclasses import replace
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from cordlevelset.errors import InputError
from cordlevelset.io.headers import (
    GZIP,
    LONGEST_HEADER,
    NiftiHeader,
    Payload,
    metaimage_payload,
    nifti_header,
    nifti_pair,
    nrrd_payload,
)

__all__ = ["check_present", "check_whole"]

BLOCK = 1 << 20
"""Bytes read, and unpacked, at once: memory stays small whatever the file unpacks to."""
ANNEX_POINTER = b"/annex/objects/"
"""What a git-annex dataset holds in place of a file's content, where links are not used."""
LARGEST_POINTER = 32768
"""Bytes: git-annex takes no larger file for a pointer."""
GZIP_OR_ZLIB = 32 + zlib.MAX_WBITS
"""The format of the compressed stream is told by its first bytes."""


def check_present(path: Path) -> None:
    """Make sure that a file of a git-annex dataset was fetched.

    Parameters
    ----------
    path : Path
        Any file.

    Raises
    ------
    InputError
        If it is a link, or a pointer file, in place of content that is elsewhere.
    """
    absent = path.is_symlink() and not path.exists()
    if not absent and path.is_file() and path.stat().st_size < LARGEST_POINTER:
        with path.open("rb") as stream:
            absent = stream.read(len(ANNEX_POINTER)) == ANNEX_POINTER
    if absent:
        raise InputError(f"{path} is a link whose content is not here; get it first (datalad get, git annex get)")


def check_whole(path: Path) -> NiftiHeader | None:
    """Read the header and then all values of an image file.

    Parameters
    ----------
    path : Path
        NIfTI, NRRD or MetaImage; other formats are left to their reader.

    Returns
    -------
    NiftiHeader or None
        None if it is not NIfTI.

    Raises
    ------
    InputError
        If the file cannot be opened, or values are missing, corrupt or, in NIfTI, infinite.
    GeometryError
        If a voxel size in a NIfTI header is not usable.
    """
    path = nifti_pair(path)[0]
    try:
        with path.open("rb") as stream:
            start = stream.read(LONGEST_HEADER)
        header = nifti_header(path, _first_unpacked(start) if start.startswith(GZIP) else start)
        payload = header.payload if header else nrrd_payload(path, start) or metaimage_payload(path, start)
        if payload is not None:
            if not payload.path.is_file():  # a pipe would never end
                raise InputError(f"{path} keeps its values in {payload.path}, which is not there; put it beside it")
            missing = _check(path, payload)
            header = replace(header, missing=missing) if header else None
    except zlib.error:
        raise InputError(
            f"{path} is damaged: its compressed values end early or are corrupt; copy the file again"
        ) from None
    except OSError as error:
        raise InputError(f"cannot read {error.filename or path}: {error.strerror}") from None
    return header


def _check(path: Path, payload: Payload) -> NDArray[np.int64]:
    """Count the values; where they are NaN."""
    itemsize = 1 if payload.dtype is None else np.dtype(payload.dtype).itemsize
    length, n_values, n_infinite, rest, missing = 0, 0, 0, b"", [np.zeros(0, np.int64)]
    for block in _values(payload):
        length += len(block)
        if payload.dtype is not None:
            block = rest + block
            whole = len(block) // itemsize * itemsize
            rest = block[whole:]
            values = np.frombuffer(block[:whole], payload.dtype)
            missing.append(np.flatnonzero(np.isnan(values)) + n_values)
            n_infinite += int(np.count_nonzero(np.isinf(values)))
            n_values += values.size
    if length < payload.n_bytes:
        raise InputError(
            f"{path} is damaged: it holds {length} bytes, its header asks for {payload.n_bytes}; copy the file again"
        )
    if n_infinite:  # ITK reads them as 0
        raise InputError(f"{path}: {n_infinite} values are infinite; replace them first")
    return np.concatenate(missing)


def _values(payload: Payload) -> Iterator[bytes]:
    """The values in blocks, as many as are wanted; at most one block more is read, for the checksum that follows."""
    skip, left = payload.skip, payload.n_bytes
    with payload.path.open("rb") as stream:
        stream.seek(payload.start)
        raw: Iterable[bytes] = iter(lambda: stream.read(BLOCK), b"")
        for block in _unpacked(raw) if payload.packed else raw:
            if left <= 0 and skip <= 0:
                if payload.packed and not payload.skip and block:  # only NIfTI may go on after its values
                    raise zlib.error("more values than the header asks for")
                return
            wanted = block[skip : skip + left]
            skip = max(0, skip - len(block))
            left -= len(wanted)
            yield wanted


def _unpacked(raw: Iterable[bytes]) -> Iterator[bytes]:
    """Unpack a gzip or zlib stream; zlib.error if it is corrupt or ends early."""
    unpack = zlib.decompressobj(GZIP_OR_ZLIB)
    for block in raw:
        yield unpack.decompress(block, BLOCK)
        while unpack.unconsumed_tail or unpack.unused_data:
            if unpack.eof:
                if not unpack.unused_data.startswith(GZIP):
                    if GZIP.startswith(unpack.unused_data):  # cut between two blocks
                        break
                    return  # what follows is not ours
                block, unpack = unpack.unused_data, zlib.decompressobj(GZIP_OR_ZLIB)
            else:
                block = unpack.unconsumed_tail
            yield unpack.decompress(block, BLOCK)
    while not unpack.eof:
        held_back = unpack.decompress(b"", BLOCK)
        if not held_back:
            raise zlib.error("the stream ends early")
        yield held_back


def _first_unpacked(start: bytes) -> bytes:
    """What a file's first bytes unpack to, at most one block."""
    return zlib.decompressobj(GZIP_OR_ZLIB).decompress(start, BLOCK)
