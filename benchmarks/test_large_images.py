"""Large clinical images, read and segmented, beside reading and smoothing the same file with SimpleITK.

What a user would wait for anyway: no tool does less than to read a volume and smooth it once. ``extra_info`` holds the
millions of voxels and the length of cord that was found.
"""

from dataclasses import replace

import numpy as np
import pytest
import SimpleITK as sitk

import cordlevelset as cls
from cordlevelset.phantom import make_phantom

IMAGES = {  # region; in-plane pixels, mm; field along the cord, antero-posterior, left-right, mm
    "neck, 1 mm": ("cervical", 1.0, (215.0, 200.0, 52.0)),
    "thorax, 0.36 mm": ("lumbar", 0.36, (322.0, 322.0, 68.0)),
    "whole spine, 0.36 mm": ("lumbar", 0.36, (672.0, 333.0, 68.0)),
}
SMOOTHING_MM = 1.0  # any would do: the time of a recursive filter does not depend on it


@pytest.fixture(scope="module", params=IMAGES)
def file(request, tmp_path_factory):
    """Name and file; fine pixels are four equal ones, as a phantom of that size takes a minute to make."""
    region, pixel_mm, field_mm = IMAGES[request.param]
    times = 2 if pixel_mm < 1 else 1
    spacing = (pixel_mm * times, pixel_mm * times, 1.0 if times == 1 else 4.0)
    image = make_phantom(region=region, spacing=spacing, field_mm=field_mm).image
    fine = np.repeat(np.repeat(image.array, times, axis=0), times, axis=1)
    path = tmp_path_factory.mktemp("large") / "image.nii"
    cls.write(replace(image, array=fine, spacing=(pixel_mm, pixel_mm, spacing[2])), path)
    return request.param, path


def _ours(path):
    return cls.segment(path).length_mm


def _itk(path):
    sitk.SmoothingRecursiveGaussian(sitk.ReadImage(str(path), sitk.sitkFloat32), SMOOTHING_MM)


METHODS = {"cordlevelset": _ours, "SimpleITK": _itk}


@pytest.mark.benchmark(group="large images: read and segmented, or read and smoothed")
@pytest.mark.parametrize("method", METHODS)
def test_large_image(benchmark, file, method):
    name, path = file
    length = METHODS[method](path)
    benchmark.extra_info["image"] = name
    benchmark.extra_info["Mvoxels"] = round(np.prod(sitk.ReadImage(str(path)).GetSize(), dtype=float) / 1e6, 1)
    if length is not None:
        benchmark.extra_info["cord_mm"] = round(length)
    benchmark.pedantic(METHODS[method], args=(path,), rounds=3)
