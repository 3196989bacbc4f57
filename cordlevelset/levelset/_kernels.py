"""Compiled kernels of the level-set engine: signed distances, moving contours.

Arrays and scalars in, results in arrays given by the caller; no checks. Each has a slow plain twin or a closed form to
meet in ``tests/levelset``. Serial and without the GIL: the callers' threads share the work by plane. A kernel calls
kernels of its own file only: Numba's cache on disk does not see a change of a callee in another file.
"""

# mypy: disallow-untyped-defs=false, disallow-untyped-calls=false, warn-return-any=false
from __future__ import annotations

from typing import NamedTuple

import numpy as np

from cordlevelset._jit import inline, njit, part

# ---------------------------------------------------------------------------------------------------------------
# Signed distance (distance.py). Arrays are flat (C order), so that one text serves 2-D and 3-D
# ---------------------------------------------------------------------------------------------------------------

SWEEPS = 200  # most eikonal sweeps, against endless loops: 20 settle a wide band, 5 a narrow one
BINS = 8  # a grid step: cells are visited in the order of their distance, to an eighth of a step
MOST_BINS = 4096  # of a whole image
FARTHEST = 1e30  # mm, a finite stand-in for infinity; its square is far below the largest float64
CLAMP_AFTER = 8  # sweeps, after which distances only fall: where fronts meet the second difference comes and goes


class Grid(NamedTuple):
    """Three axes; a 2-D grid has one plane."""

    shape: tuple[int, int, int]
    stride: tuple[int, int, int]  # flat
    spacing: tuple[float, float, float]  # mm
    smallest: float  # of the three
    weight: tuple[float, float, float]  # 1 / spacing^2


class Band(NamedTuple):
    """The cells about a zero level, those beside it first."""

    cell: np.ndarray  # (N,) flat index
    at: np.ndarray  # (N, 3) the same as coordinates
    member: np.ndarray  # (N,) by flat index: 1 in the band
    side: np.ndarray  # (N,) by flat index: 1 inside
    size: np.ndarray  # (N,) by place in the band: distance beside the zero level
    work: np.ndarray  # (5, 6) of `foot_distance`


@part
def find_seeds(phi, grid, band):
    """Put the cells beside the zero level into the band; their number. Rows within one side are skipped."""
    nz, ny, nx = grid.shape
    sz, sy, _ = grid.stride
    side, n, one = band.side, 0, np.uint64(1)
    for k in range(phi.size):
        side[k] = phi[k] < 0
        band.member[k] = 0
    for z in range(nz):
        below, above = np.uint64(sz if z > 0 else 0), np.uint64(sz if z < nz - 1 else 0)
        for y in range(ny):
            down, up = np.uint64(sy if y > 0 else 0), np.uint64(sy if y < ny - 1 else 0)
            row = np.uint64(z * sz + y * sy)
            first = side[row]
            mixed = first ^ first  # 0 of its kind
            for x in range(nx):
                i = row + np.uint64(x)
                mixed |= (side[i] ^ first) | (side[i - down] ^ first) | (side[i + up] ^ first)
                mixed |= (side[i - below] ^ first) | (side[i + above] ^ first)
            if mixed:
                for x in range(nx):
                    i = row + np.uint64(x)
                    here = side[i]
                    across = (here ^ side[i - down]) | (here ^ side[i + up]) | (here ^ side[i - below])
                    across |= (here ^ side[i + above]) | (here ^ side[i - (one if x > 0 else one - one)])
                    if across | (here ^ side[i + (one if x < nx - 1 else one - one)]):
                        band.member[i] = 1
                        band.cell[n] = z * sz + y * sy + x
                        band.at[n, 0], band.at[n, 1], band.at[n, 2] = z, y, x
                        n += 1
    return n


@part
def add_neighbours(grid, band, n_cells, k):
    """Put the neighbours of the band's cell k into the band; its new size."""
    i, at = band.cell[k], band.at
    for a in range(3):
        for side in (-1, 1):
            other = i + side * grid.stride[a]
            if 0 <= at[k, a] + side < grid.shape[a] and not band.member[other]:
                band.member[other] = 1
                band.cell[n_cells] = other
                at[n_cells, 0], at[n_cells, 1], at[n_cells, 2] = at[k, 0], at[k, 1], at[k, 2]
                at[n_cells, a] += side
                n_cells += 1
    return n_cells


@part
def crossing_distance(phi, i, at, grid):
    """Distance from cell i to the plane through the zeros on its edges, and to the nearest zero (linear)."""
    nearest, total = np.inf, 0.0
    for a in range(3):
        along = np.inf
        for side in (-1, 1):
            if 0 <= at[a] + side < grid.shape[a]:
                other = phi[i + side * grid.stride[a]]
                if (other < 0) != (phi[i] < 0):
                    along = min(along, grid.spacing[a] * phi[i] / (phi[i] - other))
        nearest = min(nearest, along)
        total += 1 / max(along, 1e-12) ** 2
    return 1 / np.sqrt(total), nearest


@part
def taylor(phi, i, at, grid, slope, bend):
    """Gradient and Hessian of phi at cell i, central differences; at the grid's edge one-sided, no bend across it."""
    for a in range(3):
        low = grid.stride[a] if at[a] > 0 else 0
        high = grid.stride[a] if at[a] < grid.shape[a] - 1 else 0
        reach = (low > 0) + (high > 0)
        h = grid.spacing[a]
        slope[a] = (phi[i + high] - phi[i - low]) / (max(reach, 1) * h)
        bend[a, a] = (phi[i + high] - 2 * phi[i] + phi[i - low]) / (h * h) if reach == 2 else 0
        for b in range(a):
            low_b = grid.stride[b] if at[b] > 0 else 0
            high_b = grid.stride[b] if at[b] < grid.shape[b] - 1 else 0
            mixed = phi[i + high + high_b] - phi[i + high - low_b] - phi[i - low + high_b] + phi[i - low - low_b]
            area = max(reach, 1) * h * max((low_b > 0) + (high_b > 0), 1) * grid.spacing[b]
            bend[a, b] = bend[b, a] = mixed / area


