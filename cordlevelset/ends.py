"""Where the cord ends below: the conus test.

Going down from the top, each plane is held against the 5 to 45 mm above it. Below the conus the contour no longer
holds cord: its inside takes another brightness (fluid and roots, or whatever lies there), the step at its border and
the tube's response fall, and the area shrinks. With q the mean inside the contour, h the height of the step, f the
tube's response, a the area, and the medians of the planes above,

    v(k) = min(|q(k) - med q| / med h, 3/2) + (1 - f(k) / med f)+ / 2 + (1 - h(k) / med h)+ / 2 + (1 - a(k) / med a)+
    / 2

the cord has ended where v > 1.1 over 6 mm and three planes: no single sign is enough but a change of brightness by
the whole step.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

__all__ = ["Conus", "find_conus"]

FloatArray = NDArray[np.float64]
TINY = 1e-6

ABOVE_MM = (5.0, 45.0)
"""What a plane is compared with: beyond the border's own blur, and not farther than the surface coil keeps its
brightness."""
TOTAL_CHANGE = 1.1
"""Threshold on v: 1 is a change of the inside by the whole step between cord and fluid, or the complete loss of two
of the others."""
INSIDE_LIMIT = 1.5
"""Fat is many steps brighter than cord in T1; that proves no more than one and a half."""
PERSISTENCE_MM, PERSISTENCE_PLANES = 6.0, 3
"""A change shorter than this is an artefact or a lesion; the pool of fluid below a conus is 10 mm and more."""
SETTLING_MM = 10.0
"""Planes at the top that only serve as comparison."""
CAUDA_MM = 20.0
"""The sac must go on for this long below a conus: the lower end of a coil fades too."""


@dataclass(frozen=True, slots=True)
class Conus:
    """Lowest plane of the cord, counted from the path's first, and half the range it may lie in, mm."""

    plane: int
    uncertainty_mm: float


def find_conus(
    inside: FloatArray, step: FloatArray, response: FloatArray, area_mm2: FloatArray, plane_mm: float
) -> Conus | None:
    """Test a path for the end of the cord.

    Parameters
    ----------
    inside, step, response, area_mm2 : (P,) array
        Mean inside the contour, height of its border's step (positive), response of the tube filter, area; from the
        lowest plane up.
    plane_mm : float
        Distance of planes, mm.

    Returns
    -------
    Conus or None
        None: the cord leaves the field of view.
    """
    n = len(inside)
    near, far = (max(i + 1, round(mm / plane_mm)) for i, mm in enumerate(ABOVE_MM))
    lasting = max(PERSISTENCE_PLANES, int(np.ceil(PERSISTENCE_MM / plane_mm)))
    ended = 0
    for k in range(n - 1 - max(1, round(SETTLING_MM / plane_mm)), -1, -1):
        above = slice(min(n - 1, k + near), min(n, k + far))
        typical = max(float(np.median(step[above])), TINY)
        change = min(abs(inside[k] - float(np.median(inside[above]))) / typical, INSIDE_LIMIT)
        change += sum(_loss(v[k], v[above]) for v in (response, step, area_mm2)) / 2
        ended = ended + 1 if change > TOTAL_CHANGE else 0
        if ended == lasting:
            plane = k + lasting
            return Conus(plane, PERSISTENCE_MM) if plane * plane_mm > CAUDA_MM else None
    return None


def _loss(value: float, above: FloatArray) -> float:
    """Share lost of the median above, 0 to 1; a median near zero has nothing to lose."""
    return float(np.clip(1 - value / max(float(np.median(above)), TINY), 0, 1)) if np.median(above) > TINY else 0.0
