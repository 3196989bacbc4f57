"""Does what was found look like a cord: its border, its steadiness along the body, its size.

Vessels, muscles and roots in fluid can make tubes; seen in sections they have borders on one side only, change their
area from slice to slice, or are too small. Three factors, each 1 for a good cord:

    share of the border on a step of the right sign  x  1 / (1 + (s / 0.12)^2)  x  ramp(area)

s is the standard deviation of log area in a window of 20 mm, the median over windows.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from cordlevelset.brief import one_line
from cordlevelset.detection.ends import find_conus
from cordlevelset.sections.boundary import start_contours
from cordlevelset.sections.stack import Sections

__all__ = ["Appearance", "appearance"]

WINDOW_MM = 20.0
"""Two thirds of a vertebra: within it a cord's area changes by a few percent, at the conus by a third."""
UNSTEADY = 0.12
"""Standard deviation of log area at which a tube is as likely a chance; measured on cords: median 0.03, 95 % below
0.11."""
SMALL_MM2 = (15.0, 30.0)
"""No cord but its tip is smaller than 15 mm2; nearly all are above 30 mm2."""


@dataclass(frozen=True, slots=True)
class Appearance:
    """Three factors of plausibility, each in 0 .. 1, and the sections they were read off."""

    support: float
    steadiness: float
    size: float
    sections: Sections

    __repr__ = one_line

    @property
    def plausibility(self) -> float:
        """Their product."""
        return self.support * self.steadiness * self.size


def appearance(
    array: NDArray[np.float32],
    *,
    spacing: tuple[float, float, float],
    first: int,
    centers_mm: NDArray[np.float64],
    polarity: int,
    response: NDArray[np.float64],
) -> Appearance:
    """Judge a path by its start contours, above the conus.

    Parameters
    ----------
    array : (K, J, I) array of float32
        Canonical grid.
    spacing : (3,) tuple of float
        Voxel size in mm.
    first : int
        Lowest plane of the path.
    centers_mm : (P, 2) array
        Row and column positions in grid mm.
    polarity : {+1, -1}
        Cord brighter or darker than the fluid.
    response : (P,) array
        Response of the tube filter along the path.

    Returns
    -------
    Appearance
    """
    sections = start_contours(array, spacing=spacing, first=first, centers_mm=centers_mm, polarity=polarity)
    cord = slice(find_conus(sections, response).plane, None)
    area = sections.area_mm2[cord]
    window = min(len(area), max(2, round(WINDOW_MM / spacing[0]) + 1))
    spread = np.lib.stride_tricks.sliding_window_view(np.log(area), window).std(1)
    low, high = SMALL_MM2
    return Appearance(
        float(sections.support[cord].mean()),
        float(1 / (1 + (np.median(spread) / UNSTEADY) ** 2)),
        float(np.clip((np.median(area) - low) / (high - low), 0, 1)),
        sections,
    )
