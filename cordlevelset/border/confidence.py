"""How sure a contour is: a probability for each slice, from what its border shows.

The confidence of a slice is the probability that its contour is right, given that the cord was found, times that of
having found it and of lying between its ends (`detection`). Two figures of a slice, fitted by logistic regression
on slices with a reference, say how far its border can be believed:

    border   share of the contour that stands on a step from cord to CSF
    aside    |m - q| / sqrt(1 + v), mm: m the contour's middle, q the parabola through those of the planes beside it
             (least squares), v the variance that q takes from theirs

A blurred border is told in words. A step of height h blurred by a Gaussian of width s has the slope h / (s sqrt(2 pi))
at most, which gives s. From a third of the radius on, the tails (3 s) of opposite borders meet in the middle: the
inside has not its own brightness any more, and the steepest place moves inwards.
"""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray
from scipy.special import expit

from cordlevelset.detection import coefficients
from cordlevelset.sections import polar
from cordlevelset.sections.stack import Sections
from cordlevelset.sections.steps import core_levels

__all__ = ["BORDER_FIGURES", "border_figures", "border_right", "doubts"]

FloatArray = NDArray[np.float64]

BORDER_FIGURES = ("border", "aside")
"""Names of the figures, in the order of their coefficients."""

NEAR_MM = 2.0
"""The border's steepest place lies this close to the contour."""
PARABOLA_MM = 30.0
"""A middle is held against those up to so far above and below, a vertebra each: over that length a cord bends as a
parabola does."""
FEWEST_BESIDE = 4
"""Of planes on each side, however far apart: one more than a parabola's coefficients, at the stack's ends too."""
UNEVEN_SHARE = 1 / 3
"""Spread inside, in steps, at which what is a little brighter than the mean differs from what is a little darker by
most of the step. A bundle of roots does, and bones with discs between; cords with noise, lesions or grey matter stay
under 0.24."""
TOO_WIDE_MM2 = 120.0
"""The widest level of the cord has 85 mm2, with a standard deviation of 8 between people; T2* images, which show cords
widest, had medians of 88 to 96: three deviations above them."""

UNEVEN_NOTE = "the inside is nearly as uneven as its border is high: it may be roots, or a cord with a long syrinx"
"""Said where the inside is uneven."""
SMEARED_NOTE = "the border is blurred over a third of the cord's radius: the contour may be too narrow"
"""Said where the border is blurred."""
WIDE_NOTE = "what was found is wider than any healthy cord: it may be the sac"
"""Said where the section is too wide."""


def border_figures(cord: Sections) -> FloatArray:
    """Figures (P, 2) of each slice's border; the module's text names them.

    Parameters
    ----------
    cord : Sections
        Smoothed, with their final contours.

    Returns
    -------
    (P, 2) array
    """
    return np.stack([cord.support, _aside_mm(cord)], axis=1)


def _aside_mm(cord: Sections) -> FloatArray:
    """How far (P,) each middle lies from the parabola through those beside it; 0 in stacks too short to tell."""
    middle = cord.centers_mm + polar.centroid_shift(cord.radii_mm)
    n_planes, beside = len(middle), max(FEWEST_BESIDE, round(PARABOLA_MM / cord.plane_mm))
    if n_planes <= FEWEST_BESIDE:
        return np.zeros(n_planes)
    offset = np.arange(-beside, beside + 1)
    at = np.arange(n_planes)[:, None] + offset
    others = (at >= 0) & (at < n_planes) & (offset != 0)
    power = np.vander(offset / beside, 3, increasing=True)
    normal = np.einsum("pj,ja,jb->pab", others, power, power)
    right = np.einsum("pj,ja,pjc->pac", others, power, middle[at.clip(0, n_planes - 1)])
    covariance = np.linalg.inv(normal)
    off = middle - (covariance @ right)[:, 0]
    out: FloatArray = np.hypot(*off.T) / np.sqrt(1 + covariance[:, 0, 0])
    return out


def border_right(figures: FloatArray) -> FloatArray:
    """Probability (P,) that a contour is right, by the figures of its border, where the cord was found."""
    right: FloatArray = expit(coefficients.BORDER_INTERCEPT + figures @ np.array(coefficients.BORDER_WEIGHTS))
    return right


def _unevenness(cord: Sections) -> FloatArray:
    """Spread (P,) of brightness inside, in steps of the border."""
    spread: FloatArray = core_levels(cord.values, cord.radii_mm)[1]
    return spread / np.maximum(cord.levels.step, np.finfo(np.float32).tiny)


def _blur_mm(cord: Sections) -> FloatArray:
    """Width (P,) of the border's blur, the median over the rays."""
    step = np.maximum(cord.levels.step, np.finfo(np.float32).tiny)
    near = np.abs(polar.RADII_MM - cord.radii_mm[:, :, None]) <= NEAR_MM
    slope = np.where(near, np.abs(np.gradient(cord.values, polar.RADIUS_STEP_MM, axis=2)), 0).max(2)
    width = step[:, None] / (np.sqrt(2 * np.pi) * np.maximum(slope, np.finfo(np.float32).tiny))
    out: FloatArray = np.median(width, axis=1)
    return out


def doubts(cord: Sections) -> list[str]:
    """What to say of a border that most slices show blurred, uneven inside, or wide.

    Parameters
    ----------
    cord : Sections
        Smoothed, with their final contours.

    Returns
    -------
    list of str
    """
    blur = float(np.median(3 * _blur_mm(cord) / np.sqrt(cord.area_mm2 / np.pi)))
    uneven = float(np.median(_unevenness(cord)))
    notes = (
        (SMEARED_NOTE, blur > 1),
        (UNEVEN_NOTE, uneven > UNEVEN_SHARE),
        (WIDE_NOTE, float(np.median(cord.area_mm2)) > TOO_WIDE_MM2),
    )
    return [note for note, holds in notes if holds]
