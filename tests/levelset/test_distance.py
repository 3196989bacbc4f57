"""Signed distances against closed forms."""

import numpy as np
import pytest
from scipy import ndimage as ndi

from cordlevelset.errors import GeometryError, InputError
from cordlevelset.levelset.distance import curve_distance, redistance, signed_distance


def grid(shape, spacing):
    return np.meshgrid(*[np.arange(n) * h for n, h in zip(shape, spacing, strict=True)], indexing="ij")


def ball(shape, spacing, radius, middle):
    return np.sqrt(sum((a - m) ** 2 for a, m in zip(grid(shape, spacing), middle, strict=True))) - radius


@pytest.mark.parametrize("kind", [np.float32, np.float64])
@pytest.mark.parametrize("scale", [1e-3, 1.0, 1e3])
def test_plane_is_exact_at_any_scale_and_spacing(kind, scale):
    spacing = (2.4, 0.8, 0.5)
    z, y, x = grid((6, 9, 14), spacing)
    normal = np.array([0.3, 0.8, -0.5]) / np.linalg.norm([0.3, 0.8, -0.5])
    exact = normal[0] * (z - 6) + normal[1] * (y - 3) + normal[2] * (x - 3)
    out = redistance((scale * exact).astype(kind), spacing=spacing)
    assert out.dtype == kind
    near = np.abs(exact) < 0.5
    np.testing.assert_allclose(out[near], exact[near], atol=2e-5)
    assert (np.abs(out) > np.abs(exact) - 0.05).all()  # in corners the nearest foot may lie outside the grid


@pytest.mark.parametrize(("ndim", "extent", "steps"), [(2, 32, (1.0, 0.5, 0.25)), (3, 24, (2.0, 1.0, 0.5))])
def test_second_order_from_a_function_that_is_no_distance(ndim, extent, steps):
    errors = []
    for h in steps:
        shape, spacing = (int(extent / h),) * ndim, (h,) * ndim
        exact = ball(shape, spacing, 8.0, [extent / 2 - 0.3] * ndim)
        bent = exact * (exact + 16) / 16 * (1.5 + np.sin(grid(shape, spacing)[-1] / 3))
        out = redistance(bent, spacing=spacing)
        np.testing.assert_array_equal(out < 0, exact < 0)
        near = np.abs(exact) < 1.5 * h
        errors.append(np.sqrt(np.mean((out - exact)[near] ** 2)))
    assert errors[0] / errors[2] > 12  # second order over two halvings is 16
    assert errors[2] < 0.01 * steps[2]


def test_zero_level_stays_in_place():
    exact = ball((64, 64), (0.5, 0.5), 8.0, (15.7, 16.2))
    out = exact
    for _ in range(20):
        out = redistance(out, spacing=(0.5, 0.5), band=3.0)
    near = np.abs(exact) < 0.4
    assert np.abs(out - exact)[near].max() < 0.01
    assert np.abs(out).max() == 3.0


def test_tilted_tube_in_thick_slices():
    spacing, tilt = (4.8, 0.8, 0.8), np.radians(15)
    z, y, x = grid((12, 50, 50), spacing)
    exact = np.hypot((y - 20 - np.tan(tilt) * (z - 26)) * np.cos(tilt), x - 20) - 6
    out = redistance(2 * exact + 0.1 * exact**2, spacing=spacing)
    near = np.abs(exact) < 1.2
    assert np.sqrt(np.mean((out - exact)[near] ** 2)) < 0.01  # through a mask: 0.45 mm
    mask = signed_distance(exact < 0, spacing=spacing)
    assert np.sqrt(np.mean((mask - exact)[near] ** 2)) < 0.2


@pytest.mark.parametrize("spacing", [(0.8, 0.8, 0.8), (4.8, 0.8, 0.8)])
@pytest.mark.parametrize("band", [0.5, 2.0, 4.8, 8.0])
def test_band_is_a_part_of_the_whole(spacing, band):
    """An ellipsoid: its section changes by voxels from slice to slice, so grid steps say little about distance."""
    shape = [int(40 / h) for h in spacing]
    points = [(np.arange(n) - n / 2 + 0.3) * h / a for n, h, a in zip(shape, spacing, (18, 7.3, 5.7), strict=True)]
    z, y, x = np.meshgrid(*points, indexing="ij")
    phi = 5 * (np.sqrt(z**2 + y**2 + x**2) - 1)
    whole = redistance(phi, spacing=spacing)
    np.testing.assert_allclose(redistance(phi, spacing=spacing, band=band), np.clip(whole, -band, band), atol=1e-3)


