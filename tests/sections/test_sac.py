"""The thecal sac: the outer border of the CSF."""

import naive_sections as naive
import numpy as np
import pytest

from cordlevelset.phantom import make_phantom
from cordlevelset.pipeline import segment
from cordlevelset.sections import polar, sac
from cordlevelset.sections.sac import sac_contours, sac_support
from cordlevelset.sections.steps import border_evidence

CORD, SPACING = 4.5, (2.0, 1.0, 1.0)


def sections(sac, polarity=-1, wall=0.0, planes=5):
    """Cord 1 within `CORD`, CSF 2 up to `sac` (A,), then wall; blurred by 0.5 mm."""
    inside, edge = (1 / (1 + np.exp((polar.RADII_MM - r) / 0.25)) for r in (CORD, sac[:, None]))
    section = inside + 2 * (edge - inside) + wall * (1 - edge)
    return np.tile(-polarity * section, (planes, 1, 1)).astype(np.float32)


OVAL = 66.5 / np.hypot(9.5 * np.sin(polar.ANGLES), 7.0 * np.cos(polar.ANGLES))


@pytest.mark.parametrize("polarity", [-1, 1])
@pytest.mark.parametrize("larger", [0.0, 2.0])
def test_sac_of_known_shape(polarity, larger):
    evidence = border_evidence(sections(OVAL + larger, polarity), polarity, SPACING)
    radii = sac_contours(evidence, np.full((5, polar.N_ANGLES), CORD), SPACING[0])
    np.testing.assert_allclose(radii, np.tile(OVAL + larger, (5, 1)), atol=0.3)
    assert sac_support(evidence, radii).min() > 0.95


def test_gaps_of_the_wall_are_bridged():
    image = sections(OVAL)
    image[:, 10:16] = image[:, 10:16, [30]]  # CSF as far as one sees: a nerve root's sleeve
    evidence = border_evidence(image, -1, SPACING)
    radii = sac_contours(evidence, np.full((5, polar.N_ANGLES), CORD), SPACING[0])
    assert np.abs(radii - OVAL).max() < 1.5
    assert (sac_support(evidence, radii) < 0.95).all()


def test_never_inside_the_cord_and_no_wall_is_no_support():
    evidence = np.zeros((3, polar.N_ANGLES, polar.RADII_MM.size), np.float32)
    cord = np.full((3, polar.N_ANGLES), 9.0)
    radii = sac_contours(evidence, cord, 1.0)
    assert (radii >= cord).all()
    assert (sac_support(evidence, radii) == 0).all()


def test_sac_of_a_phantom():
    phantom = make_phantom(region="cervical", spacing=(3.0, 0.8, 0.8), field_mm=(60.0, 80.0, 70.0))
    result = segment(phantom.image)
    truth, found = phantom.sac_mask.array > 0, result.sac_mask.array > 0
    covered = found.any((1, 2))
    overlap = 2 * (truth & found)[covered].sum() / (truth[covered].sum() + found[covered].sum())
    assert overlap > 0.93
    assert not (result.mask.array.astype(bool) & ~found).any()
    middle = result.slices[len(result.slices) // 2]
    area = truth[covered].sum() / covered.sum() * 0.8 * 0.8
    assert middle.canal_area_mm2 == pytest.approx(area, rel=0.1)
    assert middle.canal_share == pytest.approx(middle.area_mm2 / middle.canal_area_mm2)


def test_gain_equals_its_naive_twin(rng, monkeypatch):
    evidence = rng.normal(0, 1.5, (2, 64, polar.RADII_MM.size)).astype(np.float32)
    cord = 4.5 + rng.normal(0, 0.5, (2, 64))
    gains = []
    monkeypatch.setattr(sac, "closed_contours", lambda gain: gains.append(gain.copy()) or np.full(cord.shape, 8.0))
    monkeypatch.setattr(sac, "smooth_contours", lambda gain: gains.append(gain.copy()) or np.full(cord.shape, 8.0))
    sac_contours(evidence, cord, 2.0)
    twin = naive.sac_gain(evidence, cord)
    np.testing.assert_allclose(gains[0], twin, rtol=1e-4, atol=1e-4)
    agreed = 0.05 * (polar.RADII_MM - 8.0) ** 2  # what 1 mm from the neighbours' contour costs
    np.testing.assert_allclose(gains[1], twin - agreed, rtol=1e-4, atol=1e-4)


def test_half_a_typical_step_to_the_wall_is_seen():
    evidence = np.zeros((1, 64, polar.RADII_MM.size), np.float32)
    evidence[:, :, 32] = -np.linspace(0, 1.2, 64)
    assert sac_support(evidence, np.full((1, 64), 8.0)) == pytest.approx(0.7 / 1.2, abs=0.02)


@pytest.mark.parametrize("plane_mm", [2.0, 8.0, 12.0])
def test_neighbours_within_5_mm_agree(plane_mm, monkeypatch):
    """Contours of single planes that jump by 2 mm count as smoothed by a Gaussian of 5 mm, those 12 mm apart as are."""
    alone = np.where(np.arange(41) % 2, 7.0, 9.0)[:, None] * np.ones((41, 64))
    seen = []
    monkeypatch.setattr(sac, "closed_contours", lambda gain: alone)
    monkeypatch.setattr(sac, "smooth_contours", lambda gain: seen.append(gain) or alone)
    sac_contours(np.zeros((41, 64, polar.RADII_MM.size), np.float32), np.full((41, 64), 4.0), plane_mm)
    size = 0.02 * (polar.RADII_MM - sac.SAC_SIZE_MM[0]) ** 2
    cost = (-seen[0] - size)[20, 0, 16:57]  # between the cord and 14 mm
    agreed = polar.RADII_MM[16:57][cost.argmin()]
    assert abs(agreed - (9.0 if plane_mm == 12.0 else 8.0)) <= 0.25
