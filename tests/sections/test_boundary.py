import naive_sections as naive
import numpy as np
import pytest
import tubes
from scipy import ndimage as ndi

from cordlevelset.sections import _kernels, boundary, curves, polar
from cordlevelset.sections.stack import CORD_SIZE_MM, Sections
from cordlevelset.sections.texture import texture_gain


def test_closed_contours_equal_naive_twin():
    rng = np.random.default_rng(7)
    for seed in range(5):
        gain = ndi_smooth(rng.normal(size=(24, 12)), seed)
        out = np.empty((1, 24), np.int64)
        _kernels.closed_contours(gain[None].astype(np.float32), 0.1, out)
        path = out[0]
        steps = np.diff(np.append(path, path[0]))
        assert np.abs(steps).max() <= 2
        assert gain[np.arange(24), path].sum() - 0.1 * (steps**2).sum() == pytest.approx(
            naive.closed_contour(gain, 0.1), rel=1e-4
        )


def ndi_smooth(noise, seed):
    """A ring of gain in noise, as a border is."""
    ring = np.exp(-((np.arange(12) - 5 - seed % 3) ** 2) / 4)
    return 0.2 * noise + ring


@pytest.mark.parametrize("polarity", [1, -1])
@pytest.mark.parametrize(
    ("spacing", "tolerance"), [((1.0, 1.0, 1.0), 0.15), ((5.0, 0.5, 0.5), 0.1), ((1.0, 1.0, 4.0), 0.4)]
)
def test_start_contour_of_an_ellipse(spacing, tolerance, polarity):
    shape = (9, round(48 / spacing[1]), round(44 / spacing[2]))
    fine = tuple(round(s / 0.25) for s in spacing[1:])  # partial volume: render fine, average
    full, _ = tubes.tube(
        (9, shape[1] * fine[0], shape[2] * fine[1]), (spacing[0], 0.25, 0.25), polarity=polarity, noise=0.0
    )
    image = full.reshape(9, shape[1], fine[0], shape[2], fine[1]).mean((2, 4)).astype(np.float32)
    start = tubes.centers(shape, spacing) + np.array([0.8, -0.7])
    found = boundary.start_contours(image, spacing=spacing, first=0, centers_mm=start, polarity=polarity)
    middle = found.radii_mm[3:6]
    truth = np.sqrt(3.8 * 5.0)
    assert np.sqrt(polar.polygon_area(middle) / np.pi).mean() == pytest.approx(truth, abs=tolerance)


@pytest.mark.parametrize("plane_mm", [2.0, 4.0])
def test_start_contours_equal_their_twin(plane_mm, monkeypatch, rng):
    """From a point that is off and in noise: three rounds, agreed with the neighbours within 5 mm."""
    spacing, far_off = (plane_mm, 1.0, 1.2), np.array([3.5, -4.5])
    image, _ = tubes.tube((9, 48, 40), spacing, noise=0.4)
    start = tubes.centers(image.shape, spacing)[2:] + far_off
    monkeypatch.setattr(boundary, "middles", lambda array, *, centers_mm, **known: centers_mm)
    given = {"spacing": spacing, "first": 2, "polarity": -1}
    found = boundary.start_contours(image, centers_mm=start, **given)

    def blurred(values, sigma_mm):
        return ndi.gaussian_filter1d(values, sigma_mm / plane_mm, axis=0, mode="nearest")

    seen = Sections.of_image(image, centers_mm=start, **given).smoothed()
    size, radii_mm = np.tile(CORD_SIZE_MM, (7, 1)), 0.25 * np.arange(39)
    gain = boundary.border_gain(seen.evidence, size) + texture_gain(seen)
    for _ in range(3):
        agreed = ndi.gaussian_filter1d(blurred(curves.closed_contours(gain), 5.0), 2.0, axis=1, mode="wrap")
        shift = blurred(polar.centroid_shift(agreed), 3.0)
        seen = Sections.of_image(
            image, centers_mm=seen.centers_mm + shift, radii_mm=polar.recentred(agreed, shift), **given
        ).smoothed()
        size = polar.recentred(size, shift)
        gain = boundary.border_gain(seen.evidence, size) + texture_gain(seen)
        gain = gain - 0.05 * (radii_mm - seen.radii_mm[:, :, None]) ** 2
    expected = ndi.gaussian_filter1d(curves.closed_contours(gain), 1.0, axis=1, mode="wrap")
    np.testing.assert_allclose(found.centers_mm, seen.centers_mm, atol=1e-6)
    np.testing.assert_allclose(found.radii_mm, expected, atol=1e-6)


