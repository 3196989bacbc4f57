import numpy as np
import pytest
import tubes
from scipy.special import erf

from cordlevelset.border.confidence import (
    SMEARED_SHARE,
    TOO_WIDE_MM2,
    UNEVEN_SHARE,
    WIDE_MM2,
    doubts,
    evenness,
    extent,
    sharpness,
    size,
    unlit,
)
from cordlevelset.sections import polar


def _disc(radius_mm, blur_mm, planes=3):
    """Sections of a dark round cord, its border blurred by a Gaussian, and the true contour."""
    profile = 0.5 * (1 + erf((polar.RADII_MM - radius_mm) / (np.sqrt(2) * blur_mm)))
    sections = np.broadcast_to(profile, (planes, polar.N_ANGLES, polar.RADII_MM.size)).astype(np.float32)
    return sections, np.full((planes, polar.N_ANGLES), radius_mm)


@pytest.mark.parametrize(("share", "expected"), [(0.1, 1.0), (0.8, 0.86), (1.0, 0.5), (1.3, 0.2)])
@pytest.mark.parametrize("sign", [1, -1])
def test_a_blurred_border_is_doubted(share, expected, sign):
    """The step is read up to 2.5 mm beyond the border; of one blurred more a part is missed, and some of the blur."""
    sections, radii = _disc(3.0, share * SMEARED_SHARE * 3.0)
    assert sharpness(tubes.stack(radii, values=sign * sections, polarity=-sign)) == pytest.approx(expected, abs=0.08)


def test_what_shows_no_border_is_not_sharp():
    sections, radii = _disc(4.0, 1.0)
    assert np.isfinite(sharpness(tubes.stack(radii, values=np.zeros_like(sections)))).all()


@pytest.mark.parametrize(("share", "expected"), [(0.5, 1.0), (0.8, 0.86), (1.0, 0.5), (1.3, 0.11)])
@pytest.mark.parametrize("sign", [1, -1])
def test_an_uneven_inside_is_doubted(share, expected, sign):
    """Left half and right half one spread darker and brighter than their mean, half of the planes even."""
    sections, radii = _disc(4.0, 0.3, planes=5)
    uneven = np.where(np.cos(polar.ANGLES) > 0, 1.0, -1.0) * share * UNEVEN_SHARE
    sections = 3.0 * sections.copy()
    sections[:3] += 3.0 * (uneven[:, None] * (polar.RADII_MM < 3.2))
    cord = tubes.stack(radii, values=sign * sections + 7, polarity=-sign)
    assert evenness(cord) == pytest.approx(expected, abs=0.02)


def test_what_shows_no_border_is_not_even():
    sections, radii = _disc(4.0, 1.0)
    assert evenness(tubes.stack(radii, values=np.zeros_like(sections))) == 0.0


@pytest.mark.parametrize(("area", "expected"), [(60.0, 1.0), ((WIDE_MM2 + TOO_WIDE_MM2) / 2, 0.5), (150.0, 0.0)])
def test_a_stretch_wider_than_a_cord_is_doubted(area, expected):
    assert size(np.full((5, polar.N_ANGLES), np.sqrt(area / np.pi))) == pytest.approx(expected, abs=0.02)


def test_a_short_stretch_is_trusted_less():
    assert extent(60, 1.0) == extent(10, 6.0) == pytest.approx(3 / 4)
    assert extent(2, 25.0) == pytest.approx(2 / 3)


@pytest.mark.parametrize(("around", "expected"), [(10.0, 1.0), (40.0, 1.0), (60.0, 0.0), (150.0, 0.0)])
def test_walls_are_seen_only_where_something_gives_signal(around, expected):
    """A cord of 100 in CSF of 5, and tissue beyond 8 mm; air of 0 in the image."""
    profile = np.where(polar.RADII_MM < 4, 100.0, np.where(polar.RADII_MM < 8, 5.0, around))
    sections = np.broadcast_to(profile, (3, polar.N_ANGLES, polar.RADII_MM.size)).astype(np.float32)
    radii, image = np.full((3, polar.N_ANGLES), 4.0), np.linspace(0, 100, 8000, dtype=np.float32).reshape(20, 20, 20)
    assert (unlit(image, tubes.stack(radii, values=sections, polarity=1)) == expected).all()
    assert (unlit(8 * image + 50, tubes.stack(radii, values=8 * sections + 50, polarity=1)) == expected).all()
    assert (unlit(image, tubes.stack(radii, values=-sections)) == 0).all()


def test_half_of_the_surroundings_may_be_lit():
    profile = np.where(polar.RADII_MM < 4, 100.0, 5.0)
    sections = np.tile(profile.astype(np.float32), (3, polar.N_ANGLES, 1))
    sections[:, : polar.N_ANGLES // 2, polar.RADII_MM > 8] = 80
    image = np.linspace(0, 100, 8000, dtype=np.float32).reshape(20, 20, 20)
    assert unlit(image, tubes.stack(4.0, values=sections, polarity=1)) == pytest.approx(0.5)


def test_what_is_doubted_is_said():
    assert doubts(np.array([1.0, 1.0, 0.1]), 0.8, 0.9) == []
    smeared, uneven, wide = doubts(np.array([0.1, 0.2, 1.0]), 0.3, 0.2)
    assert "blurred" in smeared
    assert "uneven" in uneven
    assert "wider" in wide
