"""How a NIfTI header says where its image lies: two matrices with a code each, kept to be written back.

The qform is a rotation (a quaternion) with the voxel sizes, the sform any matrix. Programs differ in which they take
[1]_, so a mask lies on its image in all of them only if it carries both, and their codes, as the image does.

References
----------
.. [1] NIfTI-1.1, nifti1.h, "3D image (volume) orientation and location in space"
"""

from __future__ import annotations

import struct
from dataclasses import dataclass, replace

import numpy as np
from numpy.typing import NDArray

__all__ = ["SHEAR_TOLERANCE", "NiftiForms", "straight"]

FloatArray = NDArray[np.float64]

PIXDIM = 76
"""Byte of the header at which the voxel's size begins."""
UNITS_BYTE = 123
"""Byte of the header that says the units of space and time."""
CODES = 252
"""Byte at which the two codes of the matrices begin."""
QUATERNION = 256
"""Byte at which the quaternion and its offset begin."""
ROWS = 280
"""Byte at which the three rows of the affine matrix begin."""
SHEAR_TOLERANCE = 0.01
"""Shear, as the cosine between two axes, up to which the nearest rotation stands for a header's axes: over a cord's
width of 15 mm that is off by less than 0.1 mm. Registration to a template leaves such matrices."""
HEADER_UNITS_MM = {1: 1000.0, 2: 1.0, 3: 0.001}
"""Length of the header's unit in mm, by the lowest three bits of its code; no unit is taken for mm."""


@dataclass(frozen=True, slots=True)
class NiftiForms:
    """Fields of a NIfTI-1 header, as they stand in it.

    Attributes
    ----------
    pixdim : (4,) tuple of float
        Sign of the k axis, and voxel sizes along i, j, k.
    units : int
        Code of the units.
    codes : (2,) tuple of int
        Of the qform and the sform; 0 says that there is none.
    quaternion : (6,) tuple of float
        b, c, d and the offset of the qform.
    rows : (12,) tuple of float
        The sform, row by row.
    grid : tuple of float
        Spacing, origin and direction of the volume that was read by them; empty before there is one.
    """

    pixdim: tuple[float, ...]
    units: int
    codes: tuple[int, ...]
    quaternion: tuple[float, ...]
    rows: tuple[float, ...]
    grid: tuple[float, ...] = ()

    @classmethod
    def unpack(cls, raw: bytes, endian: str) -> NiftiForms:
        """Read them.

        Parameters
        ----------
        raw : bytes
            A file's first bytes, unpacked.
        endian : {"<", ">"}
            Byte order of the header.

        Returns
        -------
        NiftiForms
        """
        return cls(
            struct.unpack_from(endian + "4f", raw, PIXDIM),
            raw[UNITS_BYTE],
            struct.unpack_from(endian + "2h", raw, CODES),
            struct.unpack_from(endian + "6f", raw, QUATERNION),
            struct.unpack_from(endian + "12f", raw, ROWS),
        )

    def pack_into(self, raw: bytearray) -> None:
        """Write them into a header in little-endian order.

        Parameters
        ----------
        raw : bytearray
            The header of another file.
        """
        struct.pack_into("<4f", raw, PIXDIM, *self.pixdim)
        raw[UNITS_BYTE] = self.units
        struct.pack_into("<2h", raw, CODES, *self.codes)
        struct.pack_into("<6f", raw, QUATERNION, *self.quaternion)
        struct.pack_into("<12f", raw, ROWS, *self.rows)

    def of(self, grid: tuple[float, ...]) -> NiftiForms | None:
        """The same for a volume's grid; None if it is another than the one that was read by them."""
        if not self.grid:
            return replace(self, grid=grid)
        return self if grid == self.grid else None

    @property
    def finite(self) -> bool:
        """Whether the matrices that are there hold numbers."""
        used = [numbers for code, numbers in zip(self.codes, (self.quaternion, self.rows), strict=True) if code > 0]
        return all(np.isfinite(numbers).all() for numbers in used)

    @property
    def sform(self) -> FloatArray | None:
        """(4, 4): from voxel (i, j, k) to RAS mm; None where there is none."""
        if self.codes[1] <= 0:
            return None
        matrix = np.vstack([np.reshape(self.rows, (3, 4)), [0, 0, 0, 1]])
        matrix[:3] *= HEADER_UNITS_MM.get(self.units & 7, 1.0)
        return matrix

    @property
    def qform(self) -> FloatArray | None:
        """(4, 4): from voxel (i, j, k) to RAS mm; None where there is none."""
        if self.codes[0] <= 0:
            return None
        b, c, d, *offset = self.quaternion  # of unit length, as the NIfTI standard writes it
        a = np.sqrt(max(0.0, 1 - b * b - c * c - d * d))
        rotation = [
            [a * a + b * b - c * c - d * d, 2 * (b * c - a * d), 2 * (b * d + a * c)],
            [2 * (b * c + a * d), a * a + c * c - b * b - d * d, 2 * (c * d - a * b)],
            [2 * (b * d - a * c), 2 * (c * d + a * b), a * a + d * d - b * b - c * c],
        ]
        sign, *sizes = self.pixdim
        matrix = np.eye(4)
        matrix[:3, :3] = np.array(rotation) * sizes * [1, 1, -1 if sign < 0 else 1]
        matrix[:3, 3] = offset
        matrix[:3] *= HEADER_UNITS_MM.get(self.units & 7, 1.0)
        return matrix


def straight(directions: FloatArray) -> tuple[FloatArray, float]:
    """The nearest directions at right angles, and how far the given ones are from them.

    Parameters
    ----------
    directions : (3, 3) array
        Unit vectors in its columns.

    Returns
    -------
    directions : (3, 3) array
        The orthogonal factor of the polar decomposition: of all such matrices the nearest one.
    shear : float
        The largest cosine between two of the given vectors: 0 at right angles.
    """
    u, _, v = np.linalg.svd(directions)
    cosines = directions.T @ directions
    return u @ v, float(np.abs(cosines - np.diag(np.diag(cosines))).max())
