"""What a user gives about the cord: read, checked, and brought to the canonical grid."""

from __future__ import annotations

import os
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from cordlevelset.brief import one_line
from cordlevelset.correction.constraints import Constraints, core, shell
from cordlevelset.correction.drawn import drawn_slices
from cordlevelset.curve import Centerline
from cordlevelset.errors import ConstraintError
from cordlevelset.io.images import as_volume
from cordlevelset.io.masks import Label, as_mask
from cordlevelset.volume import Turn, Volume, same_grid

__all__ = ["Given", "as_given", "read_constraints"]

BoolArray = NDArray[np.bool_]

POINTS_APART_MM = 8.0
"""Points of one slice farther apart than a cord's radius cannot both be near its middle."""


@dataclass(frozen=True, eq=False)
class Given:
    """What the user gave, as it came.

    Attributes
    ----------
    centerline : (N, 3) array or None
        Points in the cord, LPS mm.
    seeds : Volume or None
        1 cord, 2 not cord.
    contours : tuple of Volume
        Label images that hold only the drawn slices, each in one plane.
    initial : Volume or None
        Another tool's mask.
    """

    centerline: NDArray[np.float64] | None = None
    seeds: Volume | None = None
    contours: tuple[Volume, ...] = ()
    initial: Volume | None = None

    __repr__ = one_line

    @property
    def moves_path(self) -> bool:
        """Whether it says where the cord runs, not only where its border is."""
        return self.centerline is not None or self.initial is not None

    def changed(self, changes: Given) -> Given:
        """The same with what `changes` holds in place of what was given before.

        Parameters
        ----------
        changes : Given
            None and empty entries change nothing.

        Returns
        -------
        Given
        """
        return Given(
            self.centerline if changes.centerline is None else changes.centerline,
            changes.seeds or self.seeds,
            changes.contours or self.contours,
            changes.initial or self.initial,
        )


def as_given(centerline: Any, seeds: Any, contours: Any, initial: Any, label: Label | None = None) -> Given:
    """Constraints in whatever form the public functions take; `pipeline.segment` says which."""
    from cordlevelset.io.files import read_centerline

    if isinstance(centerline, str | os.PathLike):
        centerline = read_centerline(centerline)
    elif isinstance(centerline, Centerline):
        centerline = centerline.points_mm
    drawn = contours if isinstance(contours, list | tuple) else () if contours is None else (contours,)
    return Given(
        None if centerline is None else _as_points(centerline),
        None if seeds is None else as_volume(seeds),
        tuple(as_mask(v, "contours", label=label) for v in drawn),
        None if initial is None else as_mask(initial, "initial mask", label=label),
    )


def _as_points(centerline: Any) -> NDArray[np.float64]:
    try:
        return np.asarray(centerline, dtype=np.float64)
    except (TypeError, ValueError):
        raise ConstraintError("centerline is no table of numbers; give points (N, 3), LPS mm") from None


def read_constraints(grid: Volume, turn: Turn, given: Given) -> Constraints | None:
    """Check constraints and bring them to the canonical grid.

    Parameters
    ----------
    grid : Volume
        The image they belong to, on its own grid.
    turn : Turn
        From there to the canonical grid.
    given : Given
        What the user gave.

    Returns
    -------
    Constraints or None
        None: nothing was given.

    Raises
    ------
    ConstraintError
        If one is empty, lies on another grid or outside the image, or two contradict each other.
    """
    if given.centerline is None and given.seeds is None and not given.contours and given.initial is None:
        return None
    a, b, c = (grid.spacing[axis] for axis in turn.order)
    spacing = (a, b, c)
    index = np.zeros((0, 3)) if given.centerline is None else _points(grid, given.centerline)
    labels = None if given.seeds is None else _labels(grid, given.seeds)
    drawings = [drawn_slices(turn.array(_mask(grid, v, "contours")), spacing) for v in given.contours]
    hinted = None
    if given.initial is not None:
        hinted = np.ascontiguousarray(turn.array(_mask(grid, given.initial, "initial mask")))

    inside, outside = np.zeros(grid.shape, bool), np.zeros(grid.shape, bool)
    for at in np.rint(index).astype(int):
        inside[tuple(at)] = True
    if labels is not None:
        inside |= labels == 1
        outside |= labels == 2
    for d in drawings:
        known = np.zeros(d.mask.shape, bool)
        known[d.known] = True
        inside |= turn.back(d.mask)
        outside |= turn.back(known & ~d.mask)
    both = np.argwhere(inside & outside)
    if both.size:
        raise ConstraintError(
            f"{len(both)} voxels were given as cord and as not cord, the first is {_where(grid, both[0])}; "
            "compare points, seeds and contours there"
        )
    inside, outside = (np.array(turn.array(v), order="C") for v in (inside, outside))
    if hinted is not None:
        inside |= core(hinted, spacing) & ~outside
        outside |= ~shell(hinted, spacing) & ~inside
    points = index[:, list(turn.order)]
    size = np.array(grid.shape)[list(turn.order)]
    points = np.where(turn.flip, size - 1 - points, points) * spacing
    points = points[np.lexsort(points.T[::-1])]  # the order they were given in says nothing
    _check_apart(points, spacing[0])
    return Constraints(
        points,
        None if labels is None else np.ascontiguousarray(turn.array(labels)),
        tuple(drawings),
        hinted,
        inside,
        outside,
    )


