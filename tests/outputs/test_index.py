"""The index of a cohort: order, escaping, and judging with the keys in a real browser, from the page alone."""

import csv
import re
import time

import pytest
import yaml
from browser import LAPTOP, PHONE, assert_fits, brightness

from cordlevelset.outputs.index import Case, doubt, index_page

PICTURE = '<svg viewBox="0 0 160 200"><path class="outline" stroke="red" fill="none" d="M10 10 L20 190"/></svg>'


def case(n, confidence, **changes):
    name = f"sub-{n:02d}/anat/sub-{n:02d}_T2w.nii.gz"
    figures = {
        "confidence": confidence, "length_mm": 100.0 + n, "mean_area_mm2": 90.0 - n, "conus": None,
        "conus_state": "outside" if n % 2 else "unclear", "ends_mm": [[0, 0, 10.0 + n], [0, 0, -90.0 - n]],
    }  # fmt: skip
    given = {"name": name, "status": "done", "figures": figures, "remark": "", "version": "1 ab", "page": ""}
    return Case(**(given | {"picture": PICTURE} | changes))


@pytest.fixture
def cohort():
    """Twenty images: one failed, one without a cord, two doubtful, one with a name that needs care."""
    cases = [case(n, round(0.4 + n / 100, 2)) for n in range(1, 17)]
    cases += [case(17, 0.12), case(18, 0.25, remark="weak border", page="sub-18/a b&c.html")]
    cases.append(case(19, 0, status="no cord found", figures={}))
    odd = 'sub-20/anat/20 <b>#1: "x",_T2w.nii.gz'
    cases.append(case(20, 0, name=odd, status="failed", figures={}, remark="not <an> image", picture=""))
    return cases


@pytest.fixture
def page(cohort, tmp_path):
    path = tmp_path / "index.html"
    path.write_text(index_page("Cords & more", cohort), encoding="utf-8")
    return path


def test_doubt():
    assert doubt("failed", {}) == "failed"
    assert doubt("no cord found", {}) == "no cord found"
    assert doubt("done", {"confidence": 0.29}) == "confidence 0.29"
    assert doubt("done", {"confidence": 0.3}) == ""


def test_doubtful_first_counted_and_escaped(cohort):
    text = index_page("Cords & more", cohort)
    first = re.findall(r'data-name="sub-(\d\d)/', text)[:5]
    assert first == ["20", "19", "17", "18", "01"]
    assert "20 images: 18 done, 1 no cord found, 1 failed; 4 doubtful" in text
    assert "<b>" not in text
    assert "<an>" not in text
    assert 'href="sub-18/a%20b%26c.html"' in text
    assert not re.search(r'(src|href)="(?!sub-18/)', text)


def press(driver, *keys):
    from selenium.webdriver.common.action_chains import ActionChains

    for key in keys:
        ActionChains(driver).send_keys(key).perform()


def said(driver):
    return driver.find_element("id", "said").text


def names(driver):
    """Images shown, in their order."""
    script = "return [...document.querySelectorAll('.case')].filter(c => c.offsetParent).map(c => c.dataset.name)"
    return [re.match(r"sub-(\d+)", name)[1] for name in driver.execute_script(script)]


def choose(driver, select, value):
    from selenium.webdriver.support.ui import Select

    Select(driver.find_element("id", select)).select_by_value(value)


def saved(folder, name):
    for _ in range(100):
        if (folder / name).exists():
            return (folder / name).read_text(encoding="utf-8")
        time.sleep(0.05)
    raise AssertionError(f"no {name} in {list(folder.iterdir())}")


def test_twenty_images_judged_with_the_keys(page, tmp_path, browse):
    downloads = tmp_path / "saved"
    downloads.mkdir()
    with browse(page, LAPTOP, downloads=downloads) as driver:
        press(driver, *"flfp", *"p" * 16)
        assert said(driver).startswith("20 of 20 judged: 17 pass, 2 fail, 1 look again")
        driver.find_element("id", "csv").click()
        driver.find_element("id", "yaml").click()
        rows = list(csv.DictReader(saved(downloads, "qc.csv").splitlines()))
        listed = saved(downloads, "qc_fail.yml")
        driver.refresh()  # kept in the browser
        assert said(driver).startswith("20 of 20 judged: 17 pass, 2 fail, 1 look again")
    marks = {row["image"]: row["judgement"] for row in rows}
    assert len(marks) == 20
    assert marks["sub-17/anat/sub-17_T2w.nii.gz"] == "fail"
    assert marks["sub-19/anat/sub-19_T2w.nii.gz"] == "look"
    assert rows[0]["confidence"] == "0.41"
    # the form of SCT's manual_correction.py: file names without folders
    assert listed.startswith("FILES_SEG:\n- ")
    assert yaml.safe_load(listed) == {"FILES_SEG": ['20 <b>#1: "x",_T2w.nii.gz', "sub-17_T2w.nii.gz"]}


def wait_for(driver, words):
    for _ in range(100):
        if words in said(driver):
            return
        time.sleep(0.05)
    raise AssertionError(f"{words!r} was not said, but: {said(driver)}")


