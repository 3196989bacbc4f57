"""Every compiled kernel: arrays and scalars in, results in arrays given by the caller; no checks.

All in one file, because Numba's on-disk cache does not see a change of a callee in another file. Each has a slow
plain twin in ``tests/naive.py``. Serial and without the GIL: the callers' threads share the work by plane.
"""

# mypy: disallow-untyped-defs=false, disallow-untyped-calls=false, warn-return-any=false
from __future__ import annotations

import numpy as np

from cordlevelset._jit import njit

# ---------------------------------------------------------------------------------------------------------------
# Tubularity and paths (flux.py, centerline.py)
# ---------------------------------------------------------------------------------------------------------------


@njit
def shifted_row(plane, row, oy, ox, out):
    """out[i] = plane at (row + oy, i + ox), bilinear: one constant offset for a whole row, so that it vectorises."""
    iy = int(np.floor(oy))
    ix = int(np.floor(ox))
    fy = np.float32(oy - iy)
    fx = np.float32(ox - ix)
    one = np.float32(1)
    w00, w01, w10, w11 = (one - fy) * (one - fx), (one - fy) * fx, fy * (one - fx), fy * fx
    n = out.size
    a, b = plane[row + iy], plane[row + iy + 1]
    a0, a1, b0, b1 = a[ix : ix + n], a[ix + 1 : ix + n + 1], b[ix : ix + n], b[ix + 1 : ix + n + 1]
    for i in range(n):
        out[i] = w00 * a0[i] + w01 * a1[i] + w10 * b0[i] + w11 * b1[i]


@njit
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
    angles = np.pi * (np.arange(n) + 0.5) / n
    w_mean, w_min = np.float32((1 - weakest) / n), np.float32(weakest / 2)
    p = np.empty((n, gy.shape[0], gy.shape[1]), np.float32)
    u, v = np.empty(n_x, np.float32), np.empty(n_x, np.float32)
    pair = np.empty((4, n_x), np.float32)  # a sector's sum: dark, bright; 2 and 3: of all sectors
    low = np.empty((2, n_x), np.float32)  # the weakest sector: dark, bright
    dark[:] = -2
    bright[:] = -2
    for q in range(ratios.size):
        for t in range(n):
            ny, nx = np.sin(angles[t]) * ratios[q], np.cos(angles[t])
            project_gradient(gy, gx, ny / np.hypot(ny, nx), nx / np.hypot(ny, nx), p[t])
        for y in range(n_y):
            for r in range(radii.size):
                pair[2:] = 0
                low[:] = 2
                for sector in range(0, n, 2):
                    pair[:2] = 0
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


# ---------------------------------------------------------------------------------------------------------------
# Sections and contours (straighten.py, boundary.py)
# ---------------------------------------------------------------------------------------------------------------


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
        r = int(np.argmax(score))
        for t in range(2 * n_t - 1, -1, -1):
            if n_t // 2 <= t < n_t // 2 + n_t:
                out[p, t % n_t] = r
            r += int(came[t, r])


# ---------------------------------------------------------------------------------------------------------------
# Rasterising (rasterise.py)
# ---------------------------------------------------------------------------------------------------------------


@njit
def column_share(left, right, c):
    """Share of the unit cell [c - 1, c) right of an edge that runs from left to right while crossing the row."""
    # mean over the edge of clip(c - x, 0, 1): the integral of the ramp between its ends
    if right - left < 1e-12:
        return min(max(c - left, 0.0), 1.0)
    return (ramp(c - left) - ramp(c - right)) / (right - left)


@njit
def ramp(t):
    """Integral of clip(t, 0, 1)."""
    if t <= 0:
        return 0.0
    return 0.5 * t * t if t < 1 else t - 0.5