@part
def foot_distance(phi, i, at, grid, work):
    """Distance from cell i to the zero of phi's second-order Taylor polynomial q.

    Repeats s = (grad q . s - q) grad q / |grad q|^2.
    The fixed point has q(s) = 0 and s parallel to grad q(s): the foot of the perpendicular (Newton, as Chopp 2001,
    doi:10.1137/S106482750037617X, with a local polynomial in place of his bicubic one). NaN if it does not settle.
    """
    slope, s, bend = work[0], work[1], work[2:]
    taylor(phi, i, at, grid, slope, bend)
    for a in range(3):
        s[a] = 0
    length = before = 0.0
    for _ in range(8):
        value, along, norm = phi[i], 0.0, 0.0
        for a in range(3):
            pull = slope[a]
            for b in range(3):
                pull += bend[a, b] * s[b]
            value += 0.5 * (slope[a] + pull) * s[a]
            along += pull * s[a]
            norm += pull * pull
            work[0, 3 + a] = pull
        for a in range(3):
            s[a] = (along - value) * work[0, 3 + a] / norm
        before, length = length, abs(along - value) / np.sqrt(norm)
        if abs(length - before) <= 1e-7 * length:
            break
    return length if abs(length - before) <= 1e-3 * length else np.nan


@part
def upwind_pair(phi, i, c, last, stride, sign, h, weight):
    """Distance, step and 1 / step^2 of the one-sided difference of one axis to its nearer neighbour; c: place of i.

    Without branches, which here cannot be foreseen: where there is no cell, cell i stands in and does not count.
    """
    none, step, two = np.uint64(0), np.uint64(stride), np.uint64(2 * stride)
    below, above = sign * phi[i - (step if c > 0 else none)], sign * phi[i + (step if c < last else none)]
    below = below if c > 0 else np.inf
    above = above if c < last else np.inf
    lower, upper = sign * phi[i - (two if c > 1 else none)], sign * phi[i + (two if c + 1 < last else none)]
    lower = lower if c > 1 else np.inf
    upper = upper if c + 1 < last else np.inf
    value, far = min(below, above), lower if below < above else upper
    second = (far <= value) & (value < np.inf)
    return (4 * value - far) / 3 if second else value, h * (2 / 3) if second else h, weight * 2.25 if second else weight


@part
def upwind_terms(u, value, weight):
    """Terms of one axis in the quadratic equation for u: 1 / h^2, v / h^2, v^2 / h^2; none if it is not upwind."""
    upwind_side = value < u
    weight = weight if upwind_side else 0.0
    value = value if upwind_side else 0.0
    return weight, weight * value, weight * value * value


@part
def upwind_root(limit, z, wz, y, wy, x, wx):
    """Larger root u of sum_a w_a (u - v_a)^2 = 1 over the axes whose v_a is below the limit; the limit if none is."""
    weight_z, linear_z, square_z = upwind_terms(limit, z, wz)
    weight_y, linear_y, square_y = upwind_terms(limit, y, wy)
    weight_x, linear_x, square_x = upwind_terms(limit, x, wx)
    weight, linear = weight_z + weight_y + weight_x, linear_z + linear_y + linear_x
    root = linear * linear - weight * (square_z + square_y + square_x - 1)
    return (linear + np.sqrt(max(root, 0.0))) / weight if weight > 0 else limit


@part
def eikonal(phi, i, at, grid):
    """Distance at cell i from its upwind neighbours: sum_a ((u - v_a) / h_a)^2 = 1 over those with v_a < u.

    Sethian (1999), doi:10.1137/S0036144598347059, with his second-order one-sided difference where two cells are known.
    """
    i, sign = np.uint64(i), -1.0 if phi[i] < 0 else 1.0
    nz, ny, nx = grid.shape
    y, hy, wy = upwind_pair(phi, i, at[1], ny - 1, grid.stride[1], sign, grid.spacing[1], grid.weight[1])
    x, hx, wx = upwind_pair(phi, i, at[2], nx - 1, grid.stride[2], sign, grid.spacing[2], grid.weight[2])
    if nz == 1:  # of two axes either both are upwind of the root or the nearer one alone: the limit decides
        return upwind_root(min(y + hy, x + hx), np.inf, 0.0, y, wy, x, wx)
    z, hz, wz = upwind_pair(phi, i, at[0], nz - 1, grid.stride[0], sign, grid.spacing[0], grid.weight[0])
    limit = min(min(z + hz, y + hy), x + hx)
    largest = max(max(z if z < limit else -np.inf, y if y < limit else -np.inf), x if x < limit else -np.inf)
    u = upwind_root(limit, z, wz, y, wy, x, wx)
    if u < largest:  # the axis whose value proved larger is not upwind
        u = upwind_root(largest, z, wz, y, wy, x, wx)
    return u


@part
def sort_by_distance(phi, band, first, last, step):
    """Put the band's cells from place first to last in the order of |phi|: a front that goes outwards meets them so.

    A counting sort into bins of step / BINS: within a bin the order stays.
    """
    largest = 0.0
    for k in range(first, last):
        size = abs(phi[band.cell[k]])
        largest = max(largest, size if size < np.inf else 0.0)
    share = min(BINS / step, (MOST_BINS - 1) / max(largest, step))
    n = last - first
    cell, at = np.empty(n, np.int64), np.empty((n, 3), np.int32)
    for k in range(n):
        cell[k] = band.cell[first + k]
        at[k, 0], at[k, 1], at[k, 2] = band.at[first + k, 0], band.at[first + k, 1], band.at[first + k, 2]
    top = np.int64(largest * share) + 1  # for what has no distance yet
    place = np.zeros(top + 2, np.int64)
    for k in range(cell.size):
        place[np.int64(min(abs(phi[cell[k]]) * share, np.float64(top))) + 1] += 1
    place[0] = first
    for b in range(top + 1):
        place[b + 1] += place[b]
    for k in range(cell.size):
        bin_ = np.int64(min(abs(phi[cell[k]]) * share, np.float64(top)))
        to = place[bin_]
        place[bin_] = to + 1
        band.cell[to] = cell[k]
        band.at[to, 0], band.at[to, 1], band.at[to, 2] = at[k, 0], at[k, 1], at[k, 2]


@part
def start_distances(phi, grid, band, n_seeds):
    """Make phi the distance to the feet of the perpendiculars at the seeds, and infinite elsewhere."""
    for k in range(n_seeds):
        i, at = band.cell[k], band.at[k]
        plane, nearest = crossing_distance(phi, i, at, grid)
        foot = foot_distance(phi, i, at, grid, band.work)
        # no foot is further than a crossing; the polynomial is no good where two parts of the contour are a voxel apart
        band.size[k] = max(foot if foot <= 1.01 * nearest else plane, 1e-6 * grid.smallest)
    for i in range(phi.size):
        phi[i] = -np.inf if band.side[i] else np.inf
    for k in range(n_seeds):
        phi[band.cell[k]] = -band.size[k] if band.side[band.cell[k]] else band.size[k]


