"""The cord's middle near a path: against a plain twin, and on planes that distortion has moved."""

import naive_sections as naive
import numpy as np
import pytest
import tubes

from cordlevelset.sections import middle


@pytest.mark.parametrize(("spacing", "polarity"), [((3.0, 1.0, 1.0), -1), ((4.0, 0.6, 1.7), 1)])
def test_scores_equal_the_naive_twin(spacing, polarity):
    shape = (2, round(46 / spacing[1]), round(40 / spacing[2]))
    image, _ = tubes.tube(shape, spacing, polarity=polarity, noise=0.2)
    center = tubes.centers(shape, spacing)[0] + np.array([1.3, -0.6])
    shifts = np.array([[0.0, 0.0], [-4.0, 2.0], [3.0, -4.0]])
    found = middle._scores(image[0], spacing, center, polarity, shifts, middle._rays_mm())
    expected = [naive.middle_score(image[0], spacing, center, polarity, shift) for shift in shifts]
    assert found == pytest.approx(np.transpose(expected), abs=1e-4)


@pytest.mark.parametrize("apart", [1.5, 4.0])
def test_odds_are_the_sum_over_all_walks(apart, rng):
    """Four planes of two by three points: 1,296 walks."""
    rows, columns = np.array([-1.0, 0.5]), np.array([-1.0, 0.0, 1.0])
    alone = rng.uniform(0.01, 1, (4, 2, 3)) ** 3
    found = middle._walked(alone, [rows, columns], apart)
    assert found == pytest.approx(naive.walked(alone, rows, columns, apart), rel=1e-9)


@pytest.mark.parametrize("spacing", [(3.0, 1.0, 1.0), (1.0, 1.0, 1.0)])
def test_middles_are_the_mean_of_the_points_by_their_odds(spacing):
    """Points 1 mm apart, 8 mm along the rows and 4 mm to the sides, in planes 4 mm apart."""
    image, _ = tubes.tube((18, 46, 40), spacing, noise=0.3)
    start = tubes.centers(image.shape, spacing) + np.array([2.0, 1.0])
    stride = {3.0: 1, 1.0: 4}[spacing[0]]
    rows, columns = np.arange(-8.0, 9), np.arange(-4.0, 5)
    shifts, rays = np.array([(y, x) for y in rows for x in columns]), middle._rays_mm()
    scores = np.stack([middle._scores(image[p], spacing, start[p], -1, shifts, rays) for p in range(0, 18, stride)])
    alone = np.exp(scores / 0.1).sum(1).reshape(-1, 17, 9)
    odds = middle._walked(alone, [rows, columns], stride * spacing[0]).reshape(len(alone), -1)
    found = middle.middles(image, spacing=spacing, first=0, centers_mm=start, polarity=-1)
    assert found[::stride] == pytest.approx(start[::stride] + odds @ shifts, abs=1e-6)


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


def test_planes_that_distortion_moved_by_seven_millimetres_are_found():
    image, _ = tubes.tube((16, 60, 50), (3.0, 1.0, 1.0), noise=0.1)
    jumps = np.round(7.0 * np.exp(-((np.arange(16) - 8) ** 2) / 18)).astype(int)
    moved = np.stack([np.roll(plane, j, axis=0) for plane, j in zip(image, jumps, strict=True)])
    path = tubes.centers(image.shape, (3.0, 1.0, 1.0))
    found = middle.middles(moved, spacing=(3.0, 1.0, 1.0), first=0, centers_mm=path, polarity=-1)
    assert np.abs(found[:, 0] - path[:, 0] - jumps).max() < 1.5


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