@njit
def polygon_coverage(y, x, out):
    """Share of each unit cell [r, r+1) x [c, c+1) of out (R, C) inside the closed polygon y, x (N,), exact; starts
    from zeros.

    Each edge adds, row by row, the signed area to its right within the cells it crosses; the running sum along the
    row is the coverage (the accumulation buffer of outline-font rasterisers). Vertices must lie in [0, R] x [0, C -
    1].
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


@njit
def polygon_distance(y, x, rows, columns, out):
    """Signed distance out (R, C) of the points (rows[r], columns[c]) to the closed polygon y, x (N,); negative inside.

    Nearest of the edges; inside by the parity of the crossings of the ray towards larger columns.
    """
    n = y.size
    for r in range(rows.size):
        for c in range(columns.size):
            best = np.inf
            inside = False
            for e in range(n):
                ya, xa = y[e] - rows[r], x[e] - columns[c]
                f = (e + 1) % n
                ey, ex = y[f] - y[e], x[f] - x[e]
                length = ey * ey + ex * ex
                t = min(max(-(ya * ey + xa * ex) / length, 0.0), 1.0) if length > 0 else 0.0
                best = min(best, (ya + t * ey) ** 2 + (xa + t * ex) ** 2)
                if (ya > 0) != (ya + ey > 0) and xa - ya * ex / ey > 0:
                    inside = not inside
            out[r, c] = -np.sqrt(best) if inside else np.sqrt(best)


# ---------------------------------------------------------------------------------------------------------------
# Thick sagittal voxels (thick.py)
# ---------------------------------------------------------------------------------------------------------------


@njit
def half_chords(rows_mm, height, half_ap, half_lr, out):
    """Half the left-right chord of an ellipse, averaged over the height of each row: out[j], mm."""
    n = 3  # points a row: a 1 mm row at the pole of a 4 mm cord is then right to 3 % of its width
    for j in range(rows_mm.size):
        out[j] = 0.0
        for s in range(n):
            y = (rows_mm[j] + ((s + 0.5) / n - 0.5) * height) / half_ap
            if abs(y) < 1:
                out[j] += half_lr * np.sqrt(1 - y * y) / n


@njit
def occupied_misfits(planes, centers, spacing, levels, shifts, half_ap, half_lr, reach, ridge, out):
    """Mean squared misfit of each plane with ellipses that fill voxels in part; equation in thick.py.

    planes (P, J, I); centers (P, 2) mm; levels (P, 2): cord, fluid; reach: rows beyond the ellipse and columns beside
    its center that count, mm; out (P, shifts, half_ap, half_lr).
    """
    n_p, n_y, n_x = planes.shape
    dy, dx = spacing[0], spacing[1]
    rows, chord = np.empty(n_y), np.empty(n_y)
    for p in range(n_p):
        step = levels[p, 1] - levels[p, 0]
        first = max(0, int(np.floor((centers[p, 1] - reach[1]) / dx + 0.5)))
        last = min(n_x - 1, int(np.floor((centers[p, 1] + reach[1]) / dx + 0.5)))
        for b in range(half_ap.size):
            limit = half_ap[b] + reach[0]
            j0 = max(0, int(np.ceil((centers[p, 0] - limit) / dy)))
            j1 = min(n_y, int(np.floor((centers[p, 0] + limit) / dy)) + 1)
            n = max(j1 - j0, 0)
            for j in range(n):
                rows[j] = (j0 + j) * dy - centers[p, 0]
            for a in range(half_lr.size):
                half_chords(rows[:n], dy, half_ap[b], half_lr[a], chord)
                for s in range(shifts.size):
                    middle, total = centers[p, 1] + shifts[s], 0.0
                    for i in range(first, last + 1):
                        low, high = (i - 0.5) * dx, (i + 0.5) * dx
                        sum_1, sum_2 = 0.0, 0.0
                        for j in range(n):
                            filled = max(0.0, min(high, middle + chord[j]) - max(low, middle - chord[j])) / dx
                            rest = (planes[p, j0 + j, i] - levels[p, 1]) / step + filled
                            sum_1 += rest
                            sum_2 += rest * rest
                        # the column's own fluid level, drawn to the common one: min_g sum (rest - g)^2 + ridge n g^2
                        total += sum_2 - sum_1 * sum_1 / max(n * (1 + ridge), 1e-9)
                    out[p, s, b, a] = total / max(n * (last + 1 - first), 1)
