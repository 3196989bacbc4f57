"""Thick sagittal voxels: lateral borders from occupied fractions."""

import naive_thick
import numpy as np
import pytest

from cordlevelset.border import _kernels, thick
from cordlevelset.border.thick import RAYS_SHARE, flattening, fullness
from cordlevelset.sections import polar
from cordlevelset.sections.stack import Sections

CORD, FLUID, WALL = 100.0, 300.0, 60.0
AP, LR = 3.8, 5.6


def partial_volume_contours(array, *, sac_mm, above_tip_mm=None, **given):
    """Of contours given by their centers and radii."""
    return thick.partial_volume_contours(array, Sections.of_image(array, **given), sac_mm, above_tip_mm)


def slab(middle_mm, dx, planes=12, polarity=-1, wall=WALL, roots=0.0):
    """An elliptic cord in an elliptic sac, averaged over voxels 1 mm high and `dx` wide; exact to 0.05 mm.

    Beside the cord, in the middle third of its depth, roots fill a share of the CSF.
    """
    n_y, n_x, fine = 36, round(60 / dx), 20
    y = (np.arange(n_y * 10) + 0.5) / 10 - 0.5 - 17.0
    x = ((np.arange(n_x * fine) + 0.5) / fine - 0.5) * dx - middle_mm
    cord = np.hypot(y[:, None] / AP, x / LR) < 1
    sac = np.hypot(y[:, None] / 7.5, x / 10.0) < 1
    beside = FLUID + roots * (CORD - FLUID) * (np.abs(y[:, None]) < AP / 3)
    image = np.where(cord, CORD, np.where(sac, beside, wall))
    image = image.reshape(n_y, 10, n_x, fine).mean((1, 3))
    return np.repeat(-polarity * image[None], planes, axis=0).astype(np.float32)


def oval(planes):
    """The sac's contours, as rays about the cord's middle see them."""
    return np.tile(75.0 / np.hypot(10.0 * np.sin(polar.ANGLES), 7.5 * np.cos(polar.ANGLES)), (planes, 1))


def seen_depth(dx, middle):
    """Where the voxel that holds the cord's middle is half as full of cord as in the middle row."""
    y = np.arange(0, AP, 1e-3)
    chord = LR * np.sqrt(1 - (y / AP) ** 2)
    voxel = round(middle / dx) * dx
    share = np.minimum(voxel + dx / 2, middle + chord) - np.maximum(voxel - dx / 2, middle - chord)
    return y[share >= share[0] / 2].max()


def circles(planes, radius=4.0):
    return np.full((planes, polar.N_ANGLES), radius)


@pytest.mark.parametrize("off", [-2.0, -0.7, 0.0, 1.3, 2.4])
@pytest.mark.parametrize("polarity", [-1, 1])
def test_middle_and_width_come_back(off, polarity):
    dx = 6.0
    middle = 30.0 + off
    array = slab(middle, dx, polarity=polarity)
    centers = np.tile([17.0, 30.0 + off / 2], (len(array), 1))
    seen = seen_depth(dx, middle)
    contours = {"radii_mm": circles(len(array), seen), "sac_mm": oval(len(array))}
    found, radii = partial_volume_contours(
        array, spacing=(1.0, 1.0, dx), first=0, centers_mm=centers, polarity=polarity, **contours
    )
    assert found[:, 1] == pytest.approx(middle, abs=0.5)  # the sac's own middle is given 1 mm off
    width, depth = (radii[:, [k, k + 32]].mean(1) for k in (0, 16))
    own = (width - RAYS_SHARE * seen) / (1 - RAYS_SHARE)  # the rest is that of the circles given
    assert own == pytest.approx(LR, abs=0.5)
    assert depth == pytest.approx(AP, abs=0.15)


