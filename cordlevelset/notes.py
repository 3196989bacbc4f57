"""Notes on a result, a sentence each: borders not trusted, ends not reached, a hint that did not fit."""

from __future__ import annotations

from itertools import pairwise

import numpy as np
from numpy.typing import NDArray

__all__ = [
    "CONTRASTS",
    "LOW_CONFIDENCE",
    "clipping_notes",
    "end_notes",
    "hint_notes",
    "shear_note",
    "turned_note",
    "weak_notes",
]

CONTRASTS = {"auto": 0, "t1": 1, "t2": -1, "t2s": -1, "stir": -1, "mt": -1, "epi": -1, "dwi": 1}
"""Usual polarity of each contrast, for the note on a hint that the image contradicts."""
LOW_CONFIDENCE = 0.3
"""Probability below which a result, or a slice, is rather wrong than right: look at it (docs/reliability.md)."""
APART_MM = 10.0
"""Weak stretches nearer to each other than a third of a vertebra are one place to look at."""
N_STRETCHES = 3
"""No more places than a person will look at; the rest are counted."""

SURE_END = 0.9
"""Probability from which on an end needs no word."""
CLIPPED_SHARE = 0.1
"""Of the CSF: from there on cords come out 1 to 28 % smaller (docs/limits.md); where nothing is clipped it is 0."""


def weak_notes(confidence: NDArray[np.float64], slices: NDArray[np.int64], z_mm: NDArray[np.float64]) -> list[str]:
    """Where the confidence is low, worst first.

    Parameters
    ----------
    confidence : (N,) array
        Of each slice, 0 to 1.
    slices : (N,) array of int
        Their index on the input's grid.
    z_mm : (N,) array
        Their height, LPS mm.

    Returns
    -------
    list of str
        Empty if no slice is under `LOW_CONFIDENCE`.
    """
    notes, n = [], len(confidence)
    mean = float(confidence.mean())
    if mean < LOW_CONFIDENCE:
        notes.append(
            f"low confidence, {mean:.2f} (under {LOW_CONFIDENCE}): it is rather wrong than right, look at it before use"
        )
    parts = sorted(_stretches(confidence, z_mm), key=lambda part: confidence[part].min())
    for part in parts[:N_STRETCHES]:
        weak = int((confidence[part] < LOW_CONFIDENCE).sum())
        if weak == n:
            continue  # said already
        first, last, lowest = part.start, part.stop - 1, confidence[part].min()
        if first == last:
            where = f"slice {slices[first]} (z {z_mm[first]:.0f} mm)"
            notes.append(f"weak border at {where}: its confidence is under {LOW_CONFIDENCE}, {lowest:.2f}")
            continue
        where = f"slices {slices[first]} to {slices[last]} (z {z_mm[first]:.0f} to {z_mm[last]:.0f} mm)"
        notes.append(
            f"weak border at {where}: {weak} of {n} slices have a confidence under {LOW_CONFIDENCE}, "
            f"the lowest {lowest:.2f}"
        )
    rest = sum(int((confidence[part] < LOW_CONFIDENCE).sum()) for part in parts[N_STRETCHES:])
    if rest:
        notes.append(f"weak border in {rest} more slice{'s' if rest > 1 else ''} elsewhere, see their confidence")
    return notes


def clipping_notes(csf: NDArray[np.float32], extreme: float) -> list[str]:
    """CSF that is as bright, or as dark, as the image can show.

    Parameters
    ----------
    csf : (N,) array
        Samples between the borders of cord and sac.
    extreme : float
        The image's greatest value where CSF is bright, its least where it is dark.

    Returns
    -------
    list of str
        Empty if hardly any of it is.
    """
    share = float((csf == np.float32(extreme)).mean()) if csf.size else 0.0
    if share < CLIPPED_SHARE:
        return []
    return [
        f"{share:.0%} of the CSF around the cord has the image's most extreme value: it was clipped, and the cord "
        "may be drawn too small"
    ]


def end_notes(ends_below: float, ends_above: float) -> tuple[str, ...]:
    """What to say of ends that may lie in the image or not, by the probability of each to lie in it."""
    notes = []
    for probability, name, flag in ((ends_below, "lower", "bottom"), (ends_above, "upper", "top")):
        if 1 - SURE_END < probability < SURE_END:
            said = "ends in the image" if probability >= 0.5 else "leaves the image"
            notes.append(
                f"the cord's {name} end is unsure: it is taken that the cord {said}, with a probability of "
                f"{max(probability, 1 - probability):.2f}; if that is wrong, say where it ends ({flag})"
            )
    return tuple(notes)


def shear_note(shear: float, off_mm: float) -> str:
    """What to say of axes that were nearly at right angles: the cosine between them, and what that moves at most."""
    return (
        f"the header's axes are {np.degrees(np.arcsin(shear)):.2f} degrees off right angles; the nearest straight grid "
        f"was taken, which is off by up to {off_mm:.2g} mm"
    )


def turned_note(degrees: float) -> str:
    """What to say of an image whose header does not say which of its axes runs along the cord."""
    return (
        f"the header turns the image by {degrees:.0f} degrees from upright; which axis runs along the cord was found "
        "from the image; compare header and patient"
    )


def hint_notes(contrast: str, polarity: int) -> list[str]:
    """A hint that the image contradicts.

    Parameters
    ----------
    contrast : str
        One of `CONTRASTS`.
    polarity : {+1, -1}
        Cord brighter or darker than the CSF, as found.

    Returns
    -------
    list of str
        Empty if they agree.
    """
    expected = CONTRASTS[contrast]
    if expected in (0, polarity):
        return []
    return [
        f"the hint contrast={contrast} suggests a {'bright' if expected > 0 else 'dark'} cord, "
        "the image shows the opposite"
    ]


def _stretches(confidence: NDArray[np.float64], z_mm: NDArray[np.float64]) -> list[slice]:
    """Runs of weak slices, those near each other joined."""
    weak = np.flatnonzero(confidence < LOW_CONFIDENCE)
    if not weak.size:
        return []
    cuts = [k for k, (a, b) in enumerate(pairwise(weak), 1) if b > a + 1 and abs(z_mm[b] - z_mm[a]) > APART_MM]
    return [slice(int(run[0]), int(run[-1]) + 1) for run in np.split(weak, cuts)]
