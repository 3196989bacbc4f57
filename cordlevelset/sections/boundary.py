"""The CSF border in each cross-section, and the start contour on it.

The evidence e on a ray is positive on the step from cord to CSF, negative on that from CSF to the canal's wall
(`steps`). The gain of a border at r is

    e / (1 + s e)                 where e > 0, saturating: the strongest step is not always the right one
    w |e| / (1 + s |e|)           where e < 0: a cord that touches the wall ends there
    - l int_0^(r - d) max(-e, 0)  beyond that wall: the contour stays in the sac
    - c (r - r0)^2                the size of a cord, which decides where no edge is seen

and the contour is the closed curve of greatest gain (dynamic programming).
"""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray
from scipy import ndimage as ndi

from cordlevelset.parallel import in_parts
from cordlevelset.sections import polar
from cordlevelset.sections.curves import (
    BARRED,
    NEIGHBOUR_COST,
    NEIGHBOUR_MM,
    NEIGHBOUR_RAYS,
    SATURATION,
    WALL_WIDTH_MM,
    WITHIN_CORD,
    along_cord,
    closed_contours,
    smooth_contours,
)
from cordlevelset.sections.middle import middles
from cordlevelset.sections.stack import CORD_SIZE_MM, Sections
from cordlevelset.sections.steps import SEEN, SMOOTH_ALONG_MM, at_radii
from cordlevelset.sections.texture import texture_gain

__all__ = ["border_gain", "completed", "start_contours"]

FloatArray = NDArray[np.float32]

WALL_SHARE = 0.2
"""w: weight of the CSF-to-wall edge relative to the cord-to-CSF edge. A fifth: the wall is the border only where the
cord touches it."""
LEAVING_COST = 0.25
"""l: crossing a wall of the strength of the neighbourhood's steps (1 over about 2 mm) costs half of what a good
border gains."""
CORD_SIZE_COST = 0.05
"""c, per mm2: 0.3 of a border's gain lost 2.5 mm from the size of a cord, r0."""
SMALLEST_CORD_MM = 1.75
"""Radius of the conus' last slices."""
UNSEEN_CERTAINTY = 0.05
"""Of a border that is not seen, against 1 of one that is: it counts where there is nothing else."""
PASSES = 3
"""Rounds of recentring: the first finds the cord from a point that may lie near its edge, the others see it from its
middle; a center 3 mm off is put right by then."""
RECENTRE_MM = 3.0
"""A center moves at most this far between the passes: less than a cord's radius, so it stays in the cord."""


def border_gain(
    evidence: FloatArray, size_mm: NDArray[np.float64] = CORD_SIZE_MM, cost: float = CORD_SIZE_COST
) -> FloatArray:
    """Gain (P, A, WITHIN_CORD) of a border at each ray and radius; the module's text has the equation.

    `size_mm` (A,) or (P, A) is the size expected, `cost` what 1 mm off costs, growing with the square.
    """
    evidence, radii_mm = evidence[:, :, WITHIN_CORD], polar.RADII_MM[WITHIN_CORD]
    gain = np.empty(evidence.shape, np.float32)

    def part(rows: slice) -> None:
        expected = size_mm[rows] if size_mm.ndim == 2 else size_mm
        unusual = cost * (radii_mm - expected[..., None]) ** 2
        gain[rows] = _edge_gain(evidence[rows]) - unusual.astype(np.float32)

    in_parts(part, len(gain))
    gain[:, :, radii_mm < SMALLEST_CORD_MM] = BARRED
    return gain


def _edge_gain(evidence: FloatArray) -> FloatArray:
    """Gain of the step at each place and of the wall before it."""
    left = np.cumsum(np.minimum(np.maximum(-evidence, 0), 1), axis=2) * polar.RADIUS_STEP_MM
    left -= left[:, :, [int(SMALLEST_CORD_MM / polar.RADIUS_STEP_MM) - 1]]
    delay = round(WALL_WIDTH_MM / polar.RADIUS_STEP_MM)
    size = np.abs(evidence)
    gain = np.where(evidence > 0, np.float32(1), np.float32(WALL_SHARE)) * size / (1 + SATURATION * size)
    gain[:, :, delay:] -= LEAVING_COST * np.maximum(left[:, :, :-delay], 0)
    return np.asarray(gain, np.float32)


def completed(cord: Sections, sigma_mm: float) -> NDArray[np.float64]:
    """Contours that lie, where no border is seen, where it is seen on the same ray in the neighbours along the cord.

    With w the share of a border on a ray, r moves by (1 - w) (G[(w + u) r] / G[w + u] - r), smoothed over neighbouring
    rays. G is the normalised convolution of Knutsson, Westin (1993), doi:10.1109/CVPR.1993.341081, along the cord;
    u = `UNSEEN_CERTAINTY` for what nothing is seen of far and wide.

    Parameters
    ----------
    cord : Sections
        Its contours, and the evidence that says where they are seen.
    sigma_mm : float
        Of the Gaussian G.

    Returns
    -------
    radii_mm : (P, A) array
    """
    radii_mm, plane_mm = cord.radii_mm, cord.plane_mm
    seen = np.clip(at_radii(cord.evidence, radii_mm) / SEEN, 0, 1)
    certain = seen + UNSEEN_CERTAINTY
    total = along_cord(certain, sigma_mm, plane_mm)
    around = along_cord(certain * radii_mm, sigma_mm, plane_mm) / total
    moves: NDArray[np.float64] = ndi.gaussian_filter1d((1 - seen) * (around - radii_mm), NEIGHBOUR_RAYS, mode="wrap")
    return radii_mm + moves


def start_contours(
    array: FloatArray,
    *,
    spacing: tuple[float, float, float],
    first: int,
    centers_mm: NDArray[np.float64],
    polarity: int,
) -> Sections:
    """Best closed contour in each plane, alone first, then about its own centroid and with its neighbours.

    The size of a cord is expected about the middle that was found, wherever the contours' centroids move.

    Parameters
    ----------
    array : (K, J, I) array of float32
        Canonical grid.
    spacing : (3,) tuple of float
        Voxel size in mm.
    first : int
        Lowest plane.
    centers_mm : (P, 2) array
        Points inside the cord, grid mm.
    polarity : {+1, -1}
        Cord brighter or darker than the CSF.

    Returns
    -------
    Sections
        Smoothed, about the contours' own centroids.
    """
    middle = middles(array, spacing=spacing, first=first, centers_mm=centers_mm, polarity=polarity)
    seen = Sections.of_image(array, spacing=spacing, first=first, centers_mm=middle, polarity=polarity).smoothed()
    size = np.tile(CORD_SIZE_MM, (len(seen), 1))
    gain = border_gain(seen.evidence, size) + texture_gain(seen)
    for _ in range(PASSES):
        along = along_cord(closed_contours(gain), NEIGHBOUR_MM, spacing[0])
        agreed = ndi.gaussian_filter1d(along, NEIGHBOUR_RAYS, mode="wrap")
        shift = np.clip(
            along_cord(polar.centroid_shift(agreed), SMOOTH_ALONG_MM, spacing[0]), -RECENTRE_MM, RECENTRE_MM
        )
        seen = seen.with_radii(agreed).recentred(array, shift).smoothed()
        far = (polar.RADII_MM[WITHIN_CORD] - seen.radii_mm[:, :, None]).astype(np.float32)
        size = polar.recentred(size, shift)
        gain = border_gain(seen.evidence, size) + texture_gain(seen) - NEIGHBOUR_COST * far**2
    return seen.with_radii(smooth_contours(gain))
