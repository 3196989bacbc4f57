import numpy as np
import pytest
import tubes
from scipy.special import erf

from cordlevelset.border.confidence import border_figures, border_right, doubts
from cordlevelset.sections import polar


def _disc(radius_mm, blur_mm, planes=3):
    """Sections of a dark round cord, its border blurred by a Gaussian, and the true contour."""
    profile = 0.5 * (1 + erf((polar.RADII_MM - radius_mm) / (np.sqrt(2) * blur_mm)))
    sections = np.broadcast_to(profile, (planes, polar.N_ANGLES, polar.RADII_MM.size)).astype(np.float32)
    return sections, np.full((planes, polar.N_ANGLES), radius_mm)


def _halves(share, sign=1):
    """A disc whose left and right half are `share` steps darker and brighter than their mean."""
    sections, radii = _disc(4.0, 0.3, planes=5)
    uneven = np.where(np.cos(polar.ANGLES) > 0, 1.0, -1.0) * share
    sections = 3.0 * sections + 3.0 * (uneven[:, None] * (polar.RADII_MM < 3.2)).astype(np.float32)
    return tubes.stack(radii, values=sign * sections + 7, polarity=-sign)


@pytest.mark.parametrize("sign", [1, -1])
@pytest.mark.parametrize("share", [0.1, 0.3, 0.6])
def test_unevenness_is_the_spread_in_steps(share, sign):
    assert np.exp(border_figures(_halves(share, sign))[:, 1]) == pytest.approx(share, rel=0.1)


def test_a_border_all_around_and_an_even_inside_are_believed():
    even, uneven = (border_right(border_figures(_halves(share))) for share in (0.05, 0.6))
    assert (even > 0.95).all()
    assert (uneven < even - 0.03).all()
    half = np.array([[0.4, np.log(0.5)]])
    assert border_right(half) < 0.8


def test_what_shows_no_border_has_finite_figures():
    sections, radii = _disc(4.0, 1.0)
    assert np.isfinite(border_figures(tubes.stack(radii, values=np.zeros_like(sections)))).all()


@pytest.mark.parametrize(("share", "said"), [(0.7, False), (1.5, True)])
@pytest.mark.parametrize("sign", [1, -1])
def test_a_blurred_border_is_told(share, said, sign):
    """Three widths of the blur against the radius; of a border blurred by more a part is not seen."""
    sections, radii = _disc(3.0, share * 3.0 / 3)
    notes = doubts(tubes.stack(radii, values=sign * sections, polarity=-sign))
    assert any("blurred" in note for note in notes) == said


@pytest.mark.parametrize(("share", "said"), [(0.24, False), (0.45, True)])
def test_an_uneven_inside_is_told(share, said):
    """Cords with noise, lesions or grey matter stay under 0.24 of a step."""
    assert any("uneven" in note for note in doubts(_halves(share))) == said


@pytest.mark.parametrize(("area_mm2", "said"), [(96, False), (145, True)])
def test_a_stretch_wider_than_a_cord_is_told(area_mm2, said):
    """T2* images, which show cords widest, had medians to 96 mm2."""
    sections, radii = _disc(np.sqrt(area_mm2 / np.pi), 0.3)
    assert any("wider" in note for note in doubts(tubes.stack(radii, values=sections))) == said


@pytest.mark.parametrize(("off_mm", "said"), [(1.6, False), (3.0, True)])
def test_a_sharp_edge_elsewhere_does_not_sharpen_the_border(off_mm, said):
    """Its steepest place lies within 2 mm of the contour; here it is blurred, with a sharp edge beside it."""
    sections, radii = _disc(3.5, 1.6)
    sections = sections + 3.0 * (polar.RADII_MM > 3.5 + off_mm).astype(np.float32)
    assert any("blurred" in note for note in doubts(tubes.stack(radii, values=sections))) == said
