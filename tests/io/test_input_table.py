"""Every row of `input_table`, from the command line and from Python."""

import os
from pathlib import Path

import input_table as table
import numpy as np
import pytest

import cordlevelset as cls
from cordlevelset.outputs.tables import sidecar_path

DOCUMENT = table.DOCUMENT.read_text(encoding="utf-8").splitlines()


@pytest.fixture(scope="module", autouse=True)
def _compiled():
    cls.segment(table.neck().image)  # kernels are cached on disk: not while it is full


def _run_and_write(row, made, folder, path):
    result = row.python(made, folder)
    if row.command == "segment":
        cls.write(result.mask, path)


def _dice(mask, truth):
    return 2 * (truth * (mask > 0)).sum() / (truth.sum() + (mask > 0).sum())


@pytest.mark.parametrize("row", table.ROWS, ids=lambda row: row.what)
def test_row(row, tmp_path):
    if os.name == "nt" and row.around in (table.no_privilege, table.closed_folder, table.full_disk):
        pytest.skip("Windows keeps permissions and limits elsewhere")
    made = row.make(tmp_path)
    before = table.files_in(tmp_path)
    seen = table.run(row, made, tmp_path)
    assert seen.status == row.status, seen.err
    new = {name for name in seen.files - before if name != "closed"}
    if row.status == 0 and row.command != "segment":
        assert new == (set() if row.command == "compare" else {row.output})
        assert row.says in seen.out
        assert row.python(made, tmp_path)
    elif row.status == 0:
        assert new == {row.output, sidecar_path(Path(row.output)).name}
        assert seen.err == ""
        assert row.says in seen.out
        mask = cls.read(tmp_path / row.output)
        truth = made.truth
        assert _dice(mask.array, truth) >= row.least_dice
        result = row.python(made, tmp_path)
        assert np.array_equal(result.mask.array, mask.array)
        assert 0 <= result.confidence <= 1
    else:
        assert not new
        assert seen.out == ""
        assert seen.err.startswith("cordlevelset: ")
        assert seen.err.count("\n") == 1
        assert row.says in seen.err
        again = tmp_path / "again"
        again.mkdir()
        if row.output != made.path.name:  # only the command line knows both
            with row.around(again), pytest.raises(row.error) as caught:
                _run_and_write(row, made, tmp_path, again / row.output)
            assert str(caught.value).replace("/again/", "/") == seen.err.removeprefix("cordlevelset: ").rstrip()
    assert table.line(row, seen, tmp_path) in DOCUMENT


@pytest.mark.parametrize("test", [row[2] for row in table.AROUND])
def test_what_stands_around_an_image_has_its_test(test):
    file, name = test.split("::")
    assert f"\ndef {name}(" in (Path(__file__).parents[1] / file).read_text(encoding="utf-8")


def test_the_table_of_what_stands_around_is_as_written():
    assert set(table.around_lines()) <= set(DOCUMENT)


@pytest.mark.parametrize("damage", table.DAMAGES)
@pytest.mark.parametrize("form", table.DAMAGED_SUFFIXES)
def test_damaged_files(form, damage, tmp_path):
    seen = table.damaged(form, damage, tmp_path)
    for one in seen:
        assert one.status in (0, 1, 3)
        assert one.err.count("\n") == (one.status != 0)
        assert not any("cordlevelset-" in name for name in one.files)
    if damage == "cut" or (table.DAMAGED_SUFFIXES[form] and damage == "8 bits flipped"):
        assert all(one.status == 1 for one in seen)
    assert table.damage_line(form, damage, seen) in DOCUMENT
