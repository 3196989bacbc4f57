"""Geodesic active contours: a level-set engine for anisotropic grids.

docs/numerics.md has the equations, the scheme, its stability, and when it fails.
"""

from __future__ import annotations

import math
import os
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor, as_completed
from dataclasses import dataclass
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import ArrayLike, NDArray

from cordlevelset import kernels
from cordlevelset.distance import band_layers, check_grid, fill_missing, finite, grid_and_band
from cordlevelset.errors import Cancelled, InputError

__all__ = ["Evolution", "StackEvolution", "geodesic_active_contour", "geodesic_active_contours"]

FloatArray = NDArray[np.floating[Any]]

START_LAYERS = 7
"""Grid steps of the first band: `kernels.NONE` voxels along a diagonal of the plane are 6.4."""
ROOM = 4
"""Grid steps that a contour may move outwards before its window is widened: starts are mostly nearer than that."""
RIM = 4
"""Grid steps along an inner edge of the window that listed strips keep free: two of the stencil, one of the next."""
BAND_IN_LIST = 4
"""Grid steps from the contour that are listed in any case, `kernels.NONE`; a wider band needs a wider rim."""
BAND_VOXELS = 4.0
"""Default half-width of the result's band."""
REPORT_EVERY = 10
"""Iterations between two calls of the callback."""


@dataclass(frozen=True, slots=True)
class Evolution:
    """Where a contour went.

    Attributes
    ----------
    phi : array of float32 or float64
        Signed distance in mm near the contour, negative inside; cut off at ±`band`; NaN where `phi` or `g` was.
    n_iter : int
        Iterations taken.
    rms_change : float
        RMS movement of the contour in the last iteration, mm; NaN if it vanished.
    converged : bool
        Whether it stood still: the movement still to come was below `tol`. False if it vanished.
    time : float
        Artificial time passed (mm at unit propagation speed, mm^2 at unit curvature weight).
    history : (n_iter,) array of float64
        RMS movement of the contour in each iteration, mm.
    """

    phi: FloatArray
    n_iter: int
    rms_change: float
    converged: bool
    time: float
    history: NDArray[np.float64]


@dataclass(frozen=True, slots=True)
class StackEvolution:
    """Where the contours of a stack went, each on its own.

    Attributes
    ----------
    phi : (S, M, N) array of float32 or float64
        As `Evolution.phi`, slice by slice.
    n_iter : (S,) array of int
        Iterations taken; 0 in slices without a contour.
    rms_change : (S,) array of float
        RMS movement in the last iteration, mm; NaN where there is no contour, or none any more.
    converged : (S,) array of bool
        Whether it stood still.
    """

    phi: FloatArray
    n_iter: NDArray[np.int64]
    rms_change: NDArray[np.float64]
    converged: NDArray[np.bool_]


@dataclass(frozen=True, slots=True)
class _Options:
    terms: kernels.Terms
    max_num_iter: int
    band: float
    layers: int