@pytest.mark.parametrize(("off_mm", "moved_mm"), [(2.0, 2.0), (4.5, 3.0)])
def test_a_center_moves_less_than_a_cord_is_wide(off_mm, moved_mm, monkeypatch):
    """In one round, to the middle of a circle of 6 mm that was found about another point."""
    circle = off_mm * np.cos(polar.ANGLES) + np.sqrt(36 - (off_mm * np.sin(polar.ANGLES)) ** 2)
    image, _ = tubes.tube((9, 48, 40), (4.0, 1.0, 1.0))
    monkeypatch.setattr(boundary, "PASSES", 1)
    monkeypatch.setattr(boundary, "closed_contours", lambda gain: np.tile(circle, (len(gain), 1)))
    monkeypatch.setattr(boundary, "middles", lambda array, *, centers_mm, **known: centers_mm)
    start = tubes.centers(image.shape, (4.0, 1.0, 1.0))
    found = boundary.start_contours(image, spacing=(4.0, 1.0, 1.0), first=0, centers_mm=start, polarity=-1)
    np.testing.assert_allclose(found.centers_mm - start, np.tile([0, moved_mm], (9, 1)), atol=0.1)


@pytest.mark.parametrize("spacing", [(3.0, 1.0, 0.6), (1.0, 0.8, 3.0)])
def test_pixels_take_their_share_of_an_area(spacing):
    """By a blur of p^2 / 4 in all, the mean over both axes; of voxels thicker than 2 mm as much as of such."""
    radii = 4.5 + 0.5 * np.cos(2 * polar.ANGLES)[None]
    blur = np.mean(np.minimum(spacing[1:], 2.0) ** 2) / 4
    grown = polar.polygon_area(curves.in_place(radii, spacing)) - polar.polygon_area(radii)
    assert grown == pytest.approx(np.pi * blur, rel=2e-3)


def test_border_levels_and_support_of_a_clean_cord():
    image, _ = tubes.tube((7, 48, 44), (2.0, 1.0, 1.0), noise=0.0)
    found = boundary.start_contours(
        image, spacing=(2.0, 1.0, 1.0), first=0, centers_mm=tubes.centers((7, 48, 44), (2.0, 1.0, 1.0)), polarity=-1
    )
    assert found.levels.inside == pytest.approx(1.0, abs=0.05)
    assert found.levels.csf == pytest.approx(2.0, abs=0.25)
    assert found.levels.step == pytest.approx(1.0, abs=0.25)
    assert found.support.min() > 0.9
    assert np.abs(found.centers_mm - tubes.centers((7, 48, 44), (2.0, 1.0, 1.0))).max() < 0.3


@pytest.mark.parametrize("polarity", [-1, 1])
def test_csf_likeness_is_half_way_at_the_border_whatever_the_scale(polarity):
    rise = np.clip((polar.RADII_MM - 4.5) / 1.0 + 0.5, 0, 1)  # a border 1 mm wide at 4.5 mm
    section = np.broadcast_to(300 - polarity * 40 * rise, (2, polar.N_ANGLES, polar.RADII_MM.size)).astype(np.float32)
    csf = tubes.stack(4.4, values=section, polarity=polarity).csf_likeness
    np.testing.assert_allclose(csf[:, :, polar.RADII_MM == 4.5], 0, atol=0.02)
    assert (csf[:, :, polar.RADII_MM < 4] == -1).all()
    assert (csf[:, :, polar.RADII_MM > 5] > 0.99).all()
    scaled = tubes.stack(4.4, values=7 * section - 50, polarity=polarity).csf_likeness
    np.testing.assert_allclose(scaled, csf, atol=1e-3)


