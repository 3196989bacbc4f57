"""Level-set kernels against their slow plain twins."""

import itertools
import math

import naive_levelset as naive
import numpy as np
import pytest
from parts import Parts

from cordlevelset.levelset import _kernels as kernels
from cordlevelset.levelset import window
from cordlevelset.levelset.distance import grid_and_band, redistance

_kernels = Parts(kernels)

SHAPES = [((13, 21), (0.5, 0.8)), ((7, 9, 11), (2.4, 0.8, 0.6)), ((1, 9), (1.0, 0.5)), ((5, 2, 18), (1.0, 3.0, 0.5))]


def blob(shape, spacing, scale=0.3):
    """A smooth function with a zero level through the grid, not a distance."""
    rng = np.random.default_rng(len(shape))
    axes = np.meshgrid(*[np.arange(n) * h for n, h in zip(shape, spacing, strict=True)], indexing="ij")
    middle = [n * h / 2 - 0.3 for n, h in zip(shape, spacing, strict=True)]
    r = np.sqrt(sum((a - m) ** 2 for a, m in zip(axes, middle, strict=True)))
    return (r - 0.3 * max(n * h for n, h in zip(shape, spacing, strict=True))) * (1 + scale * np.sin(axes[-1])) + (
        0.02 * rng.standard_normal(shape)
    )


def flat(at, shape):
    return int(np.ravel_multi_index(at, shape))


@pytest.mark.parametrize(("shape", "spacing"), SHAPES)
def test_seeds_and_neighbours(shape, spacing):
    phi = blob(shape, spacing)
    grid, band = grid_and_band(shape, spacing, phi.dtype)
    n = _kernels.find_seeds(phi.ravel(), grid, band)
    expected = set(naive.seeds(phi))
    assert sorted(band.cell[:n]) == sorted(flat(at, shape) for at in expected)
    for k in range(n):
        expected |= {at for _, at in naive.neighbours(shape, np.unravel_index(band.cell[k], shape))}
        n = _kernels.add_neighbours(grid, band, n, k)
    assert sorted(band.cell[:n]) == sorted(flat(at, shape) for at in expected)
    places = np.stack(np.unravel_index(band.cell[:n], (1,) * (3 - len(shape)) + shape), axis=1)
    np.testing.assert_array_equal(band.at[:n], places)


@pytest.mark.parametrize(("shape", "spacing"), SHAPES[:2])
def test_foot_and_crossing(shape, spacing):
    phi = blob(shape, spacing, 0.1)
    grid, band = grid_and_band(shape, spacing, phi.dtype)
    seen = 0
    for k in range(_kernels.find_seeds(phi.ravel(), grid, band)):
        at = np.unravel_index(band.cell[k], shape)
        along = {}
        for axis, other in naive.neighbours(shape, at):
            if (phi[other] < 0) != (phi[at] < 0):
                here = spacing[axis] * phi[at] / (phi[at] - phi[other])
                along[axis] = min(along.get(axis, np.inf), here)
        plane, nearest = _kernels.crossing_distance(phi.ravel(), band.cell[k], band.at[k], grid)
        assert nearest == pytest.approx(min(along.values()))
        assert plane == pytest.approx(1 / math.sqrt(sum(a**-2 for a in along.values())))
        found = _kernels.foot_distance(phi.ravel(), band.cell[k], band.at[k], grid, np.zeros((5, 6)))
        if all(0 < i < n - 1 for i, n in zip(at, shape, strict=True)) and np.isfinite(found):
            seen += found == pytest.approx(naive.foot(phi, at, spacing), rel=1e-2, abs=1e-4)
    assert seen > 10


@pytest.mark.parametrize(("shape", "spacing"), SHAPES)
def test_eikonal(shape, spacing):
    phi = blob(shape, spacing)
    phi[phi > 0.8 * phi.max()] = np.inf  # not known yet
    grid, _ = grid_and_band(shape, spacing, phi.dtype)
    for at in np.ndindex(*shape):
        if phi[at] > 0 and any(np.isfinite(phi[o]) for _, o in naive.neighbours(shape, at)):
            place = np.array((0,) * (3 - len(shape)) + at)
            got = _kernels.eikonal(phi.ravel(), flat(at, shape), place, grid)
            assert got == pytest.approx(naive.eikonal(phi, at, spacing), abs=1e-7)


