"""Installs the library when the user first applies the module, never at start."""

import importlib.util
from pathlib import Path

REQUIREMENTS = Path(__file__).parent.parent / "Resources" / "requirements.txt"


def ensure_library() -> None:
    """Install cordlevelset into Slicer's Python if it is not there; SimpleITK stays the one that Slicer brings."""
    if importlib.util.find_spec("cordlevelset") is not None:
        return
    try:
        from slicer.packaging import load_requirements, pip_ensure  # Slicer 5.11 and later
    except ImportError:
        import slicer.util

        slicer.util.pip_install("--no-deps -r " + str(REQUIREMENTS))
        slicer.util.pip_install("numba scikit-image")  # numpy, scipy and SimpleITK are there
    else:
        pip_ensure(load_requirements(REQUIREMENTS), requester="CordLevelSet", skip_packages=["SimpleITK"])
