"""Discs of phantoms, whose places are known."""

from functools import cache

import numpy as np
import pytest

import cordlevelset as cls
from cordlevelset.errors import InputError
from cordlevelset.levels.find import ToldDisc, find_levels
from cordlevelset.phantom import make_phantom
from cordlevelset.phantom.anatomy import ANATOMIES, Spine


@cache
def segmented(region="lumbar", contrast="t2"):
    spacing = (1.0, 1.0, 4.0) if region == "lumbar" else (1.0, 1.0, 3.0)
    return cls.segment(make_phantom(region=region, contrast=contrast, spacing=spacing).image)


def from_discs_mm(result, region):
    """Distance of each disc found from the nearest one drawn, mm along the spine."""
    anatomy, grid = ANATOMIES[region], result.mask
    height = grid.shape[0] * grid.spacing[0]
    middle = -grid.origin[1]
    spine = Spine(anatomy, height, (middle, 0.0), 0.0, (0.5, 0.0), 0.62 * height if region == "lumbar" else None)
    points = np.array([d.point_mm for d in result.levels.discs])
    z, y = points[:, 2], points[:, 1] + middle
    level = z + spine.slope(z) * (y - spine.canal(z)[0])
    period = sum(anatomy.heights)
    return (level + 0.35 * period + period / 2) % period - period / 2


@pytest.mark.parametrize(
    ("region", "contrast"), [("lumbar", "t2"), ("lumbar", "t1"), ("cervical", "t2"), ("cervical", "t2s")]
)
def test_discs_of_phantoms(region, contrast):
    levels = segmented(region, contrast).levels
    off = np.abs(from_discs_mm(segmented(region, contrast), region))
    assert np.mean(off <= 3.0) >= 0.8  # the uppermost may be cut by the image's edge
    steps = np.diff([d.arclength_mm for d in levels.discs])
    assert np.abs(steps / sum(ANATOMIES[region].heights) - 1).max() < 0.25
    assert len(levels.discs) >= 6


def test_no_anchor_no_names():
    levels = segmented("cervical").levels
    assert levels.anchor == "none"
    assert [d.name for d in levels.discs] == [None] * len(levels.discs)
    assert [d.number for d in levels.discs] == list(range(1, 1 + len(levels.discs)))


@cache
def neck_mm(axis_mm, contrast="t2"):
    """Levels of a neck whose C2/3 lies so far below the upper edge, and the height of C2/3."""
    size = (180.0, 140.0, 60.0)
    neck = make_phantom(region="cervical", contrast=contrast, spacing=(1.0, 1.0, 3.0), field_mm=size, axis_mm=axis_mm)
    return cls.segment(neck.image).levels, size[0] - axis_mm


@pytest.mark.parametrize("contrast", ["t2", "t1"])
def test_names_counted_from_the_dens(contrast):
    levels, height = neck_mm(70.0, contrast)
    assert levels.anchor == "axis"
    assert [d.name for d in levels.discs] == ["C2/3", "C3/4", "C4/5", "C5/6", "C6/7", "C7/T1"]
    period = sum(ANATOMIES["cervical"].heights)
    for i, disc in enumerate(levels.discs):
        assert abs(disc.point_mm[2] - (height - period * i)) < 3.0  # the neck is upright there, within 1 mm


def test_without_the_dens_in_view_no_names():
    """The image ends within the axis: another disc above would not show."""
    levels, height = neck_mm(20.0)
    assert levels.anchor == "none"
    assert {d.name for d in levels.discs} == {None}
    assert abs(levels.discs[0].point_mm[2] - height) < 3.0


def test_a_told_disc_names_all():
    result = segmented("cervical")
    third = result.levels.discs[2]
    told = ToldDisc.of(("C4/5", third.point_mm + 5 * np.array([0, -1.0, 0])))
    levels = cls.vertebral_levels(result, disc=told)
    assert [d.name for d in levels.discs[1:5]] == ["C3/4", "C4/5", "C5/6", "C6/7"]
    assert levels.anchor == "told"
    assert {d.which for d in levels.discs} == {1.0}
    number, fraction = levels.level_of([third.point_mm + 2 * third.normal])
    assert number.tolist() == [5]
    assert 0 < fraction[0] < 0.25
    labels = levels.label_image(result.mask).array
    assert set(np.unique(labels)) == {0, *(d.number for d in levels.discs)}
    middle = tuple(np.rint(result.mask.to_index(third.point_mm)).astype(int))
    assert labels[middle] == 5


@pytest.mark.parametrize(
    ("told", "text"),
    [
        (("L9/10", (0, 0, 0)), "no disc 'L9/10'"),
        (("L4/5", (0, 0)), "a name and a place"),
        (("L4/5", (0, 0, np.inf)), "finite"),
        (("C4/5", (0, 0, 500.0)), "no disc is seen at the place"),
    ],
)
def test_a_disc_that_is_not_there(told, text):
    with pytest.raises(InputError, match=text):
        cls.vertebral_levels(segmented("cervical"), disc=told)


def test_thick_planes_show_no_discs():
    result = segmented("cervical")
    thick = cls.Volume(result.automatic.image.array, (5.0, 1.0, 3.0))
    assert find_levels(thick, result.contours, -1, conus_mm=None) is None
