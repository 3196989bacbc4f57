"""Where the cord ends: the conus below, the brainstem above.

Going down from the top, each plane is held against the 5 to 85 mm above it, or above the end that the votes (below)
speak for so far, once 25 mm of cord lie there: what was voted against is not what cord looks like. Below the conus the
contour no longer holds cord: its inside takes another brightness (fluid and roots, or whatever lies there), the step at
its border, the tube's response, the area and the share of the border that stands on a step all fall. With q the mean
inside the contour, h the height of the step, and x any of the others, and the medians of the planes above,

    v(k) = min(|q(k) - med q| / med h, 3/2) + sum_x (1 - x(k) / med x)+ / 2 + (1 - m / A(k))+

The last term is for roots as bright as cord (T1): the conus tapers to a point in the fluid, then the contour takes in
roots and widens again. m is the least area of the planes above, each over the share of its border that is seen; it
counts where it is less than 0.65 of med A. A cord that is compressed narrows too, but without fluid, and so without a
border.

Brightness is read twice, as it is and against what surrounds the canal (`coil`), and the smaller v
counts: a coil that fades changes only the first, a neck that widens to shoulders only the second, a conus both.

Each plane votes for cord or against it by how far v lies below or above 0.9, and the cord ends where the sum of the
votes, counted from the top in mm, is largest; it counts as an end if the sum loses 12 mm below it. That is the change
point of greatest likelihood for votes taken as log odds (Page 1954, doi:10.1093/biomet/41.1-2.100): a lesion, a syrinx
or an artefact does not end a cord that goes on below it for as long.

Above, the cord ends where its section is wider than any cord and stays so up to the end of the image.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from cordlevelset.sections.stack import Sections

__all__ = ["LowerEnd", "find_conus", "find_top", "lower_end"]

FloatArray = NDArray[np.float64]
TINY = 1e-6
"""Against division by zero: far below any share or response that counts."""

ABOVE_MM = (5.0, 85.0)
"""What a plane is compared with: beyond the border's own blur, and twice as long as a syrinx of 40 mm, so that the
median is the cord's."""
ENOUGH_MM = 25.0
"""So much cord above an end is enough to know what cord looks like: 20 mm, two thirds of a vertebra, beyond the 5 mm of
blur."""
TAPERED = 0.65
"""Above a conus lie the lumbar enlargement and the thoracic cord, which has about two thirds of its area; with fluid
all around, the conus alone has less than that."""
CHANGE, FULL_VOTE = 0.9, 0.6
"""v at which a plane says nothing, a little less than one change of the inside by the whole step, or the complete loss
of two other signs; and the distance from there at which it has its full vote."""
INSIDE_LIMIT = 1.5
"""Fat is many steps brighter than cord in T1; that proves no more than one and a half."""
LOSS_MM, LOSS_PLANES = 12.0, 3
"""Votes against the cord that end it: more than a lesion or an artefact has, and not a matter of two slices."""
SETTLING_MM = 10.0
"""Planes at the top that only serve as comparison."""
CAUDA_MM = 40.0
"""The sac must go on for this long below a conus: the last 40 mm of a coil fade much like one."""
READERS_MM, UNSURE_MM = 5.0, 3.0
"""Two readers of the same conus differ by 3 to 6 mm; an end that costs at most this many votes is as good."""
VAGUE_MM = 20.0
"""Half a lumbar vertebra with its disc, 40 mm: an end that may lie further off is no conus but a cord that fades."""

BRAINSTEM_MM2, BRAINSTEM_MM = 130.0, 10.0
"""The widest cord, its cervical enlargement, has 65 to 110 mm2; the medulla passes 130 in its lowest centimetre. It
must stay wider for this long: a swelling at the last slice is not yet a brainstem."""


@dataclass(frozen=True, slots=True)
class LowerEnd:
    """Where the cord ends below.

    Attributes
    ----------
    state : str
        "seen": at the conus. "outside": the cord leaves the field of view. "unclear": it fades so near the lower edge,
        or so slowly, that a conus cannot be told from a fading coil.
    plane : int
        Lowest plane of the cord, counted from the path's first; 0 but at a conus.
    uncertainty_mm : float
        Half the range in which a conus may lie; nan otherwise.
    """

    state: str
    plane: int = 0
    uncertainty_mm: float = float("nan")


