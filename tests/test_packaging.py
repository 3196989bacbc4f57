"""What belongs to the package as it is published: its version, its addresses, its citation."""

import re
import subprocess
import sys
import tomllib
from importlib import metadata
from pathlib import Path

import pytest
from packaging.version import Version

import cordlevelset as cls

ROOT = Path(__file__).parent.parent
PROJECT = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))


def test_version_is_the_installed_one():
    assert cls.__version__ == metadata.version("cordlevelset")
    assert cls.__dict__["__version__"] is cls.__version__  # asked for once


def test_version_of_a_checkout_that_is_not_installed(monkeypatch):
    def missing(name):
        raise metadata.PackageNotFoundError(name)

    monkeypatch.setattr(metadata, "version", missing)
    monkeypatch.delitem(vars(cls), "__version__", raising=False)
    assert cls.__version__ == cls.UNINSTALLED
    assert Version(cls.UNINSTALLED) < Version("0.1")
    monkeypatch.delitem(vars(cls), "__version__")


def test_version_is_looked_up_late():
    code = "import sys, cordlevelset; print('importlib.metadata' in sys.modules)"
    done = subprocess.run([sys.executable, "-S", "-c", code], capture_output=True, text=True, check=True, cwd=ROOT)
    assert done.stdout == "False\n"


def test_no_second_version():
    """The tag says it; a number in another file would be forgotten at the next release."""
    assert "version" not in PROJECT["project"]
    assert "version" in PROJECT["project"]["dynamic"]
    assert "\nversion:" not in (ROOT / "CITATION.cff").read_text(encoding="utf-8")


@pytest.mark.parametrize("name", ["Documentation", "Source", "Issues", "Changelog"])
def test_addresses(name):
    address = PROJECT["project"]["urls"][name]
    assert address.startswith("https://")
    if name in ("Issues", "Changelog"):
        assert address.startswith(PROJECT["project"]["urls"]["Source"])


def test_the_page_of_an_index_has_full_addresses():
    """README's pictures and links, by the substitutions with which the metadata are built."""
    text = (ROOT / "README.md").read_text(encoding="utf-8")
    for way in PROJECT["tool"]["hatch"]["metadata"]["hooks"]["fancy-pypi-readme"]["substitutions"]:
        text = re.sub(way["pattern"], way["replacement"], text)
    targets = re.findall(r"(!?)\[[^\]]*\]\(([^)\s]+)", text)
    assert {image for image, _ in targets} == {"!", ""}
    source = PROJECT["project"]["urls"]["Source"]
    raw = source.replace("github.com", "raw.githubusercontent.com")
    for image, target in targets:
        assert target.startswith(("https://", "#"))
        if target.startswith((source, raw)):
            start = f"{raw}/main/" if image else f"{source}/blob/main/"
            assert (ROOT / target.removeprefix(start).partition("#")[0]).exists(), target


def test_the_extra_for_napari_brings_a_window_system():
    """What is pasted must do: napari alone opens no window."""
    assert any(one.startswith("napari[pyqt6]") for one in PROJECT["project"]["optional-dependencies"]["napari"])


def test_the_conda_recipe_needs_what_the_wheel_needs():
    recipe = (ROOT / "recipe" / "recipe.yaml").read_text(encoding="utf-8")
    host, run = (re.findall(r"^    - (.+)$", part, re.MULTILINE) for part in re.split(r"^  run:$", recipe, flags=re.M))
    python = f"python {PROJECT['project']['requires-python']}"
    assert sorted(run) == sorted(
        [python, *(named.lower().replace(">=", " >=") for named in PROJECT["project"]["dependencies"])]
    )
    assert host == [python, "pip", *sorted(one.replace(">=", " >=") for one in PROJECT["build-system"]["requires"])]
    assert "version: ${{ env.get" in recipe
    for point, target in PROJECT["project"]["scripts"].items():
        assert f"- {point} = {target}" in recipe