def test_csf_likeness_of_a_flat_section_says_nothing():
    flat = np.full((1, polar.N_ANGLES, polar.RADII_MM.size), 5.0, np.float32)
    np.testing.assert_array_equal(tubes.stack(4.0, values=flat, polarity=1).csf_likeness, 0)


@pytest.mark.parametrize("spacing", [(3.0, 1.0, 1.0), (3.0, 1.6, 0.8), (3.0, 0.8, 1.6)])
@pytest.mark.parametrize("radius", [3.0, 4.5, 7.0])
def test_a_disc_seen_through_pixels_keeps_its_area(spacing, radius):
    n, fine = 21, 16
    axis = (np.arange(n * fine) + 0.5) / fine - 0.5
    y, x = (axis * s for s in spacing[1:])
    offsets = np.random.default_rng(0).uniform(size=(16, 2))  # of the disc against the pixels
    centers = np.array([[((n - 1) / 2 + o) * s for o, s in zip(off, spacing[1:], strict=True)] for off in offsets])
    discs = [np.hypot(y[:, None] - cy, x - cx) < radius for cy, cx in centers]
    image = np.stack([d.reshape(n, fine, n, fine).mean((1, 3)) for d in discs]).astype(np.float32)
    sections = polar.polar_sections(image, spacing=spacing, first=0, centers_mm=centers)
    inner = (sections >= 0.5).sum(2) - 1  # last sample inside; the half level is found between it and the next
    low, high = (np.take_along_axis(sections, (inner + d)[:, :, None], 2)[:, :, 0] for d in (0, 1))
    radii = (inner + (low - 0.5) / (low - high)) * polar.RADIUS_STEP_MM
    truth = polar.polygon_area(np.full((1, polar.N_ANGLES), radius))[0]
    seen, corrected = (polar.polygon_area(r).mean() for r in (radii, curves.in_place(radii, spacing)))
    assert seen < truth - 0.4  # pi (s1^2 + s2^2) / 8 is 0.8 to 1.3 mm2
    assert corrected == pytest.approx(truth, abs=0.3)


def completed(radii, evidence, plane_mm):
    """Over a neighbourhood of 10 mm."""
    return boundary.completed(tubes.stack(radii, evidence=evidence, spacing=(plane_mm, 1.0, 1.0)), 10.0)


def _evidence(seen):
    """Steps of height 1 on every ray of the planes that are seen, none in the others."""
    return np.where(seen[:, None, None], 1.0, 0.0) * np.ones((len(seen), polar.ANGLES.size, polar.RADII_MM.size))


@pytest.mark.parametrize("plane_mm", [1.0, 5.0, 12.0])
def test_what_is_not_seen_follows_from_the_neighbours(plane_mm):
    """Against the weighted mean written out, plane by plane."""
    rng = np.random.default_rng(2)
    radii = rng.uniform(3, 6, (100, polar.ANGLES.size))
    evidence = rng.uniform(-0.5, 1, (100, polar.ANGLES.size, polar.RADII_MM.size))
    found = completed(radii, evidence, plane_mm)
    sample = np.rint(radii / polar.RADIUS_STEP_MM).astype(int)
    seen = np.clip(np.take_along_axis(evidence, sample[:, :, None], 2)[:, :, 0] / 0.5, 0, 1)
    for k in (45, 50):  # far enough from the ends
        weight = np.exp(-((np.arange(100) - k) ** 2) / 2 / (10 / plane_mm) ** 2)[:, None] * (seen + 0.05)
        weight[np.abs(np.arange(100) - k) > round(4 * 10 / plane_mm)] = 0
        around = (weight * radii).sum(0) / weight.sum(0)
        move = (1 - seen[k]) * (around - radii[k])
        rays = np.arange(-8, 9)
        kernel = np.exp(-(rays**2) / 2 / 2.0**2)
        smooth = sum(w * np.roll(move, s) for w, s in zip(kernel / kernel.sum(), rays, strict=True))
        np.testing.assert_allclose(found[k], radii[k] + smooth, rtol=1e-10)


