"""Sections about every millimetre along the cord: finer planes are averaged before, and interpolated after.

Contours are smoothed along the cord over more than a millimetre, so planes closer than that say nothing more, and cost
as much each. What they know of the image is kept: blocks of planes are averaged. Between two sections a contour's
points move straight from one to the other: exact for a cone that leans.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import Any

import numpy as np
from numpy.typing import NDArray

from cordlevelset.brief import one_line
from cordlevelset.detection.finder import CordPath
from cordlevelset.sections.contours import CordContours

__all__ = ["SpacedPlanes"]

FloatArray = NDArray[np.float32]

PLANES_APART_MM = 1.0
"""Distance of sections: over it a cord that leans 40 degrees moves by a pixel, and a conus, which narrows from 4 mm to
nothing over 30 mm, by 0.1 mm."""


@dataclass(frozen=True, slots=True)
class SpacedPlanes:
    """The planes of a path, averaged to about a millimetre where they are finer.

    Attributes
    ----------
    array : (M, J, I) array of float32
        The planes of the path; all of the image where they are not finer.
    spacing : (3,) tuple of float
        Voxel size in mm.
    path : CordPath
        The path through them.
    places : (P,) array
        Where each plane of the whole path lies among these.
    whole : CordPath
        The path through all planes of the image.
    plane_mm : float
        Distance of those.
    """

    array: FloatArray
    spacing: tuple[float, float, float]
    path: CordPath
    places: NDArray[np.float64]
    whole: CordPath
    plane_mm: float

    __repr__ = one_line

    @classmethod
    def along(cls, array: FloatArray, spacing: tuple[float, float, float], path: CordPath) -> SpacedPlanes:
        """Average the planes of a path.

        Parameters
        ----------
        array : (K, J, I) array of float32
            Canonical grid.
        spacing : (3,) tuple of float
            Voxel size in mm.
        path : CordPath
            One point a plane.

        Returns
        -------
        SpacedPlanes
        """
        planes = np.arange(len(path.centers_mm), dtype=np.float64)
        step = min(round(PLANES_APART_MM / spacing[0]), len(planes) // 2)
        if step < 2:
            return cls(array, spacing, path, planes, path, spacing[0])
        n = len(planes) // step
        start = (len(planes) - n * step) // 2

        def averaged(values: NDArray[Any]) -> NDArray[Any]:
            blocks = values[start : start + n * step].reshape(n, step, *values.shape[1:])
            out: NDArray[Any] = blocks.mean(axis=1, dtype=values.dtype)
            return out

        thick = replace(path, first=0, centers_mm=averaged(path.centers_mm), inside=averaged(path.inside))
        image = averaged(array[path.first : path.first + len(planes)])
        places = (planes - start - (step - 1) / 2) / step
        return cls(image, (spacing[0] * step, spacing[1], spacing[2]), thick, places, path, spacing[0])

    def on_all_planes(self, contours: CordContours) -> CordContours:
        """Contours of the sections on all planes of the image; beyond the outermost sections they stay as there."""
        if self.path is self.whole:
            return contours
        low = np.clip(self.places.astype(int), 0, len(contours.radii_mm) - 2)
        share = np.clip(self.places - low, 0, 1)[:, None]

        def between(values: NDArray[np.float64]) -> NDArray[np.float64]:
            rows = values.reshape(len(values), -1)
            out: NDArray[np.float64] = (1 - share) * rows[low] + share * rows[low + 1]
            return out.reshape(-1, *values.shape[1:])

        tip = contours.conus_mm
        return replace(
            contours,
            first=self.whole.first,
            centers_mm=between(contours.centers_mm),
            radii_mm=between(contours.radii_mm),
            sac_mm=between(contours.sac_mm),
            sac_support=between(contours.sac_support),
            confidence=between(contours.confidence),
            conus_mm=None if tip is None else np.array([self.whole.first * self.plane_mm, *tip[1:]]),
        )
