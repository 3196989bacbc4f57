"""Nerve roots and ligaments: what stands out of a section's ellipse.

Where a root leaves the cord it has the cord's brightness, and the contour runs out along it. A section of the cord is
nearly an ellipse, in polar coordinates about any point inside

    1 / r(t)^2 = a + b cos t + c sin t + d cos 2t + e sin 2t

(exactly if the point is its middle). It is fitted to the contour by least squares, but where the contour lies outside
by Huber's loss (1964, doi:10.1214/aoms/1177703732): a root pulls by its width, however long it is, and hardly at all
beside what lies inside. Beyond that ellipse a contour is cut.
"""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from cordlevelset import straighten as st

__all__ = ["section_ellipses", "without_roots"]

FloatArray = NDArray[np.float64]

STANDS_OUT_MM = 0.3
"""A section may stand out of its ellipse by this much: 95 % of the border of five necks, drawn by hand in pixels of 0.4
to 0.7 mm, do by less than 0.2 to 0.4 mm (docs/border.md)."""
SCALE_MM = st.RADIUS_STEP_MM
"""What stands out by more than a contour's own sampling counts by its length, not by its square."""
ROUNDS = 20
"""Steps of the fit; the last ones move an ellipse by less than 0.01 mm."""
FLATTEST_MM = 30.0
"""No ellipse is longer: a fit to a contour without a middle may be no ellipse at all."""
TERMS = np.stack([f(k * st.ANGLES) for k, f in ((0, np.cos), (1, np.cos), (1, np.sin), (2, np.cos), (2, np.sin))], 1)


def section_ellipses(radii_mm: FloatArray) -> FloatArray:
    """Ellipses (P, A) that fit contours (P, A) from the inside, by reweighted Gauss-Newton steps."""
    terms = radii_mm**-2 @ np.linalg.pinv(TERMS).T
    for _ in range(ROUNDS):
        ellipses = _radii(terms)
        out = radii_mm - ellipses
        slope = -0.5 * ellipses[..., None] ** 3 * TERMS
        weighted = slope * (SCALE_MM / np.maximum(out, SCALE_MM))[..., None]
        normal = np.einsum("pai,paj->pij", weighted, slope)
        terms += np.linalg.solve(normal, np.einsum("pai,pa->pi", weighted, out)[..., None])[..., 0]
    return _radii(terms)


def _radii(terms: FloatArray) -> FloatArray:
    out: FloatArray = np.maximum(terms @ TERMS.T, FLATTEST_MM**-2) ** -0.5
    return out


def without_roots(radii_mm: FloatArray) -> FloatArray:
    """Contours (P, A) that stand out of their ellipses by at most `STANDS_OUT_MM`."""
    return np.minimum(radii_mm, section_ellipses(radii_mm) + STANDS_OUT_MM)
