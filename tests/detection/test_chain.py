import naive_detection as naive
import numpy as np
import pytest
from scipy.special import logsumexp

from cordlevelset.detection import chain
from cordlevelset.detection.chain import extent

COSTS = {
    "shared_mm": chain.SHARED_MM,
    "most": chain.MOST_ODDS,
    "low_cost": chain.LOWER_END_COST,
    "high_cost": chain.UPPER_END_COST,
    "tip_odds": chain.TIP_ODDS,
    "tip_mm": chain.TIP_MM,
}
WHOLE = 15.0
"""Distance of windows, mm, that share nothing: each counts in full."""


def _as_enumerated(weights, w):
    """Log odds, and the probabilities of each lowest, each highest and each covered window."""
    total = logsumexp(list(weights.values()))
    low, high, inside = np.zeros((3, w))
    for (i, j), weight in weights.items():
        share = np.exp(weight - total)
        low[i] += share
        high[j] += share
        inside[i : j + 1] += share
    return total, low, high, inside


def _assert_same(found, weights, w, plane_mm):
    total, low, high, inside = _as_enumerated(weights, w)
    assert found.log_odds == pytest.approx(total, abs=1e-9)
    np.testing.assert_allclose(found.inside, inside, atol=1e-9)
    assert found.ends_below == pytest.approx(1 - low[0], abs=1e-9)
    assert found.ends_above == pytest.approx(1 - high[-1], abs=1e-9)
    for share, median, spread in ((low, found.low, found.low_spread_mm), (high, found.high, found.high_spread_mm)):
        summed = np.cumsum(share)
        assert summed[median] >= 0.5
        assert median == 0 or summed[median - 1] < 0.5
        assert spread == (np.argmax(summed >= 0.95) - np.argmax(summed >= 0.05)) * plane_mm / 2
    assert low.sum() == pytest.approx(1)
    assert high.sum() == pytest.approx(1)


@pytest.mark.parametrize("plane_mm", [1.0, 4.0, 20.0])
@pytest.mark.parametrize("tip", [None, 1, 5])
@pytest.mark.parametrize("seed", [0, 1])
def test_equals_the_sum_over_all_intervals(plane_mm, tip, seed):
    odds = np.random.default_rng(seed).normal(0, 5, 14)
    weights = naive.extent(odds, plane_mm, tip=tip, **COSTS)
    _assert_same(extent(odds, plane_mm, tip=tip), weights, len(odds), plane_mm)


@pytest.mark.parametrize("bottom", [False, True])
@pytest.mark.parametrize("top", [False, True])
def test_what_is_known_leaves_only_the_intervals_that_agree(bottom, top):
    odds = np.random.default_rng(2).normal(-1, 4, 12)
    weights = {
        (low, high): weight
        for (low, high), weight in naive.extent(odds, 6.0, **COSTS).items()
        if (low == 4 if bottom else low <= 4) and (high == 7 if top else high >= 7)
    }
    found = extent(odds, 6.0, known=(4, 7), bottom=bottom, top=top)
    _assert_same(found, weights, len(odds), 6.0)
    assert (found.inside[4:8] > 1 - 1e-9).all()
    if bottom:
        assert (found.low, found.low_spread_mm) == (4, 0.0)
        assert found.ends_below == pytest.approx(1)
    if top:
        assert (found.high, found.high_spread_mm) == (7, 0.0)


def test_known_cord_is_given_whatever_the_odds_say():
    found = extent(np.full(20, -5.0), 10.0, known=(8, 11))
    assert found.low <= 8
    assert found.high >= 11
    assert (found.inside[8:12] > 1 - 1e-9).all()


@pytest.mark.parametrize("w", [1, 2])
def test_few_windows(w):
    found = extent(np.full(w, 2.0), 10.0)
    assert (found.low, found.high) == (0, w - 1)
    assert found.ends_below < 0.01
    assert found.inside == pytest.approx(np.ones(w), abs=0.01)


def test_windows_that_share_planes_count_together():
    """300 mm at log odds 2 are 20 looks, however finely they are cut; windows farther apart are one look each."""
    for plane_mm in (1.0, 5.0, 15.0):
        assert extent(np.full(round(300 / plane_mm), 2.0), plane_mm).log_odds == pytest.approx(40, abs=0.5)
    assert extent(np.full(10, 2.0), 30.0).log_odds == pytest.approx(20, abs=0.5)