@pytest.mark.parametrize(("wall", "roots"), [(-100.0, 0.0), (140.0, 0.0), (WALL, 0.25)])
def test_neither_the_wall_nor_roots_move_the_sides(wall, roots):
    dx, middle = 4.0, 30.5
    given = {"spacing": (1.0, 1.0, dx), "first": 0, "polarity": -1, "sac_mm": oval(12)}
    given |= {"centers_mm": np.tile([17.0, middle], (12, 1)), "radii_mm": circles(12, seen_depth(dx, middle))}
    plain, other = (
        partial_volume_contours(slab(middle, dx, **how), **given) for how in ({}, {"wall": wall, "roots": roots})
    )
    assert other[0][:, 1] == pytest.approx(plain[0][:, 1], abs=0.2)
    assert other[1][:, [0, 32]].mean(1) == pytest.approx(plain[1][:, [0, 32]].mean(1), abs=0.15)


@pytest.mark.parametrize("polarity", [-1, 1])
def test_a_coil_that_fades_at_the_end_moves_no_side(polarity):
    dx, middle = 4.0, 30.5
    even = slab(middle, dx, planes=30, polarity=polarity)
    even -= even.min()
    fade = np.minimum(1.0, 0.1 + 0.12 * np.arange(30))[:, None, None].astype(np.float32)
    given = {"spacing": (1.0, 1.0, dx), "first": 0, "polarity": polarity, "sac_mm": oval(30)}
    given |= {"centers_mm": np.tile([17.0, middle], (30, 1)), "radii_mm": circles(30, seen_depth(dx, middle))}
    (_, plain), (_, faded) = (partial_volume_contours(image, **given) for image in (even, even * fade))
    assert faded[:, [0, 32]].mean(1) == pytest.approx(plain[:, [0, 32]].mean(1), abs=0.15)


@pytest.mark.parametrize("dx", [3.0, 4.0, 6.0])
@pytest.mark.parametrize("share", [0.0, 0.15, 0.3, 0.5])
def test_depth_that_a_thick_voxel_shows_comes_back(dx, share):
    middle = 5 * dx + share * dx * 0.999
    shown = flattening(np.array([LR]), np.array([middle]), dx)
    assert seen_depth(dx, middle) / shown == pytest.approx(AP, abs=0.01)


@pytest.mark.parametrize("half_lr", [2.5, 4.0, 6.0])
@pytest.mark.parametrize("middle", [24.3, 30.0, 32.9])
@pytest.mark.parametrize("column", [29.0, 30.0, 33.0])
def test_share_of_cord_in_the_voxels_its_brightness_is_measured_in(half_lr, middle, column):
    dx = 6.0
    x = (np.arange(10 * 1000) + 0.5) / 1000 - 0.5
    filled = (np.abs(x * dx - middle) < half_lr).reshape(10, 1000).mean(1)
    expected = max(np.interp(column / dx, np.arange(10), filled), 2 / 3)
    share = fullness(*(np.array([v]) for v in (half_lr, middle, column)), dx)
    assert share == pytest.approx(expected, abs=1e-3)


def test_a_small_cord_that_dilutes_its_brightness_is_less_often_taken_for_a_wide_one(monkeypatch):
    """Half-diameter 4 mm, on the border of two slices of 6: it fills two thirds of both, and looks 12 mm wide."""
    monkeypatch.setattr("test_thick.LR", 4.0)
    dx, middle = 6.0, 33.0
    given = {"spacing": (1.0, 1.0, dx), "first": 0, "polarity": -1, "sac_mm": oval(12)}
    given |= {"centers_mm": np.tile([17.0, middle], (12, 1)), "radii_mm": circles(12, seen_depth(dx, middle))}
    told = partial_volume_contours(slab(middle, dx), **given)[1]
    monkeypatch.setattr("cordlevelset.border.thick.fullness", lambda *sizes: np.ones(np.broadcast(*sizes[:3]).shape))
    untold = partial_volume_contours(slab(middle, dx), **given)[1]
    assert (told[:, [0, 32]] > 4.0).all()
    assert (untold[:, [0, 32]] > told[:, [0, 32]] + 0.3).all()