def geodesic_active_contour(
    phi: ArrayLike,
    g: ArrayLike,
    *,
    spacing: tuple[float, ...],
    region: ArrayLike | None = None,
    propagation: float = 0.0,
    curvature: float = 1.0,
    advection: float = 1.0,
    time_step: float | None = None,
    max_num_iter: int = 200,
    tol: float = 1e-3,
    band: float | None = None,
    callback: Callable[[Evolution], bool] | None = None,
) -> Evolution:
    """Move a contour, or a surface, to the edges of an image until it stands.

    Solves d phi/dt = g (c k - p - F) |grad phi| + a grad g . grad phi with k = div(grad phi / |grad phi|), the
    curvature: the geodesic active contour of [1]_ with its three terms weighted apart, and a propagation F of your own.

    Without a `time_step` only where the contour ends has a meaning: every place keeps a clock of its own, about dt / g,
    so that strong edges (g near 0) are reached as fast as weak ones.

    Parameters
    ----------
    phi : (M, N) or (K, M, N) array of float
        Negative inside; its zero level is the start. Need not be a distance. NaN: no data.
    g : array of float, of the same shape
        Edge indicator, 0 on edges to 1 in flat regions, as from `edge_indicator`. NaN: no data.
    spacing : tuple of float
        Voxel size in mm, array-axis order.
    region : array of float, of the same shape, optional
        F, propagation per voxel, added to p. A region term [2]_: F = w ((I - outer)^2 - (I - inner)^2). A shape term:
        F = -w phi0 pulls towards the zero level of a signed distance phi0, with a weight w per voxel.
    propagation : float
        p, outward speed in mm per unit of time where g = 1; negative shrinks.
    curvature : float
        c >= 0, mm^2 per unit of time: smooths and shortens.
    advection : float
        a, mm^2 per unit of time: pulls into the valleys of g.
    time_step : float, optional
        Longest time of an iteration, and one clock for all places; shortened where stability, or a movement above half
        a voxel, ask for it.
    max_num_iter : int
        Iterations after which to give up.
    tol : float
        Movement in mm that may still be to come when the contour counts as standing: estimated from the last two
        iterations as a geometric series.
    band : float, optional
        Half-width in mm of the band in which the result is a distance; 4 voxels, or one of the thickest, if not given.
        Neither the way of the contour nor the work depends on it.
    callback : callable, optional
        Called every 10 iterations with an `Evolution` as far as it has come; returning True cancels.

    Returns
    -------
    Evolution

    Raises
    ------
    GeometryError
        If `spacing` is not one positive number an axis.
    InputError
        If shapes differ, a weight is not finite, `curvature` is negative, or `phi` has no zero level.
    Cancelled
        If `callback` returns True.

    Notes
    -----
    The image goes on beyond its edge as its outermost voxels repeated. A contour without an edge to hold it shrinks by
    its curvature and vanishes: then `converged` is False and phi positive everywhere.

    References
    ----------
    .. [1] Caselles, Kimmel, Sapiro (1997), IJCV 22:61, doi:10.1023/A:1007979827043
    .. [2] Chan, Vese (2001), IEEE TIP 10:266, doi:10.1109/83.902291

    Examples
    --------
    A circle of 8 mm that grows at 1 mm per unit of time:

    >>> y, x = np.indices((64, 64)) * 0.5
    >>> out = geodesic_active_contour(
    ...     np.hypot(y - 16, x - 16) - 8, np.ones((64, 64)), spacing=(0.5, 0.5),
    ...     propagation=1, curvature=0, advection=0, time_step=0.2, max_num_iter=10)
    >>> bool(abs(out.phi[32, 12]) < 0.01), round(out.time, 2)  # 10 mm from the middle
    (True, 2.0)
    """
    start, steps = check_grid(phi, spacing)
    options = _options(steps, propagation, curvature, advection, time_step, max_num_iter, tol, band)
    field, extra = _companion(g, start, "g"), None if region is None else _companion(region, start, "region")
    if not ((start < 0).any() and (start >= 0).any()):
        raise InputError("phi has no zero level: it must be negative inside the contour and positive outside")
    return _evolve(start, field, extra, steps, options, callback)


