import numpy as np
import pytest

import cordlevelset as cls

SPACING = (3.0, 1.0, 2.0)


def _box(rows, columns, planes=slice(1, 5)):
    array = np.zeros((6, 20, 16), np.uint8)
    array[planes, rows, columns] = 1
    return cls.Volume(array, SPACING)


def test_equal_masks():
    box = _box(slice(4, 10), slice(5, 9))
    figures = cls.compare(box, box)
    assert figures == cls.Comparison(1.0, 0.0, 0.0, 0.0, 0.0, 1.0, 0.0)


def test_a_shift_by_hand():
    figures = cls.compare(_box(slice(5, 11), slice(5, 9)), _box(slice(4, 10), slice(5, 9)))
    assert figures.dice == pytest.approx(5 / 6)
    assert figures.hd95_mm == 1.0
    assert figures.bias_mm == 0
    assert figures.centerline_mm == pytest.approx(1.0)


def test_too_large_is_positive():
    large, small = _box(slice(3, 11), slice(5, 9)), _box(slice(4, 10), slice(5, 9))
    figures = cls.compare(large, small)
    assert figures.bias_mm == pytest.approx(np.sqrt(64 / np.pi) - np.sqrt(48 / np.pi))
    assert figures.area_error == pytest.approx(1 / 3)
    assert cls.compare(small, large).bias_mm < 0


def test_only_the_reference_s_slices_count():
    figures = cls.compare(_box(slice(4, 10), slice(5, 9), slice(0, 4)), _box(slice(4, 10), slice(5, 9)))
    assert figures.coverage == 0.75
    assert figures.dice == pytest.approx(2 * 3 / 7)


def test_empty_masks():
    empty, box = _box(slice(0), slice(0)), _box(slice(4, 10), slice(5, 9))
    figures = cls.compare(empty, box)
    assert (figures.dice, figures.coverage, figures.area_error) == (0, 0, 1)
    assert np.isnan(figures.hd95_mm)
    with pytest.raises(cls.InputError, match="empty"):
        cls.compare(box, empty)


@pytest.mark.parametrize("value", [np.nan, np.inf, 1j])
def test_what_is_no_mask(value):
    box = _box(slice(4, 10), slice(5, 9))
    bad = cls.Volume(np.where(box.array > 0, value, 0), SPACING)
    for mask, reference, name in ((bad, box, "mask"), (box, bad, "reference")):
        with pytest.raises(cls.InputError, match=f"^{name}: values"):
            cls.compare(mask, reference)


def test_grids_must_agree():
    box = _box(slice(4, 10), slice(5, 9))
    with pytest.raises(cls.GeometryError, match="resample"):
        cls.compare(cls.Volume(box.array, SPACING, (0.5, 0, 0)), box)
