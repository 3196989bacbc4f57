"""Compiled kernels of the border: polygons on a grid, thick voxels.

Arrays and scalars in, results in arrays given by the caller; no checks. Each has a slow plain twin or a closed form to
meet in ``tests/border``. Serial and without the GIL: the callers' threads share the work by plane. A kernel calls
kernels of its own file only: Numba's cache on disk does not see a change of a callee in another file.
"""

# mypy: disallow-untyped-defs=false, disallow-untyped-calls=false, warn-return-any=false
from __future__ import annotations

from typing import NamedTuple

import numpy as np

from cordlevelset._jit import njit, part


@part
def column_share(left, right, c):
    """Share of the unit cell [c - 1, c) right of an edge that runs from left to right while crossing the row."""
    # mean over the edge of clip(c - x, 0, 1): the integral of the ramp between its ends
    if right - left < 1e-12:
        return min(max(c - left, 0.0), 1.0)
    return (ramp(c - left) - ramp(c - right)) / (right - left)


@part
def ramp(t):
    """Integral of clip(t, 0, 1)."""
    if t <= 0:
        return 0.0
    return 0.5 * t * t if t < 1 else t - 0.5


@njit
def polygon_coverage(y, x, out):
    """Share of each unit cell [r, r + 1) x [c, c + 1) of out (R, C) inside the closed polygon y, x (N,); adds to zeros.

    Exact. Each edge adds, row by row, the signed area to its right within the cells it crosses; the running sum along
    the row is the coverage (the accumulation buffer of outline-font rasterisers). Vertices lie in [0, R] x [0, C - 1].
    """
    n = y.size
    for e in range(n):
        ya, xa, yb, xb = y[e], x[e], y[(e + 1) % n], x[(e + 1) % n]
        if ya == yb:
            continue
        sign = 1.0
        if ya > yb:
            ya, xa, yb, xb, sign = yb, xb, ya, xa, -1.0
        slope = (xb - xa) / (yb - ya)
        for row in range(int(ya), min(int(np.ceil(yb)), out.shape[0])):
            top, bottom = max(ya, float(row)), min(yb, row + 1.0)
            left, right = xa + slope * (top - ya), xa + slope * (bottom - ya)
            if left > right:
                left, right = right, left
            height = sign * (bottom - top)
            before = 0.0
            for column in range(int(left), out.shape[1]):
                reached = column_share(left, right, column + 1.0)
                out[row, column] += height * (reached - before)
                before = reached
                if column >= right:
                    break
    for row in range(out.shape[0]):
        total = 0.0
        for column in range(out.shape[1]):
            total += out[row, column]
            out[row, column] = abs(total)  # either sense of rotation


@part
def half_chords(rows_mm, height, half_ap, half_lr, out):
    """Half the left-right chord of an ellipse, averaged over the height of each row: out[j], mm."""
    n = 3  # points a row: a 1 mm row at the pole of a 4 mm cord is then right to 3 % of its width
    for j in range(rows_mm.size):
        out[j] = 0.0
        for s in range(n):
            y = (rows_mm[j] + ((s + 0.5) / n - 0.5) * height) / half_ap
            if abs(y) < 1:
                out[j] += half_lr * np.sqrt(1 - y * y) / n


class Roots(NamedTuple):
    """What else there may be in the CSF of a column."""

    ridge: float  # what it costs
    most: float  # share of the CSF
    middle: float  # share of the cord's depth beside which it is another than in the other rows