@pytest.mark.parametrize("beyond", [1.1, 99.0])
@pytest.mark.parametrize(("shape", "spacing"), SHAPES)
def test_redistance_is_a_fixed_point_of_the_plain_solver(shape, spacing, beyond):
    phi = blob(shape, spacing).ravel()
    start = phi.copy()
    grid, band = grid_and_band(shape, spacing, phi.dtype)
    _kernels.to_distances(phi.reshape(1, -1), grid, band, 200, beyond, False)
    assert (np.sign(phi) == np.where(start < 0, -1, 1)).all()
    assert (np.abs(phi[band.member == 0]) == beyond).all()
    seeds = band.cell[: _kernels.find_seeds(start, *grid_and_band(shape, spacing, phi.dtype))]
    near = np.setdiff1d(np.flatnonzero(np.abs(phi) < beyond), seeds)
    assert beyond < 99 or near.size + seeds.size == phi.size
    for i in near:
        at = np.unravel_index(i, shape)
        assert abs(phi[i]) == pytest.approx(naive.eikonal(phi.reshape(shape), at, spacing), abs=2e-3 * min(spacing))


def test_sorting_keeps_cells_and_places_together():
    phi = blob((13, 21), (0.5, 0.8)).ravel()
    grid, band = grid_and_band((13, 21), (0.5, 0.8), phi.dtype)
    n = _kernels.find_seeds(phi, grid, band)
    for k in range(n):
        n = _kernels.add_neighbours(grid, band, n, k)
    before = band.cell[:n].copy()
    _kernels.sort_by_distance(phi, band, 5, n, 0.5)
    np.testing.assert_array_equal(band.cell[:5], before[:5])
    np.testing.assert_array_equal(np.sort(band.cell[:n]), np.sort(before))
    np.testing.assert_array_equal(band.at[:n, 1] * 21 + band.at[:n, 2], band.cell[:n])
    bins = np.floor(np.abs(phi[band.cell[5:n]]) * _kernels.BINS / 0.5)
    assert (np.diff(bins) >= 0).all()
    for b in np.unique(bins):  # cells of one bin keep their order
        kept = band.cell[5:n][bins == b]
        np.testing.assert_array_equal(kept, before[5:][np.isin(before[5:], kept)])


class Run:
    """A kernel run about to take a step, with dense copies of what the kernels hold strip by strip."""

    def __init__(self, shape, spacing, kind, *, own_clocks=True, weights=(0.3, 0.7, 1.2)):
        rng = np.random.default_rng(7)
        g, region = rng.uniform(0.05, 1, shape).astype(kind), rng.normal(size=shape).astype(kind)
        image = window.image(g, spacing, 1.0)
        self.space = s = window.workspace(tuple(slice(0, n) for n in shape), image)
        self.state = _kernels.State(np.zeros(_kernels.N_COUNTS, np.int64), np.zeros(_kernels.N_REALS))
        self.terms = _kernels.Terms(*weights, np.inf if own_clocks else 0.05, 1e-3)
        phi = blob(shape, spacing).astype(kind).reshape(1, -1)
        _kernels.to_distances(phi, s.grid, s.band, 1, 30.0, True)
        self.moving, self.g, self.region = (window.pad(a.reshape(1, -1), s.box)[0] for a in (phi, g, region))
        _kernels.start_run(s.strips, s.box, self.state)
        self.state.counts[_kernels.RUNS], _ = _kernels.join_strips(s.strips, s.box)
        _kernels.refresh(self.moving, self.g, self.region, s.strips, s.box, self.terms, self.state, 30.0)
        counts = self.state.counts
        self.n, self.runs, self.ghosts = counts[_kernels.STRIPS], counts[_kernels.RUNS], counts[_kernels.GHOSTS]
        self.spacing = (1.0,) * (3 - len(shape)) + tuple(spacing)
        self.padded = (shape[0] + 4 if len(shape) == 3 else 1, s.box.rows, s.box.width)
        spans = zip(s.strips.begin[: self.runs], s.strips.span[: self.runs], strict=True)
        self.cells = np.concatenate([b + np.arange(length) for b, length in spans])
        assert self.cells.size == self.n * _kernels.STRIP
        z, y, x = np.unravel_index(self.cells, self.padded)
        places = zip((z, y, x), s.box.pad, s.box.shape, strict=True)
        self.real = np.all([(p <= c) & (c < p + m) for c, p, m in places], axis=0)

    def dense(self, values):
        out = np.zeros(self.padded)
        out.flat[self.cells] = values[: self.cells.size]
        return out

    def view(self, field):
        return field.reshape(self.padded).astype(np.float64)

    def ghost_mask(self):
        """Cells beyond the grid that a listed cell of the grid is repeated into."""
        out = np.zeros(self.padded, bool)
        out.flat[self.space.strips.ghost[: self.ghosts, 0]] = True
        return out

    def listed(self, dense):
        return dense.flat[self.cells[self.real]]


