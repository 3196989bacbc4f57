"""Corrections are honoured exactly, help their neighbours, and leave the rest alone."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as some

import cordlevelset as cls
from cordlevelset.phantom import make_phantom


@pytest.fixture(scope="module")
def truth(neck):
    return neck.soft_mask.array >= 0.5


def drawn(neck, truth, planes, axis=0):
    mask = np.zeros(truth.shape, np.uint8)
    known = tuple(planes if a == axis else slice(None) for a in range(3))
    mask[known] = truth[known]
    return neck.image.like(mask)


def blob(truth, k, shift=(0, 0)):
    """The drawing of plane k, moved by some voxels."""
    return np.roll(truth[k], shift, (0, 1))


def test_a_drawn_slice_comes_back_as_drawn(neck, neck_result, truth):
    mask = np.zeros(truth.shape, np.uint8)
    mask[12] = blob(truth, 12, (1, 1))
    after = neck_result.corrected(contours=neck.image.like(mask))
    assert np.array_equal(after.mask.array[12], mask[12])
    changed = np.flatnonzero((after.soft_mask.array != neck_result.soft_mask.array).any((1, 2)))
    assert changed.min() < 12 < changed.max()  # the neighbours come along
    assert changed.min() > 12 - 15  # 30 mm
    assert np.array_equal(neck_result.mask.array, cls.segment(neck.image).mask.array)  # the old result stays


@pytest.mark.parametrize("axis", [1, 2])
def test_sagittal_and_coronal_slices_too(axis, neck, neck_result, truth):
    middle = int(np.median(np.nonzero(truth)[axis]))
    mask = drawn(neck, np.roll(truth, 1, 3 - axis), [middle], axis)
    after = neck_result.corrected(contours=mask)
    known = tuple(middle if a == axis else slice(None) for a in range(3))
    assert np.array_equal(after.mask.array[known], mask.array[known])
    assert cls.compare(after.mask, neck.soft_mask).dice > 0.9


def test_drawn_in_two_planes(neck, neck_result, truth):
    middle = int(np.median(np.nonzero(truth)[2]))
    both = [drawn(neck, truth, [5, 20]), drawn(neck, truth, [middle], 2)]
    for after in (neck_result.corrected(contours=both), cls.segment(neck.image, contours=both[::-1])):
        assert np.array_equal(after.mask.array[[5, 20]], truth[[5, 20]])
        assert np.array_equal(after.mask.array[:, :, middle], truth[:, :, middle])


@settings(max_examples=12, deadline=None, derandomize=True)
@given(data=some.data())
def test_seeds_are_honoured_whatever_they_are(data, neck, neck_result):
    seeds = np.zeros(neck.image.shape, np.uint8)
    for _ in range(data.draw(some.integers(1, 6))):
        at = tuple(data.draw(some.integers(0, n - 1)) for n in seeds.shape)
        size = data.draw(some.integers(1, 4))
        seeds[tuple(slice(a, a + size) for a in at)] = 2
    for _ in range(data.draw(some.integers(0, 3))):
        k = data.draw(some.integers(2, 27))
        row = np.argwhere(neck.soft_mask.array[k] > 0.5).mean(0)
        offset = [data.draw(some.integers(-6, 6)) for _ in range(2)]
        seeds[(k, *(np.rint(row).astype(int) + offset))] = 1
    after = neck_result.corrected(seeds=neck.image.like(seeds))
    assert (after.mask.array[seeds == 1] == 1).all()
    assert (after.mask.array[seeds == 2] == 0).all()


@settings(max_examples=10, deadline=None, derandomize=True)
@given(data=some.data())
def test_more_contours_never_harm_the_drawn_slices_and_order_says_nothing(data, neck, neck_result, truth):
    planes = data.draw(some.lists(some.integers(2, 27), min_size=2, max_size=5, unique=True))
    shifts = {k: (data.draw(some.integers(-2, 2)), data.draw(some.integers(-2, 2))) for k in planes}

    def contours(which):
        mask = np.zeros(truth.shape, np.uint8)
        for k in which:
            mask[k] = blob(truth, k, shifts[k])
        return neck.image.like(mask)

    fewer, all_of_them = (neck_result.corrected(contours=contours(which)) for which in (planes[:-1], planes))
    for k in planes[:-1]:
        assert np.array_equal(fewer.mask.array[k], blob(truth, k, shifts[k]))
        assert np.array_equal(all_of_them.mask.array[k], fewer.mask.array[k])
    one_by_one = [contours([k]) for k in planes]
    forth, back = (neck_result.corrected(contours=c) for c in (one_by_one, one_by_one[::-1]))
    assert np.array_equal(forth.soft_mask.array, back.soft_mask.array)
    assert np.array_equal(forth.soft_mask.array, all_of_them.soft_mask.array)
    step_by_step = fewer.corrected(contours=contours(planes))
    assert np.array_equal(step_by_step.soft_mask.array, all_of_them.soft_mask.array)


def test_far_slices_stay_bit_for_bit():
    phantom = make_phantom(region="cervical", spacing=(3.0, 1.0, 1.0), field_mm=(150.0, 80.0, 50.0))
    before = cls.segment(phantom.image)
    seeds = np.zeros(phantom.image.shape, np.uint8)
    j, i = np.rint(np.argwhere(phantom.soft_mask.array[10] > 0.5).mean(0)).astype(int)
    seeds[10, j + 6, i] = 1
    contours = np.zeros_like(seeds)
    contours[35] = np.roll(phantom.soft_mask.array[35] > 0.5, 1, 0)
    after = before.corrected(seeds=phantom.image.like(seeds), contours=phantom.image.like(contours))
    planes = np.arange(len(seeds))
    far = (np.abs(planes - 10) * 3 >= 10) & (np.abs(planes - 35) * 3 >= 30)
    assert far.sum() > 15
    assert np.array_equal(after.soft_mask.array[far], before.soft_mask.array[far])
    assert (after.soft_mask.array != before.soft_mask.array)[11].any()
    # what was given stays when something else is given, and goes when it is replaced
    seeds[10] = 0
    seeds[20, j, i] = 1
    again = after.corrected(seeds=phantom.image.like(seeds))
    near = np.abs(planes - 10) * 3 < 10
    assert np.array_equal(again.soft_mask.array[near], before.soft_mask.array[near])
    assert np.array_equal(again.mask.array[35], contours[35])


def test_a_wider_drawing_is_carried_on_between_slices(neck, neck_result, truth):
    from scipy import ndimage as ndi

    wide = ndi.binary_dilation(truth, np.ones((1, 3, 3)))
    after = neck_result.corrected(contours=drawn(neck, wide, [4, 14, 24]))
    rest = np.setdiff1d(np.arange(5, 24), [14])
    wide_there, before, there = (np.count_nonzero(m[rest]) for m in (wide, neck_result.mask.array, after.mask.array))
    assert abs(there - wide_there) < 0.25 * abs(before - wide_there)


def test_two_points_lead_past_a_decoy():
    phantom = make_phantom(region="cervical", spacing=(2.0, 1.0, 1.0), field_mm=(80.0, 100.0, 60.0))
    image = phantom.image.array.copy()
    middle = phantom.image.to_index(phantom.centerline_mm[::-1]) * phantom.image.spacing
    y, x = np.indices(image.shape[1:])
    bright = image[0].max()
    for k in range(len(image)):
        away = np.hypot(y - middle[k, 1] + 26, x - middle[k, 2])  # a perfect cord in a perfect sac, before the spine
        image[k] = np.where(away < 4, 0.1 * bright, np.where(away < 9, bright, image[k]))
    spoilt = phantom.image.like(image)
    assert cls.compare(cls.segment(spoilt).mask, phantom.soft_mask).dice < 0.1
    line = phantom.centerline_mm
    points = line[[len(line) // 5, 4 * len(line) // 5]]
    rescued = cls.segment(spoilt, centerline=points)
    assert cls.compare(rescued.mask, phantom.soft_mask).dice > 0.9
    late = cls.segment(spoilt).corrected(centerline=points[::-1])
    assert np.array_equal(late.mask.array, rescued.mask.array)
    seeds = np.zeros(image.shape, np.uint8)
    for at in np.rint(phantom.image.to_index(points)).astype(int):
        seeds[tuple(at)] = 1
    clicked = cls.segment(spoilt).corrected(seeds=phantom.image.like(seeds))  # far from the path: sought again
    assert cls.compare(clicked.mask, phantom.soft_mask).dice > 0.9
    hinted = cls.segment(spoilt, initial=phantom.soft_mask)
    assert cls.compare(hinted.mask, phantom.soft_mask).dice > 0.9


def test_a_correction_tells_how_far_it_is_and_can_be_cancelled(neck, neck_result):
    points = neck.centerline_mm[[2, -3]]
    seen = []
    neck_result.corrected(centerline=points, callback=lambda state: seen.append(state.fraction))
    assert len(seen) > 1
    assert seen == sorted(seen)
    with pytest.raises(cls.Cancelled):
        neck_result.corrected(centerline=points, callback=lambda state: True)


def test_a_cord_known_to_be_there_is_not_refused(rng):
    noise = cls.Volume(rng.rayleigh(size=(30, 60, 50)), (2.0, 1.0, 1.0))
    with pytest.raises(cls.NoCordFoundError):
        cls.segment(noise)
    points = [[25.0, 30.0, 10.0], [22.0, 33.0, 50.0]]
    result = cls.segment(noise, centerline=points)
    assert result.mask.array[tuple(np.rint(noise.to_index(points)).astype(int).T)].all()
    assert 0 < result.confidence < 1


@pytest.mark.parametrize("shift_mm", [0, 3])
def test_another_mask_is_a_hint(shift_mm, neck, neck_result):
    shifted = neck.image.like(np.roll(neck.soft_mask.array, shift_mm, 1))
    figures = cls.compare(cls.segment(neck.image, initial=shifted).mask, neck.soft_mask)
    assert figures.dice > cls.compare(neck_result.mask, neck.soft_mask).dice - 0.01


def test_the_end_moves_down_to_what_is_known():
    phantom = make_phantom(region="lumbar", spacing=(4.0, 1.0, 1.0), field_mm=(160.0, 80.0, 60.0), conus=0.55)
    before = cls.segment(phantom.image)
    lowest = int(np.flatnonzero(before.mask.array.any((1, 2)))[0])
    k = lowest - 3
    contours = np.zeros(phantom.image.shape, np.uint8)
    contours[k] = before.mask.array[lowest + 1]
    after = before.corrected(contours=phantom.image.like(contours))
    assert np.array_equal(after.mask.array[k], contours[k])
    assert after.mask.array[k:lowest].any((1, 2)).all()
