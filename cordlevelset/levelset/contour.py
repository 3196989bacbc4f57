"""Geodesic active contours: a level-set engine for anisotropic grids.

docs/reference/numerics.md has the equations, the scheme, its stability, and when it fails.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from functools import reduce
from itertools import accumulate
from typing import Any

import numpy as np
from numpy.typing import ArrayLike, NDArray

from cordlevelset.brief import one_line
from cordlevelset.errors import Cancelled, InputError
from cordlevelset.levelset import _kernels
from cordlevelset.levelset import window as win
from cordlevelset.levelset.distance import check_grid, finite
from cordlevelset.levelset.fields import Fields, without_gaps
from cordlevelset.parallel import threads

__all__ = ["Evolution", "StackEvolution", "geodesic_active_contour", "geodesic_active_contours"]

FloatArray = NDArray[np.floating[Any]]

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
    __repr__ = one_line


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
    __repr__ = one_line


@dataclass(frozen=True, slots=True)
class _Options:
    terms: _kernels.Terms
    max_num_iter: int
    band: float


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
    if not _have_zero_level(start[None]).all():
        raise InputError("phi has no zero level: it must be negative inside the contour and positive outside")
    fields = without_gaps(start[None], field[None], None if extra is None else extra[None], [0], steps)
    return _evolve(fields, 0, steps, options, callback)


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
        Threads; as many as processors, or as NUMBA_NUM_THREADS says, if not given.
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
    if np.ndim(phi) != 3 or np.shape(spacing) != (2,):
        raise InputError(f"phi needs three axes (slice, row, column) and spacing two: {np.shape(phi)}, {spacing}")
    start, steps3 = check_grid(phi, (1.0, *spacing))
    steps = steps3[1:]
    options = _options(steps, propagation, curvature, advection, time_step, max_num_iter, tol, band)
    field, extra = _companion(g, start, "g"), None if region is None else _companion(region, start, "region")
    n = len(start)
    result = StackEvolution(np.empty_like(start), np.zeros(n, np.int64), np.full(n, np.nan), np.zeros(n, np.bool_))
    has = _have_zero_level(start)
    result.phi[~has] = start[~has]
    drawn = np.flatnonzero(has).tolist()
    fields = without_gaps(start, field, extra, drawn, steps)
    n_threads = max(1, min(workers or threads(), len(drawn)))

    def move(places: list[int]) -> int:
        for s, out in zip(places, _evolve_slices(fields, places, steps, options, result.phi), strict=True):
            result.n_iter[s], result.rms_change[s], result.converged[s] = out.n_iter, out.rms_change, out.converged
        return len(places)

    size = max(1, math.ceil(len(drawn) / (2 * n_threads)))  # two shares a thread: contours differ in time
    shares = [drawn[k : k + size] for k in range(0, len(drawn), size)]
    with ThreadPoolExecutor(n_threads) as pool:
        for done in accumulate(pool.map(move, shares), initial=n - len(drawn)):
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
    if not tol >= 0:
        raise InputError(f"tol = {tol} must not be negative")
    if max_num_iter < 1 or not (time_step is None or time_step > 0) or not (band is None or band > 0):
        raise InputError(f"max_num_iter = {max_num_iter}, time_step = {time_step} and band = {band} must be positive")
    limit = math.inf if time_step is None else float(time_step)
    terms = _kernels.Terms(float(propagation), float(curvature), float(advection), limit, float(tol))
    wide = max(BAND_VOXELS * min(spacing), max(spacing))
    wide = wide if band is None else float(band)
    return _Options(terms, int(max_num_iter), wide)


def _companion(values: ArrayLike, phi: FloatArray, name: str) -> FloatArray:
    array = np.asarray(values, dtype=phi.dtype)
    if array.shape != phi.shape:
        raise InputError(f"{name} has shape {array.shape}, phi {phi.shape}: they must be the same")
    return array


def _have_zero_level(stack: FloatArray) -> NDArray[np.bool_]:
    """Which of a stack are negative in one voxel and not in another."""
    flat = stack.reshape(len(stack), -1)
    return np.asarray((np.fmin.reduce(flat, axis=1) < 0) & (np.fmax.reduce(flat, axis=1) >= 0))


class _Run:
    """Contours on their way in a window of the image that holds them all; a lone one's widens with it."""

    def __init__(self, fields: Fields, places: Sequence[int], spacing: tuple[float, ...], options: _Options) -> None:
        self.fields, self.places, self.options = fields, places, options
        self.image = win.image(fields.g[0], spacing, options.band)
        self.window = win.start_window(reduce(np.logical_or, (fields.phi[s] < 0 for s in places)), self.image.rim)
        self.space = win.workspace(self.window, self.image)
        self.far = max(win.START_VOXELS * min(spacing), 1.5 * max(spacing))
        self.counts = np.zeros((len(places), _kernels.N_COUNTS), np.int64)
        self.reals = np.zeros((len(places), _kernels.N_REALS))
        self.history = np.empty((len(places), options.max_num_iter))
        self.moving = win.start(finite(win.cut(fields.phi, places, self.window)), self.space, self.far)

    def advance(self, stop: int) -> None:
        """Move each contour on, to iteration `stop` or where it stands; all in one call, in which other threads run."""
        while True:
            fields = (win.padded(f, self.places, self.window, self.space) for f in (self.fields.g, self.fields.region))
            _kernels.advance(
                *(self.moving, *fields, self.space.strips, self.space.box, self.options.terms, self.far),
                *(self.counts, self.reals, self.history, stop),
            )
            if len(self.places) > 1 or self.counts[0, _kernels.STATUS] != _kernels.RIM:
                break
            self._widen()
        self.phi = win.distances(self.moving, self.space, self.options.band)

    def outcome(self, k: int, out: FloatArray) -> Evolution:
        """Where contour k is now; its phi is written to `out`."""
        out[...] = self.options.band
        out[self.window] = self.phi[k].reshape(self.space.grid.shape[-out.ndim :])
        for gap in self.fields.gaps:
            out[gap[self.places[k]]] = np.nan
        status, n = int(self.counts[k, _kernels.STATUS]), int(self.counts[k, _kernels.ITERATION])
        change = math.nan if status == _kernels.VANISHED or n == 0 else float(self.reals[k, _kernels.RMS])
        time = float(self.reals[k, _kernels.TIME])
        return Evolution(out, n, change, status == _kernels.STANDS, time, self.history[k, :n].copy())

    def _widen(self) -> None:
        wider = win.wider_window(self.window, self.image.shape)
        space = win.workspace(wider, self.image)
        n_strips = int(self.counts[0, _kernels.STRIPS])
        self.moving = win.move_over(self.moving, self.space, space, (self.window, wider), n_strips, self.far)
        self.window, self.space = wider, space