@njit
def partial_volume_misfits(
    planes, middles, half_ap, fullness, sacs, spacing, levels, shifts, half_lr, sac_lr, margins, roots, out
):
    """Mean squared misfit of each plane with cords in sacs that fill voxels in part; equation in thick.py.

    planes (P, J, I); middles (P, 2) of the cord, mm; half_ap, mm, and fullness (P, shifts, half_lr): how deep a cord is
    that shows the depth seen, and what share of the voxels its brightness was measured in; sacs (P, 3): middle row,
    half AP, middle column, mm; levels (P, 3): cord, CSF, wall; margins, mm: rows beyond the least cord's poles that
    count, rows inside the sac's that do not, columns beside the middle that count; out (P, shifts, half_lr, sac_lr).
    """
    n_p, n_y, n_x = planes.shape
    dy, dx = spacing[0], spacing[1]
    rows, sac, cords = np.empty(n_y), np.empty(n_y), np.empty((shifts.size, half_lr.size, n_y))
    order, in_sac, column = np.empty(n_y, np.int64), np.empty(n_y), np.empty(n_y)
    for p in range(n_p):
        cy, cx, b = middles[p, 0], middles[p, 1], np.inf
        for s in range(shifts.size):
            for a in range(half_lr.size):
                b = min(b, half_ap[p, s, a])
        step = levels[p, 0] - levels[p, 1]
        wall = (levels[p, 2] - levels[p, 1]) / step
        low = min(cy - b, max(cy - b - margins[0], sacs[p, 0] - sacs[p, 1] + margins[1]))
        high = max(cy + b, min(cy + b + margins[0], sacs[p, 0] + sacs[p, 1] - margins[1]))
        j0 = max(0, int(np.ceil(low / dy)))
        n = max(min(n_y, int(np.floor(high / dy)) + 1) - j0, 0)
        first = max(0, int(np.floor((cx - margins[2]) / dx + 0.5)))
        last = min(n_x - 1, int(np.floor((cx + margins[2]) / dx + 0.5)))
        beside, found = 0, 0  # the rows beside the cord's middle come first
        for near in (True, False):
            for j in range(j0, j0 + n):
                if (abs(j * dy - cy) < roots.middle * b) == near:
                    order[found], rows[found] = j, j * dy - cy
                    found += 1
                    beside += near
        for s in range(shifts.size):
            for a in range(half_lr.size):
                half_chords(rows[:n], dy, half_ap[p, s, a], 1.0, cords[s, a])
        for j in range(n):
            rows[j] = order[j] * dy - sacs[p, 0]
        half_chords(rows[:n], dy, sacs[p, 1], 1.0, sac)
        for s in range(shifts.size):
            for a in range(half_lr.size):
                for w in range(sac_lr.size):
                    out[p, s, a, w] = 0.0
        for i in range(first, last + 1):
            left, right = (i - 0.5) * dx, (i + 0.5) * dx
            for w in range(sac_lr.size):
                for j in range(n):
                    half = sac_lr[w] * sac[j]
                    in_sac[j] = max(0.0, min(right, sacs[p, 2] + half) - max(left, sacs[p, 2] - half)) / dx
                    column[j] = (planes[p, order[j], i] - levels[p, 1]) / step - wall * (1 - in_sac[j])
                for s in range(shifts.size):
                    middle = cx + shifts[s]
                    for a in range(half_lr.size):
                        for start, stop in ((0, beside), (beside, n)):
                            rests, along, squares = 0.0, 0.0, roots.ridge * (stop - start)
                            for j in range(start, stop):
                                half = half_lr[a] * cords[s, a, j]
                                filled = max(0.0, min(right, middle + half) - max(left, middle - half)) / dx
                                csf = max(0.0, in_sac[j] - filled)
                                rest = column[j] - filled / fullness[p, s, a]
                                rests += rest * rest
                                along += rest * csf
                                squares += csf * csf
                            # what else is in these rows' CSF: min_u sum (rest - u CSF)^2 + ridge n u^2, u <= most
                            u = min(along / max(squares, 1e-9), roots.most)
                            out[p, s, a, w] += rests - 2 * u * along + u * u * squares
        for s in range(shifts.size):
            for a in range(half_lr.size):
                for w in range(sac_lr.size):
                    out[p, s, a, w] /= max(n * (last + 1 - first), 1)
