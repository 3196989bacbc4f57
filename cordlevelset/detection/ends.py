"""The change point below which a curve holds no cord any more, going down from its top.

Each window is held against the 5 to 85 mm above it, or above the end that the votes (below) speak for so far, once
25 mm of cord lie there: what was voted against is not what cord looks like. Below the conus the contour no longer holds
cord: its inside takes another brightness (CSF and roots, or whatever lies there), the step at its border, the tube's
response, the area and the share of the border that stands on a step all fall. With q the mean inside the contour, h the
height of the step, and x any of the others, and the medians of the windows above,

    v(k) = |q(k) - med q| / med h + sum_x (1 - x(k) / med x)+ / 2 + (1 - m / A(k))+

The last term is for roots as bright as cord (T1): the conus tapers to a point in the CSF, then the contour takes in
roots and widens again. m is the least area of the windows above, each over the share of its border that is seen; it
counts where it is less than 0.65 of med A. A cord that is compressed narrows too, but without CSF, and so without a
border.

Brightness is read twice, as it is and against what surrounds the canal, and the smaller v counts: a coil that fades
changes only the first, a neck that widens to shoulders only the second, a conus both.

Each window votes for cord or against it by how far v lies below or above 0.9, in full from 1.5 on: fat is many steps
brighter than cord in T1, and that proves no more. The cord ends where the sum of the votes, counted from the top in mm,
is largest; it counts as an end if the sum loses 12 mm below it. That is the change point of greatest likelihood for
votes taken as log odds (Page 1954, doi:10.1093/biomet/41.1-2.100). It places a tip well and says too often that there
is one: whether the cord ends in the image is decided by `chain`.
"""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

__all__ = ["change_point"]

FloatArray = NDArray[np.float64]

TINY = 1e-6
"""Against division by zero: far below any share or response that counts."""
ABOVE_MM = (5.0, 85.0)
"""What a window is compared with: beyond the border's own blur, and twice as long as a syrinx of 40 mm, so that the
median is the cord's."""
ENOUGH_MM = 25.0
"""So much cord above an end is enough to know what cord looks like: 20 mm, two thirds of a vertebra, beyond the 5 mm of
blur."""
TAPERED = 0.65
"""Above a conus lie the lumbar enlargement and the thoracic cord, which has about two thirds of its area; with CSF
all around, the conus alone has less than that."""
CHANGE = 0.9
"""v at which a window says nothing: a little less than one change of the inside by the whole step, or the complete loss
of two other signs."""
FULL_VOTE = 0.6
"""Distance of v from there at which a window has its full vote."""
LOSS_MM = 12.0
"""Votes against the cord that end it: more than a lesion or an artefact has."""
SETTLING_MM = 10.0
"""Windows at the top that only serve as comparison."""


def change_point(
    inside: FloatArray,
    step: FloatArray,
    response: FloatArray,
    area_mm2: FloatArray,
    support: FloatArray,
    plane_mm: float,
) -> tuple[int | None, float]:
    """Lowest window of the cord by the change of its signs, if they change for good.

    Parameters
    ----------
    inside, step : (L, W) array
        Mean inside the contour and height of its border's step (positive), from the lowest window up, in L ways to
        measure brightness.
    response, area_mm2, support : (W,) array
        Response of the tube filter, area, share of the border on a step of the right sign.
    plane_mm : float
        Distance of windows, mm.

    Returns
    -------
    window : int or None
        Where the sum of votes is greatest; None if nothing speaks for an end within the image.
    loss_mm : float
        What the sum loses below it.
    """
    n = len(area_mm2)
    signs = np.vstack([inside, step, response, support, area_mm2])
    near, far = (max(i + 1, round(mm / plane_mm)) for i, mm in enumerate(ABOVE_MM))
    settled = n - 1 - max(1, round(SETTLING_MM / plane_mm))
    as_seen = area_mm2 / np.maximum(support, TINY)
    votes, total, end = np.full(n, -np.inf), 0.0, n
    for k in range(n - 1, -1, -1):
        change = 0.0
        if k <= settled:
            low = max(k + near, end if (n - end) * plane_mm >= ENOUGH_MM else 0)  # above the likeliest end
            above = slice(min(n - 1, low), min(n, low + far - near))
            usual = np.median(signs[:, above], axis=1)
            change = _change(signs[:, k], usual, len(inside))
            change += _regained(area_mm2[k], as_seen[k + 1 : k + 1 + far], usual[-1])
        total += plane_mm * float(np.clip((CHANGE - change) / FULL_VOTE, -1, 1))
        votes[k] = total
        if end == n or total >= votes[end]:
            end = k
    loss = float(votes[end] - votes[: end + 1].min())
    return end if end > 0 and loss > LOSS_MM else None, loss


def _change(here: FloatArray, usual: FloatArray, lights: int) -> float:
    """Change of a plane's signs from what is usual above: brightness in steps, in the light that changes less; losses.

    Signs: brightness in each light, step in each, then those that can only be lost.
    """
    height = np.maximum(usual[lights : 2 * lights], TINY)
    change = np.abs(here[:lights] - usual[:lights]) / height
    lost = _loss(here[lights:], usual[lights:]) / 2
    return float((change + lost[:lights]).min() + lost[lights:].sum())


def _regained(area: float, as_seen: FloatArray, usual: float) -> float:
    """Share of the area that has come back since the section had tapered; 0 if it had not."""
    least = float(as_seen.min())
    return max(0.0, 1 - least / area) if least < TAPERED * usual else 0.0


def _loss(value: FloatArray, usual: FloatArray) -> FloatArray:
    """Share lost of what is usual, 0 to 1; where that is near zero there is nothing to lose."""
    some = usual > TINY
    share: FloatArray = np.clip(np.where(some, 1 - value / np.where(some, usual, 1), 0), 0, 1)
    return share
