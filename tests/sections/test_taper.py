"""The conus' taper: roots that hug it are left out, a clear border stays."""

import numpy as np
import pytest
import tubes

import cordlevelset as cls
from cordlevelset.phantom import make_phantom
from cordlevelset.sections import polar
from cordlevelset.sections.taper import tapered_contours
from cordlevelset.volume import canonical_turn

CORD_MM, ROOT_MM = 4.5, 1.5


def sections(radii_mm, roots=0.0, polarity=-1):
    """Cord 0, CSF 1, a ring of roots of `ROOT_MM` around the cord (darkened by `roots`); blurred by 0.5 mm."""
    inside, hugged = (1 / (1 + np.exp((polar.RADII_MM - r) / 0.25)) for r in (radii_mm, radii_mm + ROOT_MM))
    section = np.tile((1 - inside) - roots * (hugged - inside), (1, polar.N_ANGLES, 1))
    return (-polarity * section).astype(np.float32)


def cone(plane_mm, tip_mm=2.0, length_mm=30.0):
    """Radii (P, 1, 1) of a round cord from its tip up, and the same (P, A)."""
    height = np.arange(0.5 * plane_mm, 90.0, plane_mm)
    radii = tip_mm + (CORD_MM - tip_mm) * np.minimum(height / length_mm, 1)
    return radii[:, None, None], np.tile(radii[:, None], (1, polar.N_ANGLES))


@pytest.mark.parametrize("polarity", [-1, 1])
@pytest.mark.parametrize("plane_mm", [1.0, 5.0])
def test_a_clear_border_keeps_its_place(polarity, plane_mm):
    """A cord that ends as wide as it is: no taper is made where none is seen."""
    radii = np.full((round(90 / plane_mm), 1, 1), CORD_MM)
    seen = {"values": sections(radii, polarity=polarity), "polarity": polarity, "spacing": (plane_mm, 1.0, 1.0)}
    start = np.full((len(radii), polar.N_ANGLES), CORD_MM)
    np.testing.assert_allclose(tapered_contours(tubes.stack(start, **seen)), start, atol=0.3)


@pytest.mark.parametrize("polarity", [-1, 1])
@pytest.mark.parametrize("plane_mm", [1.0, 5.0])
def test_roots_that_hug_the_conus_are_left_out(polarity, plane_mm):
    """Two steps on every ray, from cord to roots and from roots to CSF, alike: the inner one is the conus' border."""
    radii, truth = cone(plane_mm)
    seen = {"values": sections(radii, 0.5, polarity), "polarity": polarity, "spacing": (plane_mm, 1.0, 1.0)}
    start = truth + ROOT_MM
    low = (np.arange(len(truth)) + 0.5) * plane_mm < 30.0
    start[~low] = truth[~low]
    found = tapered_contours(tubes.stack(start, **seen))
    np.testing.assert_allclose(found[low], truth[low], atol=ROOT_MM / 3)
    np.testing.assert_array_equal(found[~low], truth[~low])


def test_without_cord_above_nothing_is_known_of_its_size():
    radii = np.full((30, polar.N_ANGLES), CORD_MM)
    cord = tubes.stack(radii, values=np.zeros((*radii.shape, polar.RADII_MM.size), np.float32))
    assert tapered_contours(cord) is cord.radii_mm


@pytest.mark.parametrize("spacing", [(1.0, 1.0, 1.0), (0.7, 0.7, 3.3)])
def test_conus_of_a_phantom(spacing, monkeypatch):
    """In the lowest two centimetres the taper takes a tenth and more of the radial error, not the cord with it."""
    phantom = make_phantom(spacing=spacing)
    turn = canonical_turn(phantom.image)
    truth = turn.array(phantom.soft_mask.array).sum((1, 2))
    conus = np.flatnonzero(truth)[: round(20 / spacing[0])]

    def errors():
        found = cls.segment(phantom.image, bottom=phantom.conus_mm)
        found = turn.array(found.soft_mask.array).sum((1, 2))
        return np.sqrt(found[conus]) - np.sqrt(truth[conus])

    tapered = errors()
    monkeypatch.setattr("cordlevelset.border.propagate.tapered_contours", lambda cord: cord.radii_mm)
    assert 0 < tapered.mean() < 0.9 * errors().mean()
