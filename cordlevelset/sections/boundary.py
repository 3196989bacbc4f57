"""The CSF border in each cross-section, and the start contour on it.

Along a ray, with I smoothed radially and p = +1 for a bright cord, the evidence for the cord's border is

    e(r) = -p dI/dr / m,    e > 0: the step from cord to fluid;  e < 0: the step from fluid to the canal's wall

m is the root mean square of the positive steps in the section's neighbourhood: the border is measured against its own
surroundings, not against thermal noise. The gain of a border at r is

    e / (1 + s e)                 where e > 0, saturating: the strongest step is not always the right one
    w |e| / (1 + s |e|)           where e < 0: a cord that touches the wall ends there
    - l int_0^(r - d) max(-e, 0)  beyond that wall: the contour stays in the sac
    - c (r - r0)^2                the size of a cord, where nothing else speaks

and the contour is the closed curve of greatest gain (dynamic programming).
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from scipy import ndimage as ndi

from cordlevelset.brief import one_line
from cordlevelset.sections import polar

__all__ = [
    "CordContours",
    "StartContours",
    "along_cord",
    "border_evidence",
    "border_levels",
    "border_support",
    "closed_contours",
    "fluidness",
    "in_place",
    "smooth_contours",
    "start_contours",
]

FloatArray = NDArray[np.float32]
StartContours = tuple[NDArray[np.float64], NDArray[np.float64], FloatArray, FloatArray]
"""Centers (P, 2), radii (P, A), smoothed sections and their signed steps (P, A, R)."""

ALONG_MM = 3.0
"""Gaussian sigma along the cord, mm; planes more than about 6 mm apart keep to themselves."""
EDGE_WIDTH_MM = 2.0
"""Width of a smoothed border. A voxel thicker than this spreads a step over its own width; its slope is scaled back
by the ratio, so that it is a step's height."""
RADIAL_MM = 0.6
"""Gaussian sigma of the radial derivative: half a clinical pixel."""
SATURATION = 0.2
"""s: no border gains more than 1 / s = 5, a step five times its neighbourhood's half of that: fat must not outweigh the
rest of a contour."""
BARRED = -9.0
"""Gain of a ray outside the range of sizes: it loses more than the strongest border gains."""
WALL_SHARE = 0.2
"""w: the wall speaks a fifth as loud as the CSF border."""
LEAVING_COST = 0.25
"""l: crossing a wall of the strength of the neighbourhood's steps (1 over about 2 mm) costs half of what a good
border gains."""
WALL_WIDTH_MM = 1.0
"""d: a contour on a wall is not yet beyond it."""
SIZE_MM = np.hypot(3.8 * np.sin(polar.ANGLES), 5.5 * np.cos(polar.ANGLES))
"""r0: half-diameters of a cord, 3.8 mm antero-posterior and 5.5 mm left-right, the middle of its range from neck to
conus."""
SIZE_COST = 0.05
"""c, per mm2: 0.3 of a border's gain lost 2.5 mm from that size."""
SMALLEST_MM, LARGEST_MM = 1.75, 9.5
"""Radii of the conus' last slices and of the widest half of an enlargement."""
SEEN = 0.5
"""Steps at least half as high as the neighbourhood's typical one are a border."""
UNSEEN_CERTAINTY = 0.05
"""Of a border that is not seen, against 1 of one that is: it counts where there is nothing else."""
NEIGHBOUR_RAYS = 2.0
"""Gaussian sigma over rays of what the neighbours along the cord say: 11 degrees, 0.8 mm of the border, a voxel."""
RESOLVED_MM = 2.0
"""Voxels up to this size show a cord's border, which is five of them wide and more; what thicker ones average is for
`thick`."""
STIFFNESS = 0.06
"""Gain lost by a step of one radial sample between neighbouring rays."""
NEIGHBOUR_MM, NEIGHBOUR_COST = 5.0, 0.05
"""From the second look on: Gaussian sigma along the cord of the contour that neighbours agree on, and gain lost 1 mm
from it."""
PASSES = 3
"""Rounds of recentring: the first finds the cord from a point that may lie near its edge, the others see it from its
middle; a center 3 mm off is mended by then."""
REACH_MM = 3.0
"""A center moves at most this far between the passes: less than a cord's radius, so it stays in the cord."""

OUTSIDE_MM = 2.5
"""The fluid's own brightness is looked for this far beyond the border: more than the border's blur, less than a wide
CSF space."""
BLUR_MM = 0.5
"""Up to here beyond the border the fluid is mixed with cord."""
FLUID_RAYS = 4.0
"""Gaussian sigma over rays, 22 degrees, of the fluid's brightness: coil and flow vary over a quarter of the sac."""
FAINT_FLUID = 0.7
"""Thin fluid is taken to be at least this share as bright as the section's median: partial volume hides the rest."""


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
        The thecal sac's, the outer border of the fluid.
    sac_support : (P,) array
        Share of the sac's border that stands on a step from fluid to wall.
    confidence : (P,) array
        0 to 1; `confidence` says of what it is made.
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
    conus_mm: NDArray[np.float64] | None = None
    conus_uncertainty_mm: float = float("nan")
    conus_state: str = "outside"
    notes: tuple[str, ...] = ()

    __repr__ = one_line


