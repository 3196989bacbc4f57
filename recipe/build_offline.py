"""The conda package without a conda channel: ``python recipe/build_offline.py VERSION`` builds and checks it.

A recipe is solved against a channel before it is built. Here the channel is made on the spot: this machine's Python
with the build tools from the package index, as the packages of the recipe's host section. What comes out is the package
for all systems; its own tests need the real channel, and are left out.
"""

import hashlib
import json
import os
import platform
import subprocess
import sys
import tempfile
import venv
from pathlib import Path

import rattler_build

RECIPE = Path(__file__).parent / "recipe.yaml"
TOOLS = ("hatch-fancy-pypi-readme", "hatch-vcs", "hatchling", "pip")
"""Host packages besides Python; all live in its environment."""
SYSTEMS = {"Linux": "linux", "Darwin": "osx"}
MACHINES = {"x86_64": "64"}
"""Conda's own names."""


def make_channel(work: Path) -> Path:
    """A channel that holds Python and the build tools."""
    home = work / "python"
    venv.create(home, with_pip=True, symlinks=True)
    pip = [home / "bin" / "python", "-m", "pip", "--disable-pip-version-check"]
    subprocess.run([*pip, "install", "--quiet", *TOOLS], check=True)
    listed = subprocess.run([*pip, "list", "--format=freeze"], check=True, capture_output=True, text=True).stdout
    versions = dict(line.split("==") for line in listed.split())
    folder = work / "channel" / f"{SYSTEMS[platform.system()]}-{MACHINES.get(platform.machine(), platform.machine())}"
    add_package(folder, "python", platform.python_version(), home)
    for tool in TOOLS:
        note = work / tool
        note.mkdir()
        (note / f"{tool}.txt").write_text("lives in Python's own folder\n", encoding="utf-8")
        add_package(folder, tool, versions[tool], note)
    write_index(folder)
    (work / "channel" / "noarch").mkdir()
    write_index(work / "channel" / "noarch")
    return work / "channel"


def add_package(folder: Path, name: str, version: str, files: Path) -> None:
    """One conda package of a folder's files."""
    rattler_build.assemble_package(
        name=name,
        version=version,
        target_platform=folder.name,
        build_string="0",
        output_dir=folder,
        files_dir=files,
        detect_prefix=False,
    )


def write_index(folder: Path) -> None:
    """What a channel says of its packages."""
    found = {}
    for path in folder.glob("*.conda"):
        (name, version, build), data = path.stem.rsplit("-", 2), path.read_bytes()
        found[path.name] = {
            "name": name, "version": version, "build": build, "build_number": 0, "depends": [],
            "subdir": folder.name, "size": len(data), "sha256": hashlib.sha256(data).hexdigest(),
        }  # fmt: skip
    index = {"info": {"subdir": folder.name}, "packages": {}, "packages.conda": found, "repodata_version": 1}
    (folder / "repodata.json").write_text(json.dumps(index), encoding="utf-8")


def faults(package: rattler_build.Package) -> list[str]:
    """What is wrong with the package."""
    names = {Path(path).as_posix() for path in package.files}
    wanted = ("cordlevelset/__init__.py", "cordlevelset/py.typed", "cordlevelset/napari/napari.yaml")
    found = [f"missing {name}" for name in wanted if f"site-packages/{name}" not in names]
    found += [f"does not belong there: {n}" for n in names if not n.startswith("site-packages/cordlevelset")]
    return found if package.noarch == "python" else [*found, "not for all systems"]


def main() -> int:
    """Build it in a temporary folder."""
    os.environ["VERSION"] = sys.argv[1]  # the recipe asks for it
    with tempfile.TemporaryDirectory() as folder:
        channel = make_channel(Path(folder))
        (variant,) = rattler_build.Stage0Recipe.from_file(RECIPE).render(rattler_build.VariantConfig())
        built = variant.run_build(
            output_dir=Path(folder) / "out",
            channels=[channel.as_uri()],
            tool_config=rattler_build.ToolConfiguration(test_strategy="skip"),
        )
        package = rattler_build.Package.from_file(built.packages[0])
        wrong = faults(package)
        print("\n".join(wrong) or f"{package.filename}: {len(package.files)} files, needs {', '.join(package.depends)}")
    return 1 if wrong else 0


if __name__ == "__main__":
    sys.exit(main())
