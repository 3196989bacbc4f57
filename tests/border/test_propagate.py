"""From the path to the contours: what each stage is given, and what is said of the lower end."""

from dataclasses import replace

import numpy as np
import pytest
import tubes
from scipy import ndimage as ndi

from cordlevelset.border import propagate
from cordlevelset.detection.finder import CordPath
from cordlevelset.sections import boundary, curves, polar, steps

SHAPE = (16, 48, 40)


def path(**known):
    """Through all planes of a tube."""
    given = {"first": 0, "centers_mm": tubes.centers(SHAPE, (2.0, 1.0, 1.0)), "polarity": -1, "found": 0.9}
    given |= {"inside": np.ones(SHAPE[0]), "ends_below": 0.0, "ends_above": 0.0}
    return CordPath(**(given | {"low_spread_mm": 5.0, "high_spread_mm": 5.0} | known))


@pytest.mark.parametrize("plane_mm", [0.9, 2.0])
def test_stages_after_the_start_contours_equal_their_twin(plane_mm, monkeypatch, rng):
    """The active contour sees 1.5 mm along the cord and 0.45 mm along the rays; unseen borders 10 mm to both sides."""
    spacing = (plane_mm, 1.0, 1.0)
    image, _ = tubes.tube(SHAPE, spacing, noise=0.15)
    moved = rng.uniform(3.5, 5.0, (SHAPE[0], 64))
    seen = []
    monkeypatch.setattr(propagate, "evolve", lambda cord, surest: seen.append(cord) or moved)
    found = propagate.segment_path(image, spacing=spacing, path=path())

    start = propagate.follow_path(image, spacing=spacing, path=path())
    rays = polar.polar_sections(image, spacing=spacing, first=0, centers_mm=start.centers_mm)
    sharp = ndi.gaussian_filter1d(rays, 1.5 / plane_mm, axis=0, mode="nearest", truncate=2.0)
    sharp = ndi.gaussian_filter1d(sharp, 1.0, axis=1, mode="wrap", truncate=2.0)
    evidence = steps.border_evidence(sharp, -1, spacing, 0.45)
    np.testing.assert_allclose(seen[0].evidence, evidence, atol=1e-4)
    radii = np.minimum(moved, start.sac_mm)
    radii = boundary.completed(tubes.stack(radii, evidence=evidence, spacing=spacing), 10.0)
    radii = ndi.gaussian_filter1d(radii, 1.5 / plane_mm, axis=0, mode="nearest")
    np.testing.assert_allclose(found.radii_mm, curves.in_place(radii, spacing), atol=1e-3)


@pytest.mark.parametrize(
    ("ends_below", "state"), [(0.0, "outside"), (0.07, "outside"), (0.15, "unclear"), (0.4, "unclear"), (0.6, "seen")]
)
def test_an_end_that_is_hardly_likely_is_outside_the_image(ends_below, state):
    image, _ = tubes.tube(SHAPE)
    found = propagate.follow_path(image, spacing=(2.0, 1.0, 1.0), path=path(ends_below=ends_below))
    assert found.conus_state == state
    assert (found.conus_mm is not None) == (state == "seen")


@pytest.mark.parametrize(("spread_mm", "told_mm"), [(2.0, 10.0), (7.0, 10.0), (14.0, 14.0)])
def test_a_tip_is_never_said_to_be_surer_than_tips_were(spread_mm, told_mm):
    """Within 10 mm at best, however sharp the image's own change is; it lies in the lowest section's middle."""
    image, _ = tubes.tube(SHAPE)
    there = replace(path(ends_below=0.9), low_spread_mm=spread_mm)
    found = propagate.follow_path(image, spacing=(2.0, 1.0, 1.0), path=there)
    assert found.conus_uncertainty_mm == told_mm
    assert found.conus_mm == pytest.approx([0.0, 23.5, 19.5], abs=0.5)