RUNS = [
    (shape, spacing, kind, clocks)
    for (shape, spacing), kind, clocks in itertools.product(SHAPES[:2], (np.float32, np.float64), (True, False))
]


@pytest.mark.parametrize(("shape", "spacing", "kind", "clocks"), RUNS)
def test_coefficients(shape, spacing, kind, clocks):
    run = Run(shape, spacing, kind, own_clocks=clocks)
    s = run.space
    expected = naive.coefficients(
        run.view(run.moving), run.view(run.g), run.view(run.region), run.spacing, run.terms[:3],
        own_clocks=clocks, full=_kernels.FULL, none=_kernels.NONE,
    )  # fmt: skip
    rtol = 1e-3 if kind == np.float32 else 1e-9
    for q, values in enumerate(expected):
        if q != 2 or len(shape) == 3:
            got = run.listed(run.dense(s.strips.coef[q]))
            np.testing.assert_allclose(got, run.listed(values), rtol=rtol, atol=rtol)


@pytest.mark.parametrize(("shape", "spacing", "kind", "clocks"), RUNS)
def test_rates_and_super_step(shape, spacing, kind, clocks):
    run = Run(shape, spacing, kind, own_clocks=clocks)
    s, push = run.space, 1.7
    before = run.view(run.moving)
    coef = [run.dense(s.strips.coef[q]) if q != 2 or len(shape) == 3 else np.zeros(run.padded) for q in range(6)]
    inner = tuple(slice(p, p + n) for p, n in zip(s.box.pad, s.box.shape, strict=True))
    widths = [(p, total - p - n) for p, n, total in zip(s.box.pad, s.box.shape, run.padded, strict=True)]
    mask = np.zeros(run.padded, bool)
    mask.flat[run.cells[run.real]] = True

    def right_hand_side(phi):
        wrapped = np.where(mask, phi, before)
        wrapped = np.where(run.ghost_mask(), np.pad(wrapped[inner], widths, mode="edge"), wrapped)
        return np.where(mask, naive.rates(wrapped, coef, run.spacing, push, _kernels.STEEPEST), 0.0)

    _kernels.remember(run.moving, s.strips, run.runs, s.box)
    _kernels.rates(run.moving, s.strips, run.runs, s.box, push, s.box.axes)
    first = right_hand_side(before)
    scale = np.abs(first).max() * (1e-4 if kind == np.float32 else 1e-9)
    np.testing.assert_allclose(run.listed(run.dense(s.strips.rate)), run.listed(first), atol=scale)
    tau, stages = 0.01, 4
    _kernels.super_step(run.moving, s.strips, run.runs, run.ghosts, s.box, push, tau, stages)
    after = naive.legendre_step(before, first, right_hand_side, tau, stages)
    atol = 1e-4 if kind == np.float32 else 1e-8
    np.testing.assert_allclose(run.listed(run.view(run.moving)), run.listed(after), atol=atol)


@pytest.mark.parametrize(("shape", "spacing"), SHAPES)
def test_distances_are_told_from_other_functions(shape, spacing):
    """By the slopes of the whole grid: central ones at most, the steeper one-sided ones at least so and so much."""
    grid, band = grid_and_band(shape, spacing, np.float64)
    distance = redistance(blob(shape, spacing), spacing=spacing)
    for phi in (distance, 1.25 * distance, 1.5 * distance, 0.6 * distance, np.clip(distance, -1, 1)):
        central = steep = 0
        for axis, h in enumerate(spacing):
            wide = np.pad(phi, [(int(a == axis),) * 2 for a in range(phi.ndim)], mode="edge")
            steps = np.diff(wide, axis=axis) / h
            low, high = (np.take(steps, np.arange(n, n + phi.shape[axis]), axis) for n in (0, 1))
            central, steep = central + (low + high) ** 2 / 4, steep + np.maximum(low**2, high**2)
        near = np.abs(phi) < 1.1
        expected = (
            np.sqrt(central[near].max()) <= 1 + _kernels.UNEVEN and np.sqrt(steep[near].min()) >= 1 - _kernels.UNEVEN
        )
        assert _kernels.is_distance(phi.ravel(), grid, 1.1) == expected
        _kernels.to_distances(out := phi.reshape(1, -1).copy(), grid, band, 1, 1.1, True)
        assert np.array_equal(out.reshape(phi.shape), np.clip(phi, -1.1, 1.1)) == expected


