"""The path on phantoms of what decisions failed on: coils, heads, few slices, a bent spine, an image without a cord.

`test_unsure_images` looks at the whole result: mask, tip and confidence.
"""

import numpy as np
import pytest
from hard_phantoms import brightness

import cordlevelset as cls
from cordlevelset.detection.finder import find_cord
from cordlevelset.phantom import make_phantom

NECK = (2.0, 1.0, 2.0)
"""Voxels of necks, mm."""


def neck(contrast, spacing=NECK, **given):
    return make_phantom(region="cervical", contrast=contrast, spacing=spacing, cnr=10.0, **given).image.array


def assert_whole(path, array, polarity):
    """The cord from edge to edge, no end in the image."""
    assert (path.polarity, path.first, len(path.centers_mm)) == (polarity, 0, len(array))
    assert max(path.ends_below, path.ends_above) < 0.1


SIGNS = [("t2", -1), ("t1", 1)]


@pytest.mark.parametrize(("contrast", "polarity"), SIGNS)
def test_a_fading_coil_is_no_conus(contrast, polarity, rng):
    array = neck(contrast)
    z = np.arange(len(array)) * NECK[0]
    gain = 0.1 + 0.9 / (1 + np.exp(-(z - 60) / 12))
    faded = array * gain[:, None, None] + rng.normal(0, 0.01 * array.max(), array.shape)
    assert_whole(find_cord(faded.astype(np.float32), spacing=NECK), array, polarity)


@pytest.mark.parametrize(("contrast", "polarity"), SIGNS)
def test_every_other_slice_darker(contrast, polarity):
    array = neck(contrast)
    array[::2] *= 0.7
    assert_whole(find_cord(array, spacing=NECK), array, polarity)


@pytest.mark.parametrize(("contrast", "polarity"), SIGNS)
def test_five_slices_far_apart(contrast, polarity):
    array = neck(contrast)[::8][:5]
    assert_whole(find_cord(array, spacing=(16.0, *NECK[1:])), array, polarity)


@pytest.mark.parametrize(("contrast", "polarity"), SIGNS)
def test_16_mm_of_cord(contrast, polarity):
    array = neck(contrast, (1.0, 1.0, 1.0), field_mm=(16.0, 100.0, 60.0))
    assert_whole(find_cord(array, spacing=(1.0, 1.0, 1.0)), array, polarity)


@pytest.mark.parametrize("spacing", [(2.3, 2.3, 2.3), (1.0, 1.0, 5.0)])
def test_coarse_voxels(spacing):
    array = neck("t2", spacing)
    assert_whole(find_cord(array, spacing=spacing), array, -1)


@pytest.mark.parametrize(("contrast", "polarity"), SIGNS)
def test_a_head_ends_the_cord(contrast, polarity):
    """On the cord follow 30 mm of medulla that widens in its cistern, then brain."""
    below = neck(contrast)
    tissue = brightness(contrast)
    scale = np.percentile(below, 99) / max(tissue.values())
    path = find_cord(below, spacing=NECK)
    row, column = path.centers_mm[-1]
    y = np.arange(below.shape[1])[:, None] * NECK[1] - row
    x = np.arange(below.shape[2])[None, :] * NECK[2] - column
    planes = []
    for z in np.arange(0.0, 90.0, NECK[0]):
        plane = below[-1].copy()
        plane[np.hypot(y, x) < 12 + z] = scale * tissue["csf"]
        plane[np.hypot(y, x) < 5 + max(0.0, 0.35 * z, z - 15)] = scale * tissue["cord"]
        planes.append(plane)
    found = find_cord(np.concatenate([below, planes]).astype(np.float32), spacing=NECK)
    assert found.polarity == polarity
    assert found.ends_above > 0.5
    top = (found.first + len(found.centers_mm)) * NECK[0]
    assert abs(top - len(below) * NECK[0]) < 25


def test_a_spine_that_leaves_the_middle():
    spacing = (1.0, 1.0, 4.0)
    phantom = make_phantom(region="lumbar", contrast="t2", spacing=spacing, scoliosis_mm=25.0)
    mask = phantom.soft_mask.array > 0.5
    found = find_cord(phantom.image.array, spacing=spacing)
    planes = np.arange(found.first, len(mask))
    true = [np.argwhere(mask[k]).mean(0) * spacing[1:] for k in planes if mask[k].any()]
    assert np.abs(found.centers_mm[-len(true) :] - true).max() < 4


def test_a_belly_of_balls_holds_no_cord(rng):
    image = np.zeros((80, 120, 120), np.float32)
    z, y, x = np.ogrid[:80, :120, :120]
    for _ in range(60):
        middle, radius = rng.uniform(0, 1, 3) * image.shape, rng.uniform(6, 25)
        inside = (2 * (z - middle[0])) ** 2 + (y - middle[1]) ** 2 + (x - middle[2]) ** 2 < radius**2
        image[inside] = rng.uniform(40, 200)
    with pytest.raises(cls.NoCordFoundError):
        find_cord(image + rng.normal(0, 5, image.shape).astype(np.float32), spacing=(2.0, 1.0, 1.0))