def geodesic_active_contours(
    phi: ArrayLike,
    g: ArrayLike,
    *,
    spacing: tuple[float, float],
    region: ArrayLike | None = None,
    propagation: float = 0.0,
    curvature: float = 1.0,
    advection: float = 1.0,
    time_step: float | None = None,
    max_num_iter: int = 200,
    tol: float = 1e-3,
    band: float | None = None,
    workers: int | None = None,
    callback: Callable[[float], bool] | None = None,
) -> StackEvolution:
    """Move the contours of a stack of slices, each in its own plane until it stands, all at once on several threads.

    Parameters
    ----------
    phi : (S, M, N) array of float
        One level-set function a slice. Slices without a zero level are given back as they are.
    g : (S, M, N) array of float
        Edge indicator.
    spacing : (2,) tuple of float
        Pixel size in mm, rows then columns.
    region : (S, M, N) array of float, optional
        Outward speed in mm per unit of time.
    propagation, curvature, advection : float
        Weights of the terms.
    time_step : float, optional
        Longest time of an iteration.
    max_num_iter : int
        Iterations after which to give up a slice.
    tol : float
        Movement in mm that may still be to come.
    band : float, optional
        Half-width in mm of the band in which the result is a distance.
    workers : int, optional
        Threads; as many as processors if not given.
    callback : callable, optional
        Gets the share of the slices done; returning True cancels.

    Returns
    -------
    StackEvolution

    Raises
    ------
    GeometryError
        If `spacing` is not two positive numbers.
    InputError
        If shapes differ, a weight is not finite or `curvature` is negative.
    Cancelled
        If `callback` returns True.

    See Also
    --------
    geodesic_active_contour : One contour or surface; the equation and all parameters.
    """
    start, steps3 = check_grid(phi, (1.0, *spacing))
    steps = steps3[1:]
    options = _options(steps, propagation, curvature, advection, time_step, max_num_iter, tol, band)
    field, extra = _companion(g, start, "g"), None if region is None else _companion(region, start, "region")
    n = len(start)
    result = StackEvolution(start.copy(), np.zeros(n, np.int64), np.full(n, np.nan), np.zeros(n, np.bool_))
    threads = min(workers or os.cpu_count() or 1, n)

    def move(slices: range) -> int:
        for s in slices:
            if (start[s] < 0).any() and (start[s] >= 0).any():
                out = _evolve(start[s], field[s], None if extra is None else extra[s], steps, options, None)
                result.phi[s] = out.phi
                result.n_iter[s], result.rms_change[s], result.converged[s] = out.n_iter, out.rms_change, out.converged
        return len(slices)

    size = max(1, math.ceil(n / (4 * threads)))  # four shares a thread: contours differ in the time they take
    with ThreadPoolExecutor(threads) as pool:
        jobs = [pool.submit(move, range(s, min(s + size, n))) for s in range(0, n, size)]
        done = 0
        for job in as_completed(jobs):
            done += job.result()
            if callback is not None and callback(done / n):
                pool.shutdown(cancel_futures=True)
                raise Cancelled("active contours cancelled by the caller")
    return result


def _options(
    spacing: tuple[float, ...],
    propagation: float,
    curvature: float,
    advection: float,
    time_step: float | None,
    max_num_iter: int,
    tol: float,
    band: float | None,
) -> _Options:
    if not all(map(math.isfinite, (propagation, curvature, advection))) or curvature < 0:
        raise InputError(f"weights must be finite and curvature not negative: {propagation}, {curvature}, {advection}")
    if max_num_iter < 1 or not (time_step is None or time_step > 0) or not (band is None or band > 0):
        raise InputError(f"max_num_iter = {max_num_iter}, time_step = {time_step} and band = {band} must be positive")
    limit = math.inf if time_step is None else float(time_step)
    terms = kernels.Terms(float(propagation), float(curvature), float(advection), limit, float(tol))
    wide = max(BAND_VOXELS * min(spacing), max(spacing))
    wide = wide if band is None else float(band)
    return _Options(terms, int(max_num_iter), wide, band_layers(wide, spacing))


def _companion(values: ArrayLike, phi: FloatArray, name: str) -> FloatArray:
    array = np.asarray(values, dtype=phi.dtype)
    if array.shape != phi.shape:
        raise InputError(f"{name} has shape {array.shape}, phi {phi.shape}: they must be the same")
    return array


class _Space(NamedTuple):
    """Work space for one contour or surface in a window of the image: all that is computed lies in it."""

    window: tuple[slice, ...]
    grid: kernels.Grid
    band: kernels.Band
    box: kernels.Box
    strips: kernels.Strips
    moving: FloatArray
    g: FloatArray
    region: FloatArray


