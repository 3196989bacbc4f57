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
def add_pair(plane, start, width, oy, ox, dark, bright):
    """Add min(u, -v) to dark and -max(u, -v) to bright, of the flux u at an offset and v at the opposite one.

    Bilinear. plane is flat, its rows `width` long; dark[i] and bright[i] belong to its place start + i.
    """
    iy, ix = np.int64(np.floor(oy)), np.int64(np.floor(ox))
    fy, fx = np.float32(oy - iy), np.float32(ox - ix)
    gy, gx = np.float32(1) - fy, np.float32(1) - fx
    w00, w01, w10, w11 = gy * gx, gy * fx, fy * gx, fy * fx
    n, at, opposite = dark.size, start + iy * width + ix, start - (iy + 1) * width - (ix + 1)
    a, b = plane[at : at + n + 1], plane[at + width : at + width + n + 1]
    c, d = plane[opposite : opposite + n + 1], plane[opposite + width : opposite + width + n + 1]
    for i in range(n):
        u = w00 * a[i] + w01 * a[i + 1] + w10 * b[i] + w11 * b[i + 1]
        v = -(w11 * c[i] + w10 * c[i + 1] + w01 * d[i] + w00 * d[i + 1])
        dark[i] += min(u, v)
        bright[i] -= max(u, v)


@part
def project_gradient(gy, gx, ny, nx, out):
    """Project the gradient: n . g for one direction n = (ny, nx); all flat."""
    ny, nx = np.float32(ny), np.float32(nx)
    for i in range(gy.size):
        out[i] = ny * gy[i] + nx * gx[i]


@njit
def ellipse_flux(gy, gx, spacing, radii, ratios, weakest, dark, bright, scale_dark, scale_bright):
    """Flux of one padded plane through ellipses, best over scales.

    D = (1 - w) mean f + w min_sector f, f = min(s, s opposite); the text of flux.py has the source.
    gy, gx: normalised gradient with equal margins on both sides; outputs (Y, X). Rows are taken in runs of several,
    margins between them included, so that loops are long enough to vectorise.
    """
    n_y, n_x = dark.shape
    width = gy.shape[1]
    my, mx = (gy.shape[0] - n_y) // 2, (width - n_x) // 2
    n = 8  # pairs of rays, two a sector: 16 rays are 1.8 mm apart on the largest cord, finer than the smoothing
    angles = np.empty(n)
    for t in range(n):
        angles[t] = np.pi * (t + 0.5) / n
    w_mean, w_min = np.float32((1 - weakest) / n), np.float32(weakest / 2)
    p = np.empty((n, gy.size), np.float32)
    rows = min(n_y, max(1, 512 // width))  # 2 KB an array: all of a run stay in the fastest cache
    longest = (rows - 1) * width + n_x
    pair = np.empty((4, longest), np.float32)  # a sector's sum: dark, bright; 2 and 3: of all sectors
    low = np.empty((2, longest), np.float32)  # the weakest sector: dark, bright
    for y in range(n_y):
        for i in range(n_x):
            dark[y, i] = bright[y, i] = -2  # where there is no data: below any response
            scale_dark[y, i] = scale_bright[y, i] = 0
    for q in range(ratios.size):
        for t in range(n):
            ny, nx = np.sin(angles[t]) * ratios[q], np.cos(angles[t])
            project_gradient(gy.ravel(), gx.ravel(), ny / np.hypot(ny, nx), nx / np.hypot(ny, nx), p[t])
        for first in range(0, n_y, rows):
            last = min(first + rows, n_y)
            size, start = (last - first - 1) * width + n_x, (first + my) * width + mx
            for r in range(radii.size):
                for i in range(size):
                    pair[2, i] = pair[3, i] = 0
                    low[0, i] = low[1, i] = 2
                for sector in range(0, n, 2):
                    for i in range(size):
                        pair[0, i] = pair[1, i] = 0
                    for t in range(sector, sector + 2):
                        oy = radii[r] * np.sin(angles[t]) / spacing[0]
                        ox = radii[r] * ratios[q] * np.cos(angles[t]) / spacing[1]
                        add_pair(p[t], start, width, oy, ox, pair[0, :size], pair[1, :size])
                    for i in range(size):
                        pair[2, i] += pair[0, i]
                        pair[3, i] += pair[1, i]
                        low[0, i] = min(low[0, i], pair[0, i])
                        low[1, i] = min(low[1, i], pair[1, i])
                scale = q * radii.size + r
                for y in range(first, last):
                    at = (y - first) * width
                    for i in range(n_x):
                        value = w_mean * pair[2, at + i] + w_min * low[0, at + i]
                        if value > dark[y, i]:
                            dark[y, i] = value
                            scale_dark[y, i] = scale
                        value = w_mean * pair[3, at + i] + w_min * low[1, at + i]
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
