"""Constraints on the cord, on the canonical grid.

Orders, honoured exactly: `centerline` points and `seeds` say of single voxels that they are cord or not, `contours` say
it of all voxels of the drawn slices. A hint: `initial`, another tool's mask, of which a shrunk core is taken to be cord
and what lies beyond a grown shell not to be; an order overrules it.
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property

import numpy as np
from numpy.typing import NDArray
from scipy import ndimage as ndi

from cordlevelset.brief import one_line
from cordlevelset.correction.drawn import DrawnSlices
from cordlevelset.detection.hints import PathHint
from cordlevelset.sections.contours import CordContours

__all__ = ["Constraints", "core", "fits", "shell"]

BoolArray = NDArray[np.bool_]

CORE_DEPTH_MM = 3.0
"""What lies deeper in another tool's mask is cord even if that mask is off by this much, most of a cord's radius."""
SHELL_MM = 10.0
"""Farther than this from another tool's mask, in slices that it reaches, there is no cord: more than a cord's width.
Where it stops says little: tools stop early."""
POINT_TOLERANCE_MM = 2.0
"""The cord's middle lies this close to a point, or to the middle of a drawn slice: half of the narrowest cord."""
SEED_TOLERANCE_MM = 7.0
"""The cord's middle lies this close to a seed, which may lie at the border of the widest cord."""
INITIAL_TOLERANCE_MM = 5.0
"""The cord's middle lies this close to that of another tool's mask: the slack of a cord in its sac."""


@dataclass(frozen=True, eq=False)
class Constraints:
    """What is known.

    Attributes
    ----------
    points_mm : (N, 3) array
        Centerline points: plane, row and column in grid mm.
    seeds : (K, J, I) array of uint8 or None
        1 cord, 2 not cord.
    drawn : tuple of DrawnSlices
        The contours, one entry an image given.
    initial : (K, J, I) array of bool or None
        Another tool's mask.
    inside, outside : (K, J, I) array of bool
        Voxels that are cord, that are not cord: orders first, then the core and the shell of `initial`.
    bottom_mm, top_mm : (3,) array or None
        The cord's lower and upper end: plane, row and column in grid mm.
    """

    points_mm: NDArray[np.float64]
    seeds: NDArray[np.uint8] | None
    drawn: tuple[DrawnSlices, ...]
    initial: BoolArray | None
    inside: BoolArray
    outside: BoolArray
    bottom_mm: NDArray[np.float64] | None = None
    top_mm: NDArray[np.float64] | None = None

    __repr__ = one_line

    @property
    def across(self) -> dict[int, BoolArray]:
        """The slices drawn across the cord: plane and drawing."""
        return {int(k): d.mask[k] for d in self.drawn if d.axis == 0 for k in d.index}

    @cached_property
    def planes(self) -> NDArray[np.int64]:
        """Planes that are known to hold cord."""
        return np.flatnonzero(self.inside.any(axis=(1, 2)))

    @property
    def extent(self) -> tuple[int, int] | None:
        """The lowest and the highest of them."""
        return (int(self.planes[0]), int(self.planes[-1])) if self.planes.size else None

    def ends(self, plane_mm: float) -> tuple[int | None, int | None]:
        """Planes of the lower and of the upper end, where they are known."""
        low, high = (None if e is None else round(float(e[0]) / plane_mm) for e in (self.bottom_mm, self.top_mm))
        return low, high

    def hint(self, spacing: tuple[float, float, float]) -> PathHint:
        """The same for the finder.

        Parameters
        ----------
        spacing : (3,) tuple of float
            Voxel size in mm.

        Returns
        -------
        PathHint
        """
        places, tolerance = [self.points_mm], [np.full(len(self.points_mm), POINT_TOLERANCE_MM)]
        along = np.zeros_like(self.inside)
        for d in self.drawn:
            if d.axis == 0:
                places.append(_middles(d.mask) * spacing)
                tolerance.append(np.full(d.index.size, POINT_TOLERANCE_MM))
            else:
                along |= d.mask
        if self.seeds is not None:
            along |= self.seeds == 1
        loose = [(along, SEED_TOLERANCE_MM)]
        if self.initial is not None:
            sure = np.flatnonzero(core(self.initial, spacing).any(axis=(1, 2)))
            middle = np.zeros_like(self.initial)
            middle[sure] = self.initial[sure]
            loose.append((middle, INITIAL_TOLERANCE_MM))
        for end in (self.bottom_mm, self.top_mm):
            if end is not None:
                places.append(end[None])
                tolerance.append(np.full(1, INITIAL_TOLERANCE_MM))
        for mask, mm in loose:
            places.append(_middles(mask) * spacing)
            tolerance.append(np.full(len(places[-1]), mm))
        # of drawn slices only the drawing counts here: all the rest of a slice would close it for the path
        outside = np.zeros_like(self.outside) if self.seeds is None else self.seeds == 2
        if self.initial is not None:
            outside |= ~shell(self.initial, spacing)
        known = outside if outside.any() else None
        return PathHint(np.concatenate(places), np.concatenate(tolerance), known, *self.ends(spacing[0]))


def fits(contours: CordContours, given: Constraints | None, spacing: tuple[float, float, float]) -> bool:
    """Whether constraints ask for another border only, not for another path.

    Parameters
    ----------
    contours : CordContours
        Canonical grid.
    given : Constraints or None
        On the same grid.
    spacing : (3,) tuple of float
        Voxel size in mm.

    Returns
    -------
    bool
        The cord given lies between the ends of the contours, drawn slices hold their middles, and other voxels of cord
        are not farther from it than a cord is wide.
    """
    if given is None:
        return True
    rows = given.planes - contours.first
    low, high = given.ends(spacing[0])
    if low not in (None, contours.first) or high not in (None, contours.first + len(contours.centers_mm) - 1):
        return False
    if rows.size and (rows[0] < 0 or rows[-1] >= len(contours.centers_mm)):
        return False
    for k, mask in given.across.items():
        at = np.rint(contours.centers_mm[k - contours.first] / spacing[1:]).astype(int)
        if not mask[tuple(np.clip(at, 0, np.array(mask.shape) - 1))]:
            return False
    at = np.argwhere(given.inside)
    away = at[:, 1:] * spacing[1:] - contours.centers_mm[at[:, 0] - contours.first]
    return bool((np.hypot(*away.T) <= SHELL_MM).all())


def _middles(mask: BoolArray) -> NDArray[np.float64]:
    """Plane, row and column (N, 3) of the middle of each plane that holds something, voxels."""
    planes = np.flatnonzero(mask.any((1, 2)))
    return np.array([(k, *np.argwhere(mask[k]).mean(0)) for k in planes]).reshape(-1, 3)


def core(mask: BoolArray, spacing: tuple[float, float, float]) -> BoolArray:
    """Voxels (K, J, I) deep in another tool's mask."""
    out = np.zeros_like(mask)
    for k in np.flatnonzero(mask.any(axis=(1, 2))):
        # the border lies half a voxel before the middle of the first voxel outside: at most half the thickest
        depth = ndi.distance_transform_edt(mask[k], sampling=spacing[1:]) - max(spacing[1:]) / 2
        out[k] = depth > CORE_DEPTH_MM
    return out


def shell(mask: BoolArray, spacing: tuple[float, float, float]) -> BoolArray:
    """Voxels (K, J, I) where the cord may be: near the mask, and everywhere in slices that it does not reach."""
    out = np.ones_like(mask)
    for k in np.flatnonzero(mask.any(axis=(1, 2))):
        out[k] = ndi.distance_transform_edt(~mask[k], sampling=spacing[1:]) <= SHELL_MM
    return out
