"""Thick sagittal voxels: lateral borders from occupied fractions."""

import naive_thick
import numpy as np
import pytest
import tubes
from scipy import ndimage as ndi

from cordlevelset.border import _kernels, thick
from cordlevelset.border.thick import flattening, fullness
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
    own = (width - 0.3 * seen) / 0.7  # three tenths are those of the circles given
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


def misfits(monkeypatch, planes, grids, sac_ap):
    """As `thick` has them worked out, for a few cords; and those of the plain twin with the numbers written out."""
    rng = np.random.default_rng(3)
    array = rng.normal(100, 20, (planes, 60, 9)).astype(np.float32)
    for name, grid in zip(("SHIFTS_MM", "HALF_LR_MM", "SAC_LR_MM"), grids, strict=True):
        monkeypatch.setattr(thick, name, grid)
    middle = np.tile([14.3, 16.0], (planes, 1))
    levels = np.tile([80.0, 150.0, 60.0], (planes, 1))
    sacs = np.tile([14.5, sac_ap, 16.2], (planes, 1))
    depths, full = rng.uniform(3.5, 4.5, (2, planes, grids[0].size, grids[1].size))
    given = array, (1.0, 0.5, 4.0), middle, depths, full / 5, sacs, levels
    roots = _kernels.Roots(0.05, 0.25, 1 / 3)
    margins = np.array([2.0, 1.0, 8.5])
    twin = naive_thick.partial_volume_misfits(
        array, middle, depths, full / 5, sacs, np.array([0.5, 4.0]), levels, *grids, margins, roots
    )
    return thick._misfits(*given), twin


@pytest.mark.parametrize("sac_ap", [5.2, 7.4, 12.0])
def test_what_a_misfit_is_made_of(sac_ap, monkeypatch):
    """Rows to 2 mm beyond the poles, 1 mm off the sac's; columns to 8.5 mm; roots to a quarter of a step."""
    grids = np.array([-1.0, 1.5]), np.array([3.0, 6.5]), np.array([7.0, 10.0])
    found, twin = misfits(monkeypatch, 2, grids, sac_ap)
    np.testing.assert_allclose(found, twin, rtol=1e-6)


@pytest.mark.parametrize("plane_mm", [1.0, 4.0])
def test_planes_within_5_mm_share_one_cord_and_shapes_have_a_prior(plane_mm, monkeypatch):
    """A misfit in one plane is spread by a Gaussian of 5 mm; a cord's ratio and a sac's width cost their squares."""
    alone = np.zeros((41, thick.SHIFTS_MM.size, thick.HALF_LR_MM.size, thick.SAC_LR_MM.size))
    alone[20] = 1.0
    monkeypatch.setattr(thick, "_misfits", lambda *given: alone)
    middle, levels = np.tile([17.0, 30.0], (41, 1)), np.tile([100.0, 300.0, 60.0], (41, 1))
    sacs, ratios = np.tile([17.0, 7.5, 30.0], (41, 1)), np.full(41, 1.4)
    cost = thick._cost(np.zeros((41, 30, 9)), (plane_mm, 1.0, 4.0), middle, np.full(41, 3.8), sacs, levels, ratios)
    depth = 3.8 / flattening(thick.HALF_LR_MM, (30.0 + thick.SHIFTS_MM)[:, None], 4.0)
    shape = 0.001 * ((thick.HALF_LR_MM / depth - 1.4) / 0.3) ** 2
    prior = shape[..., None] + 0.002 * ((thick.SAC_LR_MM - 9.5) / 2) ** 2
    share = np.exp(-(((np.arange(41) - 20) * plane_mm / 5) ** 2) / 2)
    near = slice(20 - int(12 / plane_mm), 21 + int(12 / plane_mm))
    expected = prior + (share / share.sum())[near, None, None, None]
    np.testing.assert_allclose(cost[near], expected, atol=2e-4)


def test_levels_are_averaged_over_2_5_mm_only():
    rng = np.random.default_rng(5)
    cord, csf, wall = rng.normal((100, 300, 60), 10, (60, 3)).T
    found = thick._levels(cord, csf, wall, 1.0)
    weight = np.exp(-((np.subtract.outer(np.arange(60), np.arange(60)) / 2.5) ** 2) / 2)
    expected = weight / weight.sum(1, keepdims=True) @ np.column_stack([cord, csf, wall])
    np.testing.assert_allclose(found[12:-12], expected[12:-12], rtol=1e-3)


