"""Compiled kernels of cross-sections: sampling, closed contours.

Arrays and scalars in, results in arrays given by the caller; no checks. Each has a slow plain twin or a closed form to
meet in ``tests/sections``. Serial and without the GIL: the callers' threads share the work by plane. A kernel calls
kernels of its own file only: Numba's cache on disk does not see a change of a callee in another file.
"""

# mypy: disallow-untyped-defs=false, disallow-untyped-calls=false, warn-return-any=false
from __future__ import annotations

import numpy as np

from cordlevelset._jit import njit


@njit
def polar_sample(planes, centers, spacing, angles, radii, out):
    """Polar samples: out[p, t, r] = planes[p] at centers[p] + radii[r] (sin t, cos t), mm; bilinear, clamped."""
    n_y, n_x = planes.shape[1:]
    for p in range(planes.shape[0]):
        plane = planes[p]
        for t in range(angles.size):
            sine, cosine = np.sin(angles[t]), np.cos(angles[t])
            for r in range(radii.size):
                y = min(max((centers[p, 0] + radii[r] * sine) / spacing[0], 0.0), n_y - 1.0)
                x = min(max((centers[p, 1] + radii[r] * cosine) / spacing[1], 0.0), n_x - 1.0)
                i, j = min(int(y), max(n_y - 2, 0)), min(int(x), max(n_x - 2, 0))
                i1, j1 = min(i + 1, n_y - 1), min(j + 1, n_x - 1)
                fy, fx = y - i, x - j
                out[p, t, r] = (plane[i, j] * (1 - fy) + plane[i1, j] * fy) * (1 - fx) + (
                    plane[i, j1] * (1 - fy) + plane[i1, j1] * fy
                ) * fx


@njit
def closed_contours(gain, stiffness, out):
    """Closed contour of greatest gain in each section: sum_t gain[t, r_t] - stiffness (r_t+1 - r_t)^2.

    |r_t+1 - r_t| <= 2. Dynamic programming twice around; the middle round has forgotten both open ends, and is closed
    unless two contours tie (Sun, Pallottino 2003, doi:10.1016/S0031-3203(02)00258-0).
    """
    n_p, n_t, n_r = gain.shape
    for p in range(n_p):
        score = np.zeros(n_r, np.float32)
        update = np.empty(n_r, np.float32)
        came = np.empty((2 * n_t, n_r), np.int8)
        for t in range(2 * n_t):
            for r in range(n_r):
                best, arg = score[r], 0
                for d in (-2, -1, 1, 2):
                    if 0 <= r + d < n_r:
                        value = score[r + d] - np.float32(stiffness * d * d)
                        if value > best:
                            best, arg = value, d
                update[r] = best + gain[p, t % n_t, r]
                came[t, r] = arg
            score, update = update, score
        r = 0
        for other in range(1, n_r):
            if score[other] > score[r]:
                r = other
        for t in range(2 * n_t - 1, -1, -1):
            if n_t // 2 <= t < n_t // 2 + n_t:
                out[p, t % n_t] = r
            r += int(came[t, r])
