"""The engine against closed forms: growth, curvature flow, a ring edge, anisotropy, symmetries, missing data."""

import numpy as np
import pytest

from cordlevelset.levelset.contour import geodesic_active_contour, geodesic_active_contours
from cordlevelset.levelset.edges import edge_indicator


def _grid(extent, spacing):
    axes = [np.arange(-e, e + s / 2, s) for e, s in zip(extent, spacing, strict=True)]
    return np.meshgrid(*axes, indexing="ij")


def _radius(phi, distance, spacing):
    """Mean radius of the zero level, linear between voxels, from crossings along every axis."""
    found = []
    for axis in range(phi.ndim):
        a = np.moveaxis(phi, axis, -1)
        r = np.moveaxis(distance, axis, -1)
        crosses = (a[..., :-1] < 0) != (a[..., 1:] < 0)
        t = a[..., :-1][crosses] / (a[..., :-1][crosses] - a[..., 1:][crosses])
        found.append((1 - t) * r[..., :-1][crosses] + t * r[..., 1:][crosses])
    return np.concatenate(found)


@pytest.mark.parametrize("spacing", [(0.5, 0.5), (0.5, 1.0)])
def test_constant_speed_grows_linearly(spacing):
    distance = np.hypot(*_grid((16, 16), spacing))
    out = geodesic_active_contour(
        distance - 6,
        np.ones(distance.shape),
        spacing=spacing,
        propagation=1,
        curvature=0,
        advection=0,
        time_step=0.2,
        max_num_iter=15,
    )
    assert _radius(out.phi, distance, spacing).mean() == pytest.approx(6 + out.time, abs=0.1)


@pytest.mark.parametrize(("ndim", "rate"), [(2, 2), (3, 4)])
def test_curvature_flow(ndim, rate):
    spacing = (0.5,) * ndim
    distance = np.sqrt(sum(x**2 for x in _grid((9,) * ndim, spacing)))
    out = geodesic_active_contour(
        distance - 7,
        np.ones(distance.shape),
        spacing=spacing,
        curvature=1,
        advection=0,
        time_step=0.05,
        max_num_iter=60,
        tol=0,
    )
    expected = np.sqrt(7**2 - rate * out.time)
    assert out.time > 1
    assert _radius(out.phi, distance, spacing).mean() == pytest.approx(expected, abs=0.03)


def test_curvature_flow_converges_with_the_grid():
    errors = []
    for h in (1.0, 0.5, 0.25):
        distance = np.hypot(*_grid((9, 9), (h, h)))
        out = geodesic_active_contour(
            distance - 7,
            np.ones(distance.shape),
            spacing=(h, h),
            curvature=1,
            advection=0,
            time_step=0.02,
            max_num_iter=100,
            tol=0,
        )
        errors.append(abs(_radius(out.phi, distance, (h, h)).mean() - np.sqrt(49 - 2 * out.time)))
    assert errors[2] < errors[0] / 4  # at least first order over two halvings


@pytest.mark.parametrize(("spacing", "tolerance"), [((0.5, 0.5), 0.05), ((0.5, 3.0), 0.3)])
def test_circle_is_drawn_to_a_ring(spacing, tolerance):
    distance = np.hypot(*_grid((24, 24), spacing))
    g = 1 - 0.98 * np.exp(-((distance - 10) ** 2) / (2 * 1.5**2))
    out = geodesic_active_contour(
        distance - 8, g, spacing=spacing, curvature=0.2, advection=2, max_num_iter=500, tol=1e-3
    )
    assert out.converged
    assert _radius(out.phi, distance, spacing).mean() == pytest.approx(10, abs=tolerance)


def _case():
    y, x = _grid((8, 8), (0.5, 0.5))
    g = 1 - 0.9 * np.exp(-((np.hypot(y * 0.8, x) - 5) ** 2))
    return np.hypot(y - 0.5, x) - 4, g


def test_transposing_and_flipping_commute():
    phi, g = _case()
    run = lambda p, q: geodesic_active_contour(p, q, spacing=(0.5, 0.5), curvature=0.3, max_num_iter=80).phi  # noqa: E731
    out = run(phi, g)
    near = np.abs(out) < 1
    np.testing.assert_allclose(run(phi.T, g.T).T[near], out[near], atol=2e-3)
    np.testing.assert_allclose(run(phi[::-1], g[::-1])[::-1][near], out[near], atol=2e-3)


def test_stack_equals_single_slices():
    phi, g = _case()
    stack = geodesic_active_contours(np.stack([phi, phi + 0.5]), np.stack([g, g]), spacing=(0.5, 0.5), max_num_iter=60)
    for start, moved in zip((phi, phi + 0.5), stack.phi, strict=True):
        one = geodesic_active_contour(start, g, spacing=(0.5, 0.5), max_num_iter=60).phi
        near = np.abs(one) < 1
        np.testing.assert_allclose(moved[near], one[near], atol=1e-6)


def test_missing_data_stays_where_it_is():
    phi, g = _case()
    g[:3, :3] = np.nan
    out = geodesic_active_contour(phi, g, spacing=(0.5, 0.5), max_num_iter=60)
    assert np.isnan(out.phi[:3, :3]).all()
    assert np.isfinite(np.delete(out.phi, np.s_[:3], axis=0)).all()


def test_edge_indicator_knows_no_intensity_scale():
    rng = np.random.default_rng(9)
    image = rng.normal(size=(40, 40)) + 10 * (np.hypot(*_grid((9.75, 9.75), (0.5, 0.5))) < 5)
    one = edge_indicator(image, spacing=(0.5, 0.5), sigma=0.7)
    other = edge_indicator(300 - 25 * image, spacing=(0.5, 0.5), sigma=0.7)
    np.testing.assert_allclose(one, other, atol=1e-6)
    assert one.min() < 0.1 < 0.7 < np.median(one)
