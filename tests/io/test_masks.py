"""One structure out of a mask, a label image, a segmentation with names."""

import numpy as np
import pytest
import SimpleITK as sitk

import cordlevelset as cls
from cordlevelset.io.masks import N_LISTED, ROUNDING, as_mask


def volume(*values, dtype=np.uint8):
    array = np.zeros((3, 4, 5), dtype)
    array.flat[: len(values)] = values
    return cls.Volume(array, (1.0, 2.0, 3.0))


@pytest.mark.parametrize("value", [1, 200, 255, 41])
@pytest.mark.parametrize("dtype", [np.uint8, np.int16, np.float64])
def test_a_single_value_is_one_structure(value, dtype):
    assert as_mask(volume(0, value, 0, value, dtype=dtype), "mask").array.ravel()[:4].tolist() == [0, 1, 0, 1]


def test_a_soft_mask_stays_as_it_is():
    soft = volume(0.0, 0.25, 1.0, dtype=np.float32)
    assert as_mask(soft, "mask") is soft
    off = 0.9 * 1e-3
    assert as_mask(volume(-off, 0.25, 1 + off, dtype=np.float64), "mask").array.ravel()[:3].tolist() == [0, 0.25, 1]
    for wrong in (-1.1e-3, 1 + 1.1e-3):
        with pytest.raises(cls.InputError, match="are no mask's"):
            as_mask(volume(0.25, wrong, dtype=np.float64), "mask")
    assert ROUNDING == 1e-3


def test_the_chosen_label():
    labels = volume(1, 2, 41, 2)
    assert as_mask(labels, "mask", label=2).array.ravel()[:5].tolist() == [0, 1, 0, 1, 0]
    for label, words in (
        (None, r"mask: several structures, labels 1, 2, 41; choose one with label= \(--label\)"),
        (3, "mask: no label 3 among labels 1, 2, 41"),
        (0, "no label 0 among"),
        ("cord", "no structure has a name, so none is 'cord'; choose by number among labels 1, 2, 41"),
    ):
        with pytest.raises(cls.InputError, match=words):
            as_mask(labels, "mask", label=label)
    with pytest.raises(cls.InputError, match="no label 2 among label 7"):
        as_mask(volume(7), "mask", label=2)


def test_a_long_list_is_cut():
    with pytest.raises(cls.InputError, match="labels 1, 2, 3, 4, 5, 6, 7, 8 and 4 more;"):
        as_mask(volume(*range(1, 13)), "mask")
    assert N_LISTED == 8


def segmentation(arrays, **fields):
    stack = np.stack(arrays, axis=-1)
    image = sitk.GetImageFromArray(stack if len(arrays) > 1 else stack[..., 0], isVector=len(arrays) > 1)
    for key, text in fields.items():
        image.SetMetaData(key, text)
    return image


def test_segments_of_an_older_file_have_a_layer_each():
    first, second = volume(1, 0, 0).array, volume(0, 1, 1).array
    image = segmentation([first, second], Segment0_Name="canal", Segment1_Name="cord")
    assert np.array_equal(as_mask(image, "mask", label="Cord").array, second)


def test_a_single_segment_needs_no_choice():
    image = segmentation([volume(0, 3, 3).array], Segment0_Name="cord", Segment0_LabelValue="3", Segment0_Layer="0")
    assert as_mask(image, "mask").array.sum() == 2


def test_names_of_fields_that_are_no_text_are_passed_over(tmp_path):
    path = tmp_path / "cord.seg.nrrd"
    image = segmentation([volume(0, 3, 3).array], Segment0_Name="cord", Segment0_LabelValue="3", Segment0_Other="")
    sitk.WriteImage(image, str(path))
    path.write_bytes(path.read_bytes().replace(b"Segment0_Other", b"Segment0_\xff\xfe123"))
    assert as_mask(path, "mask").array.sum() == 2


@pytest.mark.parametrize("fields", [{"LabelValue": "x"}, {"LabelValue": "1", "Layer": "1"}, {"Layer": "-1"}])
def test_a_damaged_segment_is_refused(fields):
    image = segmentation([volume(1).array], Segment0_Name="cord", **{f"Segment0_{k}": v for k, v in fields.items()})
    with pytest.raises(cls.InputError, match="segment 0 is said to be value"):
        as_mask(image, "mask")


def test_drawn_slices_between_which_is_filled():
    labels = np.zeros((7, 20, 20), np.uint8)
    labels[[0, 6], 5:15, 5:15], labels[[0, 6], :3] = 2, 1
    drawn = cls.Volume(labels, (1.0, 1.0, 1.0))
    assert cls.fill_between(drawn, label=2).array.sum() == 700
    with pytest.raises(cls.InputError, match="contours: several structures"):
        cls.fill_between(drawn)


def test_a_correction_takes_a_label(neck, neck_result):
    labels = np.where(neck.soft_mask.array >= 0.5, 5, 3).astype(np.uint8)
    again = neck_result.corrected(initial=neck.image.like(labels), label=5)
    assert cls.compare(again.mask, neck.soft_mask).dice > 0.85