@pytest.mark.parametrize(("shape", "spacing"), SHAPES)
def test_padding_and_ghosts(shape, spacing):
    run = Run(shape, spacing, np.float64)
    s = run.space
    values = np.random.default_rng(1).normal(size=shape)
    padded = window.pad(values.reshape(1, -1), s.box)
    widths = [(p, total - p - n) for p, n, total in zip(s.box.pad, s.box.shape, run.padded, strict=True)]
    expected = np.pad(values.reshape(s.box.shape), widths, mode="edge")
    np.testing.assert_array_equal(run.view(padded), expected)
    np.testing.assert_array_equal(window.inner(padded, s.box).ravel(), values.ravel())
    targets, sources = s.strips.ghost[: run.ghosts].T
    assert np.unique(targets).size == targets.size
    marked = np.where(np.isin(np.arange(padded.size), targets), np.nan, padded[0])
    _kernels.fill_ghosts(marked, s.strips, run.ghosts)
    np.testing.assert_array_equal(marked, padded[0])
    assert np.isin(sources, run.cells).all()


@pytest.mark.parametrize(("shape", "spacing"), SHAPES[:2])
def test_list_holds_all_that_is_near_and_its_neighbours(shape, spacing):
    run = Run(shape, spacing, np.float64)
    fade = naive.coefficients(
        run.view(run.moving), np.ones(run.padded), np.zeros(run.padded), run.spacing, (1, 1, 1),
        own_clocks=False, full=_kernels.FULL, none=_kernels.NONE,
    )[-1]  # fmt: skip
    inner = tuple(slice(p, p + n) for p, n in zip(run.space.box.pad, run.space.box.shape, strict=True))
    moving = np.zeros(run.padded, bool)
    moving[inner] = fade[inner] > 0
    assert set(np.flatnonzero(moving)) <= set(run.cells)
    assert np.unique(run.space.strips.ident[: run.n]).size == run.n


def test_movement_and_fastest():
    run = Run((13, 21), (0.5, 0.8), np.float64)
    s = run.space.strips
    _kernels.remember(run.moving, s, run.runs, run.space.box)
    _kernels.rates(run.moving, s, run.runs, run.space.box, 0.0, run.space.box.axes)
    m = run.cells.size
    start, slope, reach, rate = (a[:m].copy() for a in (s.start, s.slope, s.reach, s.rate))
    weight = np.maximum(1 - start**2 / (reach + 1e-12), 0)
    run.moving[run.cells] += 0.01 * rate
    moved = (0.01 * rate) ** 2 / np.maximum(slope, 1e-2)
    speed = np.sqrt((rate**2 / np.maximum(slope, 1e-2))[start**2 < reach].max())
    assert _kernels.fastest(s, m) == pytest.approx(speed)
    rms, most = _kernels.movement(run.moving, s, run.runs, m)
    assert rms == pytest.approx(np.sqrt((weight * moved).sum() / weight.sum()), rel=1e-9)
    assert most == pytest.approx(np.sqrt((weight * moved).max()), rel=1e-9)
    run.moving[run.cells] = 1.0
    assert np.isnan(_kernels.movement(run.moving, s, run.runs, m)).all()


