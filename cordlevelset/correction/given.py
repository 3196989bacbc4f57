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
    bottom, top : (3,) array or None
        Lower and upper end of the cord, LPS mm.
    """

    centerline: NDArray[np.float64] | None = None
    seeds: Volume | None = None
    contours: tuple[Volume, ...] = ()
    initial: Volume | None = None
    bottom: NDArray[np.float64] | None = None
    top: NDArray[np.float64] | None = None

    __repr__ = one_line

    @property
    def is_empty(self) -> bool:
        """Whether nothing was given."""
        return not self.moves_path and self.seeds is None and not self.contours

    @property
    def moves_path(self) -> bool:
        """Whether it says where the cord runs or ends, not only where its border is."""
        return any(v is not None for v in (self.centerline, self.initial, self.bottom, self.top))

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
            self.bottom if changes.bottom is None else changes.bottom,
            self.top if changes.top is None else changes.top,
        )


def as_given(
    centerline: Any = None,
    seeds: Any = None,
    contours: Any = None,
    initial: Any = None,
    label: Label | None = None,
    bottom: Any = None,
    top: Any = None,
) -> Given:
    """Constraints in whatever form the public functions take; `pipeline.segment` says which."""
    drawn = contours if isinstance(contours, list | tuple) else () if contours is None else (contours,)
    return Given(
        None if centerline is None else _as_points(centerline, "centerline"),
        None if seeds is None else as_volume(seeds),
        tuple(as_mask(v, "contours", label=label) for v in drawn),
        None if initial is None else as_mask(initial, "initial mask", label=label),
        None if bottom is None else _as_point(bottom, "bottom"),
        None if top is None else _as_point(top, "top"),
    )


def _as_points(given: Any, name: str) -> NDArray[np.float64]:
    """Points of a file, a centerline or a table."""
    from cordlevelset.io.files import read_centerline

    if isinstance(given, str | os.PathLike):
        given = read_centerline(given)
    elif isinstance(given, Centerline):
        given = given.points_mm
    try:
        return np.asarray(given, dtype=np.float64)
    except (TypeError, ValueError):
        raise ConstraintError(f"{name} is no table of numbers; give points (N, 3), LPS mm") from None


def _as_point(given: Any, name: str) -> NDArray[np.float64]:
    """The one point of a file or a table."""
    point = _as_points(given, name)
    if point.size != 3:
        raise ConstraintError(f"{name} holds {len(np.atleast_2d(point))} points; give one, where the cord ends")
    return point.reshape(3)


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
    if given.is_empty:
        return None
    a, b, c = (grid.spacing[axis] for axis in turn.order)
    spacing = (a, b, c)
    index = np.zeros((0, 3)) if given.centerline is None else _points(grid, given.centerline, "centerline")
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
    points = _canonical_mm(index, grid, turn)
    points = points[np.lexsort(points.T[::-1])]  # the order they were given in says nothing
    _check_apart(points, spacing[0])
    bottom, top = (
        None if end is None else _canonical_mm(_points(grid, end[None], name), grid, turn)[0]
        for end, name in ((given.bottom, "bottom"), (given.top, "top"))
    )
    constraints = Constraints(
        points,
        None if labels is None else np.ascontiguousarray(turn.array(labels)),
        tuple(drawings),
        hinted,
        inside,
        outside,
        bottom,
        top,
    )
    _check_ends(constraints, spacing[0])
    return constraints


def _canonical_mm(index: NDArray[np.float64], grid: Volume, turn: Turn) -> NDArray[np.float64]:
    """Voxel positions (N, 3) of the image's own grid as plane, row and column in mm of the canonical one."""
    order = list(turn.order)
    points = index[:, order]
    size, spacing = np.array(grid.shape)[order], np.array(grid.spacing)[order]
    out: NDArray[np.float64] = np.where(turn.flip, size - 1 - points, points) * spacing
    return out


def _check_ends(known: Constraints, plane_mm: float) -> None:
    """Nothing that is cord lies beyond an end, and the ends stand in their order."""
    low, high = known.ends(plane_mm)
    if low is not None and high is not None and low > high:
        raise ConstraintError("bottom lies above top; bottom is the cord's lower end, top its upper one")
    planes = np.r_[known.planes, np.rint(known.points_mm[:, 0] / plane_mm).astype(int)]
    for end, name, beyond in (
        (low, "bottom", planes < (-1 if low is None else low)),
        (high, "top", planes > (np.inf if high is None else high)),
    ):
        if end is not None and beyond.any():
            raise ConstraintError(f"{int(beyond.sum())} slices or points given as cord lie beyond {name}; compare them")


def _points(grid: Volume, points: NDArray[np.float64], name: str) -> NDArray[np.float64]:
    """Voxel positions (N, 3) of the points, on the image's own grid."""
    if points.ndim != 2 or points.shape[1] != 3 or not len(points):
        raise ConstraintError(f"the {name} has shape {points.shape}; give points as (N, 3), LPS mm")
    if not np.isfinite(points).all():
        raise ConstraintError(f"the {name} holds values that are not finite numbers")
    index = grid.to_index(points)
    off = ((index < -0.5) | (index >= np.array(grid.shape) - 0.5)).any(1)
    if off.any():
        first = int(np.flatnonzero(off)[0])
        x, y, z = points[first]
        raise ConstraintError(
            f"{np.count_nonzero(off)} of {len(points)} {name} points lie outside the image, the first is number "
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
