"""Windows along a curve: the averages against a plain twin, the figures against sections whose figures are known."""

import naive_detection as naive
import numpy as np
import pytest
import tubes

from cordlevelset.detection.maps import GainMaps
from cordlevelset.detection.searchgrid import search_grid
from cordlevelset.detection.windows import FIGURES, Windows, windows_along
from cordlevelset.sections.polar import RADII_MM

USUAL_RADIUS_MM = np.sqrt(45 / np.pi)
SPACINGS = [(0.5, 1.0, 1.3), (3.0, 0.8, 1.5)]


def along(image, spacing, curve_mm, polarity=-1):
    """Windows along a curve that is given for each plane, whatever the maps say."""
    grid = search_grid(image, spacing)
    nothing = np.zeros(grid.image.shape, np.float32)
    places = np.zeros((len(nothing), 2), np.int64)
    middles = np.clip(grid.offset[0] + grid.step[0] * np.arange(len(nothing)), 0, len(image) - 1)
    curve = np.stack([np.interp(middles, np.arange(len(image)), c) for c in curve_mm.T], axis=1)
    return windows_along(image, spacing, grid, GainMaps(polarity, *[nothing] * 4), places, curve), curve


def neck(spacing, *, polarity=-1, lean=0.1, waves=0.2, veil=0.0):
    """80 mm of cord, its planes of different brightness, beside air that is exactly dark."""
    shape = tuple(round(mm / s) for mm, s in zip((80, 52, 46), spacing, strict=True))
    image, _ = tubes.tube(shape, spacing, polarity=polarity, lean=lean, noise=0.05)
    by_plane = np.random.default_rng(1).standard_normal((2, shape[0], 1, 1)).clip(-2, 2).astype(np.float32)
    image = (image + veil * (by_plane[0] + 2)) * (1 + waves * by_plane[1])
    image = np.maximum(image, 0.01)
    image[:, :, :3] = 0
    return image, tubes.centers(shape, spacing, lean)


@pytest.mark.parametrize("spacing", SPACINGS)
@pytest.mark.parametrize("polarity", [1, -1])
def test_averages_equal_their_naive_twin(spacing, polarity):
    image, middle = neck(spacing, polarity=polarity, veil=0.5)
    found, _ = along(image, spacing, middle, polarity)
    twin = naive.windows(image, spacing, found.long.centers_mm, found.planes, found.long.radii_mm)
    np.testing.assert_allclose(found.long.values, twin["long"], rtol=1e-4, atol=1e-4)
    np.testing.assert_allclose(found.short.values, twin["short"], rtol=1e-4, atol=1e-4)
    np.testing.assert_allclose(found.inside, [twin["inside"], twin["inside"] / twin["around"]], rtol=1e-4)


@pytest.mark.parametrize("spacing", SPACINGS)
@pytest.mark.parametrize("off_mm", [0.0, 2.5, 6.0])
def test_centers_move_to_the_middle_of_the_contour_but_not_out_of_a_cord(spacing, off_mm):
    image, middle = neck(spacing, lean=0.0, waves=0.0)
    found, curve = along(image, spacing, middle + np.array([off_mm, 0]))
    moved = (found.long.centers_mm - curve)[:, 0]
    np.testing.assert_allclose(moved, -min(off_mm, 3.0), atol=0.4)
    assert np.abs(moved).max() < 3.01


def test_planes_are_averaged_over_their_own_brightness():
    """Slices of different gain show the same sections as slices of one."""
    spacing = SPACINGS[1]
    (plain, middle), (uneven, _) = neck(spacing, waves=0.0), neck(spacing, waves=0.3)
    (one, _), (other, _) = along(plain, spacing, middle), along(uneven, spacing, middle)
    np.testing.assert_allclose(one.long.radii_mm, other.long.radii_mm, atol=0.3)
    np.testing.assert_allclose(one.figures[:, 0], other.figures[:, 0], atol=0.05)


def windows(radius_mm=USUAL_RADIUS_MM, *, cord=1.0, csf=2.0, around=1.5, sac_mm=8.0, n=15, plane_mm=4.0, **given):
    """Windows that all show a disc in a ring in tissue; what is given stands instead."""
    radii = np.broadcast_to(np.reshape(radius_mm, (-1, 1)), (n, 64))
    rays = np.select([radii[:, :, None] > RADII_MM, sac_mm > RADII_MM], [cord, csf], around).astype(np.float32)
    section = tubes.stack(radii, spacing=(1e9, 1.0, 1.0), values=rays)
    same, two = np.ones(n), np.ones((2, n))
    usual = {"inside": two, "step": two, "response": same, "gain": same}
    return Windows(np.arange(n), plane_mm, **({"long": section, "short": section} | usual | given))


def figure(name, *args, **kwargs):
    return windows(*args, **kwargs).figures[:, FIGURES.index(name)]


def test_figures_of_a_usual_cord():
    assert figure("area") == pytest.approx(0, abs=0.02)
    assert figure("border") == pytest.approx(1)
    assert figure("wall") == pytest.approx(1)
    assert figure("inside") == pytest.approx(np.log(1 / 1.5))
    assert figure("ring") == pytest.approx((2 - 1.5) / 1)
    assert figure("unsteady") == pytest.approx(np.log(0.02))


