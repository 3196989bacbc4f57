"""A stack of cross-sections: a contour in each plane, the image on the rays about it, and what is read off them."""

from __future__ import annotations

from dataclasses import dataclass, replace
from functools import cached_property

import numpy as np
from numpy.typing import NDArray

from cordlevelset.brief import one_line
from cordlevelset.sections import polar, steps
from cordlevelset.sections.contours import CordContours
from cordlevelset.sections.sac import sac_contours, sac_support

__all__ = ["Sections"]

FloatArray = NDArray[np.float64]

CORD_SIZE_MM = np.hypot(3.8 * np.sin(polar.ANGLES), 5.5 * np.cos(polar.ANGLES))
"""Half-diameters of a cord, 3.8 mm antero-posterior and 5.5 mm left-right, the middle of its range from neck to
conus."""


@dataclass(frozen=True, eq=False)
class Sections:
    """Cross-sections in the planes `first` .. `first` + P - 1 of the canonical grid; what is asked of it is kept.

    Attributes
    ----------
    first : int
        Lowest plane.
    centers_mm : (P, 2) array
        Row and column of the rays' origin in each plane, grid mm.
    radii_mm : (P, A) array
        The cord's contour on each ray of `polar.ANGLES`.
    spacing : (3,) tuple of float
        Voxel size in mm.
    polarity : {+1, -1}
        Cord brighter or darker than the CSF.
    values : (P, A, R) array of float32
        Brightness on the rays at `polar.RADII_MM`.
    radial_mm : float
        Gaussian sigma of the derivative along the rays that `evidence` is made of.
    """

    first: int
    centers_mm: FloatArray
    radii_mm: FloatArray
    spacing: tuple[float, float, float]
    polarity: int
    values: NDArray[np.float32]
    radial_mm: float = steps.RADIAL_MM

    __repr__ = one_line

    @classmethod
    def of_image(
        cls,
        array: NDArray[np.float32],
        *,
        spacing: tuple[float, float, float],
        first: int,
        centers_mm: FloatArray,
        polarity: int,
        radii_mm: FloatArray | None = None,
    ) -> Sections:
        """Sample an image on rays, as it is.

        Parameters
        ----------
        array : (K, J, I) array of float32
            Canonical grid.
        spacing, first, centers_mm, polarity
            As the attributes.
        radii_mm : (P, A) array, optional
            Contours, where there are any yet; else the usual cord's.

        Returns
        -------
        Sections
        """
        values = polar.polar_sections(array, spacing=spacing, first=first, centers_mm=centers_mm)
        radii = np.tile(CORD_SIZE_MM, (len(centers_mm), 1)) if radii_mm is None else radii_mm
        return cls(first, centers_mm, radii, spacing, polarity, values)

    @classmethod
    def of_contours(
        cls,
        array: NDArray[np.float32],
        contours: CordContours,
        *,
        spacing: tuple[float, float, float],
        polarity: int,
    ) -> Sections:
        """Sample an image on the rays of contours; parameters as for `of_image`."""
        return cls.of_image(
            array,
            spacing=spacing,
            first=contours.first,
            centers_mm=contours.centers_mm,
            polarity=polarity,
            radii_mm=contours.radii_mm,
        )

    def smoothed(self, along_mm: float = steps.SMOOTH_ALONG_MM, radial_mm: float = steps.RADIAL_MM) -> Sections:
        """Brightness averaged with the neighbours along the cord, and the scale of its derivative."""
        return replace(self, values=steps.smoothed(self.values, self.plane_mm, along_mm), radial_mm=radial_mm)

    def recentred(self, array: NDArray[np.float32], shift_mm: FloatArray) -> Sections:
        """The same contours about centers inside them, moved by `shift_mm` (P, 2), and `array` sampled about them."""
        return self.of_image(
            array,
            spacing=self.spacing,
            first=self.first,
            centers_mm=self.centers_mm + shift_mm,
            polarity=self.polarity,
            radii_mm=polar.recentred(self.radii_mm, shift_mm),
        )

    def with_radii(self, radii_mm: FloatArray) -> Sections:
        """The same image with other contours (P, A)."""
        other = replace(self, radii_mm=radii_mm)
        if "evidence" in vars(self):
            vars(other)["evidence"] = self.evidence
        return other

    def planes(self, rows: slice) -> Sections:
        """Part of the stack; its steps stay measured against what is typical of the whole."""
        part = replace(
            self,
            first=self.first + (rows.start or 0),
            centers_mm=self.centers_mm[rows],
            radii_mm=self.radii_mm[rows],
            values=self.values[rows],
        )
        vars(part)["evidence"] = self.evidence[rows]
        return part

    def __len__(self) -> int:
        return len(self.radii_mm)

    @property
    def plane_mm(self) -> float:
        """Distance of planes, mm."""
        return self.spacing[0]

    @cached_property
    def evidence(self) -> NDArray[np.float32]:
        """(P, A, R) signed steps, in units of the neighbourhood's typical one: `steps.border_evidence`."""
        return steps.border_evidence(self.values, self.polarity, self.spacing, self.radial_mm)

    @cached_property
    def levels(self) -> steps.Levels:
        """Brightness of cord and CSF, and the height of the border's step, (P,) each."""
        return steps.border_levels(self.values, self.radii_mm, self.polarity)

    @cached_property
    def csf_likeness(self) -> NDArray[np.float32]:
        """(P, A, R) brightness from cord (-1) to the CSF beside each stretch of the contour (+1), cut off there."""
        return steps.csf_likeness(self.values, self.radii_mm, self.polarity, self.levels.inside)

    @cached_property
    def support(self) -> FloatArray:
        """(P,) share of the contour that stands on a step from cord to CSF."""
        return steps.border_support(self.evidence, self.radii_mm)

    @cached_property
    def area_mm2(self) -> FloatArray:
        """(P,) area inside the contour."""
        return polar.polygon_area(self.radii_mm)

    @cached_property
    def sac_mm(self) -> FloatArray:
        """(P, A) the thecal sac's contour on the same rays, at least the cord's."""
        return sac_contours(self.evidence, self.radii_mm, self.plane_mm)

    @cached_property
    def sac_support(self) -> FloatArray:
        """(P,) share of the sac's contour that stands on a step from CSF to wall."""
        return sac_support(self.evidence, self.sac_mm)
