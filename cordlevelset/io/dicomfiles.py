"""DICOM files of a folder tree, and their elements, which pydicom reads.

No more memory is taken than a file has bytes, whatever lengths a damaged one claims, and little more than a slice needs
where it is packed.
"""

from __future__ import annotations

import io
import os
import warnings
import zlib
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from cordlevelset.errors import InputError

__all__ = ["DIRECTORY", "damaged", "find_dicom", "is_dicom", "quiet", "read_dataset", "whole_or_damaged"]

DIRECTORY = "DICOMDIR"
"""A list of the files on a disc, not a slice."""
PREAMBLE = 128
"""Bytes before the mark that a file is DICOM."""
MARK = b"DICM"
"""That mark; pydicom reads files without it only if told to guess."""
DEFLATED = b"1.2.840.10008.1.2.1.99"
"""Transfer syntax that packs all elements but the first group."""
GROUP_END = 144
"""Bytes of a file before the first group's elements, the last four of which say how long these are together."""
MOST_INFLATED = 1 << 28
"""Bytes that a file or a slice may unpack to: 8192 x 8192 voxels of 4 bytes. A bomb of 260 kB would ask for more."""


class _Bounded(io.BufferedReader):
    """A file that is never asked for more bytes than it has: memory for them would be taken first."""

    def __init__(self, path: Path) -> None:
        super().__init__(io.FileIO(path))
        self.size = os.fstat(self.fileno()).st_size

    def read(self, size: int | None = -1, /) -> bytes:
        """Read some bytes, or all."""
        return super().read(self.size if size is None or size < 0 else min(size, self.size))


def is_dicom(path: Path) -> bool:
    """Whether a file bears the mark of DICOM."""
    try:
        with path.open("rb") as stream:
            return stream.read(PREAMBLE + len(MARK))[PREAMBLE:] == MARK
    except OSError as error:
        raise InputError(f"cannot read {path}: {error.strerror}") from None


def find_dicom(folder: Path) -> Iterator[Path]:
    """DICOM files of a folder and of the folders in it.

    Parameters
    ----------
    folder : Path
        Hidden files and folders in it are passed over, links to folders are not followed.

    Yields
    ------
    Path
        In the order of their names.

    Raises
    ------
    InputError
        If a file or folder cannot be read.
    """

    def stop(error: OSError) -> None:
        raise InputError(f"cannot read {error.filename or folder}: {error.strerror}") from None

    for at, folders, names in os.walk(folder, onerror=stop):
        folders[:] = sorted(name for name in folders if not name.startswith("."))
        for name in sorted(names):
            path = Path(at, name)
            if not name.startswith(".") and name != DIRECTORY and path.is_file() and is_dicom(path):
                yield path


def read_dataset(path: Path, *, pixels: bool = True) -> Any:
    """The elements of a DICOM file.

    Parameters
    ----------
    path : Path
        Bears the mark of DICOM.
    pixels : bool
        False: up to its pixels only, which may be long.

    Returns
    -------
    pydicom.Dataset
        Its attribute `pixels_follow` says whether pixels were come upon.

    Raises
    ------
    InputError
        If it is damaged, cannot be read, or the extra is missing.
    """
    partial = _reader()
    met = []

    def at_pixels(tag: int, kind: str | None, length: int) -> bool:
        if tag in (0x7FE00008, 0x7FE00009, 0x7FE00010):  # of floats, of doubles, of integers
            met.append(tag)
        return bool(met) and not pixels

    with whole_or_damaged(path), _Bounded(path) as stream:
        start = stream.peek()
        if DEFLATED in start[PREAMBLE : 4 * PREAMBLE]:
            _check_inflated(stream)
        dataset = partial(stream, stop_when=at_pixels)
        dataset.pixels_follow = bool(met)
        return dataset


@contextmanager
def whole_or_damaged(path: Path) -> Iterator[None]:
    """Call a file damaged whatever pydicom stumbles over in it: it checks little, and each element when first used."""
    try:
        with quiet():
            yield
    except InputError:
        raise
    except OSError as error:
        raise InputError(f"cannot read {path}: {error.strerror or error}") from None
    except Exception:  # of many kinds, with texts about Python
        raise damaged(path) from None


@contextmanager
def quiet() -> Iterator[None]:
    """Without pydicom's warnings of odd values, each of which is checked here where it matters."""
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        yield


def damaged(path: Path) -> InputError:
    """The error about a damaged DICOM file."""
    return InputError(f"{path} is damaged: no slice can be read from it; copy the file again or take it out")


def _check_inflated(stream: _Bounded) -> None:
    """Unpack a deflated file's elements once, to find out before pydicom does whether they are too many."""
    raw = stream.read()
    unpack = zlib.decompressobj(-zlib.MAX_WBITS)
    unpack.decompress(raw[GROUP_END + int.from_bytes(raw[GROUP_END - 4 : GROUP_END], "little") :], MOST_INFLATED)
    if not unpack.eof:
        raise zlib.error("damaged, or more than any slice")
    stream.seek(0)


def _reader() -> Any:
    """Pydicom's reader, imported when first needed."""
    try:
        from pydicom.filereader import read_partial
    except ImportError:
        raise InputError('DICOM needs an extra; install it: pip install "cordlevelset[dicom]"') from None
    return read_partial
