import naive_raster
import numpy as np
import pytest

from cordlevelset.border import _kernels
from cordlevelset.levelset import _polygon


def _star(rng, n, squeeze=1.0):
    angle = 2 * np.pi * np.arange(n) / n
    radius = rng.uniform(1.5, 3.8, n)
    return 4 + radius * np.sin(angle), squeeze * (4 + radius * np.cos(angle))


@pytest.mark.parametrize("backwards", [False, True])
@pytest.mark.parametrize("squeeze", [1.0, 0.17])  # thick slices: the whole cord in one or two columns
@pytest.mark.parametrize("n", [3, 7, 64])
def test_polygon_coverage(n, squeeze, backwards, rng):
    y, x = _star(rng, n, squeeze)
    out = np.zeros((8, 10))
    _kernels.polygon_coverage(*((y[::-1].copy(), x[::-1].copy()) if backwards else (y, x)), out)
    np.testing.assert_allclose(out, _area_of_star(y, x, out.shape), atol=1e-9)


def _area_of_star(y, x, shape):
    """The twin clips convex bodies only: a star is cut into the triangles at its middle."""
    middle = (4.0, x.mean() if np.ptp(x) < 3 else 4.0)
    total = np.zeros(shape)
    for k in range(len(y)):
        f = (k + 1) % len(y)
        ty, tx = np.array([middle[0], y[k], y[f]]), np.array([middle[1], x[k], x[f]])
        turn = (ty[1] - ty[0]) * (tx[2] - tx[0]) - (tx[1] - tx[0]) * (ty[2] - ty[0])
        total += np.sign(turn) * naive_raster.polygon_coverage(ty, tx, shape)
    return np.abs(total)


def test_coverage_of_a_square_on_cell_borders():
    out = np.zeros((4, 5))
    _kernels.polygon_coverage(np.array([1.0, 3.0, 3.0, 1.0]), np.array([1.0, 1.0, 3.0, 3.0]), out)
    expected = np.zeros((4, 5))
    expected[1:3, 1:3] = 1
    np.testing.assert_allclose(out, expected, atol=1e-12)


@pytest.mark.parametrize("n", [3, 7, 64])
def test_polygon_distance(n, rng):
    y, x = _star(rng, n)
    rows, columns = np.arange(0, 8, 0.9), np.arange(-1, 9, 1.3)
    out = np.empty((rows.size, columns.size))
    _polygon.polygon_distance(y, x, rows, columns, out)
    np.testing.assert_allclose(out, naive_raster.polygon_distance(y, x, rows, columns), atol=5e-3)
