import naive_detection as naive
import numpy as np
import pytest

from cordlevelset.detection import _kernels, paths


def test_spread_equals_naive_twin():
    rng = np.random.default_rng(2)
    score = rng.normal(size=(9, 7)).astype(np.float32)
    best, source = np.empty((9, 7), np.float32), np.empty((9, 7), np.int32)
    reach, cost = np.array([3, 2]), np.array([0.1, 0.3])
    _kernels.spread(score, reach, cost, best, source)
    np.testing.assert_allclose(best, naive.spread(score, reach, cost), rtol=1e-5)
    for y, x in np.ndindex(9, 7):
        i, j = divmod(source[y, x], 7)
        assert best[y, x] == pytest.approx(score[i, j] - 0.1 * (i - y) ** 2 - 0.3 * (j - x) ** 2, abs=1e-5)


SPACINGS = [(3.0, 1.0, 1.0), (1.0, 1.0, 4.0), (8.0, 2.0, 3.0)]


@pytest.mark.parametrize("spacing", SPACINGS)
def test_best_track_equals_naive_twin(spacing):
    score = np.random.default_rng(3).normal(-0.2, 1, (6, 5, 4)).astype(np.float32)
    track = paths.best_track(score, spacing)
    assert track.total == pytest.approx(naive.best_total(score, spacing, 0.3), rel=1e-4)


@pytest.mark.parametrize("spacing", SPACINGS)
def test_track_runs_through_all_planes_and_adds_up_to_its_total(spacing):
    score = np.random.default_rng(4).normal(0, 1, (8, 6, 6)).astype(np.float32)
    track = paths.best_track(score, spacing)
    assert track.places.shape == (8, 2)
    gain = score[np.arange(8), *track.places.T].sum() * spacing[0]
    bend = 0.3 * ((np.diff(track.places, axis=0) * spacing[1:]) ** 2).sum() / spacing[0]
    assert track.total == pytest.approx(gain - bend, rel=1e-4)


def test_what_gains_nothing_is_passed_all_the_same():
    score = np.full((7, 4, 4), -1, np.float32)
    score[2, 1, 1] = 1
    track = paths.best_track(score, (2.0, 1.0, 1.0))
    assert len(track.places) == 7
    assert track.places[2].tolist() == [1, 1]
    assert track.total == pytest.approx(2.0 * (1 - 6))


def test_no_way_is_told():
    score = np.zeros((4, 3, 3), np.float32)
    score[2] = -np.inf
    assert paths.best_track(score, (1.0, 1.0, 1.0)).total == -np.inf


@pytest.mark.parametrize(("lean", "followed"), [(30, True), (50, False)])
def test_a_tube_is_followed_as_far_as_spines_lean(lean, followed):
    """A good tube, nothing beside it: at 30 degrees two thirds of its gain remain, at 50 the path leaves it."""
    score = np.zeros((20, 60, 3), np.float32)
    rows = np.rint(2 + np.tan(np.radians(lean)) * 2.0 * np.arange(20)).astype(int)
    score[np.arange(20), rows, 1] = 0.3
    track = paths.best_track(score, (2.0, 1.0, 1.0))
    assert (np.abs(track.places[:, 0] - rows).max() <= 1) == followed
    if followed:
        assert track.total == pytest.approx(2 / 3 * 0.3 * 40, rel=0.2)


def test_no_tube_is_followed_that_leans_as_no_spine_does():
    """The best tube there is, at 50 degrees: it would gain more than its bends cost."""
    score = np.zeros((12, 60, 3), np.float32)
    rows = np.rint(2 + np.tan(np.radians(50)) * 2.0 * np.arange(12)).astype(int)
    score[np.arange(12), rows, 1] = 1.0
    track = paths.best_track(score, (2.0, 1.0, 1.0))
    assert np.diff(track.places[:, 0]).max() <= 2  # of 2.4
    assert track.total < 0.3 * score.sum() * 2
