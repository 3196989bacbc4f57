"""The thecal sac in each cross-section: the outer border of the CSF around the cord.

Along a ray, beyond the cord's border, e < 0 (`steps`) is the step from CSF to the canal's wall. The gain of a sac
that ends at r is

    |e| / (1 + s |e|)  -  l int_(r_cord)^(r - d) max(-e, 0)  -  c (r - r0)^2

so that the first good wall wins over a stronger one behind it. Where no wall is seen, as in T1, where CSF and ligament
are both dark, the usual size of a sac decides. The contour is the closed curve of greatest gain, never inside the
cord's.
"""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray
from scipy import ndimage as ndi

from cordlevelset.sections import polar
from cordlevelset.sections.curves import (
    BARRED,
    NEIGHBOUR_COST,
    NEIGHBOUR_MM,
    SATURATION,
    WALL_WIDTH_MM,
    along_cord,
    closed_contours,
    smooth_contours,
)

__all__ = ["sac_contours", "sac_support"]

FloatArray = NDArray[np.float32]

SAC_SIZE_MM = np.hypot(6.8 * np.sin(polar.ANGLES), 9.5 * np.cos(polar.ANGLES))
"""r0: half-diameters of a sac, 6.8 mm antero-posterior and 9.5 mm left-right, the middle of its range from neck to
lumbar spine."""
SAC_SIZE_COST = 0.02
"""c, per mm2: 0.3 of a wall's gain lost 4 mm from that size."""
LARGEST_SAC_MM = 14.0
"""No sac reaches farther from the cord's middle."""
SAC_LEAVING_COST = 0.15
"""l: a wall as strong as the neighbourhood's steps (1 over about 2 mm) costs a third of a good wall's gain to pass."""
WALL_STEP = 0.5
"""A step to the wall that counts as seen: half as high as the neighbourhood's typical border."""


def sac_contours(evidence: FloatArray, cord_mm: NDArray[np.float64], plane_mm: float) -> NDArray[np.float64]:
    """Best closed contour of the sac around the cord's, alone first, then with its neighbours along the cord.

    Parameters
    ----------
    evidence : (P, A, R) array of float32
        Signed steps on rays, from `steps.border_evidence`.
    cord_mm : (P, A) array
        The cord's contours on the same rays.
    plane_mm : float
        Distance of planes, mm.

    Returns
    -------
    radii_mm : (P, A) array
        At least `cord_mm`.
    """
    cord = cord_mm[:, :, None]
    wall = np.where(cord + WALL_WIDTH_MM / 2 > polar.RADII_MM, 0, np.maximum(-evidence, 0))  # the cord's own blur
    passed = np.cumsum(np.minimum(wall, 1), axis=2) * polar.RADIUS_STEP_MM
    delay = round(WALL_WIDTH_MM / polar.RADIUS_STEP_MM)
    gain = wall / (1 + SATURATION * wall) - SAC_SIZE_COST * (polar.RADII_MM - SAC_SIZE_MM[:, None]) ** 2
    gain[:, :, delay:] -= SAC_LEAVING_COST * passed[:, :, :-delay]
    gain[(cord > polar.RADII_MM) | (polar.RADII_MM > LARGEST_SAC_MM)] = BARRED
    agreed = ndi.gaussian_filter1d(along_cord(closed_contours(gain), NEIGHBOUR_MM, plane_mm), 2.0, axis=1, mode="wrap")
    gain -= NEIGHBOUR_COST * (polar.RADII_MM - agreed[:, :, None]) ** 2
    sac: NDArray[np.float64] = np.maximum(smooth_contours(gain), cord_mm)
    return sac


def sac_support(evidence: FloatArray, sac_mm: NDArray[np.float64]) -> NDArray[np.float64]:
    """Share (P,) of each sac's border that stands on a step from CSF to wall."""
    index = np.clip(np.rint(sac_mm / polar.RADIUS_STEP_MM).astype(int), 0, evidence.shape[2] - 1)
    support: NDArray[np.float64] = (np.take_along_axis(evidence, index[:, :, None], axis=2) < -WALL_STEP).mean((1, 2))
    return support
