"""The line that opens image and mask, as a shell takes it apart."""

import shlex
from pathlib import Path

import pytest

from cordlevelset.outputs import viewers


@pytest.mark.parametrize(
    ("installed", "image", "program"),
    [
        ((), "a.nii.gz", "fsleyes"),
        (("Slicer",), "a.nii.gz", "Slicer"),
        (("Slicer", "ITK-SNAP"), "a.nii.gz", "ITK-SNAP"),
        (("Slicer", "fsleyes"), "a.nrrd", "Slicer"),
        ((), "a.nrrd", "itksnap"),
        (("fsleyes", "itksnap", "Slicer"), "folder of slices", ""),
    ],
)
def test_the_first_that_is_there_and_reads_both(installed, image, program, monkeypatch):
    monkeypatch.setattr(viewers.shutil, "which", lambda name: name if name in installed else None)
    line = viewers.open_line(Path(image), Path("m.nii.gz"))
    assert (shlex.split(line) or [""])[0] == program


def test_names_are_quoted(monkeypatch):
    monkeypatch.setattr(viewers.shutil, "which", lambda name: name if name == "Slicer" else None)
    words = shlex.split(viewers.open_line(Path("it's a/b c.nii"), Path("m $x.nii")))
    calls = []

    class Util:
        loadVolume = staticmethod(calls.append)
        loadSegmentation = staticmethod(calls.append)

    exec(words[2], {"slicer": type("slicer", (), {"util": Util})})
    assert calls == ["it's a/b c.nii", "m $x.nii"]