@pytest.mark.parametrize("polarity", [1, -1])
def test_the_csf_is_read_off_before_and_behind_the_cord(polarity):
    """25 degrees to both sides of the AP axis, from 0.5 to 3 mm beyond the border, the brightest there."""
    away = np.abs(90 - np.degrees(polar.ANGLES) % 180)[:, None]
    beyond = polar.RADII_MM - 4.0
    at_poles = (away <= 26) & (beyond >= 0.45) & (beyond <= 3.05)
    fat = np.where(beyond > 3.2, 500.0, 150.0)
    rays = np.select([polar.RADII_MM < 4 - 0 * away, at_poles], [100.0, 300.0 + 40 * (beyond >= 2.0)], fat)
    stack = tubes.stack(4.0, values=-polarity * np.tile(rays, (3, 1, 1)).astype(np.float32), polarity=polarity)
    cord, csf = thick._cord_and_csf(stack)
    smooth = ndi.gaussian_filter1d(rays, 2.0, axis=0, mode="wrap")
    poles = away[:, 0] < 25
    index = np.rint((4.0 + np.arange(0.5, 3.01, 0.25)) / 0.25).astype(int)
    assert -polarity * cord == pytest.approx(100.0, rel=1e-5)
    assert -polarity * csf == pytest.approx(np.median(smooth[poles][:, index].max(1)), rel=1e-5)


@pytest.mark.parametrize(("wall", "taken"), [(140.0, 140.0), (280.0, 200.0), (-700.0, -300.0)])
def test_the_wall_is_what_lies_beside_the_sac(wall, taken):
    """From 10 to 14 mm off the middle; half a step to three steps from the CSF, no more."""
    y, x = np.arange(36.0)[:, None], np.arange(60.0)
    aside = np.abs(x - 30)
    plane = np.select([(aside >= 9.6) & (aside <= 14.6)], [wall], 1000.0) + 0 * y
    middle, level = np.array([[17.0, 30.0]]), np.ones(1)
    found = thick._wall(plane[None], (1.0, 1.0, 1.0), middle, 3.8 * level, 100 * level, 300 * level)
    assert found == pytest.approx(taken)


def test_a_middle_stays_in_the_contour(monkeypatch):
    """It moves by four fifths of the half-width seen at most."""
    monkeypatch.setattr(thick, "_vertex", lambda cost: np.tile([6.0, 5.0], (len(cost), 1)))
    radii = circles(12, 2.5)
    found, _ = partial_volume_contours(
        slab(30.0, 4.0), spacing=(1.0, 1.0, 4.0), first=0, centers_mm=np.tile([17.0, 30.0], (12, 1)), radii_mm=radii,
        sac_mm=oval(12), polarity=-1,
    )  # fmt: skip
    assert found[:, 1] - 30.0 == pytest.approx(2.0)


@pytest.mark.parametrize(("dx", "share"), [(3.0, 4 / 9), (4.0, 0.3), (6.0, 0.3)])
def test_the_rays_keep_three_tenths_of_the_sides(dx, share, monkeypatch):
    """Circles of 3 mm on the rays, a cord of 5 mm by the model; more where the voxels resolve more."""
    monkeypatch.setattr(thick, "_vertex", lambda cost: np.tile([0.0, 5.0], (len(cost), 1)))
    _, radii = partial_volume_contours(
        slab(30.0, dx), spacing=(1.0, 1.0, dx), first=0, centers_mm=np.tile([17.0, 30.0], (12, 1)),
        radii_mm=circles(12, 3.0), sac_mm=oval(12), polarity=-1,
    )  # fmt: skip
    assert radii[:, [0, 32]] == pytest.approx(share * 3.0 + (1 - share) * 5.0, abs=0.01)


def test_20_cm_above_the_tip_the_cord_is_no_longer_round(monkeypatch):
    ratios = []
    cost = thick._cost
    monkeypatch.setattr(thick, "_cost", lambda *given: ratios.append(given[-1]) or cost(*given))
    given = {"spacing": (1.0, 1.0, 4.0), "first": 0, "polarity": -1, "radii_mm": circles(2), "sac_mm": oval(2)}
    given |= {"centers_mm": np.tile([17.0, 30.0], (2, 1)), "above_tip_mm": np.array([160.0, 240.0])}
    partial_volume_contours(slab(30.0, 4.0, planes=2), **given)
    round_mm, flat_mm = ratios[0] * 7.5  # left-right of a cord 7.5 mm deep: enlargement and neck
    assert round_mm == pytest.approx(9.4, abs=0.3)
    assert flat_mm == pytest.approx(10.5, abs=0.3)
