"""Stacks of slices acquired in two passes, one of them darker: the gain of each slice, before slices are compared.

Neighbouring slices excite each other: where every other one comes later, with less time to recover, a whole pass is
darker. Taken for partial volume, that makes cords too thin or too thick. Between a slice and the mean of its two
neighbours the median ratio of brightness then alternates, by the same amount everywhere; anatomy and coils do not.
"""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from cordlevelset.detection.searchgrid import percentiles
from cordlevelset.missing import TISSUE_SHARE
from cordlevelset.parallel import at_once

__all__ = ["slice_gains", "without_interleaf"]

FloatArray = NDArray[np.float32]

LEAST_STEP = 0.08
"""Smallest difference of log brightness between the passes: less moves a border by less than a tenth of a voxel. In 105
stacks without visible interleaving it is 0.06 at most, in one of diffusion 0.09, there not in all slices."""
CLEAR = 2.0
"""Least ratio of that difference to its own spread over the slices (median absolute deviation, as of a normal one)."""
AGREEING = 0.9
"""Least share of the slices that show it with the same sign: of a dozen one may hold little tissue."""
FEWEST_SLICES = 7
"""Five slices with two neighbours: in fewer any anatomy may alternate."""
FEWEST_VOXELS = 100
"""Tissue in a slice and both neighbours that a median is taken over: its error is then a tenth of that of one voxel."""
VOXELS_A_SLICE = 10_000
"""About so many voxels of a slice are looked at: the median's error is then a little over 1 % of that of one voxel."""
SLICE_NAMES = ("axial", "coronal", "sagittal")
"""Of slices that are planes of each array axis."""
FIRST_LOOK = 2_000
"""Voxels of a slice that tell whether a closer look is worth it: the median over some slices is right to 0.01."""
THINNEST_SLICE = 0.5
"""Least thickness of a slice against the widest voxel side: pixels that are taller than their slice is thick are rare,
and less than half as thick no slice is."""


def slice_gains(image: FloatArray, axis: int) -> NDArray[np.float64] | None:
    """Brightness of each slice against what it would be without interleaving.

    Parameters
    ----------
    image : (K, J, I) array of float32
        Any values; those of air and below count for nothing.
    axis : int
        The slices are planes of this array axis.

    Returns
    -------
    (N,) array or None
        1 for the brighter pass, less for the other; None where no pattern stands out.
    """
    stack = np.moveaxis(image, axis, 0)
    steps = _steps(stack, FIRST_LOOK)
    if steps.size >= FEWEST_SLICES - 2 and abs(np.median(steps)) < LEAST_STEP / 2:
        return None  # no closer look would find more
    steps = _steps(stack, VOXELS_A_SLICE)
    if steps.size < FEWEST_SLICES - 2:
        return None
    middle = float(np.median(steps))
    spread = 1.4826 * float(np.median(np.abs(steps - middle)))
    agreeing = float((np.sign(steps) == np.sign(middle)).mean())
    if abs(middle) < LEAST_STEP or abs(middle) < CLEAR * spread or agreeing < AGREEING:
        return None
    darker = 1 if middle > 0 else 0
    gains = np.ones(len(stack))
    gains[darker::2] = np.exp(-abs(middle))
    return gains


def _steps(stack: FloatArray, voxels: int) -> NDArray[np.float64]:
    """By how much even slices are brighter than their two neighbours, odd ones darker, in logs; slices with tissue.

    Read off about so many voxels of each.
    """
    stride = max(1, round(np.sqrt(stack[0].size / voxels)))
    stack = np.ascontiguousarray(stack[:, ::stride, ::stride])
    dark, bright = percentiles(stack, 1, 99)
    tissue = stack > max(dark + TISSUE_SHARE * (bright - dark), np.finfo(np.float32).tiny)
    logs = np.log(np.where(tissue, stack, 1))
    seen = tissue[:-2] & tissue[1:-1] & tissue[2:]
    above = logs[1:-1] - (logs[:-2] + logs[2:]) / 2
    enough = np.flatnonzero(np.count_nonzero(seen, axis=(1, 2)) >= FEWEST_VOXELS)
    sign = 2 * (enough % 2) - 1  # the first with two neighbours is slice 1, an odd one
    out: NDArray[np.float64] = sign * np.array([np.median(above[k][seen[k]]) for k in enough])
    return out


def without_interleaf(image: FloatArray, spacing: tuple[float, float, float]) -> tuple[FloatArray, tuple[str, ...]]:
    """An image with its darker pass, if there is one, as bright as the other.

    Parameters
    ----------
    image : (K, J, I) array of float32
        Canonical grid.
    spacing : (3,) tuple of float
        Voxel size in mm; slices are looked for where voxels are thick enough.

    Returns
    -------
    image : (K, J, I) array of float32
        The very array where no pattern stands out.
    notes : tuple of str
        What was found; empty if nothing was.
    """
    thick = [axis for axis in range(3) if spacing[axis] >= THINNEST_SLICE * max(spacing)]
    found = at_once(lambda axis: slice_gains(image, axis), thick)
    for axis, gains in zip(thick, found, strict=True):
        if gains is not None:
            shares = np.expand_dims(gains.astype(np.float32), [a for a in range(3) if a != axis])
            note = f"every other {SLICE_NAMES[axis]} slice is {1 - gains.min():.0%} darker (acquired in two passes); "
            return np.asarray(image / shares, dtype=np.float32), (note + "it was made as bright as the others",)
    return image, ()