@part
def is_distance(phi, grid, beyond):
    """Whether |grad phi| is near 1 on the grid wherever |phi| < beyond.

    Central differences must not exceed it much, and the steeper one-sided ones not fall much below it: those of an
    exact distance do neither, not on ridges and across thick voxels either.
    """
    real = phi.dtype.type
    far, quarter, most, least = real(beyond), real(0.25), real((1 + UNEVEN) ** 2), real((1 - UNEVEN) ** 2)
    z2, y2, x2 = real(grid.weight[0]), real(grid.weight[1]), real(grid.weight[2])
    (nz, ny, nx), (sz, sy, _), one = grid.shape, grid.stride, np.uint64(1)
    for row in range(nz * ny):
        z, y, uneven = row // ny, row % ny, False
        below, above = np.uint64(sz if z > 0 else 0), np.uint64(sz if z < nz - 1 else 0)
        down, up = np.uint64(sy if y > 0 else 0), np.uint64(sy if y < ny - 1 else 0)
        for x in range(nx):
            i = np.uint64(row * nx + x)
            c, zm, zp, ym, yp = phi[i], phi[i - below], phi[i + above], phi[i - down], phi[i + up]
            xm, xp = phi[i - (one if x > 0 else one - one)], phi[i + (one if x < nx - 1 else one - one)]
            central = quarter * ((zp - zm) ** 2 * z2 + (yp - ym) ** 2 * y2 + (xp - xm) ** 2 * x2)
            steep = max((zp - c) ** 2, (c - zm) ** 2) * z2 + max((yp - c) ** 2, (c - ym) ** 2) * y2
            steep += max((xp - c) ** 2, (c - xm) ** 2) * x2
            uneven |= (abs(c) < far) & ((central > most) | (steep < least))
        if uneven:
            return False
    return True


@inline
def to_distance(phi, grid, band, sweeps, beyond):
    """Turn phi into the signed distance (mm) to its own zero level, cut off at ±beyond.

    Eikonal sweeps, `sweeps` or fewer, outwards from the cells beside the zero level. A cell whose distance falls below
    `beyond` puts its neighbours into the band, in whichever sweep that is: between thick voxels the first is no guide.
    """
    limit = min(beyond, FARTHEST)
    n_seeds = n_cells = find_seeds(phi, grid, band)
    start_distances(phi, grid, band, n_seeds)
    for k in range(n_seeds):
        n_cells = add_neighbours(grid, band, n_cells, k)
    for sweep in range(sweeps):
        change, k = 0.0, n_seeds
        if sweep == 1 or sweep == CLAMP_AFTER:
            sort_by_distance(phi, band, n_seeds, n_cells, grid.smallest)
        while k < n_cells:
            i = band.cell[k]
            before = abs(phi[i])
            size = eikonal(phi, i, band.at[k], grid)
            if sweep > CLAMP_AFTER:
                size = min(size, before)
            change = max(change, abs(min(size, limit) - min(before, limit)))
            phi[i] = -size if phi[i] < 0 else size
            if size <= limit < before:
                n_cells = add_neighbours(grid, band, n_cells, k)
            k += 1
        if change < 1e-3 * grid.smallest:
            break
    for i in range(phi.size):
        phi[i] = min(max(phi[i], -beyond), beyond)


@njit
def to_distances(phi, grid, band, sweeps, beyond, near_will_do):
    """Turn each of phi (S, N) into a signed distance, `to_distance`; one that nearly is one may only be cut off."""
    for s in range(len(phi)):
        if near_will_do and is_distance(phi[s], grid, beyond):
            for i in range(phi.shape[1]):
                phi[s, i] = min(max(phi[s, i], -beyond), beyond)
        else:
            to_distance(phi[s], grid, band, sweeps, beyond)


# ---------------------------------------------------------------------------------------------------------------
# Moving contours (levelset.py). Arrays are flat and padded; the band is a list of strips, STRIP voxels of one row each,
# joined to runs, so that the inner loops go along memory and vectorise. docs/reference/numerics.md has the equations.
# ---------------------------------------------------------------------------------------------------------------

STRIP = 8  # 32 bytes of float32: a vector register of most machines; runs of strips make longer loops
LANES = 64  # of a running maximum: as many as vector registers hold side by side
FULL, NONE = 2.5, 4.5  # voxels from the contour: full speed (shift 1.5, stencil 1), none (stencil 2 more)
PULL = 2.0  # voxels an iteration: how far out |grad phi| is brought back to 1
UNEVEN = 0.3  # a start's |grad phi| may be so far from 1: the pull mends that in its first iterations
MOVE = 0.5  # voxels that the contour moves at most in an iteration
CARRY = 1.0  # voxels that anything in the band may be carried in an iteration
GROWTH = 1.25  # of the time step from one iteration to the next
CALM = 1e-12  # 1 / time: slower is standing still
FLAT = 1e-2  # |grad phi|^2 at least, where a movement of phi is turned into one of the contour
STEEPEST = 2.0  # |grad phi| above counts as this: dents at the rim of the band must not be overshot
RELIST = 1.0  # voxels that the contour moves before the strips are listed anew; with a step's half, the 1.5 of FULL
STALE = 0.2  # the same where it comes to rest: it stands only on lists made where it stands
RESTING = 0.1  # voxels that it moves at most in an iteration where it comes to rest
FAINTEST = 1e-6  # g below is 0: float32 knows no finer difference from 1
MAX_STAGES = 8  # a super step of 36 explicit ones; more stages gain little, as transport limits the step
SUPER = MAX_STAGES * (MAX_STAGES + 1)  # of such a step: its time times the rate of diffusion
SLOWEST_DECAY = 0.95  # of the movement in an iteration: contours that creep are followed down to tol / 19
N_COUNTS, N_REALS = 7, 9  # in a State
STRIPS, RUNS, GHOSTS, ITERATION, STATUS, TIGHT, SLOWED = range(N_COUNTS)
SHIFT, DIFFUSION, TRANSPORT, STEP, RMS, RATIO, TIME, SPEED, MOST = range(N_REALS)
NEW, RUNNING, STANDS, VANISHED, RIM = range(5)  # State.counts[STATUS]; RIM: wants a wider window