def test_the_lower_half_of_a_cord_is_taken_for_rounder(monkeypatch):
    """9.2 by 7.6 mm on the border of two slices of 6: 1.4 is too wide, the ratio above a conus of this cord right."""
    monkeypatch.setattr("test_thick.LR", 4.6)
    dx, middle = 6.0, 33.0
    given = {"spacing": (5.0, 1.0, dx), "first": 0, "polarity": -1, "sac_mm": oval(60)}
    given |= {"centers_mm": np.tile([17.0, middle], (60, 1)), "radii_mm": circles(60, seen_depth(dx, middle))}
    unknown = partial_volume_contours(slab(middle, dx, 60), **given)[1][:, 0]
    known = partial_volume_contours(slab(middle, dx, 60), above_tip_mm=np.arange(60) * 5.0, **given)[1][:, 0]
    assert (known[:36] < unknown[:36] - 0.1).all()
    np.testing.assert_allclose(known[44:], unknown[44:])  # more than 200 mm up, and 20 mm for the neighbours


def test_thin_voxels_change_nothing():
    array = slab(30.0, 2.0)
    centers, radii = np.tile([17.0, 30.5], (len(array), 1)), circles(len(array))
    found, same = partial_volume_contours(
        array, spacing=(1.0, 1.0, 2.0), first=0, centers_mm=centers, radii_mm=radii, sac_mm=radii + 3, polarity=-1
    )
    assert found is centers
    assert same is radii


def test_brightness_scale_changes_nothing():
    array = slab(30.8, 5.0)
    given = {"spacing": (1.0, 1.0, 5.0), "first": 0, "polarity": -1}
    given |= {"radii_mm": circles(len(array)), "sac_mm": oval(len(array))}
    centers = np.tile([17.0, 30.0], (len(array), 1))
    one = partial_volume_contours(array, centers_mm=centers, **given)
    other = partial_volume_contours(3 * array - 50, centers_mm=centers, **given)
    np.testing.assert_allclose(one[0], other[0], atol=1e-3)
    np.testing.assert_allclose(one[1], other[1], atol=1e-3)


@pytest.mark.parametrize("value", [0.0, 100.0])
def test_flat_image_gives_finite_contours(value):
    array = np.full((5, 30, 8), value, np.float32)
    centers = np.tile([15.0, 17.0], (5, 1))
    contours = {"radii_mm": circles(5), "sac_mm": circles(5, 8.0)}
    found, radii = partial_volume_contours(
        array, spacing=(1.0, 1.0, 5.0), first=0, centers_mm=centers, polarity=1, **contours
    )
    assert np.isfinite(found).all()
    assert (radii > 0).all()


def test_misfits_are_those_of_the_plain_twin():
    rng = np.random.default_rng(7)
    planes = rng.normal(100, 20, (2, 14, 5)).astype(np.float32)
    centers = np.array([[6.2, 9.0], [1.0, 18.0]])  # the second reaches beyond the grid
    levels = np.array([[80.0, 130.0, 60.0], [120.0, 90.0, 130.0]])
    half_ap, full = rng.uniform(3.5, 4.5, (2, 3, 2)), rng.uniform(0.5, 1.0, (2, 3, 2))
    sacs = np.array([[6.5, 6.6, 9.4], [1.0, 4.5, 17.0]])
    grids = np.array([-1.0, 0.0, 2.0]), np.array([3.0, 6.5]), np.array([7.0, 10.0])
    spacing, margins = np.array([1.0, 4.4]), np.array([2.0, 1.0, 8.0])
    out = np.empty((2, 3, 2, 2))
    given = planes, centers, half_ap, full, sacs, spacing, levels, *grids, margins, _kernels.Roots(0.5, 0.1, 0.4)
    _kernels.partial_volume_misfits(*given, out)
    np.testing.assert_allclose(out, naive_thick.partial_volume_misfits(*given), rtol=1e-9)
