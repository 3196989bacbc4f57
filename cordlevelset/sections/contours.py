"""The contours of cord and sac in a stack of planes: what masks, measures and surfaces are made of."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from cordlevelset.brief import one_line

__all__ = ["CordContours"]


@dataclass(frozen=True, slots=True)
class CordContours:
    """Contours of cord and sac in the planes `first` .. `first` + P - 1 of the canonical grid.

    Attributes
    ----------
    first : int
        Lowest plane.
    centers_mm : (P, 2) array
        Row and column position of the rays' origin, grid mm.
    radii_mm : (P, A) array
        Cord's border on each ray of `polar.ANGLES`.
    sac_mm : (P, A) array
        The thecal sac's, the outer border of the CSF.
    sac_support : (P,) array
        Share of the sac's border that stands on a step from CSF to wall.
    confidence : (P,) array
        Probability of each slice's contour to be right.
    extent_confidence : float
        Probability that both ends of the cord are where they are said to be.
    conus_mm : (3,) array or None
        Tip of the conus (plane, row, column), grid mm; None if outside the field of view.
    conus_uncertainty_mm : float
        Half width of the range in which the tip may lie; nan without a tip.
    conus_state : str
        "seen", "outside" the field of view, or "unclear".
    notes : tuple of str
        What was weak, and where.
    """

    first: int
    centers_mm: NDArray[np.float64]
    radii_mm: NDArray[np.float64]
    sac_mm: NDArray[np.float64]
    sac_support: NDArray[np.float64]
    confidence: NDArray[np.float64]
    extent_confidence: float = 1.0
    conus_mm: NDArray[np.float64] | None = None
    conus_uncertainty_mm: float = float("nan")
    conus_state: str = "outside"
    notes: tuple[str, ...] = ()

    __repr__ = one_line

    @property
    def whole_confidence(self) -> float:
        """Probability of the whole to be right: its slices' contours on average, and both ends."""
        return float(self.confidence.mean()) * self.extent_confidence
