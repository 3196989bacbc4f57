"""The report of one image: self-contained, escaped, and seen in a real browser."""

import re
from dataclasses import replace

import numpy as np
import pytest
from browser import LAPTOP, PHONE, assert_fits, brightness

import cordlevelset as cls
from cordlevelset.app.cli import main
from cordlevelset.levels.column import Disc, Levels
from cordlevelset.outputs import page as pages
from cordlevelset.outputs.advice import next_steps
from cordlevelset.outputs.page import conus_words, report_page
from cordlevelset.phantom import make_phantom


@pytest.fixture(scope="module")
def folder(tmp_path_factory):
    """A report by the command line, of an image with an odd name."""
    folder = tmp_path_factory.mktemp("report")
    image = make_phantom(region="cervical", spacing=(3.0, 1.0, 1.0), field_mm=(90.0, 90.0, 60.0)).image
    cls.write(image, folder / "a<b>&.nii.gz")
    assert main(["segment", f"{folder}/a<b>&.nii.gz", "-o", f"{folder}/m.nii.gz", "--report", f"{folder}/new/r"]) == 0
    return folder


@pytest.fixture(scope="module")
def lumbar_result():
    phantom = make_phantom(field_mm=(160.0, 120.0, 60.0), place_mm=(0.0, 1.5))
    return cls.segment(phantom.image, bottom=phantom.conus_mm)


def test_page_needs_nothing_else_and_is_escaped(folder):
    page = (folder / "new/r/report.html").read_text(encoding="utf-8")
    assert "a&lt;b&gt;&amp;" in page
    assert "a<b>" not in page
    assert not re.search(r"(src|href)=.(?!data:)", page)
    assert len(re.findall("<polyline", page)) == 2
    assert len(re.findall("<image", page)) == 2 + 12  # views, sections
    assert not list((folder / "new/r").glob(".*"))


def test_page_says_how_it_was_made(folder):
    page = (folder / "new/r/report.html").read_text(encoding="utf-8")
    assert f"cordlevelset {cls.__version__}" in page
    assert "1 × 1 × 3 mm" in page or "3 × 1 × 1 mm" in page
    assert "contrast auto, polarity auto" in page
    assert "cordlevelset segment &#x27;a&lt;b&gt;&amp;.nii.gz&#x27; -o m.nii.gz --report r" in page
    assert str(folder) not in page  # folders are of one machine, and may name a person


def test_the_page_may_have_a_name(folder, capsys):
    words = ["segment", f"{folder}/a<b>&.nii.gz", "-o", f"{folder}/m.nii.gz", "--report"]
    assert main([*words, f"{folder}/page.html"]) == 0
    named, in_folder = ((folder / name).read_text(encoding="utf-8") for name in ("page.html", "new/r/report.html"))
    assert named.replace("--report page.html", "--report r") == in_folder
    assert main([*words, f"{folder}/none/page.html"]) == 1
    assert "no folder" in capsys.readouterr().err


def test_a_file_in_the_way_is_told_before_the_work(folder, monkeypatch, capsys):
    monkeypatch.setattr("cordlevelset.pipeline.segment", lambda *_, **__: pytest.fail("the work began"))
    (folder / "file").write_text("", encoding="utf-8")
    for place in ("file", "file/in/it"):
        words = ["segment", f"{folder}/a<b>&.nii.gz", "-o", f"{folder}/x.nii.gz", "--report", f"{folder}/{place}"]
        assert main(words) == 1
        assert "cannot write" in capsys.readouterr().err


def test_page_names_the_weakest_slice(neck_result):
    page = report_page(neck_result, name="neck")
    weakest = min(neck_result.slices, key=lambda s: s.confidence)
    assert f"{weakest.slice} (confidence {weakest.confidence:.2f})" in page
    assert "Next step" not in page


