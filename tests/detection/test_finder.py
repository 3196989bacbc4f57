import numpy as np
import pytest
import tubes

import cordlevelset as cls
from cordlevelset.border.propagate import follow_path
from cordlevelset.detection.finder import CordPath, find_cord

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
    assert 0 < path.confidence <= 1


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
    bright, dark = (tubes.scene(polarity=polarity)[0] for polarity in (1, -1))
    assert find_cord(bright, spacing=SPACING).polarity == 1
    assert find_cord(bright, spacing=SPACING, polarity=-1).polarity == -1  # whatever the image says
    with pytest.raises(cls.NoCordFoundError):
        find_cord(dark, spacing=SPACING, polarity=1)  # rather than the dark cord that is there


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


def test_a_path_that_ends_inside_the_image_says_so():
    image, _ = tubes.scene()
    path = find_cord(image, spacing=SPACING)
    whole = follow_path(image, spacing=SPACING, path=path)
    assert (whole.conus_state, whole.notes) == ("outside", ())
    part = slice(5, -6)
    short = CordPath(
        path.first + 5, path.centers_mm[part], path.radius_mm[part], path.polarity, path.score[part], path.confidence
    )
    cut = follow_path(image, spacing=SPACING, path=short)
    gaps = [f"followed only to {n * SPACING[0]:.0f} mm from the image's {edge}" for n, edge in ((5, "low"), (6, "up"))]
    assert cut.conus_state == "unclear"
    assert [gap in note for gap, note in zip(gaps, cut.notes, strict=True)] == [True, True]


def test_one_slice_of_cord_is_none():
    image, middle = tubes.scene()
    path = CordPath(7, middle[7:8], np.full(1, 4.0), -1, np.full(1, 0.5), 0.5)
    with pytest.raises(cls.NoCordFoundError):
        follow_path(image, spacing=SPACING, path=path)
