"""Methods to compare on real cases, one small file each.

A module in this folder with a `NAME` and a function `segment(image, line)` is a method: `image` is a `cls.Volume`,
`line` the `cls.Centerline` that all methods start from, and the result a `cls.Volume` of 0 and 1 on the image's grid.
"""

import importlib
import pkgutil
import shlex
import subprocess
import tempfile
from pathlib import Path

import cordlevelset as cls


def load(commands=()):
    """Name -> function of every method of this folder, and of commands given as name='command {image} {out}'."""
    modules = [importlib.import_module(f"{__name__}.{m.name}") for m in pkgutil.iter_modules(__path__)]
    found = {m.NAME: m.segment for m in modules if hasattr(m, "NAME")}
    for text in commands:
        name, command = text.split("=", 1)
        found[name] = external(command)
    return dict(sorted(found.items(), key=lambda item: (item[0] != "cordlevelset", item[0])))


def external(command):
    """Make a method of a command that reads {image} and writes the mask {out}, both NIfTI."""

    def segment(image, line):
        with tempfile.TemporaryDirectory() as folder:
            paths = {"image": Path(folder) / "image.nii.gz", "out": Path(folder) / "out.nii.gz"}
            cls.write(image, paths["image"])
            words = [w.format(**paths) for w in shlex.split(command)]
            done = subprocess.run(words, capture_output=True, text=True, timeout=600, cwd=folder)
            if done.returncode or not paths["out"].exists():
                last = (done.stderr or done.stdout).strip().splitlines()[-1:] or ["no output"]
                raise RuntimeError(f"exit status {done.returncode}: {last[0]}")
            return cls.read(paths["out"])

    return segment
