"""Gets the library into Slicer's Python: from a wheel, from the source folder, or from the package index."""

import importlib
import importlib.util
import sys
from pathlib import Path

REQUIREMENTS = Path(__file__).parent.parent / "Resources" / "requirements.txt"
OLDEST_PYTHON = (3, 11)
"""The library's; Slicer has it since 5.10."""
DEPENDENCIES = "numba scikit-image scipy"
"""What Slicer does not bring; NumPy and SimpleITK stay the ones it brings."""


class LibraryMissingError(Exception):
    """The library is not there; the text says what to do."""


def check_library():
    """Make sure that the library can be imported.

    Raises
    ------
    LibraryMissingError
        If it is not installed, or Slicer is too old for it.
    """
    if sys.version_info < OLDEST_PYTHON:
        raise LibraryMissingError("this Slicer is too old: cordlevelset needs Slicer 5.10 or later (Python 3.11)")
    importlib.invalidate_caches()
    if importlib.util.find_spec("cordlevelset") is None:
        raise LibraryMissingError(
            "The library cordlevelset is not installed yet: open 'Library' below and choose where from."
        )


def source_folder():
    """The project's folder, if this module runs from a copy of the whole project.

    Returns
    -------
    Path or None
        The folder with pyproject.toml.
    """
    folder = Path(__file__).resolve().parents[3]
    project = folder / "pyproject.toml"
    return folder if project.is_file() and 'name = "cordlevelset"' in project.read_text(encoding="utf-8") else None


def install(source=None):
    """Install the library with what it needs; takes minutes.

    Parameters
    ----------
    source : path, optional
        A wheel (.whl) or the project's folder; None is the package index.

    Raises
    ------
    LibraryMissingError
        If the file is neither, or Slicer is too old.
    """
    import slicer.util

    if sys.version_info < OLDEST_PYTHON:
        check_library()
    what = f"-r {_quoted(REQUIREMENTS)}"
    if source is not None:
        path = Path(source)
        if path.suffix != ".whl" and not (path / "pyproject.toml").is_file():
            raise LibraryMissingError(f"{path} is neither a wheel (.whl) nor the folder that holds pyproject.toml")
        what = _quoted(path)
    # without its dependencies: pip would put another SimpleITK over the one that Slicer is built with
    slicer.util.pip_install(f"--upgrade --no-deps {what}")
    slicer.util.pip_install(DEPENDENCIES)
    check_library()


def _quoted(path):
    """A path as one word for pip_install, which splits its argument as a shell does."""
    return f'"{Path(path).as_posix()}"'
