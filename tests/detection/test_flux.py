import naive_detection as naive
import numpy as np
import pytest
import tubes
from scipy import ndimage as ndi

import cordlevelset as cls
from cordlevelset.detection import _kernels, flux


@pytest.mark.parametrize("spacing", [(1.0, 1.0), (1.0, 4.0), (0.5, 0.8)])
def test_kernel_equals_naive_twin(spacing):
    rng = np.random.default_rng(1)
    radii, ratios = np.array([2.5, 4.0]), np.array([1.0, 1.7])
    margin = [int(np.ceil(r / s)) + 1 for r, s in zip((4.0, 4.0 * 1.7), spacing, strict=True)]
    gy, gx = rng.uniform(-1, 1, (2, 5 + 2 * margin[0], 4 + 2 * margin[1])).astype(np.float32)
    dark, bright = np.empty((2, 5, 4), np.float32)
    scales = np.empty((2, 5, 4), np.int16)
    _kernels.ellipse_flux(gy, gx, np.array(spacing), radii, ratios, 0.5, dark, bright, scales[0], scales[1])
    expected = naive.ellipse_flux(gy, gx, spacing, radii, ratios, 0.5, margin)
    np.testing.assert_allclose(dark, expected[0], atol=2e-6)
    np.testing.assert_allclose(bright, expected[1], atol=2e-6)


@pytest.mark.parametrize("spacing", [(3.0, 1.0, 1.0), (3.0, 1.0, 4.0), (8.0, 0.6, 0.6)])
@pytest.mark.parametrize("polarity", [1, -1])
def test_greatest_in_the_middle_of_the_cord(spacing, polarity):
    shape = (4, round(48 / spacing[1]) | 1, round(44 / spacing[2]) | 1)
    image, _ = tubes.tube(shape, spacing, polarity=polarity, noise=0.0)
    result = cls.tubularity(image, spacing=spacing)
    response = result.bright if polarity > 0 else result.dark
    row, column = np.unravel_index(response[1].argmax(), response[1].shape)
    middle = tubes.centers(shape, spacing)[1]
    assert abs(row * spacing[1] - middle[0]) <= 1.0
    assert abs(column * spacing[2] - middle[1]) <= max(1.0, spacing[2] / 2)


def test_negated_image_swaps_polarities_and_affine_change_does_nothing():
    image, _ = tubes.tube((4, 40, 40))
    one = cls.tubularity(image, spacing=(2.0, 1.0, 1.0))
    negated = cls.tubularity(-image, spacing=(2.0, 1.0, 1.0))
    np.testing.assert_allclose(one.dark, negated.bright, atol=1e-5)
    scaled = cls.tubularity(image * 250 + 70, spacing=(2.0, 1.0, 1.0))
    np.testing.assert_allclose(one.dark, scaled.dark, atol=2e-3)


def test_asked_polarity_only():
    image, _ = tubes.tube((3, 30, 30))
    assert cls.tubularity(image, spacing=(2, 1, 1), polarity="bright").dark is None
    assert cls.tubularity(image, spacing=(2, 1, 1), polarity="dark").bright is None


def test_where_there_is_no_data_there_is_no_tube():
    result = cls.tubularity(np.full((1, 1, 2), np.nan), spacing=(1, 1, 1))
    for response, radius in ((result.dark, result.radius_dark), (result.bright, result.radius_bright)):
        assert (response == -2).all()
        assert (radius == flux.CORD_RADII_MM[0]).all()


def test_constant_image_has_no_tube():
    result = cls.tubularity(np.ones((3, 20, 20)), spacing=(1, 1, 1))
    assert np.abs(result.dark).max() == 0


