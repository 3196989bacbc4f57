"""How sure a contour is: a probability for each slice, from what its border shows.

The confidence of a slice is the probability that its contour is right, given that the cord was found, times that of
having found it and of lying between its ends (`detection`). Two figures of a slice, fitted by logistic regression
on slices with a reference, say how far its border can be believed:

    border      share of the contour that stands on a step from cord to CSF
    unevenness  log of d / h, d the spread of brightness inside, h the border's step

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

__all__ = ["border_figures", "border_right", "doubts"]

FloatArray = NDArray[np.float64]

NEAR_MM = 2.0
"""The border's steepest place lies this close to the contour."""
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
    step = np.maximum(cord.levels.step, np.finfo(np.float32).tiny)
    uneven = np.clip(
        np.log(np.maximum(core_levels(cord.values, cord.radii_mm)[1], np.finfo(np.float32).tiny) / step), -4, 2
    )
    return np.stack([cord.support, uneven], axis=1)


def border_right(figures: FloatArray) -> FloatArray:
    """Probability (P,) that a contour is right, by the figures of its border, where the cord was found."""
    right: FloatArray = expit(coefficients.BORDER_INTERCEPT + figures @ np.array(coefficients.BORDER_WEIGHTS))
    return right


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
    uneven = float(np.median(border_figures(cord)[:, 1]))
    notes = (
        (SMEARED_NOTE, blur > 1),
        (UNEVEN_NOTE, uneven > np.log(UNEVEN_SHARE)),
        (WIDE_NOTE, float(np.median(cord.area_mm2)) > TOO_WIDE_MM2),
    )
    return [note for note, holds in notes if holds]
