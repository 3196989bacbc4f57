"""Tests in environments of their own.

As published (`nox -s package conda`), inside the tools that embed the library (`nox -s napari slicer`), on every
supported Python (`nox -s tests`), and on the oldest supported dependencies (`nox -s oldest`).
"""

import re
import shutil
from pathlib import Path

import nox

nox.options.reuse_venv = "yes"
WHOLE_IMAGE = re.compile(r"\bsegment\(|\bfind_cord\(|\bneck_result\b|\bneck_file\b")
"""Of tests that need a whole image segmented."""
NOT_PLAIN = {"app", "hosts", "levels", "test_contour.py"}
"""Of tests that start programs of their own, or are slow for another reason: the engine on whole stacks."""
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


@nox.session
def coverage(session):
    """Lines that the tests of single steps run, with kernels as plain Python; the floor is in pyproject.toml.

    Coverage does not see compiled code, so Numba is off. The engine is some thousand times slower then, and one image
    would take hours: test files that segment one or search one for the cord are left out, and those in `NOT_PLAIN`. So
    the figure says how well kernels and single steps are held by tests of their own, not what the whole suite runs.
    """
    session.install("-e", ".[test]", "coverage>=7.4")
    files = sorted(Path("tests").glob("*/test_*.py"))
    files = [path for path in files if not NOT_PLAIN & {path.parent.name, path.name}]
    files = [path for path in files if not WHOLE_IMAGE.search(path.read_text(encoding="utf-8"))]
    plain = {"NUMBA_DISABLE_JIT": "1"}
    session.run("coverage", "run", "-m", "pytest", *QUIET, *files, *session.posargs, env=plain)
    session.run("coverage", "report")


@nox.session(python="3.11")
def oldest(session):
    """The whole suite with the lower bounds of pyproject.toml."""
    text = Path("pyproject.toml").read_text(encoding="utf-8")
    block = re.search(r"^dependencies = \[(.*?)^\]", text, re.DOTALL | re.MULTILINE)
    bounds = re.findall(r'"([\w-]+)>=([\d.]+)', block[1])
    session.install("-e", ".[test]", *(f"{name}=={version}.*" for name, version in bounds))
    session.run("pytest", "-q", *session.posargs)
