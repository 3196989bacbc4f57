"""A three-dimensional image with its geometry, and its lossless turn to the canonical grid.

World coordinates are LPS mm (towards left, posterior, superior), as in ITK and DICOM. Arrays are in (k, j, i) order, as
``SimpleITK.GetArrayFromImage`` gives them.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, replace
from functools import cached_property
from itertools import permutations
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import ArrayLike, NDArray

from cordlevelset.brief import array_text
from cordlevelset.errors import GeometryError, InputError
from cordlevelset.forms import NiftiForms
from cordlevelset.missing import filled

__all__ = [
    "REAL",
    "Turn",
    "Volume",
    "canonical_turn",
    "image_values",
    "likely_turns",
    "same_grid",
    "turn_with",
]

ORTHONORMAL_TOLERANCE = 1e-3
"""Largest entry of D^T D - 1 that passes as rounding: headers hold float32 or 4 to 6 digits. 1e-3 is 0.06 degrees."""
LEAST_VOXEL_MM = 1e-6
"""A nanometre: what is smaller is no voxel, and its squares and products may vanish."""
GREATEST_VOXEL_MM = 1e6
"""A kilometre: what is larger is no voxel, and its squares and products may overflow."""
LEAST_EXTENT_MM = 5.0
"""A cord is nowhere thinner: a smaller image has its spacing in other units."""
GREATEST_EXTENT_MM = 3000.0
"""A patient is nowhere longer: a larger image has its spacing in other units."""
REAL = "biuf"
"""NumPy's kinds of real numbers: bool, signed, unsigned, float."""
CANONICAL_AXES = np.array([[0.0, 0.0, 1.0], [0.0, 1.0, 0.0], [1.0, 0.0, 0.0]])
"""Rows: where array axes 0, 1, 2 of the canonical grid point to in LPS: superior, posterior, left."""
UPRIGHT = 0.5
"""Cosine with superior from which an axis may run along the cord: slices across it are tilted by 30 degrees at most, to
follow a lordosis, so an axis 60 degrees and more away is none; one in between may be, or the header is wrong."""


@dataclass(frozen=True, eq=False)
class Volume:
    """A 3-D image and where it stands in the patient.

    Parameters
    ----------
    array : (K, J, I) array
        Values, axes as ``SimpleITK.GetArrayFromImage`` gives them.
    spacing : (3,) tuple of float
        Voxel size in mm, array-axis order (k, j, i).
    origin : (3,) tuple of float, optional
        LPS mm of the middle of voxel (0, 0, 0).
    direction : (3, 3) array, optional
        As in ITK: its columns are the LPS directions of i, j and k. Default: the identity.
    notes : tuple of str, optional
        What was odd in the file it came from.
    forms : NiftiForms, optional
        How the header of a NIfTI file says where it lies. They go with every volume on its grid, and into its file.
    source : tuple of (Path, int), optional
        DICOM file of each plane k, and which of its frames, from 0; a mask written as DICOM refers to them.

    Raises
    ------
    GeometryError
        If the array is not 3-D or empty, a spacing is not a positive number, or the axes are not at right angles.
    """

    array: NDArray[Any]
    spacing: tuple[float, float, float]
    origin: tuple[float, float, float] = (0.0, 0.0, 0.0)
    direction: NDArray[np.float64] | None = None
    notes: tuple[str, ...] = ()
    forms: NiftiForms | None = None
    source: tuple[tuple[Path, int], ...] = ()

    def __post_init__(self) -> None:
        array = np.asarray(self.array)
        if array.ndim != 3:
            raise GeometryError(f"the image has {array.ndim} axes, needs 3; choose one volume of a series")
        if array.size == 0:
            raise GeometryError(f"the image is empty: shape {array.shape}")
        direction = np.eye(3) if self.direction is None else _numbers(self.direction, "direction", 9).reshape(3, 3)
        spacing, origin = _triple(self.spacing, "spacing"), _triple(self.origin, "origin")
        if not LEAST_VOXEL_MM <= min(spacing) <= max(spacing) <= GREATEST_VOXEL_MM:
            raise GeometryError(f"spacing must be positive and in mm, got {spacing}; correct the header")
        error = np.abs(direction.T @ direction - np.eye(3)).max() if np.isfinite(direction).all() else np.inf
        if not error <= ORTHONORMAL_TOLERANCE:
            raise GeometryError("the axes are not at right angles (sheared matrix); resample it to a straight grid")
        direction.setflags(write=False)
        for name, value in (("array", array), ("spacing", spacing), ("origin", origin), ("direction", direction)):
            object.__setattr__(self, name, value)
        if self.forms is not None:  # on another grid they would say what is wrong
            object.__setattr__(self, "forms", self.forms.of((*spacing, *origin, *direction.ravel().tolist())))

    def __repr__(self) -> str:
        """What a terminal shows: one line."""
        voxel, origin = (", ".join(f"{mm:.4g}" for mm in triple) for triple in (self.spacing, self.origin))
        return f"Volume({array_text(self.array)}, spacing ({voxel}) mm, origin ({origin}) mm, {len(self.notes)} notes)"

    @property
    def shape(self) -> tuple[int, int, int]:
        """Number of voxels along k, j, i."""
        k, j, i = self.array.shape
        return k, j, i

    @cached_property
    def axes(self) -> NDArray[np.float64]:
        """(3, 3): rows are the LPS directions of array axes 0, 1, 2."""
        assert self.direction is not None
        return self.direction.T[::-1].copy()

    def to_lps(self, index: ArrayLike) -> NDArray[np.float64]:
        """LPS mm of (continuous) array indices.

        Parameters
        ----------
        index : (..., 3) array_like
            Positions in voxels, array-axis order.

        Returns
        -------
        (..., 3) array
            x, y, z in LPS mm.
        """
        return np.asarray(self.origin) + (np.asarray(index, dtype=np.float64) * self.spacing) @ self.axes

    def to_index(self, points: ArrayLike) -> NDArray[np.float64]:
        """Continuous array indices of LPS points.

        Parameters
        ----------
        points : (..., 3) array_like
            x, y, z in LPS mm.

        Returns
        -------
        (..., 3) array
            Positions in voxels, array-axis order.
        """
        return (np.asarray(points, dtype=np.float64) - self.origin) @ np.linalg.inv(self.axes) / self.spacing

    def like(self, array: NDArray[Any]) -> Volume:
        """Another image on the same grid.

        Parameters
        ----------
        array : (K, J, I) array
            Its values.

        Returns
        -------
        Volume
        """
        if array.shape != self.array.shape:
            raise GeometryError(f"shape {array.shape} is not the grid's {self.array.shape}")
        return replace(self, array=array, notes=())

    def to_sitk(self) -> Any:
        """As ``SimpleITK.Image`` with the same geometry.

        Returns
        -------
        SimpleITK.Image
        """
        from cordlevelset.io.images import to_sitk  # the adapter: SimpleITK is imported when first needed

        return to_sitk(self)


