"""Morphometry: area, diameters and angle of the cord in each plane."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from cordlevelset import straighten as st

__all__ = ["SliceMeasures", "measure_contours"]


@dataclass(frozen=True, slots=True)
class SliceMeasures:
    """One plane of the cord.

    Attributes
    ----------
    slice : int
        Index of the plane on the grid's axis along the cord.
    area_mm2 : float
        Area perpendicular to the cord: the contour's area in the plane times the cosine of `angle_deg`.
    diameter_ap_mm, diameter_rl_mm : float
        Extent of the contour antero-posterior, foreshortened by the cord's lean, and left-right.
    angle_deg : float
        Between the cord and the normal of the plane.
    confidence : float
        0 to 1.
    """

    slice: int
    area_mm2: float
    diameter_ap_mm: float
    diameter_rl_mm: float
    angle_deg: float
    confidence: float


def measure_contours(
    radii_mm: NDArray[np.float64],
    tangents: NDArray[np.float64],
    confidence: NDArray[np.float64],
    normal: NDArray[np.float64],
    planes: NDArray[np.int64],
) -> tuple[SliceMeasures, ...]:
    """Measure star-shaped contours.

    Parameters
    ----------
    radii_mm : (P, A) array
        Contours on the rays of `straighten.ANGLES`.
    tangents : (P, 3) array
        Unit vectors along the cord.
    confidence : (P,) array
        0 to 1.
    normal : (3,) array
        Unit normal of the planes, in the frame of the tangents.
    planes : (P,) array of int
        Index of each plane.

    Returns
    -------
    tuple of SliceMeasures
    """
    cosine = np.clip(np.abs(tangents @ normal), 0, 1)
    y, x = radii_mm * np.sin(st.ANGLES), radii_mm * np.cos(st.ANGLES)
    rows = zip(
        planes,
        st.polygon_area(radii_mm) * cosine,
        np.ptp(y, axis=1) * cosine,
        np.ptp(x, axis=1),
        cosine,
        confidence,
        strict=True,
    )
    return tuple(
        SliceMeasures(int(k), float(a), float(ap), float(rl), float(np.degrees(np.arccos(c))), float(q))
        for k, a, ap, rl, c, q in rows
    )
