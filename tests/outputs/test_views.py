"""Views and pictures: where they lie, what they show, and their sizes."""

import base64
import io
import re
from xml.etree import ElementTree

import numpy as np
import pytest
from PIL import Image

import cordlevelset as cls
from cordlevelset.outputs import pictures, views
from cordlevelset.outputs.views import View, gray

SIZES = {  # half widths, pixels and gaps as they are: nothing else is as large as the canal, the sac, the spine
    "VIEW_MM": 30.0, "SECTION_MM": 15.0, "STEP_MM": 0.5, "SAC_MM": 4.0,
}  # fmt: skip


@pytest.mark.parametrize("straight", [True, False])
def test_the_outline_lies_on_the_border(neck_result, straight):
    """Inside and outside of the lines the picture has the cord's and the CSF's brightness."""
    for view in views.along_the_cord(neck_result, straight=straight):
        low, high = np.percentile(view.picture[view.picture > 0], (25, 99))
        left, right = view.lines
        assert (right[:, 0] - left[:, 0] > 4).all()
        scale = np.array(view.picture.shape)[::-1] / view.size_mm
        middle = (left + right) / 2
        inside = view.picture[tuple((middle * scale).astype(int).T[::-1])]
        beside = view.picture[tuple(((right + np.array([1.5, 0.0])) * scale).astype(int).T[::-1])]
        assert np.median(beside) > np.median(inside) + 0.2 * (high - low)  # T2: a dark cord in bright CSF


def test_straightened_cords_run_straight(neck_result):
    for straight, bend in ((True, 0.01), (False, 0.5)):
        _, front = views.along_the_cord(neck_result, straight=straight)
        middle = neck_result.contours.centers_mm[:, 1]
        shift = front.lines[0][:, 0] + neck_result.contours.radii_mm[:, views.RIGHT]
        assert (np.ptp(shift) > bend) == (not straight)
        assert straight or np.ptp(shift - middle) == pytest.approx(0, abs=1e-9)


def test_sizes(neck_result):
    assert {name: getattr(views, name) for name in SIZES} == SIZES
    side, front = views.along_the_cord(neck_result)
    total = views.height_mm(neck_result)
    assert side.size_mm == front.size_mm == (60.0, total)
    assert side.picture.shape[1] == 120
    (view, record), *_ = views.sections(neck_result, 3)
    assert view.size_mm == (30.0, 30.0)
    assert record is neck_result.slices[0]


def test_black_and_white_are_percentiles():
    shown = gray(View(np.linspace(0, 1, 10001)[None], (1.0, 1.0), ()))
    assert (shown == 0).mean() == pytest.approx(0.01 + 0.985 / 510, abs=0.001)
    assert (shown == 255).mean() == pytest.approx(0.005 + 0.985 / 510, abs=0.001)
    flat = gray(View(np.ones((3, 3)), (1.0, 1.0), ()))
    assert flat.max() == 0


def test_fat_does_not_darken_the_cord():
    """A bright strip 20 mm from the cord leaves the range shown; 3 mm from it, where CSF lies, it sets it."""
    picture = np.tile(np.linspace(1, 2, 60), (40, 1))
    lines = tuple(np.column_stack([np.full(10, x), np.linspace(35, 5, 10)]) for x in (25.0, 35.0))
    for at, seen in ((55, True), (41.5, True), (37.5, False), (22.5, False), (18.5, True)):
        bright = picture.copy()
        bright[:, int(at)] = 100
        shown = gray(View(bright, (60.0, 40.0), lines))
        assert (shown[20, 30] > 60) == seen, at
    tile = View(picture, (60.0, 40.0), (np.array([[25.0, 15.0], [35.0, 15.0], [35.0, 25.0], [25.0, 15.0]]),))
    assert gray(tile)[20, 30] > 100


def test_pictures_are_xml_with_images_that_open(neck_result):
    for svg, kind in ((pictures.thumbnail(neck_result), "JPEG"), (pictures.picture(_view(), "a view"), "PNG")):
        root = ElementTree.fromstring(svg)
        assert root.tag.endswith("svg")
        for data in re.findall(r'href="data:image/\w+;base64,([^"]+)"', svg):
            assert Image.open(io.BytesIO(base64.b64decode(data))).format == kind


def _view():
    return View(np.arange(12.0).reshape(3, 4), (4.0, 6.0), (np.array([[0.0, 0.0], [4.0, 6.0]]),))


def test_a_thumbnail_of_a_whole_spine_is_small(neck_result):
    width, height = map(float, re.search(r'viewBox="0 0 (\S+) (\S+)"', pictures.thumbnail(neck_result)).groups())
    assert (width, height) == (80 + 2 + 80 + 2 + 2 * 25, views.height_mm(neck_result))
    pixels = [
        Image.open(io.BytesIO(base64.b64decode(data))).size
        for data in re.findall(r"base64,([^\"]+)", pictures.thumbnail(neck_result))
    ]
    assert pixels[0][0] == pytest.approx(80 / 0.75, abs=1)
    assert len(pixels) == 2 + 4
    assert 400 < len(pictures.thumbnail(neck_result)) < 16_000


@pytest.mark.parametrize(("height_mm", "across_mm"), [(20.0, 4 * 25), (60.0, 2 * 25), (160.0, 40), (400.0, 60)])
def test_sections_stand_beside_the_views(height_mm, across_mm, neck_result, monkeypatch):
    """A quarter of the image's height wide, 25 to 60 mm, in as many columns as that takes."""
    view = View(np.arange(12.0).reshape(3, 4), (80.0, height_mm), ())
    monkeypatch.setattr(pictures, "along_the_cord", lambda *args, **kinds: (view, view))
    width = float(re.search(r'viewBox="0 0 (\S+) ', pictures.thumbnail(neck_result))[1])
    assert width == 80 + 2 + 80 + 2 + across_mm


def test_an_image_without_a_cord_is_shown_through_its_middle():
    array = np.zeros((20, 40, 30), np.float32)
    array[:, :, 15] = np.arange(20)[:, None]  # brighter towards the head
    image = cls.Volume(array, (4.0, 1.0, 0.25))
    side, front, across = views.through_the_middle(image, step_mm=0.75)
    canonical = (80.0, 40.0, 7.5)
    assert sorted(side.size_mm + front.size_mm) == sorted((canonical[0], canonical[1], canonical[0], canonical[2]))
    assert side.picture[0].mean() > side.picture[-1].mean()
    assert sorted(across.size_mm) == sorted(canonical[1:])
    assert across.picture.mean() == pytest.approx(10 / 10)  # half way up; one column of the ten that are left
    shown = pictures.bare_thumbnail(image)
    assert shown.count("<image") == 3
    assert [float(v) for v in re.search(r'viewBox="0 0 (\S+) (\S+)"', shown).groups()] == pytest.approx(
        [side.size_mm[0] + front.size_mm[0] + across.size_mm[0] + 2 * 2, 80.0]
    )


def test_a_thumbnail_shows_its_image_but_for_the_noise(neck_result):
    """Within 2 % of the range in the mean, in half of the bytes."""
    side, _ = views.along_the_cord(neck_result, half_mm=40.0, step_mm=0.75, straight=False)
    lossless, packed = gray(side), base64.b64decode(pictures._jpeg(gray(side)).split(",")[1])
    shown = np.asarray(Image.open(io.BytesIO(packed))).astype(float)
    assert np.abs(shown - lossless).mean() < 0.02 * 255
    assert len(packed) < 0.5 * lossless.size