class Box(NamedTuple):
    """A padded grid of three axes; a 2-D one has one plane, no padding, and 0 for stride and inverse spacing there."""

    shape: tuple[int, int, int]  # without the padding
    pad: tuple[int, int, int]
    rows: int  # padded rows in a plane
    width: int  # padded length of a row
    strips: int  # in a row
    stride: tuple[int, int, int]  # flat; 0 along an axis that is not there
    inverse: tuple[float, float, float]  # 1 / mm
    square: tuple[float, float, float]  # mm^2
    shortest: float  # mm, smallest of the voxel's sides
    axes: tuple[int, ...]  # that are there: their number is known when a kernel is compiled
    low: tuple[int, int, int]  # where the rim of a window into a larger grid ends; 0 at that grid's own edge
    high: tuple[int, int, int]  # where it begins again; past all strips at that grid's own edge


class Strips(NamedTuple):
    """Work space: a list of strips and values for each of their cells."""

    ident: np.ndarray  # (M,) strip number: row * strips in a row + place in the row
    begin: np.ndarray  # (M,) flat index of a run's first cell
    place: np.ndarray  # (M,) where its values begin
    span: np.ndarray  # (M,) its number of cells
    older: np.ndarray  # (M,) the list before
    faces: np.ndarray  # (M,) faces of the grid that a strip lies at, a bit each: x low 1, high 2, y 4, 8, z 16, 32
    member: np.ndarray  # (M,) by strip number: 1 in the list
    coef: np.ndarray  # (6, C) outward speed, curvature weight, velocity z, y, x, fade
    last: np.ndarray  # (C,) phi one stage ago
    start: np.ndarray  # (C,) phi at the start of the iteration
    rate: np.ndarray  # (C,) d phi / dt
    slope: np.ndarray  # (C,) |grad phi|^2
    reach: np.ndarray  # (C,) |change of phi from voxel to voxel|^2, mm^2
    lanes: np.ndarray  # (LANES,) of a running maximum
    ghost: np.ndarray  # (G, 2) cell beyond the grid, cell of the grid that it repeats


class Terms(NamedTuple):
    """Weights of the equation, and what limits a run."""

    propagation: float
    curvature: float
    advection: float
    time_step: float
    tol: float


class State(NamedTuple):
    """What a run carries from call to call."""

    counts: np.ndarray  # (N_COUNTS,) int64
    reals: np.ndarray  # (N_REALS,) float64


@part
def first_cell(ident, box):
    """Flat index of a strip's first cell."""
    return ident // box.strips * box.width + box.pad[2] + ident % box.strips * STRIP


@part
def minmod(a, b, zero):
    """The smaller of two numbers of one sign, else 0: a held between 0 and b."""
    return max(min(a, max(b, zero)), min(b, zero))


@part
def one_sided(mm, m, c, p, pp, half):
    """ENO differences at c to both sides, undivided; second order if half is 1/2 (Osher, Fedkiw 2003, chapter 3)."""
    zero = c - c
    down, up = c - m, p - c
    bend = up - down
    return down + half * minmod(down - (m - mm), bend, zero), up - half * minmod((pp - p) - up, bend, zero)


@part
def godunov(lower, upper, sign):
    """Upwind slope of a front moving outwards (sign 1) or inwards (-1), Godunov's (Osher, Fedkiw 2003, chapter 6)."""
    return max(max(sign * lower, -sign * upper), lower - lower)


@part
def upwind(lower, upper, velocity):
    """Velocity times the slope on the side it comes from."""
    return velocity * (lower if velocity > 0 else upper)


@part
def rates_2d(phi, strips, runs, box, push):
    """Rate d phi/dt = -(F + R) |grad phi| - v . grad phi + w (laplacian - n.H n) + R on the first n strips, one plane.

    F, w, v: strips.coef; R = push phi / sqrt(phi^2 + reach^2) pulls |grad phi| to 1 and leaves the zero level
    (Peng et al. 1999, doi:10.1006/jcph.1999.6345).
    """
    real = phi.dtype.type
    one, half, tiny, steepest, push = real(1), real(0.5), real(1e-12), real(STEEPEST), real(push)
    iy, ix = real(box.inverse[1]), real(box.inverse[2])
    coef = strips.coef
    rate = strips.rate
    y, x = np.uint64(box.stride[1]), np.uint64(1)
    for k in range(runs):
        begin, place = np.uint64(strips.begin[k]), np.uint64(strips.place[k])
        for lane in range(strips.span[k]):
            i, j = begin + np.uint64(lane), place + np.uint64(lane)
            order = half * coef[5, j]
            c, ym, yp, xm, xp = phi[i], phi[i - y], phi[i + y], phi[i - x], phi[i + x]
            y_lo, y_up = one_sided(phi[i - y - y], ym, c, yp, phi[i + y + y], order)
            x_lo, x_up = one_sided(phi[i - x - x], xm, c, xp, phi[i + x + x], order)
            dy, dx = half * (yp - ym), half * (xp - xm)
            steps = dy * dy + dx * dx
            pull = push * c / np.sqrt(c * c + steps + tiny)
            f = coef[0, j] + pull
            sign = one if f > 0 else -one
            gy, gx = godunov(y_lo, y_up, sign) * iy, godunov(x_lo, x_up, sign) * ix
            carried = upwind(y_lo, y_up, coef[3, j]) * iy + upwind(x_lo, x_up, coef[4, j]) * ix
            dy, dx = dy * iy, dx * ix
            yy, xx = (yp - c - c + ym) * iy * iy, (xp - c - c + xm) * ix * ix
            yx = half * half * (phi[i + y + x] - phi[i + y - x] - phi[i - y + x] + phi[i - y - x]) * iy * ix
            norm = dy * dy + dx * dx
            bending = (yy * dx * dx - (dy + dy) * dx * yx + xx * dy * dy) / (norm + tiny)
            front = min(np.sqrt(gy * gy + gx * gx), steepest)
            rate[j] = coef[1, j] * bending - f * front - carried + pull


