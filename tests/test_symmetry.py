import numpy as np
import pytest

from cordlevelset.symmetry import midline


@pytest.mark.parametrize(("n_x", "dx"), [(61, 1.0), (16, 4.0), (120, 0.5)])
def test_finds_the_mirror_plane_off_the_middle(n_x, dx):
    rng = np.random.default_rng(5)
    axis = 0.4 * n_x * dx
    x = np.abs(np.arange(n_x) * dx - axis)
    profile = np.interp(x, np.arange(0, 80, 3.0), rng.uniform(0, 1, 27))
    rows = rng.uniform(0.5, 1.5, (40, 1))
    image = np.repeat((rows * profile)[None], 6, axis=0).astype(np.float32)
    np.testing.assert_allclose(midline(image, (5.0, 1.0, dx)), axis, atol=max(0.5, dx / 2))


def test_follows_a_curved_spine():
    z = np.arange(60) * 3.0
    axis = 30 + 12 * np.sin(z / 60)
    x = np.arange(64)[None, None, :] - axis[:, None, None]
    image = np.exp(-((np.abs(x) - 9) ** 2) / 20) + np.exp(-(x**2) / 10) + np.zeros((60, 20, 1))
    assert np.abs(midline(image.astype(np.float32), (3.0, 1.0, 1.0)) - axis).max() < 2.5


def test_constant_image_and_single_column():
    assert midline(np.ones((3, 4, 8), np.float32), (1.0, 1.0, 1.0)).shape == (3,)
    assert (midline(np.ones((3, 4, 1), np.float32), (1.0, 1.0, 1.0)) == 0).all()
