import numpy as np
import pytest

from cordlevelset.sections import coil, polar


@pytest.mark.parametrize("plane_mm", [1.0, 4.0])
@pytest.mark.parametrize("offset", [0.0, 50.0, -50.0])
def test_a_coil_that_fades_is_taken_out(plane_mm, offset):
    sections = 1 + np.random.default_rng(0).random((1, polar.N_ANGLES, polar.RADII_MM.size)).astype(np.float32)
    z = np.arange(0, 160, plane_mm) / 160
    faded = sections * np.exp(-1.5 * z**2)[:, None, None] + offset
    inside = coil.coil_corrected(faded.astype(np.float32), plane_mm)[:, :, 4].mean(1)
    assert np.ptp(inside) / inside.mean() < 0.2  # 1.3 as it is; the darkest is not quite nothing
    whole = coil.coil_corrected(np.repeat(sections, 40, 0), plane_mm)
    assert whole == pytest.approx(np.repeat(whole[:1], 40, 0), rel=1e-5)


@pytest.mark.parametrize("n", [1, 2, 3])
def test_a_coil_on_few_planes(n):
    sections = np.random.default_rng(1).random((n, polar.N_ANGLES, polar.RADII_MM.size)).astype(np.float32)
    assert np.isfinite(coil.coil_corrected(sections, 5.0)).all()
    assert np.isfinite(coil.coil_corrected(np.zeros_like(sections), 5.0)).all()


@pytest.mark.parametrize(("n", "window"), [(40, 9), (40, 60), (5, 1), (2, 9), (1, 9)])
def test_parabolas_return_a_parabola(n, window):
    z = np.arange(n, dtype=float)
    assert coil._parabolas(2 - z + 0.3 * z**2, window) == pytest.approx(2 - z + 0.3 * z**2, abs=1e-8)
