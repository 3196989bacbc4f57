"""The benchmark suite's own parts: scores, methods, the page, and what counts as slower."""

import copy
import json
import shlex
import sys
from types import SimpleNamespace

import methods
import numpy as np
import pytest
import render
from scores import case_scores, phantom_scores

import cordlevelset as cls
from cordlevelset.phantom import make_phantom


@pytest.fixture(scope="module")
def phantom():
    return make_phantom(region="cervical", spacing=(4.0, 1.0, 1.0), field_mm=(64.0, 90.0, 56.0))


@pytest.fixture(scope="module")
def line(phantom):
    n = len(phantom.centerline_mm)
    return cls.Centerline(phantom.centerline_mm, np.full(n, 4.0), phantom.polarity, np.ones(n))


@pytest.fixture
def case(phantom, tmp_path):
    cls.write(phantom.image.like((phantom.soft_mask.array >= 0.5).astype(np.uint8)), tmp_path / "seg.nii.gz")
    return tmp_path


@pytest.mark.parametrize("name", [n for n in methods.load() if n != "cordlevelset"])
def test_every_method_finds_something_of_a_cord(phantom, line, case, name):
    mask = methods.load()[name](phantom.image, line)
    scores = case_scores(mask, case)
    assert scores["coverage"] > 0.9
    assert scores["dice"] > 0.5  # watershed leaks into the CSF


def test_command_as_a_method(phantom, line, case):
    code = "import shutil, sys; shutil.copy(sys.argv[1], sys.argv[2])"
    words = [sys.executable, "-c", code, str(case / "seg.nii.gz"), "{out}"]
    copied = methods.load([f"copy={shlex.join(words)}"])["copy"](phantom.image, line)
    assert case_scores(copied, case)["dice"] == 1
    with pytest.raises(RuntimeError, match="exit status 3"):
        methods.external(f"{sys.executable} -c 'raise SystemExit(3)'")(phantom.image, line)


def test_scores_against_levels(phantom, tmp_path):
    mask = phantom.image.like((phantom.soft_mask.array >= 0.5).astype(np.uint8))
    levels = []
    for point in phantom.centerline_mm[2:-2:3]:
        k, j, i = np.round(phantom.image.to_index(point)).astype(int)
        rows = np.flatnonzero(mask.array[k, :, i])
        y = phantom.image.to_lps([(k, rows[0] - 0.5, i), (k, rows[-1] + 0.5, i)])[:, 1]
        assert rows[0] <= j <= rows[-1]
        levels.append({"x": point[0], "z": point[2], "y_ant": y[0] - 0.25, "y_post": y[1] + 0.25})
    (tmp_path / "levels.json").write_text(
        json.dumps({"levels": levels, "conus_tip": {"z": float(phantom.centerline_mm[:, 2].min()) - 30}}),
        encoding="utf-8",
    )
    scores = case_scores(mask, tmp_path)
    assert scores == {"border_mm": 0.25, "bias_mm": -0.25, "coverage": 1.0, "hit": 1.0, "ends": 0.0}


def test_scores_of_a_phantom(phantom):
    exact = SimpleNamespace(soft_mask=phantom.soft_mask)
    assert phantom_scores(exact, phantom) == {"soft_dice": 1.0, "area_error": 0.0, "bias_mm": 0.0, "coverage": 1.0}
    larger = SimpleNamespace(soft_mask=phantom.soft_mask.like(1.21 * phantom.soft_mask.array))
    scores = phantom_scores(larger, phantom)
    assert (scores["soft_dice"], scores["area_error"]) == (0.905, 0.21)
    assert 0.3 < scores["bias_mm"] < 0.6


def bench(group, name, seconds, **extra):
    return {
        "group": group,
        "name": name,
        "params": {},
        "stats": {"median": seconds, "min": seconds},
        "extra_info": extra,
    }


OURS = render.YARDSTICK.replace("scikit-image", "cordlevelset")
RUN = {
    "machine_info": {"machine": "x86_64", "python_version": "3.11", "cpu": {"brand_raw": "A <fast> one", "count": 2}},
    "datetime": "2026-01-01T00:00:00",
    "benchmarks": [
        bench("contours", OURS, 0.02, method="cordlevelset", error_mm=0.05),
        bench("contours", render.YARDSTICK, 0.2, method="scikit-image", error_mm=0.12),
        bench("phantoms: growth with the cord", "test_length[60]", 0.5, curve="cord length, mm", x=60),
        bench("phantoms: growth with the cord", "test_length[120]", 1.0, curve="cord length, mm", x=120),
        *(
            bench("phantoms: accuracy", "test_accuracy", 1, curve="CNR", x=x, region="lumbar", failure=why, **scores)
            for x, why, scores in (
                (3, "nothing there", {}),
                (12, None, {"soft_dice": 0.9, "area_error": 0.05, "bias_mm": -0.1, "coverage": 1.0}),
            )
        ),
        *(
            bench(
                "real cases",
                "test_case",
                1,
                case=c,
                contrast="t2",
                method=m,
                expected=e,
                failure=f,
                dice=d,
                coverage=1.0,
                centerline_s=0,
            )
            for c, m, e, f, d in (
                ("one", "cordlevelset", "cord", None, 0.9),
                ("one", "watershed", "cord", None, 0.4),
                ("none", "cordlevelset", "no-cord", "NoCordFoundError: nothing", None),
                ("none", "watershed", "no-cord", None, None),
            )
        ),
    ],
}


def test_page_and_tables(tmp_path):
    (tmp_path / "run.json").write_text(json.dumps(RUN), encoding="utf-8")
    assert render.render(tmp_path / "run.json", tmp_path / "page.html", tables=tmp_path / "tables.md") == 0
    page, tables = (
        (tmp_path / "page.html").read_text(encoding="utf-8"),
        (tmp_path / "tables.md").read_text(encoding="utf-8"),
    )
    assert "A &lt;fast&gt; one" in page
    assert page.count("data:image/svg+xml") == 4
    assert "http" not in page.split("<body>")[1].replace("http://www.w3.org", "")
    assert "| cordlevelset | 0.90 |" in tables
    assert "| 0 of 2 |" in tables
    assert "| 2 of 2 |" in tables
    assert "| none | none, right | WRONG |" in tables
    assert "| 3 | – | – | – | – | 1 of 1 |" in tables


@pytest.mark.parametrize(("ours", "all_others", "slower"), [(1, 1, 0), (2, 1, 1), (2, 2, 0), (1, 3, 0)])
def test_slower_is_a_matter_of_ratios(tmp_path, ours, all_others, slower):
    now = copy.deepcopy(RUN)
    for b in now["benchmarks"]:
        b["stats"]["min"] *= ours if b["name"] == OURS else all_others
    for name, run in (("now", now), ("then", RUN)):
        (tmp_path / f"{name}.json").write_text(json.dumps(run), encoding="utf-8")
    found = render.render(tmp_path / "now.json", tmp_path / "page.html", against=tmp_path / "then.json")
    assert found == slower
