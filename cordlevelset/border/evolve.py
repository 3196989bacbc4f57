"""The active contour on the CSF border: Caselles' equation, slice by slice, with a region term and an anchor.

In the plane of each section, with e the signed steps of `steps`, u its brightness between cord (-1) and CSF (+1),
and phi0 the signed distance to the start contour,

    d phi / dt = c g kappa |grad phi| + a grad g . grad phi - F |grad phi|,   g = 1 / (1 + max(e, 0)^2),
    F = -w u - k phi0

g falls only on steps of the right polarity: cord to CSF. The advection draws the contour into its valley [1]_, the
region term to where the brightness is half way from cord to CSF [2]_. Caselles' contour alone shrinks through gaps of
the border; the anchor holds it there to the start contour, which the neighbours along the cord and the size of cords
have formed.

The surest slice goes first and the others follow outwards, up and down the cord: each sets out from its own start
contour moved as its neighbour's was. Where its image says little, it so begins where the neighbour's image has led; the
anchor stays where it was, and a slice's error is not carried on. Figures without each
term, and side by side, are in docs/decisions/2026-11-28-active-contour.md.

References
----------
.. [1] Caselles, Kimmel, Sapiro (1997), IJCV 22:61, doi:10.1023/A:1007979827043
.. [2] Chan, Vese (2001), IEEE TIP 10:266, doi:10.1109/83.902291
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np
from numpy.typing import NDArray

from cordlevelset.levelset.slices import SliceContours
from cordlevelset.parallel import at_once
from cordlevelset.sections import polar
from cordlevelset.sections.stack import Sections

__all__ = ["evolve"]

FloatArray = NDArray[np.float32]

PIXEL_MM = 0.5
"""Grid of the sections: the finest pixels in clinical use; the contour is sub-pixel."""
GRID_REACH_MM = 11.0
"""Half-width of the grid: the largest cord radius and the band around it."""
CURVATURE = 0.1
"""c, mm: at a cord's radius the curvature term is 0.1 / r = 2 %, just enough against pixel noise."""
ADVECTION = 1.0
"""a: the pull into the border's valley is the unit that the other terms are measured in."""
REGION = 0.3
"""w: full cord or CSF pushes with a third of the advection's speed on a border's flank: an edge holds against it."""
ANCHOR_PER_MM = 0.2
"""k: 1.5 mm from the start contour, where it grows no more, the anchor pulls as much as the region pushes."""
ANCHOR_LIMIT_MM = 1.5
"""A start contour is hardly ever farther from the border; so limited, the time step stays large."""
TOLERANCE_MM = 0.01
"""Movement that may still be to come: a fiftieth of a pixel."""
MAX_ITERATIONS = 100
"""Steps of about a third of a pixel: enough to cross the whole section."""
RAY_STEP_MM = 0.25
"""Sampling of phi along a ray, half a pixel; the zero in between is found linearly, as a distance is linear."""
CROSSED_MM = np.arange(0, GRID_REACH_MM - PIXEL_MM, RAY_STEP_MM)
"""Radii at which phi is read off, within the grid."""


