import numpy as np
import pytest
import tubes

import cordlevelset as cls
from cordlevelset import parallel
from cordlevelset.border.propagate import follow_path
from cordlevelset.detection import finder
from cordlevelset.detection.finder import Candidate, CordPath, candidates, find_cord
from cordlevelset.detection.hints import PathHint, SearchHint
from cordlevelset.detection.maps import GainMaps
from cordlevelset.detection.paths import best_track
from cordlevelset.detection.searchgrid import SearchGrid, search_grid

SPACING = (3.0, 1.0, 1.0)
TRAPS = [
    None,
    "vessels",
    "fat plane",
    "no CSF behind",
    "thick sagittal",
    "scoliosis",
    "bias field",
    "noise",
    "half without cord",
]


@pytest.mark.parametrize("polarity", [1, -1])
@pytest.mark.parametrize("trap", TRAPS)
def test_finds_the_cord_and_its_polarity(trap, polarity):
    image, middle = tubes.scene(polarity=polarity, trap=trap)
    spacing = (3.0, 1.0, 6.0) if trap == "thick sagittal" else SPACING
    path = find_cord(image, spacing=spacing)
    assert path.polarity == polarity
    planes = path.first + np.arange(len(path.centers_mm))
    holds_cord = planes >= len(image) // 2 if trap == "half without cord" else planes >= 0
    off = np.linalg.norm(path.centers_mm - middle[planes], axis=1)[holds_cord]
    assert np.median(off) < 1.0
    assert (off < 3.5).mean() > 0.97
    assert holds_cord.sum() >= 0.95 * (len(image) // 2 if trap == "half without cord" else len(image))
    assert 0.5 <= path.found <= 1


@pytest.mark.parametrize("polarity", [1, -1])
def test_no_cord(polarity):
    image, _ = tubes.scene(polarity=polarity, trap="no cord")
    with pytest.raises(cls.NoCordFoundError) as caught:
        find_cord(image, spacing=SPACING)
    assert np.isfinite(caught.value.score)


def test_noise_alone_is_no_cord():
    image = np.random.default_rng(8).rayleigh(size=(40, 60, 60)).astype(np.float32)
    with pytest.raises(cls.NoCordFoundError):
        find_cord(image, spacing=(2.0, 1.0, 1.0))


def test_intensity_scale_changes_nothing():
    image, _ = tubes.scene()
    one, other = find_cord(image, spacing=SPACING), find_cord(image * 1000, spacing=SPACING)
    np.testing.assert_allclose(one.centers_mm, other.centers_mm, atol=0.05)


def test_polarity_is_an_order():
    dark, middle = tubes.scene()
    places = np.column_stack([[5, 40] * np.array(SPACING[0]), middle[[5, 40]]])
    hint = PathHint(places, np.full(2, 2.0))
    assert find_cord(dark, spacing=SPACING, hint=hint).polarity == -1
    assert find_cord(dark, spacing=SPACING, hint=hint, polarity=1).polarity == 1  # whatever the image says
    with pytest.raises(cls.NoCordFoundError):
        find_cord(dark, spacing=SPACING, polarity=1)  # rather than the dark cord that is there


@pytest.mark.parametrize("planes", [(8, 40), (15, 30)])
def test_ends_that_are_told_are_honoured_to_the_plane(planes):
    image, middle = tubes.scene()
    places = np.column_stack([np.array(planes) * SPACING[0], middle[list(planes)]])
    path = find_cord(image, spacing=SPACING, hint=PathHint(places, np.full(2, 5.0), None, *planes))
    assert (path.first, path.first + len(path.centers_mm) - 1) == planes
    assert path.found == 1


def test_empty_planes_at_the_ends_hold_no_cord():
    image, _ = tubes.scene()
    image[:2], image[-3:] = image.min(), image.min()
    path = find_cord(image, spacing=SPACING)
    assert path.first == 2
    assert path.first + len(path.centers_mm) == len(image) - 3


@pytest.mark.parametrize("left", [2, 4, 8])
def test_places_where_the_image_is_empty(left, neck):
    planes = neck.image.to_index(neck.centerline_mm)[:, 0]
    padded = neck.image.array.copy()
    padded[:-left] = 0
    points = neck.centerline_mm[(planes > 2) & (planes < 16)][[0, -1]]
    with pytest.raises(cls.CordLevelSetError) as caught:
        cls.segment(neck.image.like(padded), centerline=points)
    assert "\n" not in str(caught.value)


def straight(middle, *, ends_below):
    """A path along the middle of the scene's cord."""
    n = len(middle)
    return CordPath(0, middle, -1, 0.9, np.ones(n), ends_below, 0.0, 12.0, 0.0)


def test_an_end_that_is_unsure_says_so():
    image, middle = tubes.scene()
    sure, unsure, seen = (
        follow_path(image, spacing=SPACING, path=straight(middle, ends_below=p)) for p in (0.01, 0.3, 0.97)
    )
    assert (sure.conus_state, sure.notes, sure.conus_mm) == ("outside", (), None)
    assert unsure.conus_state == "unclear"
    assert "lower end is unsure" in unsure.notes[0]
    assert "bottom" in unsure.notes[0]
    assert (seen.conus_state, seen.notes, seen.conus_uncertainty_mm) == ("seen", (), 12.0)
    assert sure.extent_confidence == pytest.approx(0.99)
    assert unsure.extent_confidence == pytest.approx(0.7)
    assert 0.5 < seen.extent_confidence < 0.97


def test_one_slice_of_cord_is_none():
    image, middle = tubes.scene()
    with pytest.raises(cls.NoCordFoundError):
        follow_path(image, spacing=SPACING, path=straight(middle[7:8], ends_below=0.0))


def looked_at(cord, sac, places, spacing=(3.0, 1.0, 2.0)):
    """A curve and the responses about it, as far as the cord's own path needs them."""
    grid = SearchGrid(np.zeros(cord.shape, np.float32), spacing, (0, 0, 0), (1, 1, 1))
    maps = GainMaps(-1, cord.astype(np.float32), sac.astype(np.float32), cord, sac)
    return Candidate(maps, places, None, None, 0.0), grid


@pytest.mark.parametrize(("off_mm", "followed"), [(4, True), (6, False)])
def test_the_cord_is_sought_again_within_its_sac(off_mm, followed):
    """Straight, so many mm to the left of the curve that was chosen."""
    cord = np.zeros((12, 21, 21))
    cord[:, 10, 10 + off_mm // 2] = 0.8
    best, grid = looked_at(cord, np.zeros_like(cord), np.full((12, 2), 10))
    places = finder._refined(best, grid, None, slice(0, 12))
    assert (places == [10, 10 + off_mm // 2]).all() == followed


@pytest.mark.parametrize(("half_width", "way"), [(3, "round"), (5, "through"), (10, "through")])
def test_what_is_not_cord_is_passed_only_where_the_way_round_is_too_long(half_width, way):
    """A tube, one plane of it said to be none, to so many mm on both sides."""
    cord = np.full((40, 41, 3), -0.1)
    cord[:, 20, 1] = 0.5
    allowed = np.ones(cord.shape, bool)
    allowed[20, 20 - half_width : 21 + half_width] = False
    best, grid = looked_at(cord, cord, np.full((40, 2), [20, 1]), (3.0, 1.0, 1.0))
    led = finder._led(cord.astype(np.float32), best.maps, grid, SearchHint(allowed, None))
    at = best_track(led, grid.spacing).places[20]
    assert allowed[20, *at] == (way == "round")


def test_the_sac_s_own_path_is_needed_once_in_fifty(monkeypatch):
    monkeypatch.setattr(finder, "SHIFT_MM", -1)  # it is tried, however close it runs
    image, _ = tubes.scene()
    tried = candidates(image, SPACING, search_grid(image, SPACING), -1)
    own, of_sac = (c.log_odds - c.extent.log_odds for c in tried)
    assert own == 0
    assert 1 / 100 < np.exp(of_sac) < 1 / 25


def test_both_ends_are_right_together_or_not_at_all():
    middle = np.zeros((5, 2))

    def right(below, above=0.0, told=(False, False)):
        return CordPath(0, middle, -1, 1.0, np.ones(5), below, above, 5.0, 5.0, told).extent_right

    assert right(0.0) == 1
    assert right(0.4) == pytest.approx(0.6)  # likelier outside
    assert right(0.7) < 0.7  # in the image, and at its place
    assert right(0.7, 0.4) == pytest.approx(0.6 * right(0.7))
    assert 0.7 < right(1.0) < 0.9  # four lower ends of five are where they are said to be
    assert 0.8 < right(0.0, 1.0) < 1
    assert right(1.0, 0.4, told=(True, False)) == pytest.approx(0.6)  # a user is not contradicted
    assert right(1.0, 1.0, told=(True, True)) == 1


@pytest.mark.parametrize(("behind", "apart", "looked_again"), [(19, 4, True), (21, 4, False), (0, 2, False)])
def test_the_sac_s_own_curve_is_tried_where_it_may_matter(behind, apart, looked_again, monkeypatch):
    """A polarity far behind has no chance; a curve close to the cord's own shows the same."""
    image, _ = tubes.scene()
    grid = search_grid(image, SPACING)
    at = np.full((len(grid.image), 2), 9)
    looked = []

    def places(score, maps, *_):
        of_sac = (score == maps.sac_gain).all()
        return at + of_sac * np.array([round(apart / grid.spacing[1]), 0])

    def look(array, spacing, grid, where, maps, places, prior):
        looked.append((maps.polarity, prior))
        return Candidate(maps, places, None, None, 30.0 - behind * (maps.polarity > 0))

    monkeypatch.setattr(finder, "_places", places)
    monkeypatch.setattr(finder, "_look", look)
    assert len(candidates(image, SPACING, grid)) == len(looked)
    assert looked.count((1, finder.SAC_CURVE_ODDS)) == looked_again
    assert looked.count((-1, finder.SAC_CURVE_ODDS)) == (apart > 3)
    assert {(1, 0.0), (-1, 0.0)} <= set(looked)


@pytest.mark.parametrize("threads", [1, 5])
def test_the_path_does_not_hang_on_the_number_of_threads(threads, monkeypatch):
    image, _ = tubes.scene(trap="noise")
    expected = find_cord(image, spacing=SPACING)
    monkeypatch.setattr(parallel, "threads", lambda: threads)
    found = find_cord(image, spacing=SPACING)
    assert found.found == expected.found
    np.testing.assert_array_equal(found.centers_mm, expected.centers_mm)