@pytest.mark.parametrize(
    ("change", "error"),
    [
        ({"image": np.zeros((4, 4))}, cls.InputError),
        ({"spacing": (1, 1)}, cls.GeometryError),
        ({"spacing": (1, 0, 1)}, cls.GeometryError),
        ({"spacing": (1, np.nan, 1)}, cls.GeometryError),
        ({"radii": ()}, cls.InputError),
        ({"radii": (-1.0,)}, cls.InputError),
        ({"radii": (np.nan,)}, cls.InputError),
        ({"radii": (3.0, np.inf)}, cls.InputError),
        ({"radii": 3.0}, cls.InputError),
        ({"image": np.zeros((3, 0, 9))}, cls.InputError),
        ({"spacing": 1.0}, cls.GeometryError),
        ({"polarity": "t2"}, cls.InputError),
    ],
)
def test_bad_input(change, error):
    image, spacing = change.pop("image", np.zeros((3, 9, 9))), change.pop("spacing", (1, 1, 1))
    with pytest.raises(error, match="give"):
        cls.tubularity(image, spacing=spacing, **change)


def test_normalised_gradient_is_shorter_than_one():
    image, _ = tubes.tube((3, 30, 30))
    gy, gx = flux.normalised_gradient(image, (2.0, 1.0, 1.0))
    assert np.hypot(gy, gx).max() < 1


def gradient(image, dy, dx):
    """Twin: slopes of smoothed edges 2 mm wide, over their length and 0.35 of that around, within 12.5 mm."""
    gy, gx = (g / d * max(d, 2) / 2 for g, d in zip(np.gradient(image, axis=(1, 2)), (dy, dx), strict=True))
    length = np.hypot(gy, gx)
    around = ndi.gaussian_filter(np.sqrt(length), (0, 12.5 / dy, 12.5 / dx), mode="nearest", truncate=2.0) ** 2
    length += 0.35 * np.maximum(around, 1e-3 * np.percentile(length, 99))
    return gy / length, gx / length


@pytest.fixture
def uneven(rng):
    """Edges in the middle, little around."""
    y, x = np.mgrid[-30:31, -20:21]
    return (rng.normal(size=(2, 61, 41)) * (0.1 + np.exp(-(y**2 + x**2) / 50))).astype(np.float32)


@pytest.mark.parametrize(("dy", "dx"), [(1.0, 2.5), (0.7, 0.9)])
def test_normalised_gradient_equals_its_twin(dy, dx, uneven):
    found = flux.normalised_gradient(uneven, (3.0, dy, dx))
    for ours, twin in zip(found, gradient(uneven, dy, dx), strict=True):
        np.testing.assert_allclose(ours, twin, atol=1e-4)


CORD = (2.5, 3.0, 3.5, 4.0, 4.5), (1.0, 1.4, 2.0, 2.6)
SAC = (5.0, 6.5, 8.0, 9.5), (1.0, 1.4)


@pytest.mark.parametrize(("of_sac", "ellipses"), [(False, CORD), (True, SAC)])
def test_the_ellipses_of_cord_and_sac_are_those_of_people(of_sac, ellipses, uneven):
    """Each voxel's best of all of them, written out."""
    spacing, image = (3.0, 2.0, 2.5), ndi.gaussian_filter(uneven, (0, 1, 1))[:1, 28:33, 18:23]
    gy, gx = flux.normalised_gradient(image, spacing)
    if of_sac:
        found = flux.flux((gy, gx), spacing, flux.SAC_RADII_MM, flux.SAC_RATIOS)
    else:
        found = cls.tubularity(image, spacing=spacing)
    margin = [int(max(ellipses[0]) / 2.0) + 2, int(max(ellipses[0]) * max(ellipses[1]) / 2.5) + 2]
    padded = (np.pad(g[0], [(m, m) for m in margin], mode="edge") for g in (gy, gx))
    dark, bright = naive.ellipse_flux(*padded, spacing[1:], *ellipses, 0.5, margin)
    np.testing.assert_allclose(found.dark[0], dark, atol=1e-5)
    np.testing.assert_allclose(found.bright[0], bright, atol=1e-5)
