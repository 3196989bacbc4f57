"""Where the cord ends below: the conus test.

Going down from the top, each plane is held against the 5 to 45 mm above it. Below the conus the contour no longer holds cord: its inside takes
another brightness (fluid and roots, or whatever lies there), and the tube's response falls. With q the mean inside the contour, h the height
of its border's step and f the tube's response,

    u(k) = |q(k) - median q| / median h,     v(k) = u(k) + (1 - f(k) / median f) / 2

the cord has ended where u > 0.3 and v > 0.6 over 6 mm and three planes.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

__all__ = ["Conus", "find_conus"]

ABOVE_MM = (5.0, 45.0)
"""What a plane is compared with: beyond the border's own blur, and not farther than the surface coil keeps its brightness."""
INSIDE_CHANGE, TOTAL_CHANGE = 0.3, 0.6
"""Share of the cord-to-fluid step by which the inside must change; and with the loss of the tube's response (half weight)."""
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
    inside: NDArray[np.float64], step: NDArray[np.float64], response: NDArray[np.float64], plane_mm: float
) -> Conus | None:
    """Test a path for the end of the cord.

    Parameters
    ----------
    inside, step, response : (P,) array
        Mean inside the contour, height of the border's step (positive), response of the tube filter; from the lowest plane up.
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
        u = abs(inside[k] - np.median(inside[above])) / max(float(np.median(step[above])), 1e-9)
        lost = 1 - np.clip(response[k] / max(float(np.median(response[above])), 0.1), 0, 1)
        ended = ended + 1 if u > INSIDE_CHANGE and u + lost / 2 > TOTAL_CHANGE else 0
        if ended == lasting:
            plane = k + lasting
            return Conus(plane, PERSISTENCE_MM) if plane * plane_mm > CAUDA_MM else None
    return None