def find_conus(sections: Sections, response: FloatArray) -> LowerEnd:
    """Test a path for the end of the cord, with brightness as it is and with the coil's sensitivity taken out.

    Parameters
    ----------
    sections : Sections
        With their start contours.
    response : (P,) array
        Response of the tube filter along the path.

    Returns
    -------
    LowerEnd
    """
    plain, even = sections.levels, sections.coil_corrected.levels
    inside, step = np.stack([plain.inside, even.inside]), np.stack([plain.step, even.step])
    return lower_end(inside, step, response, sections.area_mm2, sections.support, sections.plane_mm)


def lower_end(
    inside: FloatArray,
    step: FloatArray,
    response: FloatArray,
    area_mm2: FloatArray,
    support: FloatArray,
    plane_mm: float,
) -> LowerEnd:
    """Test signs of cord for its end.

    Parameters
    ----------
    inside, step : (P,) or (L, P) array
        Mean inside the contour and height of its border's step (positive), from the lowest plane up; L: in several
        ways to measure brightness.
    response, area_mm2, support : (P,) array
        Response of the tube filter, area, share of the border on a step of the right sign.
    plane_mm : float
        Distance of planes, mm.

    Returns
    -------
    LowerEnd
    """
    inside, step, n = np.atleast_2d(inside), np.atleast_2d(step), len(area_mm2)
    signs = np.vstack([inside, step, response, support, area_mm2])
    near, far = (max(i + 1, round(mm / plane_mm)) for i, mm in enumerate(ABOVE_MM))
    settled = n - 1 - max(1, round(SETTLING_MM / plane_mm))
    as_seen = area_mm2 / np.maximum(support, TINY)
    votes, total, plane = np.full(n, -np.inf), 0.0, n
    for k in range(n - 1, -1, -1):
        change = 0.0
        if k <= settled:
            low = max(k + near, plane if (n - plane) * plane_mm >= ENOUGH_MM else 0)  # above the likeliest end
            above = slice(min(n - 1, low), min(n, low + far - near))
            usual = np.median(signs[:, above], axis=1)
            change = _change(signs[:, k], usual, len(inside))
            change += _regained(area_mm2[k], as_seen[k + 1 : k + 1 + far], usual[-1])
        total += plane_mm * float(np.clip((CHANGE - change) / FULL_VOTE, -1, 1))
        votes[k] = total
        if plane == n or total >= votes[plane]:
            plane = k
    if plane < LOSS_PLANES or votes[plane] - votes[:plane].min() <= LOSS_MM:
        return LowerEnd("outside")
    as_good = np.flatnonzero(votes >= votes[plane] - UNSURE_MM)
    apart = float(np.abs(as_good - plane).max()) * plane_mm
    if plane * plane_mm <= CAUDA_MM or apart > VAGUE_MM:
        return LowerEnd("unclear")
    return LowerEnd("seen", plane, max(READERS_MM, apart))


def find_top(area_mm2: FloatArray, plane_mm: float) -> int:
    """Highest plane of the cord; above it lies the brainstem, if the image holds any.

    Parameters
    ----------
    area_mm2 : (P,) array
        Of the contours, from the lowest plane up.
    plane_mm : float
        Distance of planes, mm.

    Returns
    -------
    int
        The last plane of all, if the sections do not stay wider than a cord up to the end, or are so everywhere.
    """
    last = len(area_mm2) - 1
    narrow = np.flatnonzero(area_mm2 <= BRAINSTEM_MM2)
    if not narrow.size or (last - narrow[-1]) * plane_mm < BRAINSTEM_MM:
        return last
    return int(narrow[-1])


def _change(here: FloatArray, usual: FloatArray, lights: int) -> float:
    """Change of a plane's signs from what is usual above: brightness in steps, in the light that changes less; losses.

    Signs: brightness in each light, step in each, then those that can only be lost.
    """
    height = np.maximum(usual[lights : 2 * lights], TINY)
    change = np.minimum(np.abs(here[:lights] - usual[:lights]) / height, INSIDE_LIMIT)
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
