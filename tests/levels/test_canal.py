"""The curve that levels are counted along, against closed forms."""

import numpy as np
import pytest

from cordlevelset.detection import flux
from cordlevelset.levels import canal
from cordlevelset.volume import Volume


def test_a_straight_canal_goes_on_for_16_mm_at_both_ends():
    """One point a millimetre, from the top down, on the same line."""
    z = np.arange(40.0, 141, 5)
    points = np.column_stack([z, 30 + 0.3 * z, 20 - 0.2 * z])
    curve = canal._smooth(points)
    steps = np.linalg.norm(np.diff(curve, axis=0), axis=1)
    np.testing.assert_allclose(steps, 1.0, atol=1e-6)
    length = np.linalg.norm(points[-1] - points[0])
    assert len(curve) - 1 == pytest.approx(length + 32, abs=1.5)
    np.testing.assert_allclose(
        curve[:, 1:], np.column_stack([30 + 0.3 * curve[:, 0], 20 - 0.2 * curve[:, 0]]), atol=1e-6
    )
    assert curve[0, 0] == pytest.approx(140 + 16 * 100 / length, abs=0.8)


@pytest.mark.parametrize("period_mm", [40.0, 80.0])
def test_walls_are_smoothed_as_by_a_gaussian_of_8_mm(period_mm):
    z = np.arange(0.0, 301)
    curve = canal._smooth(np.column_stack([z, 2 * np.cos(2 * np.pi * z / period_mm), 0 * z]))
    middle = (curve[:, 0] > 80) & (curve[:, 0] < 220)
    expected = 2 * np.exp(-((2 * np.pi * 8 / period_mm) ** 2) / 2)
    assert np.ptp(curve[middle, 1]) / 2 == pytest.approx(expected, rel=0.1, abs=0.02)


@pytest.mark.parametrize("period_mm", [40.0, 80.0])
def test_the_lean_is_read_off_4_mm(period_mm):
    z = np.arange(300.0, -1, -1)
    curve = np.column_stack([z, 2 * np.cos(2 * np.pi * z / period_mm), 0 * z])
    lean = np.tan(np.radians(canal.lean_deg(curve)))[60:-60]
    steepest = 2 * 2 * np.pi / period_mm * np.exp(-((2 * np.pi * 4 / period_mm) ** 2) / 2)
    assert np.abs(lean).max() == pytest.approx(steepest, rel=0.05)


def sac_below(response, last_mm, monkeypatch):
    """Places of a sac whose filter responds so (K, J, I) on a grid of 4 x 1 x 1 mm, below a cord's last place."""
    image = np.random.default_rng(0).uniform(1, 2, response.shape).astype(np.float32)
    heights = np.arange(last_mm[0], 4.0 * len(response), 4)
    cord = np.column_stack([heights, *(np.full(len(heights), mm) for mm in last_mm[1:])])

    def flat_below(gradient, *scales):
        return flux.Tubularity(response[: len(gradient[0])], None, None, None)

    monkeypatch.setattr(canal.flux, "flux", flat_below)
    return canal._sac_below(Volume(image, (4.0, 1.0, 1.0)), cord, -1)


@pytest.mark.parametrize(("response", "lowest_mm"), [(0.15, 60), (0.3, 0)])
def test_the_sac_is_followed_while_it_gives_more_than_chance(response, lowest_mm, monkeypatch):
    """A clear sac down to 60 mm, below it a response of less or more than 0.2."""
    image = np.zeros((40, 24, 24), np.float32)
    image[:, 12, 12] = np.where(np.arange(40) >= 15, 0.35, response)
    assert sac_below(image, (100.0, 12.0, 12.0), monkeypatch)[0, 0] == lowest_mm


@pytest.mark.parametrize(("off_mm", "met"), [(3, True), (6, False)])
def test_the_sac_is_met_within_the_slack_of_a_cord(off_mm, met, monkeypatch):
    image = np.full((40, 24, 24), -0.1, np.float32)
    image[:, 12, 12 - off_mm] = 0.6
    places = sac_below(image, (100.0, 12.0, 12.0), monkeypatch)
    assert (np.abs(places[-1, 2] - (12 - off_mm)) < 0.1) == met


@pytest.mark.parametrize(("lean", "followed"), [(0.25, True), (0.4, True), (0.75, False)])
def test_the_sac_bends_no_more_than_it_gains(lean, followed, monkeypatch):
    """A weak sac, 0.12 above chance, gains 0.06 a mm, and a bend of 0.45 costs as much."""
    image = np.full((40, 60, 5), -1, np.float32)
    for k in range(40):
        image[k, max(0, min(59, round(30 - 4 * lean * (25 - k)))), 2] = 0.32
    places = sac_below(image, (100.0, 30.0, 2.0), monkeypatch)
    assert (places[0, 0] <= 40) == followed