def test_no_window_speaks_louder_than_150_to_1():
    assert extent(np.array([100.0]), WHOLE).log_odds == pytest.approx(np.log(150), abs=0.05)
    assert extent(np.array([-100.0]), WHOLE).log_odds == pytest.approx(-np.log(150), abs=0.05)


@pytest.mark.parametrize(("against", "ends"), [(-3.0, False), (-4.0, True)])
def test_a_lower_end_takes_odds_of_a_thousand(against, ends):
    """Two windows against cord below windows for it."""
    found = extent(np.array([against, against, 5.0, 5.0]), WHOLE)
    assert (found.ends_below > 0.5) == ends
    assert found.low == (2 if ends else 0)
    assert found.ends_above < 0.01


@pytest.mark.parametrize(("against", "ends"), [(-3.5, False), (-4.5, True)])
def test_an_upper_end_takes_more(against, ends):
    found = extent(np.array([5.0, 5.0, against, against]), WHOLE)
    assert (found.ends_above > 0.5) == ends
    assert found.high == (1 if ends else 3)
    assert found.ends_below < 0.01


@pytest.mark.parametrize(("against", "ends"), [(-1.0, False), (-2.0, True)])
def test_a_change_point_needs_less(against, ends):
    odds = np.array([against, against, 5.0, 5.0])
    assert (extent(odds, WHOLE, tip=2).ends_below > 0.5) == ends
    assert extent(odds, WHOLE).ends_below < 0.1


def test_a_change_point_places_the_end_as_well_as_readers_do():
    """60 mm that say nothing, an end somewhere in them: nine tenths lie within 8 mm of the change point."""
    odds = np.repeat([-5.0, 0.0, 5.0], [60, 60, 60])
    found, free = extent(odds, 1.0, tip=100), extent(odds, 1.0)
    assert found.ends_below > 0.99
    assert abs(found.low - 100) <= 1
    assert free.low_spread_mm > 25
    assert free.low_spread_mm / 4 < found.low_spread_mm < 2 / 3 * free.low_spread_mm


def test_an_end_in_the_image_only_where_the_odds_say_so():
    cord = extent(np.full(40, 2.0), 4.0)
    assert (cord.low, cord.high) == (0, 39)
    assert max(cord.ends_below, cord.ends_above) < 0.01
    short = np.full(40, 2.0)
    short[18:21] = -5.0  # 12 mm of artefact: less than cord on both sides of it
    assert (extent(short, 4.0).low, extent(short, 4.0).high) == (0, 39)
    half = np.where(np.arange(40) < 20, -3.0, 3.0)
    found = extent(half, 4.0)
    assert abs(found.low - 20) <= 1
    assert found.ends_below > 0.99
    assert found.inside[0] < 0.01


def test_nothing_like_cord_is_none():
    assert extent(np.full(40, -3.0), 4.0).log_odds < -3


@pytest.mark.parametrize(("lost_mm", "ends"), [(84.0, False), (100.0, False), (115.0, True), (200.0, True)])
def test_what_is_lost_below_a_change_point_outweighs_roots_that_look_like_cord(lost_mm, ends):
    """120 mm of cauda equina that look like cord; images without a conus lose 84 mm at most."""
    odds = np.full(40, 1.0)
    found = extent(odds, WHOLE / 2, tip=16, tip_loss_mm=lost_mm)
    assert (found.ends_below > 0.5) == ends
    assert found.log_odds == pytest.approx(extent(odds, WHOLE / 2, tip=16).log_odds)
    if ends:
        assert found.low == 16


def test_15_mm_more_lost_outweigh_a_sac_of_ten_windows():
    """Log odds of 23 or so are needed: 7 for an end, 20 for ten windows of 2, less 4 for the change point."""
    odds = np.full(30, 2.0)
    for lost_mm, ends in ((107.0, False), (115.0, True)):
        assert (extent(odds, WHOLE, tip=10, tip_loss_mm=lost_mm).ends_below > 0.5) == ends


def test_below_a_brain_everything_changes_too():
    """Votes lost below a change point with no cord above it."""
    odds = np.r_[np.full(13, 5.0), np.full(6, -5.0)]
    found = extent(odds, WHOLE, tip=13, tip_loss_mm=200.0)
    assert (found.low, found.high) == (0, 12)
