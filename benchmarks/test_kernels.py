"""Kernels and stages: signed distances, rasterising, edge indicators beside libraries that do the same work.

Each is called once before it is timed. ``error_mm`` or ``error``: against a closed form.
"""

import numpy as np
import pytest
import SimpleITK as sitk
from scipy import ndimage as ndi
from skimage.draw import polygon2mask

import cordlevelset as cls
from cordlevelset.border import _kernels
from cordlevelset.border.propagate import segment_path
from cordlevelset.border.rasterise import partial_volume_fraction
from cordlevelset.detection.finder import find_cord
from cordlevelset.levelset.distance import redistance
from cordlevelset.phantom import make_phantom
from cordlevelset.volume import canonical_turn

SPACING = (2.4, 0.8, 0.8)
BAND_MM = 4.0


def timed(benchmark, function, *args, rounds=7, **kwargs):
    return benchmark.pedantic(function, args=args, kwargs=kwargs, warmup_rounds=1, rounds=rounds)


@pytest.fixture(scope="module")
def ball():
    """Signed distance of a ball of 20 mm on 30 x 80 x 80 thick voxels: exact."""
    shape = (30, 80, 80)
    axes = np.indices(shape) * np.array(SPACING)[:, None, None, None]
    middle = (np.array(shape) / 2 - 0.3) * SPACING
    return (np.linalg.norm(axes - middle[:, None, None, None], axis=0) - 20).astype(np.float32)


def itk_image(array):
    image = sitk.GetImageFromArray(array)
    image.SetSpacing(SPACING[::-1])
    return image


def itk_maurer(mask):
    image = itk_image(mask.astype(np.uint8))
    return sitk.GetArrayFromImage(sitk.SignedMaurerDistanceMap(image, squaredDistance=False, useImageSpacing=True))


def scipy_edt(mask):
    outside, inside = (ndi.distance_transform_edt(m, sampling=SPACING) for m in (~mask, mask))
    return outside - inside


FROM_MASK = {
    "cordlevelset": lambda mask: cls.signed_distance(mask, spacing=SPACING),
    "SimpleITK Maurer": itk_maurer,
    "scipy EDT": scipy_edt,
}


def near_error(found, exact):
    """Root mean square error within two thin voxels of the surface, mm."""
    near = np.abs(exact) < 1.6
    return round(float(np.sqrt(np.mean((found - exact)[near] ** 2))), 4)


@pytest.mark.benchmark(group="signed distance from a mask, 192 000 voxels of 2.4 x 0.8 x 0.8 mm")
@pytest.mark.parametrize("method", FROM_MASK)
def test_distance_from_mask(benchmark, ball, method):
    found = timed(benchmark, FROM_MASK[method], ball < 0)
    benchmark.extra_info.update(error_mm=near_error(found, ball))


def itk_reinitialize(phi):
    out = sitk.ReinitializeLevelSet(
        itk_image(phi), levelSetValue=0.0, narrowBanding=True, inputNarrowBandwidth=2 * BAND_MM
    )
    return sitk.GetArrayFromImage(out)


REDISTANCE = {
    "cordlevelset": lambda phi: redistance(phi, spacing=SPACING, band=BAND_MM),
    "SimpleITK": itk_reinitialize,
}


@pytest.mark.benchmark(group="redistancing in a band of 4 mm, 192 000 voxels of 2.4 x 0.8 x 0.8 mm")
@pytest.mark.parametrize("method", REDISTANCE)
def test_redistance(benchmark, ball, method):
    bent = ball * (1.5 + 0.4 * np.sin(np.indices(ball.shape)[2] / 8)).astype(np.float32)
    found = timed(benchmark, REDISTANCE[method], bent)
    benchmark.extra_info.update(error_mm=near_error(found, ball))


def coverage(y, x, n):
    out = np.zeros((n, n))
    _kernels.polygon_coverage(y, x, out)
    return out


RASTERISE = {
    "cordlevelset": coverage,
    "scikit-image": lambda y, x, n: polygon2mask((n, n), np.stack([y, x], axis=1) - 0.5),
}


@pytest.mark.benchmark(group="one contour of 64 points onto 48 x 48 pixels")
@pytest.mark.parametrize("method", RASTERISE)
def test_rasterise(benchmark, method):
    t = 2 * np.pi * np.arange(64) / 64
    y, x = 23.7 + 7.3 * np.sin(t), 24.1 + 9.1 * np.cos(t)
    out = timed(benchmark, RASTERISE[method], y, x, 48, rounds=200)
    exact = 0.5 * abs(np.sum(y * np.roll(x, -1) - x * np.roll(y, -1)))
    benchmark.extra_info.update(area_error=round(float(abs(out.sum() / exact - 1)), 6))


def itk_edges(image):
    slope = sitk.GradientMagnitudeRecursiveGaussian(itk_image(image), sigma=1.0)
    return sitk.GetArrayFromImage(sitk.BoundedReciprocal(slope))


EDGES = {
    "cordlevelset": lambda image: cls.edge_indicator(image, spacing=SPACING, sigma=1.0),
    "SimpleITK (no noise estimate)": itk_edges,
}


@pytest.mark.benchmark(group="edge indicator, 192 000 voxels")
@pytest.mark.parametrize("method", EDGES)
def test_edges(benchmark, ball, method):
    timed(benchmark, EDGES[method], ball)


@pytest.fixture(scope="module", params=["cervical, 1 mm", "lumbar, 1 x 1 x 4 mm"])
def canonical(request):
    region = request.param.split(",")[0]
    spacing = (1.0, 1.0, 1.0 if region == "cervical" else 4.0)
    image = make_phantom(region=region, spacing=spacing).image
    grid = canonical_turn(image).volume(image)
    path = find_cord(grid.array, spacing=grid.spacing)
    return request.param, grid, path, segment_path(grid.array, spacing=grid.spacing, path=path)


@pytest.mark.benchmark(group="stages of the path")
@pytest.mark.parametrize("stage", ["find the cord", "its border", "rasterise"])
def test_stage(benchmark, canonical, stage):
    label, grid, path, contours = canonical
    benchmark.extra_info.update(stage=stage, image=label)
    if stage == "find the cord":
        timed(benchmark, find_cord, grid.array, rounds=3, spacing=grid.spacing)
    elif stage == "its border":
        timed(benchmark, segment_path, grid.array, rounds=3, spacing=grid.spacing, path=path)
    else:
        timed(benchmark, partial_volume_fraction, contours, rounds=3, shape=grid.shape, spacing=grid.spacing)