def test_the_conus_in_numbers(lumbar_result):
    page = report_page(lumbar_result, name="lumbar")
    x, y, z = lumbar_result.conus.tip_mm
    assert f"{x:.1f}, {y:.1f}, {z:.1f} LPS mm, give or take {lumbar_result.conus.uncertainty_mm:g} mm" in page
    assert lumbar_result.conus.uncertainty_mm == lumbar_result.mask.spacing[0] / 2  # its bottom was told
    assert page.count('class="tip"') == 2
    loose = replace(lumbar_result, conus=replace(lumbar_result.conus, uncertainty_mm=123.4))
    assert conus_words(loose).endswith("give or take 123 mm")


def test_doubt_has_a_next_step(neck_result):
    assert next_steps(neck_result) == []
    weak = tuple(replace(s, confidence=0.1) for s in neck_result.slices)
    contours = replace(neck_result.contours, conus_state="unclear")
    doubtful = replace(neck_result, slices=weak, confidence=0.1, contours=contours)
    assert [option.split()[0] for _, option in next_steps(doubtful)] == ["--centerline", "--contours", "--centerline"]
    page = report_page(doubtful, name="neck", about={"Command": "cordlevelset segment neck.nii.gz -o cord.nii.gz"})
    assert "Two points in the cord mend this" in page
    assert "<code>cordlevelset segment neck.nii.gz -o cord.nii.gz --centerline points.mrk.json</code>" in page


@pytest.mark.parametrize(("name", "label"), [("C4/5", "C4/5"), (None, "disc 2")])
def test_levels_make_the_ruler(name, label, neck_result):
    middle = neck_result.centerline.points_mm[len(neck_result.slices) // 2]
    disc = Disc(name, 2, middle, np.array([0.0, 0.0, -1.0]), 30.0, 1.0, 1.0)
    levels = Levels((disc,), neck_result.centerline.points_mm, "none", "tip at the <upper> third of L1")
    known = replace(neck_result)
    vars(known)["levels"] = levels
    page = report_page(known, name="neck")
    assert "tip at the &lt;upper&gt; third of L1" in page
    share = float(re.search(rf'<span style="top: calc\(1.3rem \+ var\(--h\) \* ([\d.]+)\)">{label}</span>', page)[1])
    assert share == pytest.approx(0.5, abs=0.03)


def test_labels_of_the_ruler_do_not_overlap(neck_result):
    marks = [(f"<{depth}>", float(depth)) for depth in (30, 0, 7, 20, 27, -5, 1000)]
    ruler = pages._ruler(marks, neck_result)
    assert re.findall(r"&lt;(\d+)&gt;", ruler) == ["0", "20", "30"]
    assert (pages.LABEL_MM, pages.TICK_MM) == (8.0, 20.0)


def test_notebooks_show_a_card(neck_result):
    odd = replace(neck_result, notes=("a <b>bold</b> & odd note",))
    card = odd._repr_html_()
    assert "data:image/jpeg;base64," in card
    assert "a &lt;b&gt;bold&lt;/b&gt; &amp; odd note" in card
    assert f"{odd.mean_area_mm2:.1f} mm²" in card
    assert len(card) < 200_000
    assert 'style="max-width: 240px"' in card  # a whole spine, 80 + 80 by 400 mm, is then a screen high


@pytest.mark.parametrize(("size", "dark"), [(LAPTOP, False), (PHONE, True)], ids=["laptop", "phone"])
@pytest.mark.parametrize("name", ["neck", "lumbar"])
def test_a_browser_shows_it(name, size, dark, folder, lumbar_result, tmp_path, browse):
    path = folder / "new/r/report.html"
    if name == "lumbar":
        path = tmp_path / "lumbar.html"
        path.write_text(report_page(lumbar_result, name=name), encoding="utf-8")
    with browse(path, size, dark=dark) as driver:
        assert_fits(driver, size)
        assert (brightness(driver) < 128) == dark
        views = driver.find_elements("css selector", ".view > svg")
        ruler = driver.find_element("css selector", ".ruler").rect
        assert all(view.rect["height"] > 140 for view in views)
        assert views[0].rect["x"] >= ruler["x"] + ruler["width"]
        outline = driver.find_element("css selector", ".outline")
        driver.find_element("css selector", "button").click()
        assert outline.value_of_css_property("visibility") == "hidden"
