"""What speaks for a disc at a place of the sagittal section: two endplates that mirror each other.

In T2 a disc is dark with a bright middle, in T1 dark, in gradient echoes bright: its sign says nothing. Its shape
does. Seen along the spine a disc is symmetric about its middle plane in every contrast, so the slopes g of brightness
at equal distances u on both sides are opposite. With w a Gaussian of the width of discs, B one of the width of
vertebrae, and means over columns across the disc,

    S = -sum w(u) g(u) g(-u),    T = sum w(u) g(u)^2,    N = sum B(u) g(u)^2,    e = (2 S + T - 2 N) / (T + N)

S is T where the two sides mirror each other, about zero where they have nothing to do with each other, and T is N where
the place stands out in nothing: e is 1 for a disc whose slopes are twice its surroundings', 0 to 1.5 for real ones,
below 0 elsewhere. Each column is compared with itself only, so that endplates may be curved.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from scipy import ndimage as ndi

from cordlevelset.volume import Volume

__all__ = ["Section", "disc_evidence", "disc_thickness", "sagittal_section"]

FloatArray = NDArray[np.float64]

SECTION_PIXEL_MM = 1.0
"""Of the section: a third of what a disc's place must be right to."""
SECTIONS_MM = (-6.0, -3.0, 0.0, 3.0, 6.0)
"""Sections averaged, left and right of the curve: within a vertebral body, 15 mm wide in the neck."""
SECTION_SIGMA_MM = 0.7
"""Gaussian sigma of the section: a pixel's worth."""
DISC_MM = 4.5
"""Gaussian sigma of w: half the height of a lumbar disc."""
VERTEBRA_MM = 12.0
"""Gaussian sigma of B: a third of the height of a lumbar vertebra."""
PATCH_MM = 20
"""B reaches so far, mm: half a lumbar vertebra."""
ENDPLATE_MM = 14
"""w reaches so far, mm: beyond, a neighbour's endplates would be counted in the neck."""
HALF_DEPTH_MM = 8.0
"""Half the depth of a disc of the neck, 16 mm."""
RAY_MM = 1.6
"""Distance of the columns across a disc: more than a pixel, so that each has something of its own to say."""
BOTH_SIDES_MM = 10
"""A disc is judged by the image up to here on both sides of it."""
IN_VIEW = 0.8
"""Share of that which must lie in the image."""
EPSILON = 1e-6
"""Against division by zero: far below any slope that counts."""


@dataclass(frozen=True, eq=False)
class Section:
    """Curved sagittal section that follows the spine to the left and to the right.

    Attributes
    ----------
    values : (Z, Y) array
        Pixels of `SECTION_PIXEL_MM`; plane and row of the canonical grid, mm.
    columns_mm : (Z,) array
        Where each row of pixels was cut, grid mm.
    size : float
        Of the vertebrae looked for, relative to lumbar ones: all lengths along the spine go with it.
    """

    values: FloatArray
    columns_mm: FloatArray
    size: float = 1.0


def sagittal_section(image: Volume, curve: FloatArray) -> Section:
    """Cut a canonical image along a curve.

    Parameters
    ----------
    image : Volume
        float32 on the canonical grid.
    curve : (N, 3) array
        From the top down, grid mm.

    Returns
    -------
    Section
    """
    size = [(n - 1) * s for n, s in zip(image.shape, image.spacing, strict=True)]
    z, y = (np.arange(0.0, mm + SECTION_PIXEL_MM / 2, SECTION_PIXEL_MM) for mm in size[:2])
    columns = np.interp(z, curve[::-1, 0], curve[::-1, 2])
    rows, across = np.broadcast_arrays(z[:, None] / image.spacing[0], y[None] / image.spacing[1])
    total = np.zeros(rows.shape)
    for offset in SECTIONS_MM:
        place = np.broadcast_to(np.clip(columns + offset, 0, size[2])[:, None] / image.spacing[2], rows.shape)
        total += ndi.map_coordinates(image.array, [rows, across, place], order=1, mode="nearest")
    return Section(ndi.gaussian_filter(total / len(SECTIONS_MM), SECTION_SIGMA_MM / SECTION_PIXEL_MM), columns)


def disc_evidence(
    section: Section, places: FloatArray, lean: FloatArray, half_depth_mm: float = HALF_DEPTH_MM
) -> FloatArray:
    """Evidence e for discs.

    Parameters
    ----------
    section : Section
        Where they are looked for.
    places : (..., 2) array
        Middles, plane and row in grid mm.
    lean : (...) array
        Direction of the spine through each disc, degrees, as `canal.lean_deg`.
    half_depth_mm : float, optional
        How far before and behind the middle it is looked at.

    Returns
    -------
    (...) array
        -1 where too little of it lies in the image.
    """
    slope, seen = _slopes(section, places, lean, half_depth_mm)
    u = _along(section)
    near = np.where(np.abs(u) <= ENDPLATE_MM * section.size, np.exp(-0.5 * (u / DISC_MM / section.size) ** 2), 0.0)
    wide = np.exp(-0.5 * (u / VERTEBRA_MM / section.size) ** 2)
    near, wide = near / near.sum(), wide / wide.sum()
    square = (slope**2).mean(-1)
    mirrored = -(slope * slope[..., ::-1, :]).mean(-1)
    s, t = mirrored @ near, square @ near
    n = (square @ wide) / np.maximum(seen.mean(-1) @ wide, EPSILON)
    inside = seen[..., np.abs(u) <= BOTH_SIDES_MM * section.size, :].mean((-1, -2)) > IN_VIEW
    return np.where(inside, (2 * s + t - 2 * n) / (t + n + EPSILON * section.values.var()), -1.0)


def disc_thickness(section: Section, place: FloatArray, lean: float) -> float:
    """Mean distance of a disc's mirrored slopes from its middle, mm: half of what lies between its endplates.

    Positive where nothing is mirrored, too: its logarithm is taken.
    """
    slope, _ = _slopes(section, place, np.asarray(lean), HALF_DEPTH_MM)
    u = _along(section)
    mirrored = np.maximum(-(slope * slope[::-1]).mean(-1), 0) * (np.abs(u) <= ENDPLATE_MM * section.size)
    return max(float((mirrored * np.abs(u)).sum() / max(mirrored.sum(), EPSILON)), EPSILON)


def _along(section: Section) -> FloatArray:
    """Distances (U,) from a disc's middle at which slopes are read, mm."""
    reach = round(PATCH_MM * section.size)
    return np.arange(-reach, reach + 1.0)


def _slopes(
    section: Section, places: FloatArray, lean: FloatArray, half_depth_mm: float
) -> tuple[FloatArray, NDArray[np.bool_]]:
    """Slope of brightness along the spine (..., U, V) about each place, 0 where not seen; and whether it is seen."""
    a = np.radians(lean)[..., None, None]
    u, v = _along(section)[:, None], np.arange(-half_depth_mm, half_depth_mm + 0.1, RAY_MM)
    z = places[..., 0, None, None] - u * np.cos(a) - v * np.sin(a)
    y = places[..., 1, None, None] + u * np.sin(a) - v * np.cos(a)
    patch = ndi.map_coordinates(
        section.values, np.stack([z, y]) / SECTION_PIXEL_MM, order=1, mode="constant", cval=np.nan, output=np.float64
    )
    slope = np.gradient(patch, axis=-2)
    seen = np.isfinite(slope)
    return np.where(seen, slope, 0.0), seen
