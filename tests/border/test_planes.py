"""Sections about every millimetre: blocks averaged, contours between them on straight lines."""

import numpy as np
import pytest

from cordlevelset.border.planes import SpacedPlanes
from cordlevelset.detection.finder import CordPath
from cordlevelset.sections import polar
from cordlevelset.sections.contours import CordContours


def path_of(first, centers_mm):
    n = len(centers_mm)
    return CordPath(first, centers_mm, -1, 0.9, np.linspace(0.2, 0.8, n), 0.6, 0.0, 4.0, 0.0)


def cone(places, first, conus=False):
    """A leaning, tapering, flat cone at plane places (in the image's planes)."""
    p = np.asarray(places, float)[:, None]
    centers = np.array([20.0, 12.0]) + p * np.array([0.21, -0.13])
    radii = (2.5 + 0.02 * p) * np.hypot(np.sin(polar.ANGLES), 1.4 * np.cos(polar.ANGLES))
    tip = np.array([first * 1.0, 1.0, 2.0]) if conus else None
    return CordContours(first, centers, radii, 1.5 * radii, p[:, 0] / 50, p[:, 0] / 100, conus_mm=tip)


@pytest.mark.parametrize(("plane_mm", "step"), [(0.36, 3), (0.5, 2), (0.66, 2), (0.8, 1), (1.0, 1), (4.0, 1)])
def test_sections_are_about_a_millimetre_apart(plane_mm, step):
    image = np.random.default_rng(0).normal(size=(31, 4, 5)).astype(np.float32)
    path = path_of(2, np.zeros((25, 2)))
    planes = SpacedPlanes.along(image, (plane_mm, 0.4, 3.0), path)
    assert planes.spacing == (plane_mm * step, 0.4, 3.0)
    assert planes.path.first == (2 if step == 1 else 0)
    assert len(planes.path.centers_mm) == 25 // step


@pytest.mark.parametrize("n", [24, 25, 26])
def test_blocks_are_averaged(n):
    image = np.random.default_rng(1).normal(size=(40, 3, 2)).astype(np.float32)
    path = path_of(5, np.arange(2.0 * n).reshape(n, 2))
    planes = SpacedPlanes.along(image, (0.36, 0.4, 3.0), path)
    for m, values in enumerate(planes.array):
        block = np.flatnonzero(np.abs(planes.places - m) < 0.5)
        assert len(block) == 3
        assert values == pytest.approx(image[5 + block].mean(0), abs=1e-6)
        assert planes.path.centers_mm[m] == pytest.approx(path.centers_mm[block].mean(0))
        assert planes.path.inside[m] == pytest.approx(path.inside[block].mean())


@pytest.mark.parametrize("n", [24, 25, 26])
@pytest.mark.parametrize("plane_mm", [0.36, 0.5])
def test_a_leaning_cone_comes_back_exactly(plane_mm, n):
    image = np.zeros((40, 3, 2), np.float32)
    planes = SpacedPlanes.along(image, (plane_mm, 0.4, 3.0), path_of(5, np.zeros((n, 2))))
    # where each section lies in the image's planes
    at = np.interp(np.arange(len(planes.array)), planes.places, np.arange(n))
    whole = planes.on_all_planes(cone(at, 0))
    between = (planes.places >= 0) & (planes.places <= len(planes.array) - 1)
    assert between.sum() >= n - 6
    expected = cone(np.arange(n), 5)
    assert whole.first == 5
    for name in ("centers_mm", "radii_mm", "sac_mm", "sac_support", "confidence"):
        got, want = getattr(whole, name), getattr(expected, name)
        assert len(got) == n
        assert got[between] == pytest.approx(want[between], abs=1e-9)
        # beyond the outermost sections: as there
        assert got[0] == pytest.approx(np.interp(0, planes.places, np.arange(n)) * (want[1] - want[0]) + want[0])


def test_the_tip_lies_in_the_lowest_plane():
    planes = SpacedPlanes.along(np.zeros((40, 3, 2), np.float32), (0.5, 0.4, 3.0), path_of(7, np.zeros((20, 2))))
    whole = planes.on_all_planes(cone(np.arange(10.0), 0, conus=True))
    assert whole.conus_mm == pytest.approx([3.5, 1.0, 2.0])


def test_coarse_planes_stay_as_they_are():
    image = np.zeros((40, 3, 2), np.float32)
    planes = SpacedPlanes.along(image, (0.8, 0.4, 3.0), path_of(7, np.zeros((20, 2))))
    contours = cone(np.arange(20.0), 7)
    assert planes.array is image
    assert planes.on_all_planes(contours) is contours


def test_a_path_of_few_planes_keeps_two_sections():
    planes = SpacedPlanes.along(np.zeros((40, 3, 2), np.float32), (0.2, 0.4, 3.0), path_of(7, np.zeros((5, 2))))
    assert len(planes.array) == 2
    assert len(planes.on_all_planes(cone([0.0, 1.0], 0)).radii_mm) == 5
