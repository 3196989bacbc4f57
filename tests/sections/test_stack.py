"""A stack of cross-sections: what is asked of it is worked out once, from the planes it belongs to."""

import numpy as np
import pytest
import tubes

from cordlevelset import parallel
from cordlevelset.sections import polar, steps
from cordlevelset.sections.boundary import start_contours
from cordlevelset.sections.stack import Sections

SHAPE, SPACING = (12, 48, 44), (2.0, 1.0, 1.0)


@pytest.fixture(scope="module")
def image():
    return tubes.tube(SHAPE, SPACING, lean=0.3)[0]


@pytest.fixture(scope="module")
def stack(image):
    middle = tubes.centers(SHAPE, SPACING, 0.3)[2:10]
    return start_contours(image, spacing=SPACING, first=2, centers_mm=middle, polarity=-1)


def test_what_is_asked_twice_is_worked_out_once(stack):
    for name in (
        "evidence",
        "levels",
        "support",
        "area_mm2",
        "sac_mm",
        "sac_support",
        "csf_likeness",
    ):
        assert getattr(stack, name) is getattr(stack, name)


def test_what_is_read_off_is_what_the_plain_functions_say(stack):
    np.testing.assert_array_equal(stack.evidence, steps.border_evidence(stack.values, -1, SPACING))
    np.testing.assert_array_equal(stack.levels.step, steps.border_levels(stack.values, stack.radii_mm, -1).step)
    np.testing.assert_array_equal(stack.area_mm2, polar.polygon_area(stack.radii_mm))
    assert (stack.sac_mm >= stack.radii_mm).all()


def test_part_of_a_stack_keeps_the_steps_of_the_whole(stack):
    part = stack.planes(slice(3, 6))
    assert (part.first, len(part)) == (5, 3)
    for name in ("evidence", "support", "area_mm2", "centers_mm", "values"):
        np.testing.assert_array_equal(getattr(part, name), getattr(stack, name)[3:6])
    alone = steps.border_evidence(part.values, -1, SPACING)
    assert not np.array_equal(alone, part.evidence)  # measured against three planes, not against all


def test_other_contours_have_another_area_and_the_same_steps(stack):
    wider = stack.with_radii(stack.radii_mm + 2)
    assert (wider.area_mm2 > stack.area_mm2).all()
    assert wider.evidence is stack.evidence
    assert wider.support.mean() < stack.support.mean()
    assert wider.levels is not stack.levels


def test_other_smoothing_has_other_steps(stack):
    sharp = stack.smoothed(0.5, 0.3)
    np.testing.assert_array_equal(sharp.evidence, steps.border_evidence(sharp.values, -1, SPACING, 0.3))


def test_recentred_contours_are_the_same_curves(image, stack):
    shift = np.tile([0.8, -0.5], (len(stack), 1))
    moved = stack.recentred(image, shift)
    np.testing.assert_allclose(moved.centers_mm, stack.centers_mm + shift)
    np.testing.assert_allclose(moved.area_mm2, stack.area_mm2, rtol=0.01)
    anew = polar.polar_sections(image, spacing=SPACING, first=2, centers_mm=moved.centers_mm)
    np.testing.assert_array_equal(moved.values, anew)


def test_before_any_contour_it_is_the_usual_cords():
    image, _ = tubes.tube(SHAPE, SPACING)
    stack = Sections.of_image(image, spacing=SPACING, first=0, centers_mm=tubes.centers(SHAPE, SPACING), polarity=-1)
    assert stack.radii_mm[:, [0, 16]] == pytest.approx(np.tile([5.5, 3.8], (len(stack), 1)))


@pytest.mark.parametrize("threads", [1, 3])
def test_start_contours_do_not_hang_on_the_number_of_threads(threads, monkeypatch):
    image, middle = tubes.scene(trap="noise")
    given = {"spacing": (3.0, 1.0, 1.0), "first": 0, "centers_mm": middle, "polarity": -1}
    expected = start_contours(image, **given)
    monkeypatch.setattr(parallel, "threads", lambda: threads)
    monkeypatch.setattr(parallel, "FEWEST_A_PART", 2)
    found = start_contours(image, **given)
    np.testing.assert_array_equal(found.radii_mm, expected.radii_mm)
    np.testing.assert_array_equal(found.values, expected.values)
