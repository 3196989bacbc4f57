"""Constraints in, checked: what is unusable is refused, and the error says where."""

import numpy as np
import pytest

import cordlevelset as cls
from cordlevelset.io.files import write_centerline
from cordlevelset.volume import Turn


def label(neck, *voxels, value=1):
    array = np.zeros(neck.image.shape, np.uint8)
    for v in voxels:
        array[v] = value
    return neck.image.like(array)


def refused(neck, words, **given):
    with pytest.raises(cls.ConstraintError, match=words) as caught:
        cls.segment(neck.image, **given)
    assert "\n" not in str(caught.value)


def test_empty(neck):
    nothing = label(neck)
    refused(neck, "seeds.*empty", seeds=nothing)
    refused(neck, "contours.*empty", contours=nothing)
    refused(neck, "initial mask.*empty", initial=nothing)
    refused(neck, r"\(0, 3\)", centerline=np.zeros((0, 3)))


def test_another_grid(neck):
    small = cls.Volume(np.ones((4, 5, 6), np.uint8), (1.0, 1.0, 1.0))
    shifted = cls.Volume(np.ones(neck.image.shape, np.uint8), neck.image.spacing, (500.0, 0.0, 0.0))
    for name in ("seeds", "contours", "initial"):
        refused(neck, r"\(4, 5, 6\) voxels, the image has \(30, 80, 50\)", **{name: small})
        refused(neck, "another grid.*mm apart", **{name: shifted})


def test_values(neck):
    refused(neck, "value 3 at voxel i=7 j=5 k=4", seeds=label(neck, (4, 5, 7), value=3))
    broken = neck.image.like(np.full(neck.image.shape, np.nan))
    with pytest.raises(cls.InputError, match="initial mask: values that are not finite"):
        cls.segment(neck.image, initial=broken)


def test_contradictions_say_where(neck):
    cord = tuple(np.argwhere(neck.soft_mask.array > 0.9)[0].tolist())
    k, j, i = cord
    drawn = label(neck, (k, slice(j, j + 6), slice(i, i + 6)))
    refused(neck, f"1 voxels .* i={i} j={j} k={k} ", contours=drawn, seeds=label(neck, cord, value=2))
    refused(neck, f"i={i - 1} j={j} k={k} ", contours=drawn, seeds=label(neck, (k, j, i - 1)))
    point = neck.image.to_lps(cord)
    refused(neck, "as cord and as not cord", centerline=[point], seeds=label(neck, cord, value=2))


def test_points_outside_the_image_or_apart(neck):
    inside = neck.centerline_mm[3]
    refused(neck, "1 of 2 .* outside the image, the first is number 2", centerline=[inside, [900.0, 0.0, 0.0]])
    refused(neck, "two centerline points lie 12.0 mm apart", centerline=[inside, inside + np.array([12.0, 0.0, 0.0])])
    refused(neck, "not finite", centerline=[inside, [np.nan, 0.0, 0.0]])
    refused(neck, r"\(2,\)", centerline=[1.0, 2.0])
    for no_table in ([[1, 2], [3]], [["a", "b", "c"]], {"x": 1}):
        refused(neck, "no table of numbers", centerline=no_table)
    apart = neck.centerline_mm[[0, 6]] + [[0.0, 0.0, 0.0], [20.0, 0.0, 0.0]]  # 20 mm aside within 12 mm of cord
    refused(neck, "no path can pass", centerline=apart)


def test_the_library_reads_what_the_command_line_reads(neck, neck_file, tmp_path):
    curve = tmp_path / "two.csv"
    write_centerline(neck.centerline_mm[[4, 20]], curve)
    cls.write(neck.image.like((neck.soft_mask.array > 0.5).astype(np.uint8)), tmp_path / "initial.nii.gz")
    a = cls.segment(neck_file, centerline=curve, initial=tmp_path / "initial.nii.gz")
    b = cls.segment(neck.image, centerline=neck.centerline_mm[[4, 20]], initial=neck.soft_mask)
    assert np.array_equal(a.mask.array, b.mask.array)


def test_points_land_in_their_voxels_in_any_orientation(neck):
    points = neck.centerline_mm[[2, 15, 27]]
    for turn in (Turn((2, 0, 1), (True, False, True)), Turn((1, 2, 0), (False, True, False))):
        turned = turn.volume(neck.image)
        result = cls.segment(turned, centerline=points)
        assert result.mask.array[tuple(np.rint(turned.to_index(points)).astype(int).T)].all()


def test_two_points_of_one_slice_may_both_lie_in_the_cord(neck):
    """6 mm apart, to the left and to the right."""
    points = neck.centerline_mm[[10, 10]] + [[3.0, 0.0, 0.0], [-3.0, 0.0, 0.0]]
    mask = cls.segment(neck.image, centerline=points).mask
    assert mask.array[tuple(np.rint(mask.to_index(points)).astype(int).T)].all()
