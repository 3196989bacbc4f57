import numpy as np
import pytest
import tubes
from scipy.special import erf

from cordlevelset.border.confidence import _unevenness, border_figures, border_right, doubts
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
    assert _unevenness(_halves(share, sign)) == pytest.approx(share, rel=0.1)


def test_a_border_all_around_and_in_line_is_believed():
    assert (border_right(border_figures(_halves(0.05))) > 0.95).all()
    half, aside = np.array([[0.4, 0.0]]), np.array([[1.0, 4.0]])
    assert border_right(half) < 0.9
    assert border_right(aside) < 0.2  # however well it stands on edges


def _along(middles_mm, plane_mm):
    """Discs about given middles (P, 2), on rays that start a little beside them."""
    sections, radii = _disc(4.0, 0.3, planes=len(middles_mm))
    return tubes.stack(radii, values=sections, centers_mm=middles_mm, spacing=(plane_mm, 1.0, 1.0))


def _naive_aside(middles_mm, plane_mm):
    """A parabola through the other planes within 30 mm, four on each side at least, by NumPy's own fit."""
    z, out = np.arange(len(middles_mm)) * plane_mm, []
    for k, middle in enumerate(middles_mm):
        reach = max(4 * plane_mm, round(30 / plane_mm) * plane_mm) + 1e-6
        others = (np.abs(z - z[k]) <= reach) & (z != z[k])
        at = z[others] - z[k]
        fits = [np.polyfit(at, of[others], 2)[-1] for of in np.transpose(middles_mm)]
        variance = np.linalg.inv(np.vander(at, 3).T @ np.vander(at, 3))[-1, -1]
        out.append(np.hypot(*(middle - fits)) / np.sqrt(1 + variance))
    return out


@pytest.mark.parametrize(("plane_mm", "planes"), [(1.0, 90), (5.0, 20), (17.0, 6)])
def test_how_far_a_middle_lies_aside_equals_its_naive_twin(plane_mm, planes, rng):
    middles = 40 + rng.normal(0, 1, (planes, 2)).cumsum(0)
    found = border_figures(_along(middles, plane_mm))[:, 1]
    assert found == pytest.approx(_naive_aside(middles, plane_mm), abs=1e-6)


def test_a_cord_that_bends_is_not_aside_and_a_slice_that_jumped_is():
    z = np.arange(0, 120, 4.0)
    middles = 40 + np.stack([z**2 / 400, z / 3], axis=1)
    assert border_figures(_along(middles, 4.0))[:, 1] == pytest.approx(0, abs=1e-6)
    middles[12] += [3, 4]
    aside = border_figures(_along(middles, 4.0))[:, 1]
    assert aside[12] == pytest.approx(5, rel=0.15)  # the parabola is not sure to the last
    assert np.delete(aside, 12).max() < 2


def test_a_cord_that_sways_within_a_vertebra_is_aside():
    """A wave of 1 mm: of 40 mm from crest to crest seen, of 80 mm hardly."""
    z = np.arange(0, 400, 2.0)
    short, long = (
        border_figures(_along(40 + np.stack([np.cos(2 * np.pi * z / mm), 0 * z], axis=1), 2.0))[50:150, 1].max()
        for mm in (40, 80)
    )
    assert short > 0.5
    assert long < 0.3


@pytest.mark.parametrize("planes", [1, 4])
def test_few_slices_are_not_said_to_lie_aside(planes):
    middles = 40 + np.arange(2.0 * planes).reshape(-1, 2) ** 2
    assert (border_figures(_along(middles, 8.0))[:, 1] == 0).all()


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
