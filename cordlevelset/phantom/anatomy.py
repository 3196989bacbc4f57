"""The spine that phantoms are drawn from: smooth curves and surfaces in mm.

Sizes are textbook ones: cord by Frostell 2016; vertebrae 25 mm high and discs 9 (lumbar), 13 and 5 (neck).
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from cordlevelset.phantom.upper_neck import smooth_max, upper_neck

__all__ = ["ANATOMIES", "BRIGHTNESS", "TISSUES", "Anatomy", "Spine", "draw_roots", "in_sac", "surfaces"]

FloatArray = NDArray[np.float64]

TISSUES = ("csf", "cord", "root", "fat", "muscle", "marrow", "cortex", "nucleus", "annulus", "belly", "vessel", "air")
"""What a phantom is made of."""
BRIGHTNESS = {
    "t2": (1.00, 0.42, 0.45, 0.75, 0.16, 0.34, 0.05, 0.55, 0.12, 0.30, 0.04, 0.0),
    "t1": (0.20, 0.40, 0.36, 1.00, 0.36, 0.50, 0.08, 0.34, 0.28, 0.40, 0.06, 0.0),
    "t2s": (0.95, 0.66, 0.70, 0.45, 0.40, 0.18, 0.06, 0.60, 0.25, 0.40, 0.95, 0.0),
    "dwi": (0.06, 0.60, 0.45, 0.05, 0.20, 0.08, 0.03, 0.15, 0.06, 0.15, 0.02, 0.0),
    "epi": (1.00, 0.66, 0.70, 0.08, 0.22, 0.10, 0.04, 0.25, 0.06, 0.20, 0.30, 0.0),
}
"""Brightness by kind of image, in the order of `TISSUES`; CSF in T2 is 1. dwi: the mean of diffusion weighted images,
in which CSF has lost its signal and fat is suppressed. epi: the mean of a series, as `phantom.epi` goes on from."""
SKIN_THICKNESS_MM = 2.0
"""Thickness of the skin of the back."""


@dataclass(frozen=True, slots=True)
class Anatomy:
    """Sizes of a region. Half-diameters and lengths in mm; `sac` and `cord` are (AP, left-right) half-diameters."""

    field: tuple[float, float, float]  # usual field of view
    sac: tuple[float, float]
    cord: tuple[float, float]
    enlargement: tuple[float, float]  # added to `cord` in the middle of the enlargement
    body: tuple[float, float]  # depth and half width of a vertebral body
    heights: tuple[float, float]  # of body and disc
    spine: float  # length of a spinous process
    muscle: float  # canal to fat, behind
    fat: float
    vessel: tuple[float, float]  # AP and left-right place of vessels that run along the spine
    lordosis: float


ANATOMIES = {
    "lumbar": Anatomy(
        (240.0, 190.0, 60.0),
        (7.5, 8.5),
        (3.2, 4.0),
        (0.7, 0.8),
        (32.0, 22.0),
        (25.0, 9.0),
        30.0,
        46.0,
        14.0,
        (-52.0, 8.0),
        12.0,
    ),
    "cervical": Anatomy(
        (160.0, 140.0, 60.0),
        (6.2, 9.0),
        (3.4, 5.4),
        (0.3, 1.2),
        (15.0, 9.0),
        (13.0, 5.0),
        22.0,
        44.0,
        8.0,
        (-10.0, 16.0),
        6.0,
    ),
}
"""Sizes of the two regions: middle of the ranges in adults (Frostell 2016 for the cord)."""


@dataclass(frozen=True, slots=True)
class Spine:
    """Curves and radii as functions of the height z, mm above the lowest plane."""

    anatomy: Anatomy
    height: float
    middle: tuple[float, float]
    scoliosis: float
    offset: tuple[float, float]
    tip: float | None
    axis: float | None = None  # height of the disc C2/3; above it the axis, and no discs

    def canal(self, z: FloatArray) -> tuple[FloatArray, FloatArray]:
        """Middle of the sac, y and x."""
        bend = -self.anatomy.lordosis * np.sin(np.pi * z / self.height)
        if self.tip is not None:  # the sacrum turns back
            bend = bend + 0.012 * np.maximum(50.0 - z, 0) ** 2
        return self.middle[0] + bend, self.middle[1] + self.scoliosis * np.sin(2 * np.pi * z / self.height)

    def slope(self, z: FloatArray) -> FloatArray:
        """Lean of the canal in the sagittal plane, dy/dz."""
        return (self.canal(z + 0.5)[0] - self.canal(z - 0.5)[0]) / 1.0

    def sac(self, z: FloatArray) -> tuple[FloatArray, FloatArray]:
        """Half-diameters of the sac; in the sacrum it ends."""
        ap, lr = self.anatomy.sac
        close = np.sqrt(np.clip((z - 8.0) / 40.0, 0.0, 1.0)) if self.tip is not None else np.ones_like(z)
        return ap * close, lr * close

    def cord(self, z: FloatArray) -> tuple[FloatArray, FloatArray, FloatArray, FloatArray]:
        """Middle y, x and half-diameters of the cord; zero below its tip."""
        place = 0.5 * self.height if self.tip is None else self.tip + 40.0
        swell = np.exp(-0.5 * ((z - place) / 18.0) ** 2)
        taper = np.ones_like(z) if self.tip is None else np.sin(np.pi / 2 * np.clip((z - self.tip) / 30.0, 0, 1)) ** 0.7
        (ap, lr), (more_ap, more_lr) = self.anatomy.cord, self.anatomy.enlargement
        y, x = self.canal(z)
        return y + self.offset[0], x + self.offset[1], (ap + more_ap * swell) * taper, (lr + more_lr * swell) * taper


def surfaces(
    spine: Spine, z: float, y: FloatArray, x: FloatArray, shade: dict[str, float], roots: FloatArray, vessels: bool
) -> Iterator[tuple[float | FloatArray, FloatArray, float]]:
    """Brightness, signed distance (mm, negative inside) and width of the edge of each tissue, from back to front.

    Parameters
    ----------
    spine : Spine
        The curves.
    z : float
        Height of the plane, mm.
    y, x : array
        Points, mm; broadcast against each other.
    shade : dict
        Brightness of `TISSUES`.
    roots : (R, 3) array
        From `draw_roots`.
    vessels : bool
        Whether long tubes run along the spine.

    Yields
    ------
    tuple
        To be painted one over the other.
    """
    a = spine.anatomy
    back, side = _local(spine, z, y, x)
    level = z + spine.slope(np.array(z)) * (y - spine.canal(np.array(z))[0])  # discs lie across the canal
    period = sum(a.heights)
    phase = (level + (0.35 * period if spine.axis is None else -spine.axis)) % period
    from_disc = np.abs(phase - period / 2)  # distance from the middle of the body
    front = a.sac[0] + 2.5
    yield shade["belly"], -(-back - front - a.body[0] - 6) + 0 * side, 6.0
    # vertebral body in its cortex, disc between
    depth = np.abs(-back - front - a.body[0] / 2) - a.body[0] / 2 + 1.5 * (1 - (2 * from_disc / period) ** 2)
    column = smooth_max(depth, np.abs(side) - a.body[1])
    yield shade["cortex"], column - 1.0, 1.0
    yield shade["annulus"], column, 1.0
    nucleus = np.hypot((-back - front - a.body[0] / 2) / (0.38 * a.body[0]), side / (0.6 * a.body[1])) - 1
    yield shade["nucleus"], smooth_max(nucleus * 6, a.heights[0] / 2 + 1.5 - from_disc), 2.0
    yield shade["cortex"], smooth_max(column, from_disc - a.heights[0] / 2), 1.0
    yield shade["marrow"], smooth_max(column + 1.2, from_disc - a.heights[0] / 2 + 1.2), 1.0
    if spine.axis is not None:
        yield from upper_neck(level - spine.axis - a.heights[1] / 2, -back - front, side, a.body, shade)
    # behind: fat in the midline, spinous processes half a level lower, arch
    behind = back - a.sac[0] - 1.5
    shifted = np.abs((phase + 0.3 * period) % period - period / 2)
    yield shade["fat"], smooth_max(np.abs(side) - 3.0, np.abs(behind - a.spine / 2) - a.spine / 2), 2.0
    process = smooth_max(
        smooth_max(np.abs(side) - 4.0, np.abs(behind - a.spine / 2 - 3) - a.spine / 2), shifted - 0.3 * period
    )
    yield shade["cortex"], process, 1.0
    yield shade["marrow"], process + 1.5, 1.0
    sac = spine.sac(np.array(z))
    wall = _inside((np.full_like(sac[0], a.sac[0]), np.full_like(sac[1], a.sac[1])), back, side)
    arch = smooth_max(wall - 5.0, -behind - 4.0)
    yield shade["cortex"], np.where(shifted < 0.42 * period, arch, wall - 1.0), 1.0
    yield shade["fat"], smooth_max(wall - 2.0, np.where(shifted < 0.3 * period, 2.0 - behind, -behind - 3.0)), 1.0
    yield shade["cortex"], wall - 0.8, 1.0
    yield shade["fat"], wall, 1.0
    yield shade["csf"], _inside(sac, back, side), 0.7
    yield from _strands(spine, z, y, x, shade, roots)
    if vessels:
        for sign in (-1, 1):
            yield shade["vessel"], np.hypot(back - a.vessel[0], side - sign * a.vessel[1]) - 2.5, 1.0
    # skin fat, skin, air: they follow the back loosely
    skin = y - spine.middle[0] - a.sac[0] - a.muscle + 0.006 * side**2
    yield shade["fat"], -skin, 1.0
    yield shade["muscle"], a.fat - skin, 1.0
    yield shade["air"], a.fat + SKIN_THICKNESS_MM - skin, 1.0


def _strands(
    spine: Spine, z: float, y: FloatArray, x: FloatArray, shade: dict[str, float], roots: FloatArray
) -> Iterator[tuple[float, FloatArray, float]]:
    """Roots of the cauda equina; each leaves the cord's surface and lies behind in the sac below."""
    if spine.tip is None:
        return
    (ap,), (lr,) = (np.atleast_1d(v) for v in spine.sac(np.array(z)))
    cy, cx = spine.canal(np.array(z))
    fall = np.clip((spine.tip + 25.0 - z) / 60.0, 0, 1)
    for angle, depth, width in roots:
        if z > spine.tip + 25.0 or ap < 2.0:
            continue
        y0, x0 = 4.0 * np.cos(angle) * (1 - fall), 5.0 * np.sin(angle) * (1 - fall)
        y1, x1 = depth * (ap - 1.0), width * (lr - 1.5) * np.sqrt(max(0.0, 1 - depth**2))
        yield shade["root"], np.hypot(y - cy - y0 - fall * y1, x - cx - x0 - fall * x1) - 0.55, 0.8


