"""What is made of contours: the centerline and the record of each slice."""

from dataclasses import replace

import numpy as np
import pytest
import tubes

import cordlevelset as cls
from cordlevelset import result
from cordlevelset.volume import canonical_turn


def volume(spacing, planes):
    """An image on the canonical grid."""
    return cls.Volume(np.zeros((planes, 40, 40), np.float32), spacing, direction=np.eye(3))


@pytest.mark.parametrize("plane_mm", [1.0, 4.0])
def test_the_centerline_is_averaged_over_half_a_centimetre(plane_mm, rng):
    """A Gaussian of 3 mm along the cord, written out; circles have their middles at their centers."""
    cord = tubes.round_cord(50)
    cord = replace(cord, centers_mm=cord.centers_mm + rng.normal(0, 1, (50, 2)))
    image = volume((plane_mm, 0.7, 0.5), 50)
    line = result.centerline_of(image, cord, -1)
    away = np.arange(-round(12 / plane_mm), round(12 / plane_mm) + 1)
    weight = np.exp(-((away * plane_mm / 3) ** 2) / 2)
    for k in (20, 25, 30):
        middle = weight @ cord.centers_mm[k + away] / weight.sum()
        expected = image.to_lps([k, *(middle / (0.7, 0.5))])
        assert line.points_mm[::-1][k] == pytest.approx(expected, abs=1e-4)


def test_planes_far_apart_keep_their_middles(rng):
    cord = tubes.round_cord(9)
    cord = replace(cord, centers_mm=cord.centers_mm + rng.normal(0, 1, (9, 2)))
    image = volume((7.0, 1.0, 1.0), 9)
    expected = image.to_lps(np.column_stack([np.arange(9), cord.centers_mm]))
    assert result.centerline_of(image, cord, 1).points_mm[::-1] == pytest.approx(expected, abs=1e-6)


def test_the_area_of_a_sac_is_known_where_half_of_its_wall_is_seen():
    cord = replace(tubes.round_cord(4), sac_support=np.array([0.3, 0.45, 0.55, 0.9]))
    image = volume((2.0, 1.0, 1.0), 4)
    slices = result._measures(cord, image, canonical_turn(image))
    assert [bool(np.isfinite(s.canal_area_mm2)) for s in slices] == [True, True, False, False]
