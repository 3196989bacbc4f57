"""What the rays show: borders as signed steps of brightness, and the levels on both sides of a contour.

Along a ray, with I smoothed radially and p = +1 for a bright cord, the evidence for the cord's border is

    e(r) = -p dI/dr / m,    e > 0: the step from cord to CSF;  e < 0: the step from CSF to the canal's wall

m is the root mean square of the positive steps in the section's neighbourhood: the border is measured against its own
surroundings, not against thermal noise.
"""

from __future__ import annotations

from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray
from scipy import ndimage as ndi

from cordlevelset.parallel import in_parts
from cordlevelset.sections import polar

__all__ = [
    "Levels",
    "at_radii",
    "border_evidence",
    "border_levels",
    "border_support",
    "core_levels",
    "csf_likeness",
    "smoothed",
]

FloatArray = NDArray[np.float32]

SMOOTH_ALONG_MM = 3.0
"""Gaussian sigma along the cord, mm; planes more than about 6 mm apart keep to themselves."""
EDGE_WIDTH_MM = 2.0
"""Width of a smoothed border. A voxel thicker than this spreads a step over its own width; its slope is scaled back
by the ratio, so that it is a step's height."""
RADIAL_MM = 0.6
"""Gaussian sigma of the radial derivative: half a clinical pixel."""
BORDER_MM = (1.5, 8.0)
"""Radii between which cords have their border, and where the typical step is read off."""
TYPICAL_MM = 20.0
"""Gaussian sigma along the cord of what is a typical step: most of a vertebra."""
FAINTEST_STEP = 1e-6
"""Share of the stack's greatest step below which no step is typical: float32 knows no finer difference."""
SEEN = 0.5
"""Steps at least half as high as the neighbourhood's typical one are a border."""
OUTSIDE_MM = 2.5
"""The CSF's own brightness is looked for this far beyond the border: more than the border's blur, less than a wide
CSF space."""
INNER_MM = (1.5, 2.0, 2.5)
"""The cord's brightness beside its border is the mean at these depths: past the blur, within the narrowest cord."""
BLUR_MM = 0.5
"""Up to here beyond the border the CSF is mixed with cord."""
CORE_SHARE = 0.75
"""Share of the radius that is clear of the border's own blur."""
CSF_RAYS = 4.0
"""Gaussian sigma over rays, 22 degrees, of the CSF's brightness: coil and flow vary over a quarter of the sac."""
FAINT_CSF = 0.7
"""Thin CSF is taken to be at least this share as bright as the section's median: partial volume hides the rest."""


def smoothed(sections: FloatArray, plane_mm: float, along_mm: float = SMOOTH_ALONG_MM) -> FloatArray:
    """Sections averaged with their neighbours along the cord, as far as those are near, and over a ray's width."""
    if plane_mm < 2 * along_mm:
        sections = _filtered(sections, along_mm / plane_mm, axis=0, mode="nearest", truncate=2.0)
    return _filtered(sections, 1.0, axis=1, mode="wrap", truncate=2.0)


def _filtered(values: FloatArray, sigma: float, *, axis: int, **options: Any) -> FloatArray:
    """Gaussian filter of a stack along an axis, on several threads."""
    out, across = np.empty_like(values), int(axis == 0)

    def part(rows: slice) -> None:
        at = (slice(None),) * across + (rows,)
        ndi.gaussian_filter1d(values[at], sigma, axis=axis, output=out[at], **options)

    in_parts(part, values.shape[across])
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
    steps = _filtered(sections, radial_mm / polar.RADIUS_STEP_MM, axis=2, order=1, mode="nearest")
    steps *= (-polarity * width[:, None]).astype(np.float32)
    near = (polar.RADII_MM >= BORDER_MM[0]) & (polar.RADII_MM < BORDER_MM[1])
    typical = np.sqrt((np.maximum(steps[:, :, near], 0) ** 2).mean((1, 2)))
    typical = ndi.gaussian_filter1d(typical, TYPICAL_MM / plane_mm, mode="nearest")
    floor = FAINTEST_STEP * np.abs(steps).max() + np.finfo(np.float32).tiny
    out: FloatArray = steps / np.maximum(typical, floor)[:, None, None]
    return out


