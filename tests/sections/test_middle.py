"""The cord's middle near a path: against a plain twin, and on planes that distortion has moved."""

import naive_sections as naive
import numpy as np
import pytest
import tubes
from scipy import ndimage as ndi

from cordlevelset.sections import middle


def near(plane, spacing, center, polarity=-1):
    return middle._Near(plane, np.array(spacing[1:]), center, polarity)


@pytest.mark.parametrize(("spacing", "polarity"), [((3.0, 1.0, 1.0), -1), ((4.0, 0.6, 1.7), 1)])
def test_scores_equal_the_naive_twins(spacing, polarity):
    shape = (2, round(46 / spacing[1]), round(40 / spacing[2]))
    image, _ = tubes.tube(shape, spacing, polarity=polarity, noise=0.2)
    center = tubes.centers(shape, spacing)[0] + np.array([1.3, -0.6])
    place = near(image[0], spacing, center, polarity)
    shifts = np.array([[0.0, 0.0], [-4.0, 2.0], [3.0, -4.0]])
    cord = [naive.middle_score(image[0], spacing, center, polarity, shift) for shift in shifts]
    assert middle._cord_scores(place, shifts, middle._rays_mm()) == pytest.approx(np.transpose(cord), abs=1e-4)
    every = middle._points((0.0, 0.0))
    sac = [naive.sac_score(image[0], spacing, center, polarity, shift) for shift in shifts]
    found = middle._sac_scores(place)[[int(np.flatnonzero((every == shift).all(1))[0]) for shift in shifts]]
    assert found == pytest.approx(sac, abs=1e-4)


def test_points_tried_lie_a_pixel_apart_and_reach_as_far_as_epi_moves_a_plane():
    shifts = middle._points((0.0, 0.0))
    assert len(shifts) == 169
    assert np.abs(shifts).max() == 6.0
    assert np.diff(np.unique(shifts[:, 0])) == pytest.approx(1.0)


@pytest.mark.parametrize("spacing", [(3.0, 1.0, 1.0), (1.0, 1.0, 1.0)])
def test_middles_average_the_scores_along_the_cord(spacing):
    """The mean of the points tried, weighted as the text says, of scores averaged over 5 mm; planes 4 mm apart."""
    image, _ = tubes.tube((18, 46, 40), spacing, noise=0.3)
    start = tubes.centers(image.shape, spacing) + np.array([2.0, 1.0])
    stride = {3.0: 1, 1.0: 4}[spacing[0]]
    shifts, rays = middle._points((0.0, 0.0)), middle._rays_mm()
    places = [near(image[p], spacing, start[p]) for p in range(0, 18, stride)]
    scores = np.stack([middle._cord_scores(p, shifts, rays) + 2.0 * middle._sac_scores(p) for p in places])
    scores = ndi.gaussian_filter1d(scores, 5.0 / (stride * spacing[0]), axis=0, mode="nearest")
    weight = np.exp(scores / 0.03).sum(1)
    shift = np.einsum("pc,ci->pi", weight, shifts) / weight.sum(1)[:, None]
    found = middle.middles(image, spacing=spacing, first=0, centers_mm=start, polarity=-1)
    assert found[::stride] == pytest.approx(start[::stride] + shift, abs=1e-6)


@pytest.mark.parametrize("polarity", [-1, 1])
def test_planes_that_have_moved_are_found_from_a_path_that_has_not(polarity):
    """As in EPI: the cord jumps by 1 mm and more between planes, the path runs 2 mm in front of its middle."""
    image, _ = tubes.tube((16, 60, 50), (3.0, 1.0, 1.0), polarity=polarity, noise=0.25)
    jumps = np.round(1.5 * np.sin(np.arange(16) / 2.0)).astype(int)
    moved = np.stack([np.roll(plane, j, axis=0) for plane, j in zip(image, jumps, strict=True)])
    truth = tubes.centers(image.shape, (3.0, 1.0, 1.0)) + np.column_stack([jumps, np.zeros(16)])
    path = tubes.centers(image.shape, (3.0, 1.0, 1.0)) - np.array([2.0, 0.0])
    found = middle.middles(moved, spacing=(3.0, 1.0, 1.0), first=0, centers_mm=path, polarity=polarity)
    assert np.abs(found - truth).mean(0) == pytest.approx([0, 0], abs=1.0)
    assert np.hypot(*(found - truth).T).mean() < 0.5 * np.hypot(*(path - truth).T).mean()


def test_a_cord_stays_in_its_sac():
    """A dark ball in front of the canal, of a cord's size, in noise that hides the cord itself."""
    spacing = (3.0, 1.0, 1.0)
    image, _ = tubes.tube((16, 60, 50), spacing, noise=0.0)
    truth = tubes.centers(image.shape, spacing)
    y, x = np.indices(image.shape[1:])
    for plane, (row, column) in zip(image, truth, strict=True):
        inside = np.hypot(y - row, x - column) < 8
        plane[inside] = np.maximum(plane[inside], np.quantile(plane[inside], 0.6))  # cord as bright as CSF, nearly
        plane[np.hypot(y - row + 13, x - column) < 4] = image.min()
    path = truth - np.array([5.0, 0.0])
    found = middle.middles(image, spacing=spacing, first=0, centers_mm=path, polarity=-1)
    assert np.abs(found - truth).max() < 3.5


@pytest.mark.parametrize(("lr_mm", "told"), [(2.0, True), (2.2, False)])
def test_voxels_wider_than_the_slack_say_nothing_of_the_sac(lr_mm, told, monkeypatch):
    asked = []
    monkeypatch.setattr(middle, "_sac_scores", lambda near: asked.append(near) or 0.0)
    image, spacing = np.ones((3, 40, 30), np.float32), (3.0, 1.0, lr_mm)
    middle.middles(image, spacing=spacing, first=0, centers_mm=np.full((3, 2), 20.0), polarity=1)
    assert bool(asked) == told


def test_planes_far_apart_keep_their_path():
    image, _ = tubes.tube((6, 60, 50), (11.0, 1.0, 1.0))
    path = tubes.centers(image.shape, (11.0, 1.0, 1.0)) + 1.0
    assert middle.middles(image, spacing=(11.0, 1.0, 1.0), first=0, centers_mm=path, polarity=-1) is path
    near = middle.middles(image, spacing=(9.0, 1.0, 1.0), first=0, centers_mm=path, polarity=-1)
    assert np.abs(near - path).max() > 0.5


@pytest.mark.parametrize("value", [0.0, 1.0])
def test_a_plane_without_contrast_leaves_the_path(value):
    image = np.full((5, 40, 40), value, np.float32)
    path = np.full((5, 2), 20.0)
    found = middle.middles(image, spacing=(3.0, 1.0, 1.0), first=0, centers_mm=path, polarity=-1)
    assert found == pytest.approx(path, abs=1e-6)