def test_missing_data_stay_and_spread_nowhere():
    exact = ball((40, 40), (0.5, 0.5), 5.0, (10.2, 9.9))
    phi = exact.copy()
    phi[:2] = phi[:, 36:] = np.nan
    out = redistance(phi, spacing=(0.5, 0.5))
    np.testing.assert_array_equal(np.isnan(out), np.isnan(phi))
    known = np.isfinite(phi)
    np.testing.assert_allclose(out[known], redistance(exact, spacing=(0.5, 0.5))[known], atol=0.02)


def test_without_a_zero_level():
    assert (redistance(np.ones((4, 5)), spacing=(1, 1)) == np.inf).all()
    assert (redistance(-np.ones((4, 5)), spacing=(1, 1), band=2.0) == -2).all()
    assert np.isfinite(redistance([[np.inf, 1.0, -np.inf]] * 3, spacing=(1, 1))).all()


@pytest.mark.parametrize("layout", [np.ascontiguousarray, np.asfortranarray, lambda a: np.repeat(a, 2, 1)[:, ::2]])
def test_memory_layout_does_not_matter(layout):
    phi = ball((20, 30), (1.0, 0.5), 5.0, (10, 7))
    np.testing.assert_array_equal(redistance(layout(phi), spacing=(1, 0.5)), redistance(phi, spacing=(1, 0.5)))


@pytest.mark.parametrize("shape", [(1, 8), (8, 1), (2, 2), (1, 1, 6), (2, 1, 5)])
def test_tiny_grids(shape):
    phi = np.arange(np.prod(shape), dtype=float).reshape(shape) - 2.5
    out = redistance(phi, spacing=(1.0,) * len(shape))
    assert np.isfinite(out).all()
    np.testing.assert_array_equal(out < 0, phi < 0)


def test_mask_keeps_every_voxel_on_its_side():
    rng = np.random.default_rng(0)
    mask = ndi.gaussian_filter(rng.standard_normal((40, 40)), 1) > 0.1
    mask[20] = True  # a line one voxel wide
    mask[5, 5] = True
    out = signed_distance(mask, spacing=(1.0, 0.5))
    np.testing.assert_array_equal(out < 0, mask)


def test_mask_of_a_circle_has_no_steps_and_no_bias():
    exact = ball((64, 64), (0.5, 0.5), 8.0, (15.7, 16.2))
    error = (signed_distance(exact < 0, spacing=(0.5, 0.5)) - exact)[np.abs(exact) < 0.75]
    assert abs(error.mean()) < 0.02 * 0.5
    assert np.sqrt(np.mean(error**2)) < 0.2 * 0.5
    share = np.clip(0.5 - exact / 0.5, 0, 1)
    error = (signed_distance(share, spacing=(0.5, 0.5)) - exact)[np.abs(exact) < 0.5]
    assert np.abs(error).max() < 0.15 * 0.5


def test_curve_distance_of_a_circle_either_way_round():
    t = np.linspace(0, 2 * np.pi, 400, endpoint=False)
    curve = np.stack([8 + 5 * np.sin(t), 9 + 5 * np.cos(t)], axis=1)
    exact = ball((32, 20), (0.5, 1.0), 5.0, (8, 9))
    for points in (curve, curve[::-1]):
        np.testing.assert_allclose(curve_distance(points, shape=(32, 20), spacing=(0.5, 1.0)), exact, atol=1e-3)


@pytest.mark.parametrize(
    ("phi", "options", "error"),
    [
        (np.zeros(4), {"spacing": (1,)}, InputError),
        (np.full((3, 3), np.nan), {"spacing": (1, 1)}, InputError),
        (np.zeros((3, 3)), {"spacing": (1,)}, GeometryError),
        (np.zeros((3, 3)), {"spacing": (1, 0)}, GeometryError),
        (np.zeros((3, 3)), {"spacing": (1, 1), "band": 0}, InputError),
    ],
)
def test_errors(phi, options, error):
    with pytest.raises(error):
        redistance(phi, **options)


def test_curves_must_be_curves():
    with pytest.raises(InputError, match="three or more"):
        curve_distance([(0, 0), (1, 1)], shape=(3, 3), spacing=(1, 1))