@dataclass(frozen=True, slots=True)
class Turn:
    """Permutation and flips of array axes, exactly reversible.

    Parameters
    ----------
    order : (3,) tuple of int
        Axis a of the turned array is axis ``order[a]`` of the original.
    flip : (3,) tuple of bool
        Whether axis a of the turned array runs backwards along it.
    """

    order: tuple[int, int, int]
    flip: tuple[bool, bool, bool]

    def array(self, array: NDArray[Any]) -> NDArray[Any]:
        """Turn an array (a view).

        Parameters
        ----------
        array : (K, J, I) array
            On the original grid.

        Returns
        -------
        array
            On the turned grid.
        """
        return array.transpose(self.order)[tuple(slice(None, None, -1 if f else 1) for f in self.flip)]

    def back(self, array: NDArray[Any]) -> NDArray[Any]:
        """Undo `array`.

        Parameters
        ----------
        array : array
            On the turned grid.

        Returns
        -------
        (K, J, I) array
            On the original grid.
        """
        return array[tuple(slice(None, None, -1 if f else 1) for f in self.flip)].transpose(np.argsort(self.order))

    def volume(self, volume: Volume) -> Volume:
        """Turn a volume: the same voxels at the same places in the patient.

        Parameters
        ----------
        volume : Volume
            Any volume.

        Returns
        -------
        Volume
            Its array is contiguous.
        """
        corner = [0.0, 0.0, 0.0]
        for axis, backwards in zip(self.order, self.flip, strict=True):
            corner[axis] = volume.shape[axis] - 1.0 if backwards else 0.0
        signs = np.where(self.flip, -1.0, 1.0)
        a, b, c = (volume.spacing[axis] for axis in self.order)
        x, y, z = volume.to_lps(corner).tolist()
        return Volume(
            np.ascontiguousarray(self.array(volume.array)),
            (a, b, c),
            (x, y, z),
            (volume.axes[list(self.order)] * signs[:, None])[::-1].T,
            volume.notes,
        )


def canonical_turn(volume: Volume) -> Turn:
    """The turn after which array axis 0 runs nearest to superior, 1 to posterior and 2 to left.

    Parameters
    ----------
    volume : Volume
        Any orientation, oblique ones included.

    Returns
    -------
    Turn
        Of the 48 possible ones the one with the largest sum of cosines.
    """
    return _nearest_turn(volume, range(3))


