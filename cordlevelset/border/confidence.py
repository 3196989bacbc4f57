"""How sure a contour is: what the image must show if it is a cord in its sac.

Each slice's confidence is a product of shares, each 1 for a good cord and each about something else:

    path       evidence per mm of tube against chance, and against the other polarity (`centerline`)
    border     share of the contour on a step from cord to fluid (`boundary`)
    sac        share of the fluid's outer border on a step from fluid to wall (`sac`); half where none could be seen
    sharpness  1 / (1 + (3 s / r)^8), s the width of the border's blur, r the radius of the section
    evenness   1 / (1 + (3 d / h)^8), d the spread of brightness inside, h the border's step, medians of the stretch
    size       median area of the whole stretch against the widest cords
    extent     n / (n + 1), n the length in windows of `plausibility`, in which a section shows that it is steady

A step of height h blurred by a Gaussian of width s has the slope h / (s sqrt(2 pi)) at most, which gives s. From a
third of the radius on, the tails (3 s) of opposite borders meet in the middle: the inside has not its own brightness
any more, and the steepest place moves inwards.
"""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from cordlevelset.detection.plausibility import WINDOW_MM
from cordlevelset.detection.searchgrid import percentiles
from cordlevelset.sections import polar
from cordlevelset.sections.sac import LARGEST_SAC_MM, WALL_STEP
from cordlevelset.sections.stack import Sections
from cordlevelset.sections.steps import OUTSIDE_MM

__all__ = ["doubts", "evenness", "extent", "sharpness", "size", "unlit", "walled"]

FloatArray = NDArray[np.float64]

NEAR_MM = 2.0
"""The border's steepest place lies this close to the contour."""
SMEARED_SHARE, UNEVEN_SHARE, POWER = 1 / 3, 1 / 3, 8
"""Blur, in radii of the section, and spread inside, in steps at its border, at which the contour is as likely wrong as
right; and how suddenly: a fifth less or more makes it likely or unlikely (0.86, 0.19). With that spread, what is a
little brighter than the mean inside differs from what is a little darker by most of the step: a bundle of roots does,
and bones with discs between; cords with noise, lesions or grey matter stay under 0.24."""
CORE_SHARE = 0.75
"""Share of the radius that is clear of the border's own blur."""
WIDE_MM2, TOO_WIDE_MM2 = 95.0, 120.0
"""The widest level of the cord has 85 mm2, with a standard deviation of 8 between people: the median of a stretch is
lower, seldom above the first. T2* images, which show cords widest, had medians of 88 to 96: three deviations above them
lies the second. A swollen cord may be wider; it is worth a look."""

UNLIT_SHARE = 0.5
"""What cannot be seen speaks neither for a wall nor against it."""

UNEVEN_NOTE = "the inside is nearly as uneven as its border is high: it may be roots, or a cord with a long syrinx"
SMEARED_NOTE = "the border is blurred over a third of the cord's radius: the contour may be too narrow"
WIDE_NOTE = "what was found is wider than any healthy cord: it may be the sac"


def sharpness(cord: Sections) -> FloatArray:
    """Share (P,) left for a border that is blurred over much of the section.

    Parameters
    ----------
    cord : Sections
        Smoothed, with the contours to judge.

    Returns
    -------
    (P,) array
    """
    near = np.abs(polar.RADII_MM - cord.radii_mm[:, :, None]) <= NEAR_MM
    slope = np.where(near, np.abs(np.gradient(cord.values, polar.RADIUS_STEP_MM, axis=2)), 0).max(2)
    steepest = np.sqrt(2 * np.pi) * np.maximum(slope, np.finfo(np.float32).tiny)
    blur = np.median(cord.levels.step[:, None] / steepest, axis=1)
    radius = np.sqrt(cord.area_mm2 / np.pi)
    share: FloatArray = 1 / (1 + (blur / (SMEARED_SHARE * radius)) ** POWER)
    return share


def evenness(cord: Sections) -> float:
    """Share left for a stretch whose inside is as uneven as its border is high; parameters as for `sharpness`."""
    weight = polar.RADII_MM * (polar.RADII_MM < CORE_SHARE * cord.radii_mm[:, :, None])
    weight /= weight.sum((1, 2), keepdims=True)
    mean = (weight * cord.values).sum((1, 2), keepdims=True)
    spread = np.sqrt((weight * (cord.values - mean) ** 2).sum((1, 2)))
    uneven, height = float(np.median(spread)), UNEVEN_SHARE * float(np.median(cord.levels.step))
    q = uneven / (uneven + height) if height > 0 else 1.0  # no powers of brightness, which may be of any size
    return (1 - q) ** POWER / ((1 - q) ** POWER + q**POWER)


def unlit(array: NDArray[np.float32], cord: Sections) -> FloatArray:
    """Share (P,) of the rays about a bright cord on which nothing gives enough signal for a wall to be seen.

    In diffusion images, and others that show the cord alone, CSF and wall are both dark: the step between them cannot
    be half as high as the cord's, which is what counts as a wall (`sac.WALL_STEP`). About a dark cord the CSF itself
    gives signal.

    Parameters
    ----------
    array : (K, J, I) array of float32
        The image; its darkest voxels give no signal.
    cord : Sections
        With the cord's contours.

    Returns
    -------
    (P,) array
    """
    if cord.polarity < 0:
        return np.zeros(len(cord))
    (dark,) = percentiles(array, 1)
    around = (cord.radii_mm[:, :, None] + OUTSIDE_MM < polar.RADII_MM) & (polar.RADII_MM <= LARGEST_SAC_MM)
    brightest = np.where(around, cord.values, dark).max(2)
    share: FloatArray = (brightest - dark < WALL_STEP * (cord.levels.inside - dark)[:, None]).mean(1)
    return share


def walled(on_wall: FloatArray, in_the_dark: FloatArray) -> FloatArray:
    """Share (P,) for the wall, from those of the rays that stand on one and of those that are `unlit`."""
    return np.minimum(on_wall + UNLIT_SHARE * in_the_dark, 1)


def size(radii_mm: FloatArray) -> float:
    """Share left for a stretch (P, A) that is wider than cords are."""
    area = float(np.median(polar.polygon_area(radii_mm)))
    return float(np.clip((TOO_WIDE_MM2 - area) / (TOO_WIDE_MM2 - WIDE_MM2), 0, 1))


def extent(n_planes: int, plane_mm: float) -> float:
    """Share for the length of the cord, in windows long enough to see that a section stays the same."""
    looks = n_planes * plane_mm / max(plane_mm, WINDOW_MM)
    return looks / (looks + 1)


def doubts(sharp: FloatArray, even: float, narrow: float) -> list[str]:
    """What to say where `sharpness` (P,) of most slices, `evenness` or `size` leaves less than half."""
    notes = ((SMEARED_NOTE, float(np.median(sharp))), (UNEVEN_NOTE, even), (WIDE_NOTE, narrow))
    return [note for note, share in notes if share < 0.5]