def test_a_section_too_wide_for_a_cord_counts_as_a_small_one():
    wider = [figure("area", np.sqrt(mm2 / np.pi))[0] for mm2 in (30, 45, 60, 90)]
    assert np.all(np.diff(wider) > 0.2)
    of_120 = figure("area", np.sqrt(120 / np.pi))[0]
    assert 40 < 45 * np.exp(of_120) < 55


def test_the_ring_is_read_off_clear_of_the_cord_s_border():
    """Samples to 0.5 mm beyond the contour are mixed; those from 0.75 mm on are CSF, 1.5 mm of it at least."""
    edge = 4.0
    parts = [RADII_MM < edge, RADII_MM < edge + 0.6, RADII_MM < edge + 1.1, RADII_MM < edge + 1.5]
    rays = np.select(parts, [0.0, 9.0, 2.0, 3.0], 1.0)
    section = tubes.stack(edge, values=np.tile(rays, (1, 64, 1)).astype(np.float32), sac_mm=np.full((1, 64), edge))
    w = windows(long=section, short=section, n=1)
    assert w.figures[:, FIGURES.index("ring")] == pytest.approx((7 / 3 - 1) / 9)


@pytest.mark.parametrize("spacing", SPACINGS)
def test_patchiness_equals_its_naive_twin(spacing):
    image, middle = neck(spacing)
    found, _ = along(image, spacing, middle)
    long, steps = found.long, found.long.levels.step
    of_rows = zip(long.values, long.radii_mm, long.sac_mm, strict=True)
    spread = np.array([naive.ring_levels(*row)[1] for row in of_rows])
    np.testing.assert_allclose(found.figures[:, FIGURES.index("patchiness")], np.log(spread / steps), atol=1e-4)


def test_csf_is_even_and_fat_beside_muscle_is_not():
    """The ring of one brightness, or of two that differ by three steps."""
    two = np.where(np.arange(64)[:, None] < 32, 2.0, 5.0)
    rays = np.select([RADII_MM < 4.0, RADII_MM < 8.0], [np.ones((64, 1)), two], 1.5).astype(np.float32)
    section = tubes.stack(4.0, values=rays[None], sac_mm=np.full((1, 64), 8.0))
    patchy = windows(long=section, short=section, n=1)
    step = section.levels.step[0]
    assert patchy.figures[0, FIGURES.index("patchiness")] == pytest.approx(np.log(1.5 / step), abs=0.02)
    assert figure("patchiness").max() < -1


def test_a_small_step_proves_no_more_than_one_of_half_the_ring_s_height():
    """The ring is brighter than tissue by 1.5 steps, by 2.5 and by 5."""
    some, more, most = (float(np.mean(figure("ring", cord=2 - step, around=1.0))) for step in (1 / 1.5, 1 / 2.5, 1 / 5))
    assert some < more == most
    assert some == pytest.approx(1.5)


def test_what_surrounds_the_canal_lies_beyond_10_mm():
    far = np.where(RADII_MM < 9.9, 1.0, 3.0)
    section = tubes.stack(4.0, values=np.tile(far, (1, 64, 1)).astype(np.float32))
    w = windows(long=section, short=section, n=1)
    assert w.figures[:, FIGURES.index("inside")] == pytest.approx(np.log(1 / 3))


def test_an_image_without_noise_is_not_infinitely_sure():
    """A step of a five hundredth of the brightness, exactly even inside."""
    assert figure("unevenness", csf=1.002, around=1.001) == pytest.approx(np.log(1e-4 / 0.002), abs=0.05)


@pytest.mark.parametrize("plane_mm", [3.0, 6.0])
def test_unsteadiness_is_the_spread_of_the_area_within_30_mm(plane_mm):
    areas = np.exp(np.random.default_rng(3).normal(4, 0.2, 25))
    short = tubes.stack(np.sqrt(areas / np.pi)[:, None], values=np.ones((25, 64, 60), np.float32), area_mm2=areas)
    found = figure("unsteady", n=25, plane_mm=plane_mm, short=short)
    half = int(15 / plane_mm)
    for k in range(half, 25 - half):
        spread = np.log(areas[k - half : k + half + 1]).std()
        assert found[k] == pytest.approx(np.log(spread + 0.02), abs=1e-6)


@pytest.mark.parametrize("plane_mm", [1.0, 2.5, 5.0])
def test_change_equals_its_naive_twin(plane_mm):
    n = round(150 / plane_mm)
    rng = np.random.default_rng(4)
    inside, step = rng.normal(1, 1.5, (2, n)), rng.uniform(0.5, 2, (2, n))
    twin = naive.change_from_above(inside, step, plane_mm)
    np.testing.assert_allclose(figure("change", n=n, plane_mm=plane_mm, inside=inside, step=step), twin)


def test_a_change_in_one_light_alone_is_none():
    faded = np.stack([np.linspace(0.2, 2, 40), np.ones(40)])
    assert figure("change", n=40, inside=faded)[:10] == pytest.approx(0, abs=1e-9)
    assert figure("change", n=40, inside=faded[:1].repeat(2, 0))[:10].min() > 0.3


def test_the_change_point_is_the_tip():
    """120 mm of cord, 80 mm of sac below it."""
    below = np.arange(50) < 20
    inside, step, response = np.where(below, 2.0, 1.0), np.where(below, 0.2, 1.0), np.where(below, -0.2, 0.7)
    changed = windows(n=50, inside=np.stack([inside] * 2), step=np.stack([step] * 2), response=response)
    assert changed.tip == 20
    assert changed.tip_loss_mm == pytest.approx(80, abs=10)
    assert windows(n=50).tip is None
