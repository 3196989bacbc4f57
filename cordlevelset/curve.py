"""The centerline as a curve in the patient."""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property

import numpy as np
from numpy.typing import NDArray

__all__ = ["Centerline"]


@dataclass(frozen=True)
class Centerline:
    """Middle of the cord, one point a plane, from the top down.

    Parameters
    ----------
    points_mm : (N, 3) array
        x, y, z in LPS mm.
    radius_mm : (N,) array
        Radius of the circle of the cord's area, mm.
    confidence : (N,) array
        0 to 1.
    polarity : str
        "bright" or "dark": the cord against the fluid around it.
    """

    points_mm: NDArray[np.float64]
    radius_mm: NDArray[np.float64]
    confidence: NDArray[np.float64]
    polarity: str

    @cached_property
    def arclength_mm(self) -> NDArray[np.float64]:
        """Distance along the curve from its upper end, (N,) mm."""
        steps = np.linalg.norm(np.diff(self.points_mm, axis=0), axis=1)
        return np.concatenate([[0.0], np.cumsum(steps)])

    @cached_property
    def tangents(self) -> NDArray[np.float64]:
        """Unit vectors (N, 3) in LPS, pointing down."""
        if len(self.points_mm) < 2:
            return np.tile([0.0, 0.0, -1.0], (len(self.points_mm), 1))
        along = np.gradient(self.points_mm, axis=0)
        return np.asarray(along / np.linalg.norm(along, axis=1, keepdims=True))