@part
def rates_3d(phi, strips, runs, box, push):
    """The same as rates_2d with three axes."""
    real = phi.dtype.type
    one, half, tiny, steepest, push = real(1), real(0.5), real(1e-12), real(STEEPEST), real(push)
    iz, iy, ix = real(box.inverse[0]), real(box.inverse[1]), real(box.inverse[2])
    coef = strips.coef
    rate = strips.rate
    z, y, x = np.uint64(box.stride[0]), np.uint64(box.stride[1]), np.uint64(1)
    for k in range(runs):
        begin, place = np.uint64(strips.begin[k]), np.uint64(strips.place[k])
        for lane in range(strips.span[k]):
            i, j = begin + np.uint64(lane), place + np.uint64(lane)
            order = half * coef[5, j]
            c, zm, zp, ym, yp, xm, xp = phi[i], phi[i - z], phi[i + z], phi[i - y], phi[i + y], phi[i - x], phi[i + x]
            z_lo, z_up = one_sided(phi[i - z - z], zm, c, zp, phi[i + z + z], order)
            y_lo, y_up = one_sided(phi[i - y - y], ym, c, yp, phi[i + y + y], order)
            x_lo, x_up = one_sided(phi[i - x - x], xm, c, xp, phi[i + x + x], order)
            dz, dy, dx = half * (zp - zm), half * (yp - ym), half * (xp - xm)
            steps = dz * dz + dy * dy + dx * dx
            pull = push * c / np.sqrt(c * c + steps + tiny)
            f = coef[0, j] + pull
            sign = one if f > 0 else -one
            gz, gy, gx = godunov(z_lo, z_up, sign) * iz, godunov(y_lo, y_up, sign) * iy, godunov(x_lo, x_up, sign) * ix
            carried = (
                upwind(z_lo, z_up, coef[2, j]) * iz
                + upwind(y_lo, y_up, coef[3, j]) * iy
                + upwind(x_lo, x_up, coef[4, j]) * ix
            )
            dz, dy, dx = dz * iz, dy * iy, dx * ix
            zz, yy, xx = (zp - c - c + zm) * iz * iz, (yp - c - c + ym) * iy * iy, (xp - c - c + xm) * ix * ix
            zy = half * half * (phi[i + z + y] - phi[i + z - y] - phi[i - z + y] + phi[i - z - y]) * iz * iy
            zx = half * half * (phi[i + z + x] - phi[i + z - x] - phi[i - z + x] + phi[i - z - x]) * iz * ix
            yx = half * half * (phi[i + y + x] - phi[i + y - x] - phi[i - y + x] + phi[i - y - x]) * iy * ix
            norm = dz * dz + dy * dy + dx * dx
            cross = dz * dy * zy + dz * dx * zx + dy * dx * yx
            bending = zz * (dy * dy + dx * dx) + yy * (dz * dz + dx * dx) + xx * (dz * dz + dy * dy) - cross - cross
            front = min(np.sqrt(gz * gz + gy * gy + gx * gx), steepest)
            rate[j] = coef[1, j] * bending / (norm + tiny) - f * front - carried + pull


@part
def rates(phi, strips, runs, box, push, axes):
    """Fill strips.rate: d phi / dt on the listed strips; where there are two axes, nothing is compiled for three."""
    if len(axes) == 3:
        rates_3d(phi, strips, runs, box, push)
    else:
        rates_2d(phi, strips, runs, box, push)


@part
def voxel_step(below, here, above, most):
    """Squared change of phi a voxel on the flatter side, as the other may lead out of the band; at most h^2."""
    down, up = here - below, above - here
    return min(min(down * down, up * up), most)


@part
def voxel_steps(phi, i, stride, square):
    """Squared change of phi a voxel at cell i, all axes together."""
    (z, y, x), (sz, sy, sx), c = stride, square, phi[i]
    steps = voxel_step(phi[i - z], c, phi[i + z], sz) + voxel_step(phi[i - y], c, phi[i + y], sy)
    return steps + voxel_step(phi[i - x], c, phi[i + x], sx)


@part
def mark_near(phi, strips, runs, box, out):
    """Positive where a cell of the runs is within reach of the contour: |phi| against its changes a voxel."""
    real = phi.dtype.type
    square, reach = (real(box.square[0]), real(box.square[1]), real(box.square[2])), real(NONE * NONE)
    stride = np.uint64(box.stride[0]), np.uint64(box.stride[1]), np.uint64(1)
    for k in range(runs):
        begin, place = np.uint64(strips.begin[k]), np.uint64(strips.place[k])
        for lane in range(strips.span[k]):
            i, j = begin + np.uint64(lane), place + np.uint64(lane)
            out[j] = reach * voxel_steps(phi, i, stride, square) - phi[i] * phi[i]


@part
def list_all(strips, box):
    """List every strip of the grid; their number."""
    pz, py, _ = box.pad
    nz, ny, _ = box.shape
    for k in range(strips.member.size):
        strips.member[k] = 0
    for z in range(pz, pz + nz):
        first = (z * box.rows + py) * box.strips
        for k in range(first, first + ny * box.strips):
            strips.member[k] = 1
    return nz * ny * box.strips


