"""Nerve roots and ligaments: what stands out of a section's ellipse.

Where a root leaves the cord it has the cord's brightness, and the contour runs out along it. A section of the cord is
nearly an ellipse; about any point inside, in polar coordinates with u = 1 / r,

    u^2 = a cos^2 t + b cos t sin t + c sin^2 t + u (d cos t + e sin t)

It is fitted to the contour by least squares, but where the contour lies outside by Huber's loss (1964,
doi:10.1214/aoms/1177703732): a root pulls by its width, however long it is, and hardly at all beside what lies inside.
Beyond that ellipse a contour is cut.
"""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from cordlevelset.sections import polar

__all__ = ["section_ellipses", "without_roots"]

FloatArray = NDArray[np.float64]

STANDS_OUT_MM = 0.3
"""A section may stand out of its ellipse by this much: 95 % of the border of five necks, drawn by hand in pixels of 0.4
to 0.7 mm, do by less than 0.2 to 0.4 mm (docs/decisions/2026-11-29-roots.md)."""
SCALE_MM = polar.RADIUS_STEP_MM
"""What stands out by more than a contour's own sampling counts by its length, not by its square."""
ROUNDS = 20
"""Steps of the fit; the last ones move an ellipse by less than 0.01 mm."""
FARTHEST_MM = 30.0
"""No ellipse reaches farther: what fits a contour that is none may be open."""
RUN_AWAY = 2.0
"""An ellipse that reaches so many times as far as its contour does not fit it: about a point that a deep dent nearly
reaches, within a millimetre, the steps run away."""
COS = np.cos(polar.ANGLES)
"""Left-right part of each ray."""
SIN = np.sin(polar.ANGLES)
"""Antero-posterior part of each ray."""
SQUARES = np.stack([COS**2, COS * SIN, SIN**2], axis=1)
"""What a, b and c multiply in the equation above."""
ALONG = np.stack([COS, SIN], axis=1)
"""What d and e multiply."""


def section_ellipses(radii_mm: FloatArray) -> FloatArray:
    """Ellipses (P, A) that fit contours (P, A) from the inside, by reweighted Gauss-Newton steps."""
    inverse = 1 / radii_mm[..., None]
    start = np.concatenate([np.broadcast_to(SQUARES, (*radii_mm.shape, 3)), inverse * ALONG], axis=2)
    terms = np.linalg.pinv(start) @ inverse**2
    for _ in range(ROUNDS):
        ellipses, slope = _polar(terms)
        out = radii_mm - ellipses
        weighted = (SCALE_MM / np.maximum(out, SCALE_MM))[..., None] * slope
        across = weighted.swapaxes(1, 2)
        terms += np.linalg.solve(across @ slope, across @ out[..., None])
    return _polar(terms)[0]


def _polar(terms: FloatArray) -> tuple[FloatArray, FloatArray]:
    """Radii (P, A) of ellipses given by a, b, c, d, e (P, 5, 1), and their slopes (P, A, 5) by those."""
    square, along = (SQUARES @ terms[:, :3])[..., 0], (ALONG @ terms[:, 3:])[..., 0]
    root = np.sqrt(np.maximum(along**2 + 4 * square, FARTHEST_MM**-2))
    inverse = np.maximum((along + root) / 2, 1 / FARTHEST_MM)
    by_terms = np.concatenate([np.broadcast_to(SQUARES, (*root.shape, 3)), inverse[..., None] * ALONG], axis=2)
    return 1 / inverse, by_terms / (-root * inverse**2)[..., None]


def without_roots(radii_mm: FloatArray) -> FloatArray:
    """Contours (P, A) that stand out of their ellipses by at most `STANDS_OUT_MM`; where none fits they stay whole."""
    ellipses = section_ellipses(radii_mm)
    fits = ellipses.max(1, keepdims=True) < RUN_AWAY * radii_mm.max(1, keepdims=True)
    return np.where(fits, np.minimum(radii_mm, ellipses + STANDS_OUT_MM), radii_mm)
