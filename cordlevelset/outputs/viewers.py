"""The line that opens an image and its mask in a viewer: FSLeyes, ITK-SNAP or 3D Slicer."""

from __future__ import annotations

import os
import shlex
import shutil
import subprocess
from collections.abc import Callable
from pathlib import Path
from typing import NamedTuple

__all__ = ["open_line"]


class Viewer(NamedTuple):
    """A program, the endings of what it opens, and its words for an image and a mask."""

    programs: tuple[str, ...]
    endings: tuple[str, ...]
    words: Callable[[str, str], list[str]]


ANY = (".nii", ".nii.gz", ".nrrd", ".mha")
"""Endings of the images that are written."""
VIEWERS = (
    Viewer(("fsleyes",), (".nii", ".nii.gz"), lambda image, mask: [image, mask, "-cm", "red", "-a", "50"]),
    Viewer(("itksnap", "ITK-SNAP"), ANY, lambda image, mask: ["-g", image, "-s", mask]),
    Viewer(
        ("Slicer",),
        ANY,
        lambda image, mask: [
            "--python-code",
            f"slicer.util.loadVolume({image!r}); slicer.util.loadSegmentation({mask!r})",
        ],
    ),
)
"""In the order of preference: the first that is installed and reads both files."""


def open_line(image: Path, mask: Path) -> str:
    """Command that shows a mask on its image.

    Parameters
    ----------
    image, mask : Path
        Two files; of a folder of DICOM files no viewer takes the name.

    Returns
    -------
    str
        For the first viewer that is installed, or else the first that reads both files; empty if none does.
    """
    names = image.as_posix(), mask.as_posix()
    suited = [v for v in VIEWERS if all(name.lower().endswith(v.endings) for name in names)]
    found = [(p, v) for v in suited for p in v.programs if shutil.which(p) is not None]
    for program, viewer in found or [(v.programs[0], v) for v in suited]:
        words = [program, *viewer.words(*names)]
        return subprocess.list2cmdline(words) if os.name == "nt" else shlex.join(words)
    return ""
