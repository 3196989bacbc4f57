"""Tests inside the tools that embed the library, each in an environment of its own: `nox -s napari slicer`."""

import shutil

import nox

nox.options.reuse_venv = "yes"
QUIET = ("-q", "-W", "default", "--disable-warnings", "-p", "no:cacheprovider")  # hosts warn of their own dependencies


@nox.session
def napari(session):
    """The plugin in a real window, on a virtual display where there is none."""
    session.install("-e", ".[napari]", "PyQt6", "pytest", "pytest-qt")
    display = ["xvfb-run", "-a"] if shutil.which("xvfb-run") else []
    session.run(*display, "python", "-m", "pytest", *QUIET, "tests/hosts/test_napari.py", external=bool(display))


@nox.session
def slicer(session):
    """The extension against Slicer's own libraries; panel and effect with a stand-in for Qt."""
    session.install("-e", ".", "slicer-core", "slicerio", "pytest")
    session.run("python", "-m", "pytest", *QUIET, "tests/hosts/test_slicer.py", "tests/hosts/test_slicer_panel.py")
