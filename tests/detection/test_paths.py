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


@pytest.mark.parametrize("spacing", [(3.0, 1.0, 1.0), (1.0, 1.0, 4.0), (8.0, 2.0, 3.0)])
def test_best_track_equals_naive_twin(spacing):
    rng = np.random.default_rng(3)
    cord, sac = rng.normal(-0.2, 1, (2, 6, 5, 4)).astype(np.float32)
    track = paths.best_track(cord, sac, spacing)
    assert track.total == pytest.approx(naive.best_total(cord, sac, spacing, paths.BEND_COST_PER_MM), rel=1e-4)


def test_track_adds_up_to_its_total_and_ends_in_the_cord():
    rng = np.random.default_rng(4)
    cord, sac = rng.normal(0, 1, (2, 8, 6, 6)).astype(np.float32)
    spacing = (3.0, 1.0, 1.0)
    track = paths.best_track(cord, sac, spacing)
    planes = np.arange(track.first, track.first + len(track.places))
    rows, columns = track.places.T
    gain = np.where(track.is_cord, cord[planes, rows, columns], sac[planes, rows, columns]).sum() * 3.0
    bend = paths.BEND_COST_PER_MM * (np.diff(track.places, axis=0) ** 2).sum() / 3.0
    assert track.total == pytest.approx(gain - bend, rel=1e-4)
    assert track.is_cord[-1]
    assert (np.diff(track.is_cord.astype(int)) >= 0).all()


def test_closed_track_spans_all_planes():
    cord = np.full((7, 4, 4), -1, np.float32)
    track = paths.best_track(cord, np.full_like(cord, -np.inf), (1.0, 1.0, 1.0), through=(0, len(cord) - 1))
    assert track.first == 0
    assert len(track.places) == 7
    assert track.is_cord.all()


def test_open_track_takes_only_what_gains():
    cord = np.full((9, 3, 3), -1, np.float32)
    cord[3:6, 1, 1] = 1
    track = paths.best_track(cord, np.full_like(cord, -1), (2.0, 1.0, 1.0))
    assert (track.first, len(track.places), track.total) == (3, 3, 6.0)