def _points(grid: Volume, points: NDArray[np.float64]) -> NDArray[np.float64]:
    """Voxel positions (N, 3) of the points, on the image's own grid."""
    if points.ndim != 2 or points.shape[1] != 3 or not len(points):
        raise ConstraintError(f"the centerline has shape {points.shape}; give points as (N, 3), LPS mm")
    if not np.isfinite(points).all():
        raise ConstraintError("the centerline holds values that are not finite numbers")
    index = grid.to_index(points)
    off = ((index < -0.5) | (index >= np.array(grid.shape) - 0.5)).any(1)
    if off.any():
        first = int(np.flatnonzero(off)[0])
        x, y, z = points[first]
        raise ConstraintError(
            f"{np.count_nonzero(off)} of {len(points)} centerline points lie outside the image, the first is number "
            f"{first + 1} at {x:.1f}, {y:.1f}, {z:.1f} LPS mm; RAS coordinates have the signs of x and y reversed"
        )
    return index


def _check_apart(points_mm: NDArray[np.float64], plane_mm: float) -> None:
    """Points of one slice must be near each other."""
    planes = np.rint(points_mm[:, 0] / plane_mm)
    for plane in np.unique(planes):
        here = points_mm[planes == plane, 1:]
        apart = float(np.linalg.norm(np.ptp(here, axis=0)))
        if apart > POINTS_APART_MM:
            raise ConstraintError(
                f"two centerline points lie {apart:.1f} mm apart in one slice, {plane * plane_mm:.0f} mm above the "
                "image's lower edge; the cord passes it once"
            )


def _labels(grid: Volume, seeds: Volume) -> NDArray[np.uint8]:
    """Seeds on the image's own grid."""
    _check(grid, seeds, "seeds")
    unknown = ~np.isin(seeds.array, (0, 1, 2))
    if unknown.any():
        at = np.argwhere(unknown)[0]
        raise ConstraintError(
            f"seeds hold the value {seeds.array[tuple(at)]:g} at {_where(grid, at)}; 1 is cord, 2 is not cord, 0 says "
            "nothing"
        )
    return seeds.array.astype(np.uint8)


def _mask(grid: Volume, volume: Volume, name: str) -> BoolArray:
    """A mask on the image's own grid; soft masks count from one half."""
    _check(grid, volume, name)
    mask: BoolArray = volume.array >= 0.5
    if not mask.any():
        raise ConstraintError(
            f"the {name} hold no voxel of a half or more: nothing was drawn, or the wrong image given"
        )
    return mask


def _check(grid: Volume, volume: Volume, name: str) -> None:
    """Same grid, numbers, not empty."""
    if volume.shape != grid.shape:
        raise ConstraintError(
            f"{name}: {volume.shape} voxels, the image has {grid.shape}; draw on the image itself, or resample"
        )
    if not same_grid(grid, volume):
        corner = np.array(volume.to_lps([0, 0, 0])) - grid.to_lps([0, 0, 0])
        raise ConstraintError(
            f"{name}: another grid than the image's (spacing {volume.spacing} and {grid.spacing} mm, first voxels "
            f"{np.linalg.norm(corner):.1f} mm apart); draw on the image itself, or resample"
        )
    if not volume.array.any():
        raise ConstraintError(f"{name}: empty, every voxel is 0")


def _where(grid: Volume, at: NDArray[np.int64]) -> str:
    k, j, i = at.tolist()
    x, y, z = grid.to_lps(at)
    return f"voxel i={i} j={j} k={k} ({x:.1f}, {y:.1f}, {z:.1f} LPS mm)"