def smoothed(sections: FloatArray, plane_mm: float, along_mm: float = ALONG_MM) -> FloatArray:
    """Sections averaged with their neighbours along the cord, as far as those are near, and over a ray's width."""
    if plane_mm < 2 * along_mm:
        sections = ndi.gaussian_filter1d(sections, along_mm / plane_mm, axis=0, mode="nearest", truncate=2.0)
    out: FloatArray = ndi.gaussian_filter1d(sections, 1.0, axis=1, mode="wrap", truncate=2.0)
    return out


def border_evidence(
    sections: FloatArray, polarity: int, spacing: tuple[float, float, float], radial_mm: float = RADIAL_MM
) -> FloatArray:
    """Signed steps e (P, A, R) of smoothed sections, in units of the neighbourhood's own."""
    plane_mm, dy, dx = spacing
    width = (
        np.hypot(max(dy, EDGE_WIDTH_MM) * np.sin(polar.ANGLES), max(dx, EDGE_WIDTH_MM) * np.cos(polar.ANGLES))
        / EDGE_WIDTH_MM
    )
    steps = -polarity * ndi.gaussian_filter1d(
        sections, radial_mm / polar.RADIUS_STEP_MM, axis=2, order=1, mode="nearest"
    )
    steps *= width[:, None].astype(np.float32)
    near = (polar.RADII_MM >= 1.5) & (polar.RADII_MM < 8.0)  # where cords have their border
    typical = np.sqrt((np.maximum(steps[:, :, near], 0) ** 2).mean((1, 2)))
    typical = ndi.gaussian_filter1d(typical, 20.0 / plane_mm, mode="nearest")  # over a vertebra
    out: FloatArray = steps / np.maximum(typical, np.finfo(np.float32).tiny)[:, None, None]
    return out


def border_gain(evidence: FloatArray, size_mm: NDArray[np.float64] = SIZE_MM, cost: float = SIZE_COST) -> FloatArray:
    """Gain of a border at each ray and radius; the module's text has the equation.

    `size_mm` (A,) or (P, A) is the size expected, `cost` what 1 mm off costs, growing with the square.
    """
    toward_wall = np.maximum(-evidence, 0)
    left = np.cumsum(np.minimum(toward_wall, 1), axis=2) * polar.RADIUS_STEP_MM
    left -= left[:, :, [int(SMALLEST_MM / polar.RADIUS_STEP_MM) - 1]]
    delay = round(WALL_WIDTH_MM / polar.RADIUS_STEP_MM)
    beyond = np.zeros_like(left)
    beyond[:, :, delay:] = np.maximum(left[:, :, :-delay], 0)
    size = np.abs(evidence)
    gain = np.where(evidence > 0, 1.0, WALL_SHARE).astype(np.float32) * size / (1 + SATURATION * size)
    gain -= LEAVING_COST * beyond + (cost * (polar.RADII_MM - size_mm[..., None]) ** 2).astype(np.float32)
    gain[:, :, (polar.RADII_MM < SMALLEST_MM) | (polar.RADII_MM > LARGEST_MM)] = BARRED
    return np.asarray(gain, np.float32)


def closed_contours(gain: FloatArray) -> NDArray[np.float64]:
    """Radii (P, A), mm, of the closed contour of greatest gain in each section, whole steps of the rays' samples."""
    from cordlevelset.sections import _kernels

    index = np.empty(gain.shape[:2], np.int64)
    _kernels.closed_contours(np.ascontiguousarray(gain, np.float32), STIFFNESS, index)
    return index.astype(np.float64) * polar.RADIUS_STEP_MM


def smooth_contours(gain: FloatArray) -> NDArray[np.float64]:
    """The same, smoothed over neighbouring rays: finer than a ray's samples."""
    out: NDArray[np.float64] = ndi.gaussian_filter1d(closed_contours(gain), 1.0, axis=1, mode="wrap")
    return out


def along_cord(values: NDArray[np.float64], sigma_mm: float, plane_mm: float) -> NDArray[np.float64]:
    """Gaussian smoothing along axis 0; nothing where the planes are farther apart than twice `sigma_mm`."""
    if plane_mm > 2 * sigma_mm:
        return values
    out: NDArray[np.float64] = ndi.gaussian_filter1d(values, sigma_mm / plane_mm, axis=0, mode="nearest")
    return out