def _window(inside: NDArray[np.bool_], rim: list[int]) -> tuple[slice, ...]:
    """The box of all that is inside, with room for the band, the rim, and the contour's way."""
    window: list[slice] = []
    for axis in range(inside.ndim):
        rest = inside[tuple(window)]
        found = np.flatnonzero(rest.any(axis=tuple(a for a in range(rest.ndim) if a != axis)))
        window.append(slice(int(found[0]), int(found[-1]) + 1))
    return _widened(tuple(window), inside.shape, [START_LAYERS + 1 + width + ROOM for width in rim])


def _widened(window: tuple[slice, ...], shape: tuple[int, ...], by: list[int]) -> tuple[slice, ...]:
    """A wider window, in whole strips along the last axis; in the image."""
    low = [w.start - n for w, n in zip(window, by, strict=True)]
    high = [w.stop + n for w, n in zip(window, by, strict=True)]
    low[-1], high[-1] = low[-1] - low[-1] % kernels.STRIP, high[-1] + -high[-1] % kernels.STRIP
    return tuple(slice(max(a, 0), min(b, n)) for a, b, n in zip(low, high, shape, strict=True))


def _workspace(
    window: tuple[slice, ...],
    spacing: tuple[float, ...],
    whole: tuple[int, ...],
    rim: list[int],
    g: FloatArray,
    region: FloatArray | None,
) -> _Space:
    shape, kind = tuple(w.stop - w.start for w in window), g.dtype
    flat = (0,) * (3 - len(shape))
    nz, ny, nx = (1,) * len(flat) + shape
    pad_z = 2 if len(shape) == 3 else 0
    in_row, length = -(-nx // kernels.STRIP), kernels.STRIP
    planes, rows, width = nz + 2 * pad_z, ny + 4, in_row * length + 4
    iz, iy, ix = (0.0,) * len(flat) + tuple(1 / h for h in spacing)
    sz, sy, sx = (h * h for h in (1.0, *spacing)[-3:])
    stride = (rows * width if pad_z else 0, width, 1)
    lz, ly, lx = flat + tuple(r if w.start else 0 for w, r in zip(window, rim, strict=True))
    ends = zip(window, rim, whole, shape, strict=True)
    hz, hy, hx = (1,) * len(flat) + tuple(n - r if w.stop < m else n + length for w, r, m, n in ends)
    box = kernels.Box(
        (nz, ny, nx), (pad_z, 2, 2), rows, width, in_row, stride, (iz, iy, ix), (sz, sy, sx), (lz, ly, lx), (hz, hy, hx)
    )
    n_strips, cells, padded = planes * rows * in_row, nz * ny * in_row * length, planes * rows * width
    strips = kernels.Strips(
        ident=np.empty(n_strips, np.int64),
        begin=np.empty(n_strips, np.int64),
        place=np.empty(n_strips, np.int64),
        span=np.empty(n_strips, np.int64),
        older=np.empty(n_strips, np.int64),
        faces=np.empty(n_strips, np.uint8),
        member=np.zeros(n_strips, np.uint8),
        coef=np.empty((6, cells), kind),
        last=np.empty(cells, kind),
        start=np.empty(cells, kind),
        rate=np.empty(cells, kind),
        slope=np.empty(cells, kind),
        reach=np.empty(cells, kind),
        ghost=np.empty((padded - nz * ny * nx, 2), np.int64),
    )
    fields = [np.empty(padded, kind), np.empty(0 if region is None else padded, kind)]
    for values, field in zip((g, region), fields, strict=True):
        if values is not None:
            kernels.pad(np.ascontiguousarray(values[window]).ravel(), box, field)
    grid, band = grid_and_band(shape, spacing, kind)
    return _Space(window, grid, band, box, strips, np.empty(padded, kind), *fields)


def _move_over(old: _Space, new: _Space, state: kernels.State, far: float) -> None:
    """Take a run over into a wider window: phi and its list of strips."""
    n_strips = int(state.counts[kernels.STRIPS])
    phi = np.full(new.grid.shape, far, new.moving.dtype)
    shift = [a.start - b.start for a, b in zip(old.window, new.window, strict=True)]
    z, y, x = [0] * (3 - len(shift)) + shift
    (nz, ny, nx), values = old.grid.shape, np.empty(old.grid.shape, new.moving.dtype)
    kernels.unpad(old.moving, old.box, values.reshape(-1))
    phi[z : z + nz, y : y + ny, x : x + nx] = values
    kernels.pad(phi.ravel(), new.box, new.moving)
    row, column = np.divmod(old.strips.ident[:n_strips], old.box.strips)
    plane, row = np.divmod(row, old.box.rows)
    ident = ((plane + z) * new.box.rows + row + y) * new.box.strips + column + x // kernels.STRIP
    new.strips.member[ident] = 1
    state.counts[kernels.RUNS], _ = kernels.join_strips(new.strips, new.box)
    state.counts[kernels.STATUS], state.counts[kernels.TIGHT] = kernels.RUNNING, 0


def _evolve(
    phi: FloatArray,
    g: FloatArray,
    region: FloatArray | None,
    spacing: tuple[float, ...],
    options: _Options,
    callback: Callable[[Evolution], bool] | None,
) -> Evolution:
    """One contour or surface on checked arrays of one shape and kind."""
    (phi, missing), (g, no_g) = fill_missing(phi, spacing), fill_missing(g, spacing)
    region = None if region is None else fill_missing(region, spacing)[0]
    gaps = [m for m in (missing, no_g) if m is not None]
    far = max((START_LAYERS + 1) * min(spacing), 1.5 * max(spacing))
    rim = [max(math.ceil(options.band / h) - BAND_IN_LIST, 0) + RIM for h in spacing]
    rim[-1] += kernels.STRIP  # along it the next list may be a strip wider
    space = _workspace(_window(phi < 0, rim), spacing, phi.shape, rim, g, region)
    state = kernels.State(np.zeros(kernels.N_COUNTS, np.int64), np.zeros(kernels.N_REALS))
    distance = finite(phi[space.window]).ravel()
    kernels.start_run(distance, space.grid, space.band, space.strips, space.box, START_LAYERS, far, state, space.moving)
    history = np.empty(options.max_num_iter)

    def result() -> Evolution:
        part = np.empty(math.prod(space.grid.shape), phi.dtype)
        kernels.end_run(space.moving, space.grid, space.band, space.box, options.layers, options.band, part)
        out = np.full(phi.shape, options.band, phi.dtype)
        out[space.window] = part.reshape(out[space.window].shape)
        for gap in gaps:
            out[gap] = np.nan
        status, n = int(state.counts[kernels.STATUS]), int(state.counts[kernels.ITERATION])
        change = math.nan if status == kernels.VANISHED or n == 0 else float(state.reals[kernels.RMS])
        time = float(state.reals[kernels.TIME])
        return Evolution(out, n, change, status == kernels.STANDS, time, history[:n].copy())

    stride = options.max_num_iter if callback is None else REPORT_EVERY
    for stop in range(stride, options.max_num_iter + stride, stride):
        last = min(stop, options.max_num_iter)
        while True:
            kernels.evolve(
                space.moving, space.g, space.region, space.strips, space.box, options.terms, state, history, last, far
            )
            if state.counts[kernels.STATUS] != kernels.RIM:
                break
            by = [max(ROOM, (w.stop - w.start) // 4) for w in space.window]
            wider = _workspace(_widened(space.window, phi.shape, by), spacing, phi.shape, rim, g, region)
            _move_over(space, wider, state, far)
            space = wider
        if callback is not None and callback(result()):
            raise Cancelled("active contour cancelled by the caller")
        if state.counts[kernels.STATUS] != kernels.RUNNING:
            break
    return result()
