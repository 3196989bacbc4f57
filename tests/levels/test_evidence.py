"""Evidence for discs against its plain twin."""

import naive_levels as naive
import numpy as np
import pytest

from cordlevelset.levels import evidence
from cordlevelset.volume import Volume


@pytest.mark.parametrize("spacing", [(1.0, 0.8, 2.0), (2.0, 1.0, 1.0)])
def test_section_equals_its_naive_twin(spacing):
    rng = np.random.default_rng(0)
    array = rng.normal(size=tuple(round(mm / s) for mm, s in zip((14, 12, 24), spacing, strict=True)))
    curve = np.column_stack([np.arange(14.0, -1, -1), np.zeros(15), np.linspace(8, 14, 15)])
    found = evidence.sagittal_section(Volume(array.astype(np.float32), spacing), curve)
    np.testing.assert_allclose(found.values, naive.section(array, spacing, found.columns_mm), atol=1e-4)


def speckle(shape=(90, 70)):
    return np.random.default_rng(1).normal(size=shape).cumsum(0) / 3


@pytest.mark.parametrize(("lean", "size"), [(0.0, 1.0), (25.0, 1.0), (-13.0, 1.0), (25.0, 0.7)])
def test_evidence_equals_its_naive_twin(lean, size):
    """In the middle, and where a part of it lies beyond the image: 15, 25 and 40 hundredths of it, and its ends."""
    values = speckle()
    places = np.array([[45.0, 35.3], [38.0, 30.0], [45.0, 5.6], [45.0, 4.0], [45.0, 1.6], [8.0, 33.0], [5.0, 33.0]])
    found = evidence.disc_evidence(evidence.Section(values, np.zeros(90), size), places, np.full(7, lean))
    np.testing.assert_allclose(found, [naive.evidence(values, p, lean, size=size) for p in places], atol=1e-6)


def test_too_little_in_view_is_no_evidence():
    """At the edge an eighth of 16 mm may lie outside, not a third."""
    values = speckle()
    places = np.array([[45.0, 6.2], [45.0, 2.7]])
    seen, hidden = evidence.disc_evidence(evidence.Section(values, np.zeros(90)), places, np.zeros(2))
    assert seen != -1
    assert hidden == -1


@pytest.mark.parametrize("sigma_mm", [2.0, 4.0])
def test_thickness_follows_the_distance_of_the_endplates(sigma_mm):
    z = np.arange(120.0)
    profile = np.exp(-0.5 * ((z - 60) / sigma_mm) ** 2)
    section = evidence.Section(np.repeat(profile[:, None], 60, axis=1), np.zeros(120))
    slopes = np.gradient(profile)[60 - 14 : 60 + 15] ** 2
    expected = (slopes * np.abs(np.arange(-14, 15))).sum() / slopes.sum()
    assert evidence.disc_thickness(section, np.array([60.0, 30.0]), 0.0) == pytest.approx(expected, rel=1e-6)


def test_evidence_of_a_mirrored_band():
    """e does not know bright from dark, sees the middle best, and is far lower in the middle of a vertebra."""
    z = np.arange(120.0)
    profile = np.exp(-0.5 * ((z - 60) / 3) ** 2)
    for sign in (1, -1):
        section = evidence.Section(np.repeat(sign * profile[:, None], 60, axis=1), np.zeros(120))
        places = np.column_stack([z[30:90], np.full(60, 30.0)])
        e = evidence.disc_evidence(section, places, np.zeros(60))
        assert 30 + e.argmax() == 60
        assert e.max() > 1
        assert e[[5, 15, 45, 55]].max() < 0.3
    assert evidence.disc_thickness(section, np.array([60.0, 30.0]), 0.0) == pytest.approx(3 * np.sqrt(3 / 2), abs=1.0)