def at_radii(values: FloatArray, radii_mm: NDArray[np.float64], *beyond_mm: float) -> FloatArray:
    """Values (P, A, R) at radii (P, A), nearest sample; (P, A, N) if N distances beyond them are given."""
    radii = radii_mm[:, :, None] + (np.array(beyond_mm) if beyond_mm else 0.0)
    n = values.shape[2]
    index = np.clip(np.rint(radii / polar.RADIUS_STEP_MM).astype(int), 0, n - 1)
    index += n * np.arange(radii_mm.size).reshape(*radii_mm.shape, 1)
    out: FloatArray = values.ravel().take(index)
    return out if beyond_mm else out[:, :, 0]


class Levels(NamedTuple):
    """What each plane shows on both sides of its contour, (P,) each, in the image's units."""

    inside: NDArray[np.float64]  # mean of the cord
    csf: NDArray[np.float64]  # median over the rays of the extreme just beyond the contour
    step: NDArray[np.float64]  # height of the border's step, not negative


def border_levels(sections: FloatArray, radii_mm: NDArray[np.float64], polarity: int) -> Levels:
    """Mean inside half the contour, CSF beyond it, and height of its border's step."""
    near = polar.RADII_MM[: int(radii_mm.max() / 2 / polar.RADIUS_STEP_MM) + 1]
    core = near < radii_mm[:, :, None] / 2
    inside = (sections[:, :, : near.size] * core).sum((1, 2)) / core.sum((1, 2))
    beyond = np.arange(0, OUTSIDE_MM + 0.01, polar.RADIUS_STEP_MM)
    outer = at_radii(sections, radii_mm, *beyond)
    csf = outer.min(2) if polarity > 0 else outer.max(2)
    inner = at_radii(sections, radii_mm, *(-d for d in INNER_MM)).mean(2)
    step = np.median(np.abs(csf - inner), axis=1)
    return Levels(inside.astype(np.float64), np.median(csf, axis=1).astype(np.float64), step.astype(np.float64))


def core_levels(sections: FloatArray, radii_mm: NDArray[np.float64]) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    """Mean and standard deviation (P,) of brightness clear of the border, weighted by area."""
    near = polar.RADII_MM[: int(CORE_SHARE * radii_mm.max() / polar.RADIUS_STEP_MM) + 1]
    sections = sections[:, :, : near.size]
    weight = near * (near < CORE_SHARE * radii_mm[:, :, None])
    weight /= weight.sum((1, 2), keepdims=True)
    mean = np.einsum("par,par->p", weight, sections)
    return mean, np.sqrt(np.einsum("par,par->p", weight, (sections - mean[:, None, None]) ** 2))


def csf_likeness(
    sections: FloatArray, radii_mm: NDArray[np.float64], polarity: int, inside: NDArray[np.float64]
) -> FloatArray:
    """Brightness (P, A, R) from cord, `inside` (-1), to the CSF beside each stretch of the contour (+1), cut off there.

    Zero, half way, where the section shows no step.
    """
    rise = -polarity * (sections - inside[:, None, None].astype(np.float32))
    beyond = np.arange(BLUR_MM, OUTSIDE_MM + 0.01, polar.RADIUS_STEP_MM)
    profile = at_radii(rise, radii_mm, *beyond)
    height = ndi.gaussian_filter1d(profile, CSF_RAYS, axis=1, mode="wrap").max(2)
    height = np.maximum(height, FAINT_CSF * np.median(height, axis=1, keepdims=True))[:, :, None]
    seen = height > 0
    out: FloatArray = np.where(seen, np.clip(2 * rise / np.where(seen, height, 1) - 1, -1, 1), 0).astype(np.float32)
    return out


def border_support(evidence: FloatArray, radii_mm: NDArray[np.float64]) -> NDArray[np.float64]:
    """Share of the border on a step of the right sign, at least half as high as the neighbourhood's typical one."""
    supported: NDArray[np.float64] = (at_radii(evidence, radii_mm) > SEEN).mean(1)
    return supported