def completed(
    radii_mm: NDArray[np.float64], evidence: FloatArray, sigma_mm: float, plane_mm: float
) -> NDArray[np.float64]:
    """Contours that lie, where no border is seen, where it is seen on the same ray in the neighbours along the cord.

    With w the share of a border on a ray, r moves by (1 - w) (G[(w + u) r] / G[w + u] - r), smoothed over neighbouring
    rays. G is the normalised convolution of Knutsson, Westin (1993), doi:10.1109/CVPR.1993.341081, along the cord;
    u = `UNSEEN_CERTAINTY` for what nothing is seen of far and wide.
    """
    seen = np.clip(_at(evidence, radii_mm) / SEEN, 0, 1)
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
) -> StartContours:
    """Best closed contour in each plane, alone first, then about its own centroid and with its neighbours.

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
        Cord brighter or darker than the fluid.

    Returns
    -------
    centers_mm : (P, 2) array
    radii_mm : (P, A) array
    sections, evidence : (P, A, R) array of float32
        Smoothed sections about the new centers and their signed steps.
    """

    def look(centers: NDArray[np.float64]) -> tuple[FloatArray, FloatArray]:
        sections = smoothed(polar.polar_sections(array, spacing=spacing, first=first, centers_mm=centers), spacing[0])
        return sections, border_evidence(sections, polarity, spacing)

    centers = centers_mm
    sections, evidence = look(centers)
    gain = border_gain(evidence)
    for _ in range(PASSES):
        along = along_cord(closed_contours(gain), NEIGHBOUR_MM, spacing[0])
        agreed = ndi.gaussian_filter1d(along, NEIGHBOUR_RAYS, mode="wrap")
        shift = np.clip(along_cord(polar.centroid_shift(agreed), ALONG_MM, spacing[0]), -REACH_MM, REACH_MM)
        agreed, centers = polar.recentred(agreed, shift), centers + shift
        sections, evidence = look(centers)
        gain = border_gain(evidence) - (NEIGHBOUR_COST * (polar.RADII_MM - agreed[:, :, None]) ** 2).astype(np.float32)
    return centers, smooth_contours(gain), sections, evidence


def in_place(radii_mm: NDArray[np.float64], spacing: tuple[float, float, float]) -> NDArray[np.float64]:
    """Contours (P, A) without the shift that pixels give a curved border.

    Blur of variance s^2 moves the border of a disc of radius R inwards by s^2 / (2 R), any closed border by s^2 / 2
    times its curvature, and so takes pi s^2 from every area (Verbeek, van Vliet 1994, IEEE TPAMI 16:726). A pixel of
    size p averages over p^2 / 12 and is interpolated over p^2 / 6.
    """
    variance = sum(min(p, RESOLVED_MM) ** 2 for p in spacing[1:]) / 2 * (1 / 12 + 1 / 6)
    out: NDArray[np.float64] = np.sqrt(radii_mm**2 + variance)
    return out


def _at(values: FloatArray, radii_mm: NDArray[np.float64]) -> FloatArray:
    """Values (P, A, R) at radii (P, A), nearest sample."""
    index = np.clip(np.rint(radii_mm / polar.RADIUS_STEP_MM).astype(int), 0, values.shape[2] - 1)
    return np.take_along_axis(values, index[:, :, None], axis=2)[:, :, 0]


def border_levels(
    sections: FloatArray, radii_mm: NDArray[np.float64], polarity: int
) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    """Mean inside half the contour, and height of its border's step, per plane."""
    core = polar.RADII_MM < radii_mm[:, :, None] / 2
    inside = (sections * core).sum((1, 2)) / core.sum((1, 2))
    outer = np.stack([_at(sections, radii_mm + d) for d in np.arange(0, OUTSIDE_MM + 0.01, polar.RADIUS_STEP_MM)])
    fluid = outer.min(0) if polarity > 0 else outer.max(0)
    inner = np.mean([_at(sections, np.maximum(radii_mm - d, 0)) for d in (1.5, 2.0, 2.5)], axis=0)
    return inside.astype(np.float64), np.median(np.abs(fluid - inner), axis=1).astype(np.float64)


def fluidness(sections: FloatArray, radii_mm: NDArray[np.float64], polarity: int) -> FloatArray:
    """Brightness (P, A, R) from cord (-1) to the fluid beside each stretch of the contour (+1), cut off there.

    Zero, half way, where the section shows no step.
    """
    inside, _ = border_levels(sections, radii_mm, polarity)
    rise = -polarity * (sections - inside[:, None, None].astype(np.float32))
    beyond = np.arange(BLUR_MM, OUTSIDE_MM + 0.01, polar.RADIUS_STEP_MM)
    profile = np.stack([_at(rise, radii_mm + d) for d in beyond])
    height = ndi.gaussian_filter1d(profile, FLUID_RAYS, axis=2, mode="wrap").max(0)
    height = np.maximum(height, FAINT_FLUID * np.median(height, axis=1, keepdims=True))[:, :, None]
    seen = height > 0
    out: FloatArray = np.where(seen, np.clip(2 * rise / np.where(seen, height, 1) - 1, -1, 1), 0).astype(np.float32)
    return out


def border_support(evidence: FloatArray, radii_mm: NDArray[np.float64]) -> NDArray[np.float64]:
    """Share of the border on a step of the right sign, at least half as high as the neighbourhood's typical one."""
    supported: NDArray[np.float64] = (_at(evidence, radii_mm) > SEEN).mean(1)
    return supported
