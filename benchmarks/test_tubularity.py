"""Tubularity filters on the same volume: time per voxel and scale, ours beside SimpleITK and scikit-image.

Every method is called once before it is timed. ``extra_info`` holds the
nanoseconds per voxel and scale, and the distance of the strongest response from the cord's middle in the middle
plane, mm.
"""

import numpy as np
import pytest
import SimpleITK as sitk
from skimage.filters import sato

import cordlevelset as cls
from cordlevelset.detection import flux

SHAPE, SPACING = (64, 160, 96), (1.0, 1.0, 1.0)
RADIUS_MM = 4.0


def _image():
    """Dark cord in bright CSF in grey tissue with noise: 1 mm, about a million voxels."""
    rng = np.random.default_rng(0)
    y, x = np.mgrid[: SHAPE[1], : SHAPE[2]]
    out = np.full(SHAPE[1:], 1.5)
    out[np.hypot((y - 90) / 8, (x - 48) / 9) < 1] = 2.0
    out[np.hypot((y - 90) / 4, (x - 48) / 5) < 1] = 1.0
    return (out + 0.05 * rng.standard_normal(SHAPE)).astype(np.float32)


def _ours(image):
    return cls.tubularity(image, spacing=SPACING).dark


def _itk(image):
    smooth = sitk.SmoothingRecursiveGaussian(sitk.GetImageFromArray(image), RADIUS_MM / np.sqrt(2))
    return sitk.GetArrayFromImage(sitk.ObjectnessMeasure(smooth, objectDimension=1, brightObject=False))


def _sato(image):
    return sato(image, sigmas=[RADIUS_MM / np.sqrt(2)], black_ridges=True)


METHODS = {  # function, scales
    "cordlevelset": (_ours, len(flux.CORD_RADII_MM) * len(flux.CORD_RATIOS)),
    "SimpleITK": (_itk, 1),
    "scikit-image": (_sato, 1),
}


@pytest.mark.benchmark(group="tubularity, one million voxels")
@pytest.mark.parametrize("method", METHODS)
def test_filter(benchmark, method):
    image = _image()
    function, scales = METHODS[method]
    response = function(image)
    plane = response[SHAPE[0] // 2, 20:-20, 20:-20]
    row, column = np.unravel_index(plane.argmax(), plane.shape)
    benchmark.extra_info["error_mm"] = float(np.hypot(row + 20 - 90, column + 20 - 48))
    benchmark.extra_info["scales"] = scales
    benchmark.pedantic(function, args=(image,), rounds=3)
    seconds = benchmark.stats.stats.median
    benchmark.extra_info["ns_per_voxel_and_scale"] = seconds / image.size / scales * 1e9