@part
def select_strips(phi, strips, runs, n_old, box, far):
    """List those of the n_old strips that are near the contour, then their neighbours; both numbers.

    Strips that fall out keep their side of the contour.
    """
    reach, beside = strips.rate, (box.strips, box.strips * box.rows)
    mark_near(phi, strips, runs, box, reach)
    n = 0
    for k in range(n_old):
        ident = strips.older[k] = strips.ident[k]
        found = False
        for lane in range(STRIP):
            found |= reach[k * STRIP + lane] > 0
        strips.member[ident] = found
        if found:
            strips.ident[n], strips.begin[n] = ident, k
            n += 1
    n_near = n
    for k in range(n_near):
        ident, place = strips.ident[k], strips.begin[k]
        faces = strips.faces[place]
        for face in range(6):
            if faces & (1 << face):
                continue
            if face < 2:  # along the row: only from the strip's end
                if not reach[place * STRIP + face * (STRIP - 1)] > 0:
                    continue
                other = ident + 2 * face - 1
            else:
                other = ident + (2 * (face & 1) - 1) * beside[face // 2 - 1]
            if not strips.member[other]:
                strips.member[other] = 1
                strips.ident[n] = other
                n += 1
    for k in range(n_old):
        if not strips.member[strips.older[k]]:
            i = first_cell(strips.older[k], box)
            for lane in range(STRIP):
                phi[i + lane] = -far if phi[i + lane] < 0 else far
    return n_near, n


@part
def join_strips(strips, box):
    """Put the list in the order of memory, note its strips at the grid's faces, join neighbours in a row to runs.

    Returns the number of runs, and whether a strip lies within the rim of the window.
    """
    n = runs = ident = 0
    rim = False
    (pz, py, px), (nz, ny, nx) = box.pad, box.shape
    (z0, y0, x0), (z1, y1, x1) = box.low, box.high
    for z in range(-pz, nz + pz):
        for y in range(-py, box.rows - py):
            begin = ((z + pz) * box.rows + y + py) * box.width + px
            ends = (y == 0) * 4 + (y == ny - 1) * 8 + (z == 0) * 16 + (z == nz - 1) * 32
            joined = False
            for x in range(0, box.strips * STRIP, STRIP):
                if strips.member[ident]:
                    rim |= z < z0 or z >= z1 or y < y0 or y >= y1 or x < x0 or x + STRIP > x1
                    if joined:
                        strips.span[runs - 1] += STRIP
                    else:
                        strips.begin[runs], strips.place[runs], strips.span[runs] = begin + x, n * STRIP, STRIP
                        runs += 1
                    strips.faces[n] = ends + (x == 0) + (x + STRIP >= nx) * 2
                    strips.ident[n] = ident
                    n += 1
                joined = strips.member[ident] != 0
                ident += 1
    return runs, rim


@part
def shadow(c, last, low, high):
    """Range of padded coordinates that repeat coordinate c of an axis: c alone, or the padding too at an end."""
    return -low if c == 0 else c, high + 1 if c == last else c + 1


@part
def list_ghosts(strips, n, box):
    """Pairs of a cell beyond the grid and the cell of a listed strip that it repeats; their number."""
    count = 0
    pz, py, px = box.pad
    padded = 63 if pz else 15  # the faces of z are bits 16 and 32
    nz, ny, nx = box.shape
    for k in range(n):
        if strips.faces[k] & padded == 0:
            continue
        ident = strips.ident[k]
        row = ident // box.strips
        z, y, begin = row // box.rows - pz, row % box.rows - py, ident % box.strips * STRIP
        z0, z1 = shadow(z, nz - 1, pz, nz - 1 + pz)
        y0, y1 = shadow(y, ny - 1, py, ny - 1 + py)
        for x in range(begin, min(begin + STRIP, nx)):
            x0, x1 = shadow(x, nx - 1, px, box.width - px - 1)
            for az in range(z0, z1):
                for ay in range(y0, y1):
                    for ax in range(x0, x1):
                        if az != z or ay != y or ax != x:
                            strips.ghost[count, 0] = ((az + pz) * box.rows + ay + py) * box.width + ax + px
                            strips.ghost[count, 1] = ((z + pz) * box.rows + y + py) * box.width + x + px
                            count += 1
    return count


@part
def fill_ghosts(phi, strips, count):
    """Repeat the grid's edge voxels beyond it."""
    for k in range(count):
        phi[strips.ghost[k, 0]] = phi[strips.ghost[k, 1]]


@part
def is_fresh(phi, begin, far):
    """Whether a strip still has a cell without a distance."""
    fresh = False
    for lane in range(STRIP):
        fresh |= abs(phi[begin + lane]) >= far
    return fresh


@part
def reach_out(phi, fresh, first, n, box, far):
    """First guess of the distance in the strips fresh[first:n], new to the list: the nearest neighbour's plus a step.

    There and back.
    """
    for k in range(2 * (n - first)):
        begin = first_cell(fresh[first + k if k < n - first else 2 * n - first - 1 - k], box)
        if not is_fresh(phi, begin, far):
            continue
        for turn in range(2 * STRIP):
            i = begin + (turn if turn < STRIP else 2 * STRIP - 1 - turn)
            size = abs(phi[i])
            for a in range(3):
                stride = box.stride[a]
                size = min(size, min(abs(phi[i - stride]), abs(phi[i + stride])) + 1 / box.inverse[a])
            phi[i] = -size if phi[i] < 0 else size


@part
def fade_out(phi, g, strips, runs, box, own_clocks, fade, pace):
    """Fade from 1 at FULL voxels from the contour to 0 at NONE, linearly: the cut-off of Peng et al. (1999).

    Pace is the same, with clocks of their own over the largest g beside a cell: so |grad g| / g stays below 1 / h.
    """
    real = phi.dtype.type
    zero, one, tiny = real(0), real(1), real(1e-20)
    square = real(box.square[0]), real(box.square[1]), real(box.square[2])
    top, share, least = real(NONE), real(1 / (NONE - FULL)), real(FAINTEST)
    stride = z, y, x = np.uint64(box.stride[0]), np.uint64(box.stride[1]), np.uint64(1)
    for k in range(runs):
        begin, place = np.uint64(strips.begin[k]), np.uint64(strips.place[k])
        for lane in range(strips.span[k]):
            i, j = begin + np.uint64(lane), place + np.uint64(lane)
            voxels = abs(phi[i]) / np.sqrt(voxel_steps(phi, i, stride, square) + tiny)
            fade[j] = min(max((top - voxels) * share, zero), one)
        for lane in range(strips.span[k]):
            pace[place + np.uint64(lane)] = fade[place + np.uint64(lane)]
        if own_clocks:
            for lane in range(strips.span[k]):
                i = begin + np.uint64(lane)
                most = max(max(max(g[i - z], g[i + z]), max(g[i - y], g[i + y])), max(g[i - x], g[i + x]))
                pace[place + np.uint64(lane)] /= max(max(most, g[i]), least)


@part
def fill_product(values, factor, weight, strips, runs, out):
    """Fill out with factor weight values; weight is listed strip by strip, values lie on the padded grid."""
    factor = weight.dtype.type(factor)
    for k in range(runs):
        begin, place = np.uint64(strips.begin[k]), np.uint64(strips.place[k])
        for lane in range(strips.span[k]):
            i, j = begin + np.uint64(lane), place + np.uint64(lane)
            out[j] = weight[j] * factor * values[i]


@part
def fill_slope(values, factor, stride, weight, strips, runs, out):
    """Fill out with factor weight (values ahead - values behind)."""
    factor, step = weight.dtype.type(factor), np.uint64(stride)
    for k in range(runs):
        begin, place = np.uint64(strips.begin[k]), np.uint64(strips.place[k])
        for lane in range(strips.span[k]):
            i, j = begin + np.uint64(lane), place + np.uint64(lane)
            out[j] = weight[j] * factor * (values[i + step] - values[i - step])


@part
def largest(values, n, most):
    """Largest of the first n values; LANES side by side, so that it vectorises and none waits for the one before."""
    zero = values.dtype.type(0)
    for lane in range(LANES):
        most[lane] = zero
    for k in range(0, n - n % LANES, LANES):
        for lane in range(LANES):
            most[lane] = max(most[lane], values[k + lane])
    for k in range(n - n % LANES, n):
        most[0] = max(most[0], values[k])
    for lane in range(1, LANES):
        most[0] = max(most[0], most[lane])
    return np.float64(most[0])


@inline
def fill_coefficients(phi, g, region, strips, runs, box, terms):
    """Per cell outward speed (p + F) g, curvature weight c g, velocity -a grad g, all fading with distance.

    Returns the largest rates (1 / time) of diffusion, sum_a 4 w / h_a^2, and of transport,
    sum_a (|v_a| + |speed|) / h_a, which bound the step.
    """
    pace, coef, cells = strips.rate, strips.coef, strips.place[runs - 1] + strips.span[runs - 1] if runs else 0
    fade_out(phi, g, strips, runs, box, terms.time_step == np.inf, coef[5], pace)
    fill_product(g, terms.curvature, pace, strips, runs, coef[1])
    fill_product(g, terms.propagation, pace, strips, runs, coef[0])
    if region.size:
        fill_product(g, 1.0, pace, strips, runs, strips.last)
        fill_product(region, 1.0, strips.last, strips, runs, strips.last)
        for j in range(cells):
            coef[0, j] += strips.last[j]
    for a in range(0 if box.pad[0] else 1, 3):
        fill_slope(g, -0.5 * terms.advection * box.inverse[a], box.stride[a], pace, strips, runs, coef[2 + a])
    hz, hy, hx = box.inverse
    cz, cy, cx = phi.dtype.type(hz), phi.dtype.type(hy), phi.dtype.type(hx)
    across = strips.last
    for j in range(cells):
        across[j] = abs(coef[3, j]) * cy + abs(coef[4, j]) * cx + abs(coef[0, j]) * (cz + cy + cx)
    if hz > 0:
        for j in range(cells):
            across[j] += abs(coef[2, j]) * cz
    diffusion, transport = largest(coef[1], cells, strips.lanes), largest(across, cells, strips.lanes)
    return 4 * diffusion * (hz * hz + hy * hy + hx * hx), transport


@part
def remember(phi, strips, runs, box):
    """Copy phi on the listed strips to start and last; squared gradient to slope, squared voxel steps to reach."""
    start, last, slope, reach = strips.start, strips.last, strips.slope, strips.reach
    real = phi.dtype.type
    z2, y2, x2 = real(box.inverse[0] ** 2), real(box.inverse[1] ** 2), real(box.inverse[2] ** 2)
    square, quarter = (real(box.square[0]), real(box.square[1]), real(box.square[2])), real(0.25)
    stride = z, y, x = np.uint64(box.stride[0]), np.uint64(box.stride[1]), np.uint64(1)
    for k in range(runs):
        begin, place = np.uint64(strips.begin[k]), np.uint64(strips.place[k])
        for lane in range(strips.span[k]):
            i, j = begin + np.uint64(lane), place + np.uint64(lane)
            start[j] = last[j] = phi[i]
        for lane in range(strips.span[k]):
            i, j = begin + np.uint64(lane), place + np.uint64(lane)
            dz, dy, dx = phi[i + z] - phi[i - z], phi[i + y] - phi[i - y], phi[i + x] - phi[i - x]
            slope[j] = quarter * (dz * dz * z2 + dy * dy * y2 + dx * dx * x2)
            reach[j] = voxel_steps(phi, i, stride, square)


@inline
def super_step(phi, strips, runs, ghosts, box, push, tau, stages):
    """One Runge-Kutta-Legendre step of first order over the time tau, from the phi that strips.last holds too.

    Y_j = m Y_{j-1} + (1 - m) Y_{j-2} + m w tau L(Y_{j-1}), m = (2 j - 1) / j, w = 2 / (s^2 + s) for s stages: stable
    up to 1 / w explicit steps. Meyer, Balsara, Aslam (2014), doi:10.1016/j.jcp.2013.08.021.
    """
    real = phi.dtype.type
    share = 2.0 / (stages * stages + stages) * tau
    last, rate = strips.last, strips.rate
    for stage in range(1, stages + 1):
        rates(phi, strips, runs, box, push, box.axes)
        m = (2.0 * stage - 1) / stage
        keep, older, gain = real(m), real(1 - m), real(m * share)
        for k in range(runs):
            begin, place = np.uint64(strips.begin[k]), np.uint64(strips.place[k])
            for lane in range(strips.span[k]):
                i, j = begin + np.uint64(lane), place + np.uint64(lane)
                now = phi[i]
                phi[i] = keep * now + older * last[j] + gain * rate[j]
                last[j] = now
        fill_ghosts(phi, strips, ghosts)


@part
def fastest(strips, cells):
    """Speed (mm / time) of the contour where it is fastest, from the cells within a voxel of it.

    Uses up strips.rate.
    """
    start, reach, rate, slope = strips.start, strips.reach, strips.rate, strips.slope
    zero, flat = rate.dtype.type(0), rate.dtype.type(FLAT)
    for j in range(cells):
        square = rate[j] * rate[j] / max(slope[j], flat)
        rate[j] = square if start[j] * start[j] < reach[j] else zero
    return np.sqrt(largest(rate, cells, strips.lanes))


@part
def slow_clocks(strips, cells, box, state):
    """Slow the clock of every cell that would move more than half a voxel in the longest stable step.

    So each place moves as far as it may, not as far as the fastest leaves it time for. Uses up strips.rate; returns the
    speed (mm / time) that none exceeds.
    """
    most = MOVE * box.shortest * max(max(state.reals[TRANSPORT] / CARRY, state.reals[DIFFUSION] / SUPER), CALM)
    coef, rate, slope = strips.coef, strips.rate, strips.slope
    real = rate.dtype.type
    limit, flat = real(most), real(FLAT)
    for j in range(cells):
        rate[j] = limit / max(abs(rate[j]) / np.sqrt(max(slope[j], flat)), limit)
    for a in range(5):
        if a != 2 or box.pad[0]:
            for j in range(cells):
                coef[a, j] *= rate[j]
    return most


@part
def movement(phi, strips, runs, cells):
    """RMS and largest movement (mm) of the contour since `remember`, from the cells within a voxel of it; NaN if gone.

    Uses up strips.rate.
    """
    real = phi.dtype.type
    zero, one, flat, tiny = real(0), real(1), real(FLAT), real(1e-12)
    start, slope, reach, rate = strips.start, strips.slope, strips.reach, strips.rate
    total, weights, inside = zero, zero, zero
    for k in range(runs):
        begin, place = np.uint64(strips.begin[k]), np.uint64(strips.place[k])
        for lane in range(strips.span[k]):
            i, j = begin + np.uint64(lane), place + np.uint64(lane)
            now, then = phi[i], start[j]
            weight = max(one - then * then / (reach[j] + tiny), zero)
            square = (now - then) * (now - then) / max(slope[j], flat)
            rate[j] = weight * square
            total += weight * square
            weights += weight
            inside += one if now < zero else zero
    if inside == 0 or inside == cells:
        return np.nan, np.nan
    return np.sqrt(np.float64(total / max(weights, tiny))), np.sqrt(largest(rate, cells, strips.lanes))


@inline
def plan_step(box, state, push, time_step):
    """Time and stages of a step: the contour moves at most half a voxel, nothing is carried more than a voxel."""
    shortest = box.shortest
    hz, hy, hx = box.inverse
    pull = push * np.sqrt(hz * hz + hy * hy + hx * hx)
    explicit = 2 / (state.reals[DIFFUSION] + 2 * (state.reals[TRANSPORT] + pull) + CALM)
    tau = min(min(time_step, GROWTH * state.reals[STEP]), explicit * SUPER / 2)
    tau = min(min(tau, CARRY / (state.reals[TRANSPORT] + CALM)), MOVE * shortest / (state.reals[SPEED] + CALM))
    state.reals[STEP] = tau
    state.reals[TIME] += tau
    return tau, max(1, np.int64(np.ceil(0.5 * (np.sqrt(1 + 8 * tau / explicit) - 1) - 1e-6)))


@inline
def refresh(phi, g, region, strips, box, terms, state, far):
    """List the strips anew around the contour as it is now, with their coefficients."""
    n_near, n = select_strips(phi, strips, state.counts[RUNS], state.counts[STRIPS], box, far)
    fresh = strips.older
    for k in range(n_near, n):
        fresh[k] = strips.ident[k]
    runs, rim = join_strips(strips, box)
    ghosts = list_ghosts(strips, n, box)
    fill_ghosts(phi, strips, ghosts)
    reach_out(phi, fresh, n_near, n, box, far)
    fill_ghosts(phi, strips, ghosts)
    diffusion, transport = fill_coefficients(phi, g, region, strips, runs, box, terms)
    state.counts[STRIPS], state.counts[RUNS], state.counts[GHOSTS] = n, runs, ghosts
    state.counts[TIGHT] = rim
    state.reals[SHIFT], state.reals[DIFFUSION], state.reals[TRANSPORT] = 0.0, diffusion, transport
    if state.reals[STEP] == 0:
        state.reals[STEP] = min(terms.time_step, 1 / max(max(transport, 0.1 * diffusion), 1e-6))


@inline
def evolve(phi, g, region, strips, box, terms, state, history, stop, far):
    """Move the contour until it stands or history[stop - 1] is filled; `state` goes from one call to the next."""
    shortest = box.shortest
    while state.counts[ITERATION] < stop:
        moved, most = state.reals[SHIFT] / shortest, state.reals[MOST] / shortest
        rests = most < RESTING
        fresh = moved >= RELIST or (rests and (moved >= STALE or state.counts[SLOWED]))
        if fresh:
            if state.counts[TIGHT]:
                state.counts[STATUS] = RIM
                return
            refresh(phi, g, region, strips, box, terms, state, far)
        runs, cells, ghosts = state.counts[RUNS], state.counts[STRIPS] * STRIP, state.counts[GHOSTS]
        remember(phi, strips, runs, box)
        if fresh:
            rates(phi, strips, runs, box, 0.0, box.axes)  # without the pull, which moves nothing
            state.counts[SLOWED] = terms.time_step == np.inf and not rests
            if state.counts[SLOWED]:
                state.reals[SPEED] = slow_clocks(strips, cells, box, state)
            else:
                state.reals[SPEED] = fastest(strips, cells)
        push = PULL * shortest / state.reals[STEP]
        tau, stages = plan_step(box, state, push, terms.time_step)
        super_step(phi, strips, runs, ghosts, box, push, tau, stages)
        rms, most = movement(phi, strips, runs, cells)
        state.reals[SHIFT] += most
        state.reals[MOST] = most
        if not rms >= 0:
            state.counts[STATUS] = VANISHED
            return
        ratio = rms / max(state.reals[RMS], 1e-30)
        decay = min(max(ratio, state.reals[RATIO]), SLOWEST_DECAY)  # the slower of the last two
        state.reals[RMS], state.reals[RATIO] = rms, ratio
        history[state.counts[ITERATION]] = rms
        state.counts[ITERATION] += 1
        if state.counts[ITERATION] > 2 and rms * decay / (1 - decay) < terms.tol:
            if state.reals[SHIFT] < STALE * shortest and not state.counts[SLOWED]:
                state.counts[STATUS] = STANDS
                return
            state.reals[MOST] = 0.0


@inline
def start_run(strips, box, state):
    """List all strips of the grid; state: all 0."""
    state.counts[STATUS], state.counts[STRIPS] = RUNNING, list_all(strips, box)
    state.reals[SHIFT] = state.reals[MOST] = np.inf  # strips near the contour are listed before the first step


@njit
def advance(phi, g, region, strips, box, terms, far, counts, reals, history, stop):
    """Move contours, one after another, each until it stands or its history[stop - 1] is filled.

    phi, g, region (S, P) on padded grids; phi as distances where they start. All use one work space, so only a lone one
    can be gone on with.
    """
    for s in range(len(phi)):
        state = State(counts[s], reals[s])
        if counts[s, STATUS] == NEW:
            start_run(strips, box, state)
            state.counts[RUNS], _ = join_strips(strips, box)
        elif counts[s, STATUS] == RIM:  # in a wider window now
            state.counts[STATUS], state.counts[TIGHT] = RUNNING, 0
            state.counts[RUNS], _ = join_strips(strips, box)
        evolve(phi[s], g[s], region[s], strips, box, terms, state, history[s], stop, far)