@pytest.mark.parametrize(("shape", "spacing"), SHAPES[:2])
def test_clocks_are_slowed_to_half_a_voxel_in_the_longest_step(shape, spacing):
    run = Run(shape, spacing, np.float64)
    s, box, m = run.space.strips, run.space.box, run.cells.size
    axes = [0, 1, 3, 4] + [2] * (len(shape) == 3)
    _kernels.remember(run.moving, s, run.runs, box)
    _kernels.rates(run.moving, s, run.runs, box, 0.0, box.axes)
    speed, before = np.abs(s.rate[:m]) / np.sqrt(np.maximum(s.slope[:m], 1e-2)), s.coef[:, :m].copy()
    transport, diffusion = run.state.reals[[_kernels.TRANSPORT, _kernels.DIFFUSION]]
    longest = min(_kernels.CARRY / transport, _kernels.SUPER / diffusion)
    most = _kernels.slow_clocks(s, m, box, run.state)
    assert most * longest == pytest.approx(min(spacing) / 2)
    assert 0 < (speed > most).sum() < m  # some are slowed, some are not
    np.testing.assert_allclose(s.coef[axes, :m], before[axes] * np.minimum(most / np.maximum(speed, 1e-300), 1))
    np.testing.assert_array_equal(s.coef[5, :m], before[5])  # how it fades is no clock
    _kernels.rates(run.moving, s, run.runs, box, 0.0, box.axes)
    slowed = np.abs(s.rate[:m]) / np.sqrt(np.maximum(s.slope[:m], 1e-2))
    assert (slowed[run.real] <= most * (1 + 1e-9)).all()


def test_largest():
    values = np.random.default_rng(4).uniform(size=2 * _kernels.LANES + 3 * _kernels.STRIP)
    for n in range(0, values.size, _kernels.STRIP):
        assert _kernels.largest(values, n, np.empty(_kernels.LANES)) == max(values[:n], default=0)


def test_step_is_bounded_by_movement_transport_and_stability():
    run = Run((13, 21), (0.5, 0.8), np.float64)
    state, box = run.state, run.space.box
    transport, diffusion = state.reals[_kernels.TRANSPORT], state.reals[_kernels.DIFFUSION]
    explicit = 2 / (diffusion + 2 * (transport + math.hypot(1 / 0.5, 1 / 0.8)))
    for speed in (1e-9, 2.0, 1e4):
        state.reals[_kernels.STEP], state.reals[_kernels.SPEED] = 1e9, speed
        tau, stages = _kernels.plan_step(box, state, 1.0, np.inf)
        assert tau == pytest.approx(min(explicit * 36, _kernels.CARRY / transport, 0.25 / speed))
        assert (stages - 1) * stages / 2 * explicit < tau <= (stages + 1) * stages / 2 * explicit * (1 + 1e-9)


def test_new_strips_get_a_first_guess():
    run = Run((40, 60), (0.5, 0.5), np.float64)
    s = run.space
    phi = run.moving.copy()
    _kernels.reach_out(phi, s.strips.ident, 0, run.n, s.box, 30.0)
    assert (np.abs(phi[run.cells]) <= np.abs(run.moving[run.cells])).all()
    near = np.abs(run.moving[run.cells]) < 1
    np.testing.assert_allclose(phi[run.cells][near], run.moving[run.cells][near], atol=0.2)


@pytest.mark.parametrize(("shape", "spacing"), SHAPES)
def test_runs_faces_and_rim(shape, spacing):
    """Runs cover the list in order; faces and rim are as the strips' places have it."""
    run = Run(shape, spacing, np.float64)
    s, box = run.space.strips, run.space.box
    assert (np.diff(s.ident[: run.n]) > 0).all()
    row, column = np.divmod(s.ident[: run.n], box.strips)
    z, y = row // box.rows - box.pad[0], row % box.rows - box.pad[1]
    (nz, ny, nx), x = box.shape, column * _kernels.STRIP
    at_faces = [x == 0, x + _kernels.STRIP >= nx, y == 0, y == ny - 1, z == 0, z == nz - 1]
    np.testing.assert_array_equal(s.faces[: run.n], sum(f * 2**bit for bit, f in enumerate(at_faces)))
    for rows in ((0, ny), (y.min(), y.max() + 1), (y.min() + 1, ny), (0, y.max())):
        narrow = box._replace(low=(0, rows[0], 0), high=(nz, rows[1], nx + _kernels.STRIP))
        runs, rim = _kernels.join_strips(s, narrow)
        assert runs == run.runs
        assert rim == (y.min() < rows[0] or y.max() >= rows[1])


def test_scalar_helpers():
    rng = np.random.default_rng(3)
    for a, b, c in rng.normal(size=(50, 3)):
        assert _kernels.minmod(a, b, 0.0) == pytest.approx(float(naive.minmod(a, b)))
        assert _kernels.upwind(a, b, c) == pytest.approx(c * (a if c > 0 else b))
        outward = max(max(a, 0) ** 2, min(b, 0) ** 2)
        assert _kernels.godunov(a, b, 1.0) ** 2 == pytest.approx(outward)
