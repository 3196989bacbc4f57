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

INTERCEPT = -14.571
"""Log odds of cord against none at figures of zero, equal numbers of both assumed."""
WEIGHTS = (2.523, -0.927, 2.831, 8.271, 2.818, 0.489, -0.932, 4.808, -1.589, 0.541)
"""Log odds a unit of each figure, in the order of `windows.FIGURES`."""
FOUND = (0.61, 0.76)
"""Log odds that what was found is the cord: at total log odds of zero, and per unit of them."""
BORDER_INTERCEPT = -0.5
"""Log odds that a slice's contour is right where the cord was found, at border figures of zero."""
BORDER_WEIGHTS = (2.1, -1.2)
"""Log odds a unit of each figure of `border.confidence.border_figures`."""
LOWER_END_RIGHT = 0.8
"""Share of lower ends within the image that lie within their tolerance, on sources left out."""
UPPER_END_RIGHT = 0.9
"""The same of upper ends."""