def draw_roots(rng: np.random.Generator) -> FloatArray:
    """Draw the course of the roots of the cauda equina.

    Parameters
    ----------
    rng : Generator
        Source of chance.

    Returns
    -------
    (R, 3) array
        Angle at which each leaves the cord; its place in the sac, depth and width as shares of the half-diameters.
    """
    n = 18
    return np.column_stack([np.linspace(0, 2 * np.pi, n, False), rng.uniform(0.1, 0.95, n), rng.uniform(-1, 1, n)])


def _local(spine: Spine, z: float, y: FloatArray, x: FloatArray) -> tuple[FloatArray, FloatArray]:
    """Distance behind the middle of the canal, across it, and to its left."""
    cy, cx = spine.canal(np.array(z))
    return (y - cy) / np.sqrt(1 + spine.slope(np.array(z)) ** 2) + 0 * x, x - cx + 0 * y


def in_sac(spine: Spine, z: float, y: FloatArray, x: FloatArray) -> NDArray[np.bool_]:
    """Which points of a plane lie in the thecal sac.

    Parameters
    ----------
    spine : Spine
        The curves.
    z : float
        Height of the plane, mm.
    y, x : array
        Points, mm; broadcast against each other.

    Returns
    -------
    array of bool
    """
    out: NDArray[np.bool_] = _inside(spine.sac(np.array(z)), *_local(spine, z, y, x)) < 0
    return out


def _inside(radii: tuple[FloatArray, FloatArray], back: FloatArray, side: FloatArray) -> FloatArray:
    """Signed distance to an ellipse, to first order."""
    ap, lr = (np.maximum(r, 1e-3) for r in radii)
    f = np.hypot(back / ap, side / lr)
    steep = np.hypot(back / ap**2, side / lr**2) / np.maximum(f, 1e-9)
    out: FloatArray = (f - 1) / np.maximum(steep, 1e-9)
    return out
