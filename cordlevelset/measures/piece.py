"""Which part of a mask is the cord, and along which axis it runs: masks of other tools hold more than a cord."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import numpy as np
from numpy.typing import NDArray
from scipy import ndimage as ndi

from cordlevelset.volume import Turn, Volume, canonical_turn, turn_with

__all__ = ["cord_piece", "turn_along"]

WIDEST_MM = 20.0
"""What is longer is no cord's width, but its length."""
SMALLER = 0.5
"""If the largest section across another axis is so much smaller than across the header's, the cord runs along that one:
it is then more than 63 degrees off the header's, which no cord is in slices made for it."""
BESIDE_MM = 10.0
"""Pieces that follow each other along a cord lie no farther aside than this, most of a cord's width, besides the gap
between them: a cord leans by 45 degrees at most."""
LEAST_SHARE = 0.1
"""Mean section of a piece over the cord's, below which it is no cord: cords grow to twice their area in their
enlargements, and where they taper they are still in one piece."""
TOUCHING = np.ones((3, 3, 3))
"""Voxels that share a corner are in one piece."""


def turn_along(mask: Volume) -> Turn:
    """The turn after which array axis 0 runs along the cord, to superior, and 1 and 2 nearest to posterior and left.

    Parameters
    ----------
    mask : Volume
        Not empty.

    Returns
    -------
    Turn
        The header's, unless the mask runs along another axis: a header may be turned, and a stack of slices may lie
        more across the patient than along him.
    """
    turn = canonical_turn(mask)
    sections = [_sections_mm2(mask, axis) for axis in range(3)]
    long = [s.size * size > WIDEST_MM for s, size in zip(sections, mask.spacing, strict=True)]
    largest = np.array([s.max() for s in sections])
    axis = int(np.where(long, largest, np.inf).argmin())
    if not long[axis] or largest[axis] >= SMALLER * largest[turn.order[0]]:
        return turn
    return turn_with(mask, axis)


def _sections_mm2(mask: Volume, axis: int) -> NDArray[np.float64]:
    """Section of a mask in each plane across an axis that holds some of it."""
    counts = np.count_nonzero(np.moveaxis(mask.array, axis, 0).reshape(mask.shape[axis], -1), axis=1)
    areas: NDArray[np.float64] = counts[counts > 0] * float(np.prod(np.delete(mask.spacing, axis)))
    return areas


def cord_piece(mask: Volume) -> tuple[Volume, tuple[str, ...]]:
    """The mask's largest piece, and those that continue it.

    Parameters
    ----------
    mask : Volume
        Axis 0 along the cord; not empty.

    Returns
    -------
    mask : Volume
        Without the rest.
    notes : tuple of str
        What was left out; empty if nothing was.
    """
    labels, n = ndi.label(mask.array > 0, TOUCHING)
    if n == 1:
        return mask, ()
    sizes = ndi.sum_labels(mask.array, labels, np.arange(1, n + 1))
    ends = [_ends(mask.array, labels, number, box) for number, box in enumerate(ndi.find_objects(labels), 1)]
    order = np.argsort(-sizes, kind="stable")
    kept = [int(order[0])]
    section = sizes[kept[0]] / ends[kept[0]][0].size
    for other in order[1:].tolist():
        large = sizes[other] >= LEAST_SHARE * section * ends[other][0].size
        if large and all(_follow(ends[other], ends[piece], mask.spacing) for piece in _neighbours(other, kept, ends)):
            kept.append(other)
    out = np.isin(labels, np.array(kept) + 1)
    n_out = int(np.count_nonzero((mask.array > 0) & ~out))
    if not n_out:
        return mask, ()
    pieces = n - len(kept)
    note = f"{n_out} voxels in {pieces} piece{'s' if pieces > 1 else ''} apart from the cord were left out"
    return replace(mask, array=np.where(out, mask.array, 0)), (note,)


Ends = tuple[NDArray[np.int64], NDArray[np.float64], NDArray[np.float64]]


def _ends(array: NDArray[Any], labels: NDArray[Any], number: int, box: tuple[slice, slice, slice]) -> Ends:
    """Planes of a piece, and the middles of its lowest and its highest section, voxels."""
    part = np.where(labels[box] == number, array[box], 0)
    corner = np.array([s.start for s in box[1:]])
    low, high = (np.array(ndi.center_of_mass(part[k])) + corner for k in (0, -1))
    return np.arange(box[0].start, box[0].stop), low, high


def _neighbours(other: int, kept: list[int], ends: list[Ends]) -> list[int]:
    """The kept pieces next to another one, below and above; and any that has planes in common with it."""
    planes = ends[other][0]
    below = [piece for piece in kept if ends[piece][0][-1] < planes[0]]
    above = [piece for piece in kept if ends[piece][0][0] > planes[-1]]
    next_below = max(below, key=lambda piece: ends[piece][0][-1], default=None)
    next_above = min(above, key=lambda piece: ends[piece][0][0], default=None)
    shared = [piece for piece in kept if piece not in below and piece not in above]
    return shared + [piece for piece in (next_below, next_above) if piece is not None]


def _follow(one: Ends, two: Ends, spacing: tuple[float, float, float]) -> bool:
    """Whether two pieces can be parts of one cord."""
    low, high = sorted((one, two), key=lambda ends: int(ends[0][0]))
    gap_mm = (high[0][0] - low[0][-1]) * spacing[0]
    aside_mm = np.linalg.norm((high[1] - low[2]) * spacing[1:])
    return bool(gap_mm > 0 and aside_mm <= BESIDE_MM + gap_mm)