def test_a_border_that_is_seen_stays_and_one_far_from_any_too():
    radii = np.linspace(3, 6, 9)[:, None] * np.ones(polar.ANGLES.size)
    all_seen = completed(radii, _evidence(np.ones(9, bool)), 2.0)
    np.testing.assert_allclose(all_seen, radii)
    far = completed(radii, _evidence(np.zeros(9, bool)), 21.0)  # thicker than any neighbourhood
    np.testing.assert_allclose(far, radii)


def test_a_leak_in_one_plane_is_mended():
    radii = np.full((9, polar.ANGLES.size), 4.0)
    radii[4] = 8.0
    mended = completed(radii, _evidence(np.arange(9) != 4), 5.0)
    np.testing.assert_allclose(mended, 4.0, atol=0.1)


def test_border_gain_equals_its_naive_twin(rng):
    evidence = rng.normal(0, 1.5, (2, 64, polar.RADII_MM.size)).astype(np.float32)
    size = 4.5 + rng.normal(0, 0.5, 64)
    found = boundary.border_gain(evidence, size)
    np.testing.assert_allclose(found, naive.border_gain(evidence, size), rtol=1e-4, atol=1e-4)


def test_a_strong_border_is_not_worth_a_round_of_good_ones():
    """What is five times as steep gains three times as much, and nothing gains as much as a barred ray loses."""
    evidence = np.zeros((1, 64, polar.RADII_MM.size), np.float32)
    evidence[0, :, 18] = [1.0, 5.0, *[1e6] * 62]
    gain = boundary.border_gain(evidence, np.full(64, 4.5))[0, :, 18]
    assert gain[1] / gain[0] == pytest.approx(3.0)
    assert gain[2] == pytest.approx(5.0, rel=1e-3)
    barred = boundary.border_gain(evidence, np.full(64, 4.5))[0, :, 3]
    assert (gain[2] < -barred).all()
    assert (barred < gain.min() - 5).all()


@pytest.mark.parametrize(("gain_there", "follows"), [(0.25, False), (0.5, True)])
def test_a_contour_turns_where_it_gains_more_than_the_turns_cost(gain_there, follows):
    """Three samples out and three back, one a ray, cost 0.36 together."""
    gain = np.full((1, 64, 20), -1.0, np.float32)
    gain[:, :, 8:12] = 0
    gain[0, 30, 11] = gain_there
    gain[0, :28, 9:] = gain[0, 33:, 9:] = -1
    contour = curves.closed_contours(gain)[0] / polar.RADIUS_STEP_MM
    assert (contour[30] == 11) == follows


@pytest.mark.parametrize("plane_mm", [1.0, 4.0])
def test_what_is_seen_nowhere_near_takes_a_twentieth_of_a_say(plane_mm):
    """Two planes of four show a border: the others, in between, go to their weighted mean."""
    n = 9
    radii = np.linspace(3.0, 5.0, n)[:, None] * np.ones((n, 64))
    evidence = np.zeros((n, 64, polar.RADII_MM.size), np.float32)
    evidence[0] = 1.0
    found = boundary.completed(tubes.stack(radii, evidence=evidence, spacing=(plane_mm, 1, 1)), 5.0)
    away = np.arange(n)[:, None] - np.arange(-60, 69)
    mirrored = np.clip(np.arange(-60, 69), 0, n - 1)
    certain = np.where(mirrored == 0, 1.05, 0.05)
    weight = np.exp(-((away * plane_mm / 5) ** 2) / 2) * (np.abs(away * plane_mm) <= 20 + plane_mm / 2)
    around = (weight * certain * radii[mirrored, 0]).sum(1) / (weight * certain).sum(1)
    np.testing.assert_allclose(found[1:, 0], around[1:], atol=0.02)
    np.testing.assert_allclose(found[0], radii[0])
