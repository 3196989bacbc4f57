"""The report of one image: self-contained, escaped, and a picture in a real browser."""

import re
import shutil
import subprocess
from dataclasses import replace

import numpy as np
import pytest

import cordlevelset as cls
from cordlevelset.app.cli import main
from cordlevelset.outputs.page import report_page
from cordlevelset.phantom import make_phantom

BROWSER = shutil.which("chromium") or shutil.which("chromium-browser") or shutil.which("google-chrome")


@pytest.fixture(scope="module")
def folder(tmp_path_factory):
    """A report by the command line, of an image with an odd name."""
    folder = tmp_path_factory.mktemp("report")
    image = make_phantom(region="cervical", spacing=(3.0, 1.0, 1.0), field_mm=(90.0, 90.0, 60.0)).image
    cls.write(image, folder / "a<b>&.nii.gz")
    assert main(["segment", f"{folder}/a<b>&.nii.gz", "-o", f"{folder}/m.nii.gz", "--report", f"{folder}/new/r"]) == 0
    return folder


def test_page_needs_nothing_else_and_is_escaped(folder):
    page = (folder / "new/r/report.html").read_text(encoding="utf-8")
    assert "a&lt;b&gt;&amp;" in page
    assert "a<b>" not in page
    assert not re.search(r"(src|href)=.(?!data:)", page)
    assert len(re.findall("<polyline", page)) == 2
    assert not list((folder / "new/r").glob(".*"))


def test_the_page_may_have_a_name(folder, capsys):
    words = ["segment", f"{folder}/a<b>&.nii.gz", "-o", f"{folder}/m.nii.gz", "--report"]
    assert main([*words, f"{folder}/page.html"]) == 0
    assert (folder / "page.html").read_bytes() == (folder / "new/r/report.html").read_bytes()
    assert main([*words, f"{folder}/none/page.html"]) == 1
    assert "no folder" in capsys.readouterr().err


def test_a_file_in_the_way_is_told_before_the_work(folder, monkeypatch, capsys):
    monkeypatch.setattr("cordlevelset.pipeline.segment", lambda *_, **__: pytest.fail("the work began"))
    (folder / "file").write_text("")
    for place in ("file", "file/in/it"):
        words = ["segment", f"{folder}/a<b>&.nii.gz", "-o", f"{folder}/x.nii.gz", "--report", f"{folder}/{place}"]
        assert main(words) == 1
        assert "cannot write" in capsys.readouterr().err


def test_without_matplotlib_it_says_so_first(folder, monkeypatch, capsys):
    monkeypatch.setattr("cordlevelset.outputs.plot.find_spec", lambda name: None)
    assert main(["segment", f"{folder}/a<b>&.nii.gz", "-o", f"{folder}/x.nii.gz", "--report", f"{folder}/x"]) == 1
    assert "cordlevelset[viz]" in capsys.readouterr().err
    assert not (folder / "x").exists()


def test_page_names_the_weakest_slice(neck_result):
    page = report_page(neck_result, name="neck")
    weakest = min(neck_result.slices, key=lambda s: s.confidence)
    assert f"{weakest.slice} (confidence {weakest.confidence:.2f})" in page


def test_notebooks_show_a_card(neck_result, monkeypatch):
    odd = replace(neck_result, notes=("a <b>bold</b> & odd note",))
    card = odd._repr_html_()
    assert "data:image/png;base64," in card
    assert "a &lt;b&gt;bold&lt;/b&gt; &amp; odd note" in card
    assert f"{odd.mean_area_mm2:.1f} mm²" in card
    assert len(card) < 200_000
    monkeypatch.setattr("cordlevelset.outputs.page.find_spec", lambda name: None)
    assert "<img" not in odd._repr_html_()


@pytest.mark.skipif(BROWSER is None, reason="no Chromium here")
@pytest.mark.parametrize("width", [1200, 400])
def test_a_browser_shows_it(folder, tmp_path, width):
    matplotlib_image = pytest.importorskip("matplotlib.image")
    shot = tmp_path / "shot.png"
    command = [BROWSER, "--headless", "--no-sandbox", "--disable-gpu", f"--screenshot={shot}"]
    page = (folder / "new/r/report.html").as_uri()
    subprocess.run([*command, f"--window-size={width},1000", page], check=True, capture_output=True, timeout=120)
    picture = matplotlib_image.imread(shot)
    assert picture.shape[:2] == (1000, width)
    assert len(np.unique((255 * picture[..., :3]).astype(int).sum(-1))) > 100  # views of the image, not a blank page
