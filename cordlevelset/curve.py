"""The centerline: a curve in the patient, from the top down."""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property

import numpy as np
from numpy.typing import NDArray

from cordlevelset.brief import one_line
from cordlevelset.errors import InputError

__all__ = ["Centerline"]

FloatArray = NDArray[np.float64]


@dataclass(frozen=True, eq=False)
class Centerline:
    """Middle of the cord, N points from the top down.

    Made by `detect_centerline` and `segment`, or from points of your own.

    Parameters
    ----------
    points_mm : (N, 3) array
        x, y, z in LPS mm (towards left, posterior, superior).
    radius_mm : (N,) array
        Radius of the circle of the cord's area at each point, mm; nan where unknown.
    polarity : {"bright", "dark"}
        The cord is brighter (T1) or darker (T2) than the CSF around it.
    confidence : (N,) array
        0 to 1 at each point; it has the same meaning as that of a slice.

    Raises
    ------
    InputError
        If there are fewer than two points, or points, radii and confidences differ in number.
    """

    points_mm: FloatArray
    radius_mm: FloatArray
    polarity: str
    confidence: FloatArray

    __repr__ = one_line

    def __post_init__(self) -> None:
        for name in ("points_mm", "radius_mm", "confidence"):
            try:
                object.__setattr__(self, name, np.asarray(getattr(self, name), dtype=np.float64))
            except (TypeError, ValueError):
                raise InputError(f"{name} of a centerline must be numbers") from None
        if self.points_mm.ndim != 2 or self.points_mm.shape[1] != 3 or len(self.points_mm) < 2:
            raise InputError(f"a centerline needs two points or more, (N, 3) in mm; got shape {self.points_mm.shape}")
        if self.radius_mm.shape != self.points_mm.shape[:1]:
            raise InputError(f"{len(self.points_mm)} points but radii of shape {self.radius_mm.shape}")
        if self.confidence.shape != self.radius_mm.shape:
            raise InputError(f"{len(self.points_mm)} points but confidences of shape {self.confidence.shape}")

    @cached_property
    def arclength_mm(self) -> FloatArray:
        """(N,) distance along the curve from its upper end, mm."""
        return np.concatenate([[0.0], np.cumsum(np.linalg.norm(np.diff(self.points_mm, axis=0), axis=1))])

    @property
    def length_mm(self) -> float:
        """Length of the curve, mm."""
        return float(self.arclength_mm[-1])

    @cached_property
    def tangents(self) -> FloatArray:
        """(N, 3) unit vectors along the curve, pointing down."""
        steps = np.asarray(np.gradient(self.points_mm, axis=0), dtype=np.float64)
        unit: FloatArray = steps / np.maximum(np.linalg.norm(steps, axis=1, keepdims=True), np.finfo(float).tiny)
        return unit
