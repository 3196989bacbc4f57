"""Edge indicator: noise units, missing data, SimpleITK as the oracle."""

import numpy as np
import pytest
import SimpleITK as sitk

from cordlevelset.errors import InputError
from cordlevelset.levelset.edges import edge_indicator


@pytest.fixture
def image(rng):
    y, x = np.indices((48, 60)) * np.array([0.5, 0.8])[:, None, None]
    return 10.0 * (np.hypot(y - 12, x - 24) < 7) + rng.standard_normal((48, 60))


@pytest.mark.parametrize(("gain", "offset"), [(1e-3, 0), (-40, 1e4), (7, -3)])
def test_scale_offset_and_sign_of_the_intensities_change_nothing(image, gain, offset):
    options = {"spacing": (0.5, 0.8), "sigma": 0.6}
    np.testing.assert_allclose(
        edge_indicator(gain * image + offset, **options), edge_indicator(image, **options), atol=1e-9
    )


def test_strength_is_in_units_of_the_noise(rng):
    noise = rng.standard_normal((200, 200))
    slope = np.arange(200) * 50.0  # far above the noise
    options = {"spacing": (1, 1), "sigma": 1.0, "power": 2}
    flat = edge_indicator(noise, strength=3, **options)
    # two components of one standard deviation each: length 1.18 at the median
    assert np.median(flat) == pytest.approx(1 / (1 + (1.18 / 3) ** 2), abs=0.02)
    half = np.concatenate([noise, noise + slope])
    assert np.median(edge_indicator(half, strength=3, **options)[210:-10]) < 0.05


def test_against_the_gradient_of_simpleitk(image):
    spacing = (0.5, 0.8)
    itk = sitk.GetImageFromArray(image)
    itk.SetSpacing(spacing[::-1])
    length = sitk.GetArrayFromImage(sitk.GradientMagnitudeRecursiveGaussian(itk, 1.6))
    ours = 1 / edge_indicator(image, spacing=spacing, sigma=1.6, strength=1, power=1) - 1  # length / noise
    inner = np.s_[8:-8, 8:-8]
    ratio = (ours / length)[inner]
    assert np.corrcoef(ours[inner].ravel(), length[inner].ravel())[0, 1] > 0.995
    assert np.percentile(ratio, 90) / np.percentile(ratio, 10) < 1.2


def test_missing_data_and_kinds(image):
    image[:3] = np.nan
    g = edge_indicator(image.astype(np.float32), spacing=(0.5, 0.8), sigma=0.6)
    assert g.dtype == np.float32
    np.testing.assert_array_equal(np.isnan(g), np.isnan(image))
    assert np.nanmin(g) > 0
    assert np.nanmax(g) <= 1


def test_image_without_edges_or_noise():
    assert (edge_indicator(np.full((5, 6), 3.0), spacing=(1, 1), sigma=1) == 1).all()
    step = np.repeat([0.0, 1.0], 20)[None].repeat(9, 0)
    g = edge_indicator(step, spacing=(1, 1), sigma=1)
    assert g[4, 0] == 1
    assert g[4, 20] == pytest.approx(1 / (1 + (1 / (3 * 1e-3)) ** 2), rel=0.01)


@pytest.mark.parametrize(
    "options",
    [{"sigma": -1}, {"sigma": np.inf}, {"sigma": np.nan}, {"sigma": 1, "strength": 0}, {"sigma": 1, "power": 0}],
)
def test_errors(options):
    with pytest.raises(InputError):
        edge_indicator(np.zeros((4, 4)), spacing=(1, 1), **options)
