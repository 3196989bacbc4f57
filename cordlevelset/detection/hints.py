"""Hints for the search: where the cord passes, and where it does not.

A place is a point the middle of the cord passes within a tolerance. From the lowest place to the highest the path is
one piece and in the state *cord*; between the places it follows the image, and beyond them too, turning slowly. It
keeps away from voxels that are not cord.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from scipy import ndimage as ndi

from cordlevelset.brief import one_line
from cordlevelset.detection.searchgrid import SearchGrid
from cordlevelset.errors import ConstraintError

__all__ = ["PathHint", "SearchHint", "onward"]

CLEARANCE_MM = 2.0
"""The path is the middle of the cord: it keeps this far, less than the radius of all but the tip, from other tissue."""

DIRECTION_MM = 30.0
"""Length of known cord whose direction it goes on in: a vertebra with its disc."""
SLACK_MM = 5.0
"""How far the cord beyond it may lie from the straight line on at least: the slack of a cord in its sac."""
TURN = 0.36
"""And per mm along the line: tan 20 degrees, as spines turn from one vertebra to those after the next."""


@dataclass(frozen=True, slots=True)
class SearchHint:
    """A hint on the search grid: voxels the path may pass, the planes it must reach, where the cord ends.

    `extent` is the lowest and highest plane of the full grid that hold a place, `bottom` and `top` are such planes too.
    """

    allowed: NDArray[np.bool_]
    through: tuple[int, int] | None
    extent: tuple[int, int] | None = None
    bottom: int | None = None
    top: int | None = None

    __repr__ = one_line


@dataclass(frozen=True, slots=True)
class PathHint:
    """Where the cord passes and where it does not, canonical grid.

    Parameters
    ----------
    places_mm : (N, 3) array
        Plane, row and column in grid mm.
    tolerance_mm : (N,) array
        How far from each place the middle of the cord may pass, in the plane.
    outside : (K, J, I) array of bool, optional
        Voxels that are not cord.
    bottom, top : int, optional
        Lowest and highest plane of the cord.
    """

    places_mm: NDArray[np.float64]
    tolerance_mm: NDArray[np.float64]
    outside: NDArray[np.bool_] | None = None
    bottom: int | None = None
    top: int | None = None

    __repr__ = one_line

    def on(self, grid: SearchGrid, spacing: tuple[float, float, float]) -> SearchHint:
        """The same on the search grid.

        Parameters
        ----------
        grid : SearchGrid
            Of the image.
        spacing : (3,) tuple of float
            Voxel size of the full grid in mm.

        Returns
        -------
        SearchHint

        Raises
        ------
        ConstraintError
            If the places of one plane contradict each other, or lie where there is no body.
        """
        at = (self.places_mm / spacing - grid.offset) / grid.step
        planes = np.clip(np.rint(at[:, 0]), 0, len(grid.image) - 1).astype(int)
        allowed = np.ones(grid.image.shape, bool) if self.outside is None else ~_near(self.outside, grid, spacing)
        rows, columns = np.indices(grid.image.shape[1:])
        for plane in np.unique(planes):
            allowed[plane] = True  # a place says more than its surroundings
            for tolerance in np.unique(self.tolerance_mm[planes == plane]):
                y, x = at[(planes == plane) & (self.tolerance_mm == tolerance), 1:].mean(0)
                away = np.hypot((rows - y) * grid.spacing[1], (columns - x) * grid.spacing[2])
                allowed[plane] &= away <= max(tolerance, max(grid.spacing[1:]))
            if not allowed[plane].any():
                height = (grid.offset[0] + grid.step[0] * plane) * spacing[0]
                raise ConstraintError(
                    f"the places given {height:.0f} mm above the image's lower edge do not fit together, or lie "
                    "outside the body; give one place a slice, inside the cord"
                )
        through = (int(planes.min()), int(planes.max())) if planes.size else None
        full = np.rint(self.places_mm[:, 0] / spacing[0]).astype(int)
        extent = (int(full.min()), int(full.max())) if planes.size else None
        return SearchHint(allowed, through, extent, self.bottom, self.top)


def onward(
    places: NDArray[np.int64], low: int, shape: tuple[int, ...], spacing: tuple[float, ...]
) -> NDArray[np.bool_]:
    """Voxels (K, J, I) the path may pass below and above a known piece.

    Parameters
    ----------
    places : (P, 2) array of int
        Row and column of the known piece in the planes `low` .. `low` + P - 1.
    low : int
        Its lowest plane.
    shape : (3,) tuple of int
        Size of the search grid.
    spacing : (3,) tuple of float
        Its voxel size in mm.

    Returns
    -------
    array of bool
        Of a piece too short to have a direction: everywhere.
    """
    allowed = np.ones(shape, bool)
    n = round(DIRECTION_MM / spacing[0])
    if len(places) <= n:
        return allowed
    rows, columns = (np.arange(m) * s for m, s in zip(shape[1:], spacing[1:], strict=True))
    known = places * np.array(spacing[1:])
    high = low + len(places) - 1
    for end, lean, beyond in (
        (known[0], known[0] - known[n], range(low - 1, -1, -1)),
        (known[-1], known[-1] - known[-1 - n], range(high + 1, shape[0])),
    ):
        for step, k in enumerate(beyond, 1):
            y, x = end + lean * step / n
            allowed[k] = np.hypot(rows[:, None] - y, columns - x) <= SLACK_MM + TURN * step * spacing[0]
    return allowed


def _near(outside: NDArray[np.bool_], grid: SearchGrid, spacing: tuple[float, float, float]) -> NDArray[np.bool_]:
    """Search voxels within the clearance of voxels that are not cord, plane by plane."""
    out = np.zeros(grid.image.shape, bool)
    half = max(1, round(grid.step[0])) / 2
    at = [
        np.clip(np.rint(grid.offset[a] + grid.step[a] * np.arange(out.shape[a])).astype(int), 0, outside.shape[a] - 1)
        for a in (1, 2)
    ]
    for k in range(len(out)):
        middle = grid.offset[0] + grid.step[0] * k
        seen = outside[max(0, int(np.ceil(middle - half))) : int(np.floor(middle + half)) + 1].any(0)
        if seen.any():
            out[k] = (ndi.distance_transform_edt(~seen, sampling=spacing[1:]) <= CLEARANCE_MM)[np.ix_(*at)]
    return out