def test_saved_marks_are_loaded_again(page, tmp_path, browse):
    """In another browser, with a name that has commas and quotes; and a list of fails alone."""
    downloads = tmp_path / "saved"
    downloads.mkdir()
    with browse(page, LAPTOP, downloads=downloads) as driver:
        press(driver, *"flp")
        driver.find_element("id", "csv").click()
        driver.find_element("id", "yaml").click()
        saved(downloads, "qc.csv"), saved(downloads, "qc_fail.yml")
        driver.execute_script("localStorage.clear()")
        driver.refresh()
        assert said(driver).startswith("0 of 20 judged")
        driver.find_element("id", "file").send_keys(str(downloads / "qc.csv"))
        wait_for(driver, "3 of 20 judged: 1 pass, 1 fail, 1 look again")
        assert "3 marks loaded" in said(driver)
        driver.execute_script("localStorage.clear()")
        driver.refresh()
        (downloads / "more.yml").write_text("FILES_SEG:\n- sub-03_T2w.nii.gz\n- nobody.nii.gz\n", encoding="utf-8")
        driver.find_element("id", "file").send_keys(str(downloads / "more.yml"))
        wait_for(driver, "1 of 20 judged: 0 pass, 1 fail")
        assert "1 marks loaded, 1 of other images" in said(driver)
        driver.find_element("id", "file").send_keys(str(downloads / "qc_fail.yml"))
        wait_for(driver, "2 of 20 judged: 0 pass, 2 fail")


def test_loaded_marks_of_an_earlier_result_are_judged_again(page, tmp_path, browse):
    marks = tmp_path / "qc.csv"
    image = "sub-03/anat/sub-03_T2w.nii.gz"
    marks.write_text(f"image,judgement,judged_at,result\n{image},pass,2026-01-01,another\n", encoding="utf-8")
    with browse(page, LAPTOP) as driver:
        driver.find_element("id", "file").send_keys(str(marks))
        wait_for(driver, "1 judged on an earlier result, judge again")


def test_undo_arrows_and_one_by_one(page, browse):
    from_keys = {"left": "\ue012", "right": "\ue014", "space": " "}
    with browse(page, LAPTOP) as driver:
        press(driver, "p", from_keys["right"], "f")
        assert said(driver).startswith("2 of 20 judged: 1 pass, 1 fail, 0 look again; showing 4 of 20")
        press(driver, "u")
        assert said(driver).startswith("1 of 20 judged: 1 pass, 0 fail, 0 look again; showing 3 of 20")
        press(driver, from_keys["left"], from_keys["space"])
        assert names(driver) == ["19"]
        press(driver, "o")
        outline = driver.find_element("css selector", ".here .outline")
        assert outline.value_of_css_property("visibility") == "hidden"
        driver.find_element("css selector", ".here svg").click()
        assert len(names(driver)) == 20
        driver.find_element("id", "find").send_keys("sub-0")  # letters typed there are no keys
        assert names(driver) == [f"0{n}" for n in range(1, 10)]
        assert said(driver).startswith("1 of 20 judged")


@pytest.mark.parametrize(
    ("order", "first", "last"),
    [("doubt", "20", "16"), ("name", "01", "20"), ("confidence", "17", "19"), ("length", "01", "19"),
     ("area", "18", "19"), ("top", "01", "19"), ("bottom", "18", "19")],
)  # fmt: skip
def test_sorted(order, first, last, page, browse):
    with browse(page, LAPTOP) as driver:
        choose(driver, "order", order)
        assert names(driver)[0] == first
        if order in ("doubt", "name"):
            assert names(driver)[-1] == last
        else:  # without a figure: at the end
            assert set(names(driver)[-2:]) == {"19", "20"}
        driver.find_element("id", "turn").click()
        assert names(driver)[-1] == first


def test_filtered(page, browse):
    with browse(page, LAPTOP) as driver:
        press(driver, "p", "f")
        for show, expected in {
            "pass": ["20"], "fail": ["19"], "look": [], "doubt": ["20", "19", "17", "18"], "none": ["20", "19"],
        }.items():  # fmt: skip
            choose(driver, "show", show)
            assert names(driver) == expected
        choose(driver, "show", "todo")
        assert len(names(driver)) == 18
        press(driver, "p")  # judged and gone, the next one is there
        assert len(names(driver)) == 17
        assert "showing 1 of 17" in said(driver)
        choose(driver, "show", "unclear")
        assert all(int(n) % 2 == 0 for n in names(driver))


def test_a_judgement_is_about_one_result(page, cohort, browse):
    """An image that was segmented anew since is to be judged anew."""
    with browse(page, LAPTOP) as driver:
        press(driver, "p", "p")
        changed = [
            case(19, 0, status="no cord found", figures={}, version="2 ab") if c.name[4:6] == "19" else c
            for c in cohort
        ]
        page.write_text(index_page("Cords", changed), encoding="utf-8")
        driver.refresh()
        assert said(driver).startswith("1 of 20 judged")
        assert "1 judged on an earlier result, judge again" in said(driver)


@pytest.mark.parametrize(("size", "dark"), [(LAPTOP, True), (PHONE, False), (PHONE, True)])
def test_it_fits_a_laptop_and_a_phone(page, size, dark, browse):
    with browse(page, size, dark=dark) as driver:
        assert_fits(driver, size)
        assert (brightness(driver) < 128) == dark
        button = driver.find_element("css selector", '.case button[value="fail"]')
        assert button.rect["height"] >= (44 if size == PHONE else 30)  # for a finger
        button.click()
        assert said(driver).startswith("1 of 20 judged: 0 pass, 1 fail")
        driver.find_element("id", "one").click()
        driver.find_element("id", "next").click()
        assert_fits(driver, size)
        assert names(driver) == ["17"]
