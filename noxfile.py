"""Tests in environments of their own.

As published (`nox -s package conda`), inside the tools that embed the library (`nox -s napari slicer`), on every
supported Python (`nox -s tests`), and on the oldest supported dependencies (`nox -s oldest`).
"""

import re
import shutil
from pathlib import Path

import nox

nox.options.reuse_venv = "yes"
QUIET = ("-q", "-W", "default", "--disable-warnings", "-p", "no:cacheprovider")  # hosts warn of their own dependencies


@nox.session
def package(session):
    """Wheel and sdist as they would be published: built, checked, and the wheel at work away from the sources."""
    session.install("build", "twine")
    away = Path(session.create_tmp())
    shutil.rmtree(away / "dist", ignore_errors=True)
    session.run("python", "-m", "build", "--outdir", away / "dist", silent=True)
    session.run("python", "-m", "twine", "check", "--strict", *(away / "dist").iterdir())
    session.run("python", ".ci/check_dist.py", away / "dist")
    (wheel,) = (away / "dist").glob("*.whl")
    session.install(wheel)
    session.install("--force-reinstall", "--no-deps", wheel)  # an earlier run's may bear the same version
    session.chdir(away)
    session.run("cordlevelset", "--version")
    session.run("python", "-c", "import cordlevelset as cls; [getattr(cls, name) for name in cls.__all__]")


@nox.session
def conda(session):
    """The conda package, built without a channel."""
    session.install("hatchling", "hatch-vcs", "hatch-fancy-pypi-readme", "py-rattler-build")
    version = session.run("python", "-m", "hatchling", "version", silent=True).strip()
    session.run("python", "recipe/build_offline.py", version)


@nox.session
def napari(session):
    """The plugin in a real window, on a virtual display where there is none."""
    session.install("-e", ".[napari]", "pytest", "pytest-qt")
    display = ["xvfb-run", "-a"] if shutil.which("xvfb-run") else []
    session.run(*display, "python", "-m", "pytest", *QUIET, "tests/hosts/test_napari.py", external=bool(display))


@nox.session
def slicer(session):
    """The extension against Slicer's own libraries; panel and effect with a stand-in for Qt."""
    session.install("-e", ".", "slicer-core", "slicerio", "pytest")
    session.run("python", "-m", "pytest", *QUIET, "tests/hosts/test_slicer.py", "tests/hosts/test_slicer_panel.py")


@nox.session(python=["3.11", "3.12", "3.13"])
def tests(session):
    """The whole suite with the newest dependencies."""
    session.install("-e", ".[test]")
    session.run("pytest", "-q", *session.posargs)


@nox.session(python="3.11")
def oldest(session):
    """The whole suite with the lower bounds of pyproject.toml."""
    text = Path("pyproject.toml").read_text(encoding="utf-8")
    block = re.search(r"^dependencies = \[(.*?)^\]", text, re.DOTALL | re.MULTILINE)
    bounds = re.findall(r'"([\w-]+)>=([\d.]+)', block[1])
    session.install("-e", ".[test]", *(f"{name}=={version}.*" for name, version in bounds))
    session.run("pytest", "-q", *session.posargs)
