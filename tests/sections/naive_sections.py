"""Slow plain twins of the kernels for cross-sections."""

import numpy as np


def closed_contour(gain, stiffness):
    """Gain of the best closed contour of one section: every start radius in turn, then closed exactly."""
    n_t, n_r = gain.shape
    best = -np.inf
    for start in range(n_r):
        score = np.full(n_r, -np.inf)
        score[start] = gain[0, start]
        for t in range(1, n_t):
            score = np.array(
                [
                    max(score[q] - stiffness * (q - r) ** 2 for q in range(max(0, r - 2), min(n_r, r + 3))) + gain[t, r]
                    for r in range(n_r)
                ]
            )
        best = max(
            best, *(score[q] - stiffness * (q - start) ** 2 for q in range(max(0, start - 2), min(n_r, start + 3)))
        )
    return best
