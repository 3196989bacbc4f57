"""The fitted numbers of the decision: ``benchmarks/fit_decisions.py`` prints them with their errors.

Logistic regressions with a ridge, on windows and slices of real images and of noisy, faded, thicker and cut copies of
them. Each is weighted by one over the square root of how many its source has. Standard errors by leaving one source out
in turn (jackknife).
"""

from __future__ import annotations

__all__ = [
    "BORDER_INTERCEPT",
    "BORDER_WEIGHTS",
    "FOUND",
    "INTERCEPT",
    "LOWER_END_RIGHT",
    "UPPER_END_RIGHT",
    "WEIGHTS",
]

INTERCEPT = -15.161
"""Log odds of cord against none at figures of zero, equal numbers of both assumed."""
WEIGHTS = (2.827, -0.752, 2.665, 7.114, 2.912, -0.968, 4.867, -1.637, 1.822, -1.446)
"""Log odds a unit of each figure, in the order of `windows.FIGURES`."""
FOUND = (0.48, 1.01)
"""Log odds that what was found is the cord: at total log odds of zero, and per unit of them."""
BORDER_INTERCEPT = 1.06
"""Log odds that a slice's contour is right where the cord was found, at border figures of zero."""
BORDER_WEIGHTS = (2.55, -1.94)
"""Log odds a unit of each figure, in the order of `border.confidence.BORDER_FIGURES`."""
LOWER_END_RIGHT = 0.83
"""Share of lower ends within the image that lie within their tolerance, on sources left out: 18 of 21."""
UPPER_END_RIGHT = 0.83
"""The same of upper ends: 4 of 4, one of each more by the rule of succession."""
