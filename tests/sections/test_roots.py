"""Nerve roots are cut where they stand out of the section's ellipse; the section itself stays."""

import numpy as np
import pytest
from scipy.optimize import minimize

from cordlevelset.sections import polar, roots
from cordlevelset.sections.roots import section_ellipses, without_roots


def ellipse(half_lr, half_ap, turn=0.0):
    return half_lr * half_ap / np.hypot(half_ap * np.cos(polar.ANGLES - turn), half_lr * np.sin(polar.ANGLES - turn))


def horn(angle, width, length):
    """A root that leaves at `angle`, radians; `length` mm long."""
    off = np.abs((polar.ANGLES - angle + np.pi) % (2 * np.pi) - np.pi)
    return length * np.maximum(0, 1 - (off / width) ** 2)


ROOTS = horn(0.8, 0.35, 3.0) + horn(2.3, 0.35, 2.0)


@pytest.mark.parametrize("turn", [0.0, 0.4, 1.2])
@pytest.mark.parametrize("half_ap", [1.8, 3.5, 5.0])
def test_an_ellipse_is_its_own(half_ap, turn):
    section = ellipse(5.0, half_ap, turn)[None]
    np.testing.assert_allclose(section_ellipses(section), section, atol=1e-6)
    np.testing.assert_array_equal(without_roots(section), section)


@pytest.mark.parametrize("shift", [(1.5, 0.0), (0.0, -3.0), (-2.0, 2.0)])
def test_nor_does_one_about_another_point_change(shift):
    """The distance to an ellipse, 6 by 3.8 mm, from a point off its middle, by the quadratic along each ray."""
    (y, x), cos, sin = shift, np.cos(polar.ANGLES), np.sin(polar.ANGLES)
    a = (sin / 3.8) ** 2 + (cos / 6.0) ** 2
    b = y * sin / 3.8**2 + x * cos / 6.0**2
    section = ((np.sqrt(b**2 - a * ((y / 3.8) ** 2 + (x / 6.0) ** 2 - 1)) - b) / a)[None]
    np.testing.assert_allclose(section_ellipses(section), section, atol=1e-6)
    np.testing.assert_array_equal(without_roots(section), section)


@pytest.mark.parametrize("half_ap", [2.5, 3.8, 5.0])
def test_roots_are_cut(half_ap):
    """Down to 0.3 mm over the ellipse, which roots of 3 and 2 mm widen by up to 0.35 mm."""
    section = ellipse(5.0, half_ap)
    found = without_roots((section + ROOTS)[None])[0]
    assert (found <= section + 0.3 + 0.35).all()
    assert (found >= np.minimum(section + 0.3, section + ROOTS)).all()
    np.testing.assert_allclose(found[ROOTS == 0], section[ROOTS == 0], atol=1e-9)


DENTED = ellipse(6.5, 3.0) - 1.5 * np.exp(-0.5 * ((polar.ANGLES - 1.5 * np.pi) / 0.5) ** 2)


@pytest.mark.parametrize("contour", [ellipse(5.0, 3.5) + ROOTS, DENTED], ids=["roots", "dented"])
def test_fit_equals_that_of_a_plain_minimiser(contour):
    """Sum of squares inside and of Huber's loss outside."""
    cos, sin = np.cos(polar.ANGLES), np.sin(polar.ANGLES)

    def radii(ellipse):
        """Half-diameters and turn, about a middle given in mm."""
        half_lr, half_ap, turn, x, y = ellipse
        along, across = cos * np.cos(turn) + sin * np.sin(turn), sin * np.cos(turn) - cos * np.sin(turn)
        x, y = x * np.cos(turn) + y * np.sin(turn), y * np.cos(turn) - x * np.sin(turn)
        a = (along / half_lr) ** 2 + (across / half_ap) ** 2
        b = along * x / half_lr**2 + across * y / half_ap**2
        return (b + np.sqrt(np.maximum(b**2 - a * ((x / half_lr) ** 2 + (y / half_ap) ** 2 - 1), 0))) / a

    def loss(ellipse):
        out = contour - radii(ellipse)
        return np.where(out < 0.25, out**2, 0.25 * (2 * np.maximum(out, 0) - 0.25)).sum()

    options = {"maxiter": 40000, "maxfev": 40000, "fatol": 1e-10, "xatol": 1e-6}
    best = minimize(loss, [5.0, 3.5, 0.0, 0.0, 0.0], method="Nelder-Mead", options=options)
    np.testing.assert_allclose(section_ellipses(contour[None])[0], radii(best.x), atol=0.02)


def twin(contour):
    """Twenty rounds of Gauss and Newton, slopes by differences, weights by what stands out."""
    cos, sin = np.cos(polar.ANGLES), np.sin(polar.ANGLES)

    def radii(terms):
        a, b, c, d, e = terms
        square, along = a * cos**2 + b * cos * sin + c * sin**2, d * cos + e * sin
        return 2 / (along + np.sqrt(along**2 + 4 * square))

    u = 1 / contour
    terms = np.linalg.lstsq(np.stack([cos**2, cos * sin, sin**2, u * cos, u * sin], 1), u**2, rcond=None)[0]
    for _ in range(20):
        out = contour - radii(terms)
        weight = np.sqrt(0.25 / np.maximum(out, 0.25))
        slopes = [(radii(terms + h) - radii(terms - h)) / 2e-6 for h in 1e-6 * np.eye(5)]
        terms = terms + np.linalg.lstsq(weight[:, None] * np.transpose(slopes), weight * out, rcond=None)[0]
    return radii(terms)


def test_a_fit_takes_twenty_rounds():
    """More than a section needs; one that is none, 8 mm wide to the left and 3 to the right, is not settled by then."""
    contour = np.stack([ellipse(5.0, 3.5) + ROOTS, np.where(np.cos(polar.ANGLES) > 0, 8.0, 3.0)])
    np.testing.assert_allclose(section_ellipses(contour), [twin(c) for c in contour], atol=1e-3)


def test_a_curve_that_is_open_ends_at_30_mm():
    """A straight line 5 mm to one side."""
    found = roots._polar(np.array([0, 0, 0, 1 / 5, 0])[None, :, None])[0][0]
    with np.errstate(divide="ignore"):
        line = 5 / np.maximum(np.cos(polar.ANGLES), 0)
    np.testing.assert_allclose(found, np.minimum(line, 30.0), rtol=0.03)


@pytest.mark.parametrize("dent", [0.5, 1.0, 1.5])
def test_a_dented_section_stays_nearly_whole(dent):
    """A cord that a disc presses in is no ellipse: it loses less than it would to one."""
    section = ellipse(6.5, 3.0) - dent * np.exp(-0.5 * ((polar.ANGLES - 1.5 * np.pi) / 0.5) ** 2)
    found = without_roots(section[None])
    assert (found <= section).all()
    assert polar.polygon_area(found)[0] > 0.96 * polar.polygon_area(section[None])[0]


@pytest.mark.parametrize(("half_ap", "dent", "whole"), [(3.0, 2.0, True), (3.5, 2.5, False)])
def test_a_dent_that_nearly_reaches_the_middle_costs_little(half_ap, dent, whole):
    """A millimetre from it: where the fit runs away, 15 mm wide about a contour of 6.5, nothing is cut."""
    section = (ellipse(6.5, half_ap) - dent * np.exp(-0.5 * ((polar.ANGLES - 1.5 * np.pi) / 0.8) ** 2))[None]
    found = without_roots(section)
    assert polar.polygon_area(found)[0] > 0.95 * polar.polygon_area(section)[0]
    assert (found == section).all() == whole