def turn_with(volume: Volume, axis: int) -> Turn:
    """The turn after which an array axis is the first, and the others run nearest to posterior and left.

    Parameters
    ----------
    volume : Volume
        Any orientation.
    axis : int
        The array axis that runs along the cord; it then runs to superior.

    Returns
    -------
    Turn
    """
    return _nearest_turn(volume, (axis,))


def likely_turns(volume: Volume) -> tuple[Turn, ...]:
    """The canonical turn, and those whose first axis may run along the cord as well.

    Parameters
    ----------
    volume : Volume
        Any orientation.

    Returns
    -------
    tuple of Turn
        Several only where the header is turned so far that it leaves this open.
    """
    first = canonical_turn(volume)
    upright = np.abs(volume.axes @ CANONICAL_AXES[0]).round(6)
    others = [axis for axis in np.argsort(-upright).tolist() if axis != first.order[0] and upright[axis] >= UPRIGHT]
    return first, *(turn_with(volume, axis) for axis in others)


def _nearest_turn(volume: Volume, firsts: Iterable[int]) -> Turn:
    """Of the turns whose first axis is one of these the one with the largest sum of cosines."""
    cosines = volume.axes @ CANONICAL_AXES.T  # of array axis (row) with canonical axis (column)
    # rounded, so that the choice between two equal angles (45 degrees) does not hang on the last digit
    a, b, c = max(
        (order for order in permutations(range(3)) if order[0] in firsts),
        key=lambda p: round(sum(abs(cosines[axis, a]) for a, axis in enumerate(p)), 6),
    )
    return Turn((a, b, c), (bool(cosines[a, 0] < 0), bool(cosines[b, 1] < 0), bool(cosines[c, 2] < 0)))


def image_values(volume: Volume) -> NDArray[np.float32]:
    """The values of an image to be segmented, checked; that of air where none was measured outside the body.

    Parameters
    ----------
    volume : Volume
        The image.

    Returns
    -------
    (K, J, I) array of float32
        The image's own array where it is float32 and complete.

    Raises
    ------
    InputError
        If values are complex, infinite, missing inside the body or all equal, or the image is one voxel thick.
    GeometryError
        If the image is thinner than a cord or longer than a patient.
    """
    array = volume.array
    if array.dtype.kind not in REAL:
        raise InputError(f"values are {array.dtype}, need real numbers; give the magnitude image")
    if min(array.shape) < 2:
        raise InputError(f"the image is one voxel thick (shape {array.shape}): a single slice holds no cord to follow")
    with np.errstate(over="ignore"):  # what float32 cannot hold is found below
        values = array.astype(np.float32, copy=False)
    n_infinite = int(np.count_nonzero(np.isinf(values)))
    if n_infinite:
        raise InputError(f"{n_infinite} of {values.size} voxels are infinite or too large; replace them first")
    if array.dtype.kind == "f":
        turn = canonical_turn(volume)
        values = np.ascontiguousarray(turn.back(filled(turn.array(values))))
    if values.max() == values.min():
        raise InputError(f"the image is constant: every voxel is {values.flat[0]:g}")
    extent = [n * d for n, d in zip(volume.shape, volume.spacing, strict=True)]
    if not LEAST_EXTENT_MM <= min(extent) <= max(extent) <= GREATEST_EXTENT_MM:
        size = " x ".join(f"{mm:g}" for mm in extent)
        raise GeometryError(f"the image covers {size} mm: its spacing is in another unit; give it in mm")
    return values


def same_grid(a: Volume, b: Volume, *, tolerance_vox: float = 0.01) -> bool:
    """Whether two volumes have the same voxels at the same places.

    Parameters
    ----------
    a, b : Volume
        The volumes.
    tolerance_vox : float, optional
        Largest shift of any corner, in voxels of `a`.

    Returns
    -------
    bool
    """
    if a.shape != b.shape:
        return False
    corners = np.array([(k, j, i) for k in (0, 1) for j in (0, 1) for i in (0, 1)]) * (np.array(a.shape) - 1)
    return bool(np.abs(a.to_index(b.to_lps(corners)) - corners).max() <= tolerance_vox)


def _triple(values: Any, name: str) -> tuple[float, float, float]:
    flat = _numbers(values, name, 3)
    if not np.isfinite(flat).all():
        raise GeometryError(f"{name} must be 3 finite numbers, got {values!r}")
    x, y, z = flat.tolist()
    return x, y, z


def _numbers(values: Any, name: str, count: int) -> NDArray[np.float64]:
    try:
        flat = np.array(values, dtype=np.float64).ravel()
    except (TypeError, ValueError):
        flat = np.empty(0)
    if flat.size != count:
        raise GeometryError(f"{name} must be {count} finite numbers, got {values!r}")
    return flat