def _evolve(
    fields: Fields,
    place: int,
    spacing: tuple[float, ...],
    options: _Options,
    callback: Callable[[Evolution], bool] | None,
) -> Evolution:
    """One contour or surface of a stack, alone."""
    run = _Run(fields, [place], spacing, options)
    stride = options.max_num_iter if callback is None else REPORT_EVERY
    for stop in range(stride, options.max_num_iter + stride, stride):
        run.advance(min(stop, options.max_num_iter))
        out = run.outcome(0, np.empty_like(fields.phi[place]))
        if callback is not None and callback(out):
            raise Cancelled("active contour cancelled by the caller")
        if run.counts[0, _kernels.STATUS] != _kernels.RUNNING:
            break
    return out


def _evolve_slices(
    fields: Fields, places: Sequence[int], spacing: tuple[float, ...], options: _Options, out: FloatArray
) -> Iterator[Evolution]:
    """Contours of several slices in one window; those that outgrow it again, alone. Their phi is written to `out`."""
    run = _Run(fields, places, spacing, options)
    run.advance(options.max_num_iter)
    for k, s in enumerate(places):
        if run.counts[k, _kernels.STATUS] == _kernels.RIM:
            found = _evolve(fields, s, spacing, options, None)
            out[s] = found.phi
            yield found
        else:
            yield run.outcome(k, out[s])
