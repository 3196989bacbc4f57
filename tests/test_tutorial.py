"""The notebook runs from top to bottom, and what it shows is what it gives."""

from pathlib import Path

import pytest

nbformat = pytest.importorskip("nbformat")
nbclient = pytest.importorskip("nbclient")

NOTEBOOK = Path(__file__).parent.parent / "docs" / "tutorial.ipynb"


def said(cell):
    return [line for out in cell.get("outputs", []) for line in out.get("text", "").splitlines()]


def pictures(cell):
    return sum("image/png" in out.get("data", {}) for out in cell.get("outputs", []))


@pytest.mark.filterwarnings("ignore")  # of the notebook's own machinery
def test_tutorial_runs(tmp_path):
    shown = nbformat.read(NOTEBOOK, as_version=4)
    run = nbformat.read(NOTEBOOK, as_version=4)
    nbclient.NotebookClient(run, timeout=120, resources={"metadata": {"path": str(tmp_path)}}).execute()
    assert sum(pictures(cell) for cell in run.cells) == 2
    for before, after in zip(shown.cells, run.cells, strict=True):
        if before.cell_type == "code":
            assert pictures(before) == pictures(after)
            assert len(said(before)) == len(said(after))  # outputs are kept in the file, and not stale