def evolve(cord: Sections, surest: int) -> NDArray[np.float64]:
    """Move the start contours onto the border.

    Parameters
    ----------
    cord : Sections
        With the start contours; sharp, as these lie within a millimetre of the border.
    surest : int
        Plane of 0 .. P - 1 that the others follow.

    Returns
    -------
    radii_mm : (P, A) array
        The contours where they stand, on the same rays; a ray that meets no contour keeps its start.
    """
    radii_mm = cord.radii_mm
    axis = np.arange(-GRID_REACH_MM, GRID_REACH_MM + PIXEL_MM / 2, PIXEL_MM)
    radius, angle = np.hypot(axis[:, None], axis), np.arctan2(axis[:, None], axis) % (2 * np.pi)
    ray, sample = angle / polar.ANGLES[1], np.minimum(radius / polar.RADIUS_STEP_MM, polar.RADII_MM.size - 1)

    on_grid = _sampler(ray, sample, cord.evidence.shape[1:])
    border_at = _sampler(ray, np.zeros_like(ray), (polar.N_ANGLES, 1))
    up, left = (np.outer(f(polar.ANGLES), CROSSED_MM) / PIXEL_MM + axis.size // 2 for f in (np.sin, np.cos))
    on_rays = _sampler(up, left, (axis.size, axis.size))

    def phi_of(radii: NDArray[np.float64]) -> FloatArray:
        distance: FloatArray = (radius - border_at(radii[..., None])).astype(np.float32)
        return distance

    def distance_to(radii: NDArray[np.float64]) -> FloatArray:  # first order: along a ray, times the slant's cosine
        turn = (np.roll(radii, -1) - np.roll(radii, 1)) / (2 * polar.ANGLES[1])
        distance: FloatArray = phi_of(radii) * border_at((radii / np.hypot(radii, turn))[:, None])
        return distance.astype(np.float32)

    g = 1 / (1 + np.maximum(on_grid(cord.evidence), 0) ** 2)
    anchor = phi_of(radii_mm).clip(-ANCHOR_LIMIT_MM, ANCHOR_LIMIT_MM)
    region = -REGION * on_grid(cord.csf_likeness) - ANCHOR_PER_MM * anchor
    moved = radii_mm.copy()

    contours = SliceContours(
        g,
        region,
        spacing=(PIXEL_MM, PIXEL_MM),
        curvature=CURVATURE,
        advection=ADVECTION,
        max_num_iter=MAX_ITERATIONS,
        tol=TOLERANCE_MM,
    )

    def follow(way: list[tuple[int, int]]) -> None:
        space = contours.workspace()
        for k, before in way:
            start = radii_mm[k] + moved[before] - radii_mm[before]
            moved[k] = _crossings(on_rays(contours.move(k, distance_to(start), space)), start)

    follow([(surest, surest)])
    at_once(follow, _outwards(len(moved), surest))
    return moved


def _outwards(n: int, surest: int) -> tuple[list[tuple[int, int]], list[tuple[int, int]]]:
    """Each plane to move and the neighbour that it follows: up from the surest, and down."""
    up = [(k, k - 1) for k in range(surest + 1, n)]
    return up, [(k, k + 1) for k in range(surest - 1, -1, -1)]


def _sampler(
    row: NDArray[np.float64], column: NDArray[np.float64], shape: tuple[int, int]
) -> Callable[[NDArray[Any]], NDArray[Any]]:
    """Bilinear sampling of arrays (..., Y, X) at rows, which close to a circle, and columns."""
    i, j = row.astype(int), column.astype(int)  # worked out once for all planes
    a, b = row - i, column - j
    i1, j1 = (i + 1) % shape[0], np.minimum(j + 1, shape[1] - 1)
    at = np.stack([i * shape[1] + j, i * shape[1] + j1, i1 * shape[1] + j, i1 * shape[1] + j1])
    weight = np.stack([(1 - a) * (1 - b), (1 - a) * b, a * (1 - b), a * b])

    def sample(values: NDArray[Any]) -> NDArray[Any]:
        flat = values.reshape(*values.shape[:-2], -1)
        out: NDArray[Any] = sum(flat.take(k, axis=-1) * w.astype(flat.dtype) for k, w in zip(at, weight, strict=True))
        return out

    return sample


def _crossings(values: FloatArray, start_mm: NDArray[np.float64]) -> NDArray[np.float64]:
    """Radius on each ray where phi, sampled there at `CROSSED_MM`, turns positive, the one nearest to the start."""
    low, high = values[:, :-1], values[:, 1:]
    leaves = (low < 0) & (high >= 0)
    where = CROSSED_MM[:-1] + RAY_STEP_MM * low / np.where(leaves, low - high, 1)
    gap = np.where(leaves, np.abs(where - start_mm[:, None]), np.inf)
    nearest = gap.argmin(axis=1)
    found: NDArray[np.float64] = np.where(
        np.isfinite(gap.min(axis=1)), np.take_along_axis(where, nearest[:, None], 1)[:, 0], start_mm
    )
    return found
