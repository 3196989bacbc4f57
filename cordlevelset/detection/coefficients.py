"""The fitted numbers of the decision: ``benchmarks/fit_decisions.py`` prints all but those of border and ends.

Logistic regression with a ridge on windows of real images, each image weighted by one over the square root of how many
its source has; standard errors by leaving one source out in turn (jackknife).
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

INTERCEPT = -11.759
"""Log odds of cord against none at figures of zero, equal numbers of both assumed."""
WEIGHTS = (2.211, -0.824, 1.781, 6.343, 2.002, 0.368, -0.965, 4.982, -1.563, 0.457)
"""Log odds a unit of each figure, in the order of `windows.FIGURES`."""
FOUND = (0.98, 1.29)
"""Log odds that what was found is the cord: at total log odds of zero, and per unit of them."""
BORDER_INTERCEPT = -0.5
"""Log odds that a slice's contour is right where the cord was found, at border figures of zero."""
BORDER_WEIGHTS = (2.1, -1.2)
"""Log odds a unit of each figure of `border.confidence.border_figures`."""
LOWER_END_RIGHT = 0.8
"""Share of lower ends within the image that lie within their tolerance, on sources left out."""
UPPER_END_RIGHT = 0.9
"""The same of upper ends."""
