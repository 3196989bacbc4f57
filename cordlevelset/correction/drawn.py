"""A cord drawn on a few slices: which slices, and the shape between them.

Between two neighbouring drawn slices the cord is where the mean of their signed distances, weighted by nearness, is
negative: shape-based interpolation [1]_. Sections across the cord are first moved onto the line between their
centroids, so that a leaning cord keeps its shape.

References
----------
.. [1] Raya, Udupa (1990), Shape-based interpolation of multidimensional objects, IEEE TMI 9:32, doi:10.1109/42.52980
"""

from __future__ import annotations

from dataclasses import dataclass
from itertools import pairwise
from typing import Any

import numpy as np
from numpy.typing import NDArray
from scipy import ndimage as ndi

from cordlevelset.brief import one_line
from cordlevelset.errors import ConstraintError
from cordlevelset.io.masks import Label, as_mask
from cordlevelset.volume import Volume, canonical_turn

__all__ = ["DrawnSlices", "drawn_slices", "fill_between", "mask_distance"]

BoolArray = NDArray[np.bool_]


@dataclass(frozen=True, eq=False)
class DrawnSlices:
    """Slices on which the cord was drawn.

    Attributes
    ----------
    mask : (K, J, I) array of bool
        The drawing.
    axis : int
        The slices are planes of this array axis.
    index : (N,) array of int
        Those that hold something.
    """

    mask: BoolArray
    axis: int
    index: NDArray[np.int64]

    __repr__ = one_line

    @property
    def known(self) -> tuple[slice | NDArray[np.int64], ...]:
        """Index of all voxels of the drawn slices."""
        return tuple(self.index if axis == self.axis else slice(None) for axis in range(3))


def drawn_slices(mask: BoolArray, spacing: tuple[float, float, float]) -> DrawnSlices:
    """Find out in which of the three planes the slices were drawn.

    Parameters
    ----------
    mask : (K, J, I) array of bool
        Holds only the drawn slices, not empty.
    spacing : (3,) tuple of float
        Voxel size in mm.

    Returns
    -------
    DrawnSlices
        Across a drawn slice the drawing is one voxel thick, along it as long as the cord is wide: the axis is the one
        with single slices, or, where some were drawn side by side, with the thinnest stacks in mm.
    """
    choices = []
    for axis in range(3):
        index = np.flatnonzero(mask.any(axis=tuple(a for a in range(3) if a != axis)))
        thickness = index.size / (1 + np.count_nonzero(np.diff(index) > 1))
        choices.append((thickness > 1, thickness * spacing[axis], axis, index))
    _, _, axis, index = min(choices, key=lambda c: c[:3])
    return DrawnSlices(mask, axis, index)


def mask_distance(mask: BoolArray, spacing: tuple[float, ...]) -> NDArray[np.float64]:
    """Signed distance in mm between voxel middles, negative inside; never zero."""
    outside, inside = (ndi.distance_transform_edt(m, sampling=spacing) for m in (~mask, mask))
    out: NDArray[np.float64] = outside - inside
    return out


def fill_between(contours: Any, *, label: Label | None = None) -> Volume:
    """Fill the slices between drawn ones by shape alone, without an image.

    Parameters
    ----------
    contours : path, SimpleITK.Image or Volume
        Label image that holds only the drawn slices, two or more, all in the same of the three planes.
    label : int or str, optional
        Which structure, where it holds several: its number, or its name in a ``.seg.nrrd``.

    Returns
    -------
    Volume
        uint8 on the same grid. The drawn slices are as drawn; beyond the outermost ones there is nothing.

    Raises
    ------
    ConstraintError
        If nothing, or a single slice, is drawn.
    InputError
        If it holds several structures and none was chosen.

    Notes
    -----
    `segment` with the same contours follows the image between them, which is nearer to the cord.

    Examples
    --------
    >>> import numpy as np
    >>> drawn = np.zeros((5, 9, 9), np.uint8)
    >>> drawn[0, 2:7, 2:7] = drawn[4, 4, 4] = 1
    >>> fill_between(Volume(drawn, (1.0, 1.0, 1.0))).array.sum(axis=(1, 2)).tolist()
    [25, 25, 9, 1, 1]
    """
    volume = as_mask(contours, "contours", label=label)
    turn = canonical_turn(volume)
    drawing = np.ascontiguousarray(turn.array(volume.array)) >= 0.5
    if not drawing.any():
        raise ConstraintError("the contours are empty: draw the cord on two slices or more")
    a, b, c = (volume.spacing[axis] for axis in turn.order)
    spacing = (a, b, c)
    drawn = drawn_slices(drawing, spacing)
    if drawn.index.size < 2:
        raise ConstraintError("the contours hold a single slice: there is nothing to fill between; draw another")
    return volume.like(np.ascontiguousarray(turn.back(_filled(drawn, spacing))).astype(np.uint8))


def _filled(drawn: DrawnSlices, spacing: tuple[float, float, float]) -> BoolArray:
    """The drawing with the slices between filled."""
    across = drawn.axis == 0
    out = drawn.mask.copy()
    planes = np.moveaxis(out, drawn.axis, 0)
    size = tuple(s for axis, s in enumerate(spacing) if axis != drawn.axis)
    for low, high in pairwise(drawn.index.tolist()):
        if high == low + 1:
            continue
        ends = [mask_distance(planes[k], size) for k in (low, high)]
        middles = [np.array(ndi.center_of_mass(planes[k])) for k in (low, high)]
        for k in range(low + 1, high):
            share = (k - low) / (high - low)
            middle = (1 - share) * middles[0] + share * middles[1]
            near = ends
            if across:
                moves = [middle - m for m in middles]
                near = [ndi.shift(e, m, order=1, mode="nearest") for e, m in zip(ends, moves, strict=True)]
            planes[k] = (1 - share) * near[0] + share * near[1] < 0
    return out
