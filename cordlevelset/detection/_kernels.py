"""Compiled kernels of the tubularity filter and of the best paths.

Arrays and scalars in, results in arrays given by the caller; no checks. Each has a slow plain twin or a closed form to
meet in ``tests/detection``. Serial and without the GIL: the callers' threads share the work by plane. A kernel calls
kernels of its own file only: Numba's cache on disk does not see a change of a callee in another file.
"""

# mypy: disallow-untyped-defs=false, disallow-untyped-calls=false, warn-return-any=false
from __future__ import annotations

import numpy as np

from cordlevelset._jit import njit, part


@part
def shifted_row(plane, row, oy, ox, out):
    """out[i] = plane at (row + oy, i + ox), bilinear: one constant offset for a whole row, so that it vectorises."""
    iy = np.int64(np.floor(oy))
    ix = np.int64(np.floor(ox))
    fy = np.float32(oy - iy)
    fx = np.float32(ox - ix)
    one = np.float32(1)
    w00, w01, w10, w11 = (one - fy) * (one - fx), (one - fy) * fx, fy * (one - fx), fy * fx
    n = out.size
    a, b = plane[row + iy], plane[row + iy + 1]
    a0, a1, b0, b1 = a[ix : ix + n], a[ix + 1 : ix + n + 1], b[ix : ix + n], b[ix + 1 : ix + n + 1]
    for i in range(n):
        out[i] = w00 * a0[i] + w01 * a1[i] + w10 * b0[i] + w11 * b1[i]


@part
def project_gradient(gy, gx, ny, nx, out):
    """Project the gradient: n . g for one direction n = (ny, nx)."""
    ny, nx = np.float32(ny), np.float32(nx)
    for i in range(gy.shape[0]):
        for j in range(gy.shape[1]):
            out[i, j] = ny * gy[i, j] + nx * gx[i, j]


@njit
def ellipse_flux(gy, gx, spacing, radii, ratios, weakest, dark, bright, scale_dark, scale_bright):
    """Flux of one padded plane through ellipses, best over scales.

    D = (1 - w) mean f + w min_sector f, f = min(s, s opposite); the text of flux.py has the source.
    gy, gx: normalised gradient with equal margins on both sides; outputs (Y, X).
    """
    n_y, n_x = dark.shape
    my, mx = (gy.shape[0] - n_y) // 2, (gy.shape[1] - n_x) // 2
    n = 8  # pairs of rays, two a sector: 16 rays are 1.8 mm apart on the largest cord, finer than the smoothing
    angles = np.empty(n)
    for t in range(n):
        angles[t] = np.pi * (t + 0.5) / n
    w_mean, w_min = np.float32((1 - weakest) / n), np.float32(weakest / 2)
    p = np.empty((n, gy.shape[0], gy.shape[1]), np.float32)
    u, v = np.empty(n_x, np.float32), np.empty(n_x, np.float32)
    pair = np.empty((4, n_x), np.float32)  # a sector's sum: dark, bright; 2 and 3: of all sectors
    low = np.empty((2, n_x), np.float32)  # the weakest sector: dark, bright
    for y in range(n_y):
        for i in range(n_x):
            dark[y, i] = bright[y, i] = -2  # where there is no data: below any response
            scale_dark[y, i] = scale_bright[y, i] = 0
    for q in range(ratios.size):
        for t in range(n):
            ny, nx = np.sin(angles[t]) * ratios[q], np.cos(angles[t])
            project_gradient(gy, gx, ny / np.hypot(ny, nx), nx / np.hypot(ny, nx), p[t])
        for y in range(n_y):
            for r in range(radii.size):
                for i in range(n_x):
                    pair[2, i] = pair[3, i] = 0
                    low[0, i] = low[1, i] = 2
                for sector in range(0, n, 2):
                    for i in range(n_x):
                        pair[0, i] = pair[1, i] = 0
                    for t in range(sector, sector + 2):
                        oy = radii[r] * np.sin(angles[t]) / spacing[0]
                        ox = radii[r] * ratios[q] * np.cos(angles[t]) / spacing[1]
                        shifted_row(p[t], y + my, oy, mx + ox, u)
                        shifted_row(p[t], y + my, -oy, mx - ox, v)  # the opposite ray: its outward flux is -v
                        for i in range(n_x):
                            pair[0, i] += min(u[i], -v[i])
                            pair[1, i] -= max(u[i], -v[i])
                    for i in range(n_x):
                        pair[2, i] += pair[0, i]
                        pair[3, i] += pair[1, i]
                        low[0, i] = min(low[0, i], pair[0, i])
                        low[1, i] = min(low[1, i], pair[1, i])
                scale = q * radii.size + r
                for i in range(n_x):
                    value = w_mean * pair[2, i] + w_min * low[0, i]
                    if value > dark[y, i]:
                        dark[y, i] = value
                        scale_dark[y, i] = scale
                    value = w_mean * pair[3, i] + w_min * low[1, i]
                    if value > bright[y, i]:
                        bright[y, i] = value
                        scale_bright[y, i] = scale


@njit
def spread(score, reach, cost, best, source):
    """Max-plus convolution with a separable quadratic penalty.

    best[y, x] = max score[y + i, x + j] - cost_y i^2 - cost_x j^2; `source` receives the flat index of the winner.
    Felzenszwalb, Huttenlocher (2012), doi:10.4086/toc.2012.v008a019, eq. 2, by plain search over the few voxels
    that a path can move between two planes.
    """
    n_y, n_x = score.shape
    row = np.empty((n_y, n_x), np.float32)
    from_x = np.empty((n_y, n_x), np.int32)
    for y in range(n_y):
        for x in range(n_x):
            top, arg = score[y, x], x
            for j in range(max(0, x - reach[1]), min(n_x, x + reach[1] + 1)):
                value = score[y, j] - np.float32(cost[1] * (j - x) ** 2)
                if value > top:
                    top, arg = value, j
            row[y, x] = top
            from_x[y, x] = arg
    for y in range(n_y):
        for x in range(n_x):
            best[y, x] = row[y, x]
            source[y, x] = y * n_x + from_x[y, x]
        for i in range(max(0, y - reach[0]), min(n_y, y + reach[0] + 1)):
            penalty = np.float32(cost[0] * (i - y) ** 2)
            for x in range(n_x):
                value = row[i, x] - penalty
                if value > best[y, x]:
                    best[y, x] = value
                    source[y, x] = i * n_x + from_x[i, x]
