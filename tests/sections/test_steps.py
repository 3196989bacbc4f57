"""What the rays show, against plain twins with the numbers written out."""

import naive_sections as naive
import numpy as np
import pytest
from scipy import ndimage as ndi

from cordlevelset.sections import steps
from cordlevelset.sections.polar import RADII_MM


@pytest.fixture
def sections(rng):
    """Noise over a disc, 7 planes, and contours about as large."""
    values = np.where(RADII_MM < 4.5, 1.0, 2.0) + rng.normal(0, 0.3, (7, 64, RADII_MM.size))
    return values.astype(np.float32), 4.5 + rng.normal(0, 0.4, (7, 64))


@pytest.mark.parametrize("spacing", [(1.0, 0.8, 0.8), (4.0, 1.0, 3.3), (9.0, 2.5, 0.7)])
@pytest.mark.parametrize("polarity", [1, -1])
def test_evidence_equals_its_naive_twin(spacing, polarity, sections):
    found = steps.border_evidence(sections[0], polarity, spacing)
    np.testing.assert_allclose(found, naive.evidence(sections[0], polarity, spacing), rtol=2e-3, atol=2e-4)


def test_where_there_are_no_steps_none_is_typical(rng):
    """Far from the only plane with steps, what float32 rounds is nothing."""
    values = np.zeros((300, 64, RADII_MM.size), np.float32)
    values[0] = rng.normal(0, 1, values.shape[1:])
    values[299, 0] = 1e-8 * (RADII_MM > 4)
    assert np.abs(steps.border_evidence(values, -1, (4.0, 1.0, 1.0))[299]).max() < 0.1
    values[299, 0] = 3e-6 * (RADII_MM > 4)
    found = np.abs(steps.border_evidence(values, -1, (4.0, 1.0, 1.0))[299]).max()
    step = np.abs(ndi.gaussian_filter1d(values, 0.6 / 0.25, axis=2, order=1, mode="nearest"))
    assert found == pytest.approx(step[299].max() / (1e-6 * step[0].max()), rel=0.01)


@pytest.mark.parametrize("polarity", [1, -1])
def test_levels_equal_their_naive_twin(polarity, sections):
    found = steps.border_levels(*sections, polarity)
    np.testing.assert_allclose(found, naive.border_levels(*sections, polarity), rtol=1e-5)


def test_core_equals_its_naive_twin(sections):
    """Three quarters of the radius, by area."""
    mean, spread = steps.core_levels(*sections)
    for k, (section, contour) in enumerate(zip(*sections, strict=True)):
        core = [(r, v) for ray, edge in zip(section, contour, strict=True)
                for r, v in zip(RADII_MM, ray, strict=True) if r < 0.75 * edge]  # fmt: skip
        weight, value = np.array(core).T
        assert mean[k] == pytest.approx(np.average(value, weights=weight), rel=1e-5)
        expected = np.sqrt(np.average((value - np.average(value, weights=weight)) ** 2, weights=weight))
        assert spread[k] == pytest.approx(expected, rel=1e-4)


@pytest.mark.parametrize("polarity", [1, -1])
def test_csf_likeness_equals_its_naive_twin(polarity, sections):
    values, radii = -polarity * sections[0], sections[1]
    inside = -polarity * np.linspace(0.8, 1.2, len(radii))
    found = steps.csf_likeness(values, radii, polarity, inside)
    np.testing.assert_allclose(found, naive.csf_likeness(values, radii, polarity, inside), atol=2e-4)


def test_thin_csf_is_taken_to_be_seven_tenths_as_bright_as_the_rest():
    """A quarter of the sac shows a tenth of the usual step."""
    values = np.tile(np.where(RADII_MM < 4, 0.0, 1.0), (1, 64, 1)).astype(np.float32)
    values[:, :16, RADII_MM >= 4] = 0.1
    found = steps.csf_likeness(values, np.full((1, 64), 4.0), -1, np.zeros(1))
    assert found[0, 8, 24] == pytest.approx(2 * 0.1 / 0.7 - 1, abs=0.02)


def test_half_a_typical_step_is_a_border():
    evidence = np.zeros((1, 64, RADII_MM.size), np.float32)
    evidence[:, :, 16] = np.linspace(0, 1.2, 64)
    assert steps.border_support(evidence, np.full((1, 64), 4.0)) == pytest.approx(0.7 / 1.2, abs=0.02)


@pytest.mark.parametrize(("plane_mm", "averaged"), [(1.0, True), (5.0, True), (7.0, False)])
def test_planes_up_to_6_mm_apart_share_their_noise(plane_mm, averaged):
    """As a Gaussian of 3 mm does, cut off at two of them."""
    values = np.zeros((41, 64, 4), np.float32)
    values[20] = 1
    shares = steps.smoothed(values, plane_mm)[:, 0, 0]
    away = (np.arange(41) - 20) * plane_mm
    expected = np.where(np.abs(away) <= plane_mm * int(2 * 3 / plane_mm + 0.5), np.exp(-((away / 3) ** 2) / 2), 0)
    np.testing.assert_allclose(shares, expected / expected.sum() if averaged else away == 0, atol=1e-5)
