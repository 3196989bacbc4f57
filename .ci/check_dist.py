"""What wheel and sdist hold: ``python .ci/check_dist.py DIST`` prints what is wrong with them and ends with 1."""

import re
import subprocess
import sys
import tarfile
import zipfile
from collections.abc import Iterator
from pathlib import Path

ROOT = Path(__file__).parent.parent
SOURCES = ("LICENSE", "PKG-INFO", "README.md", "CHANGELOG.md", "CITATION.cff", "pyproject.toml", "noxfile.py")
"""Files that whoever builds from the sdist needs, besides package and tests."""
INSTALLED = ("cordlevelset/py.typed", "cordlevelset/napari/napari.yaml")
"""Files of the package that are no code and that others ask for by name: mypy, napari."""


def tracked(folder: str) -> set[str]:
    """Files that Git knows in a folder; without Git, those that are there."""
    done = subprocess.run(["git", "ls-files", "-z", folder], cwd=ROOT, capture_output=True, text=True)
    if done.returncode == 0 and done.stdout:
        return {name for name in done.stdout.split("\0") if name}
    found = (p.relative_to(ROOT) for p in (ROOT / folder).rglob("*") if p.is_file())
    return {p.as_posix() for p in found if "__pycache__" not in p.parts}


def wheel_faults(path: Path) -> Iterator[str]:
    """What is wrong with a wheel."""
    with zipfile.ZipFile(path) as wheel:
        names = set(wheel.namelist())
        info = next(name.split("/")[0] for name in names if name.endswith(".dist-info/METADATA"))
        metadata = wheel.read(f"{info}/METADATA").decode()
        points = wheel.read(f"{info}/entry_points.txt").decode()
    code = {name for name in names if not name.startswith(f"{info}/")}
    yield from (f"missing {name}" for name in sorted({*tracked("cordlevelset"), *INSTALLED} - code))
    yield from (f"does not belong there: {name}" for name in sorted(code - tracked("cordlevelset")))
    if f"{info}/licenses/LICENSE" not in names:
        yield "no licence"
    for point in ("cordlevelset = cordlevelset.app.cli:process", "[napari.manifest]"):
        if point not in points:
            yield f"no entry point {point}"
    for target in re.findall(r"\]\(([^)\s]+)", metadata):
        if not target.startswith(("https://", "#")):
            yield f"the page of an index cannot follow {target}"


def sdist_faults(path: Path) -> Iterator[str]:
    """What is wrong with an sdist."""
    with tarfile.open(path) as sdist:
        names = {name.partition("/")[2] for name in sdist.getnames()}
    wanted = {*SOURCES, *tracked("cordlevelset"), *tracked("tests"), *tracked("recipe")}
    yield from (f"missing {name}" for name in sorted(wanted - names))
    yield from (f"does not belong there: {name}" for name in sorted(names) if "__pycache__" in name or ".nii" in name)


def main() -> int:
    """Check the only wheel and the only sdist of a folder."""
    dist = Path(sys.argv[1])
    (wheel,), (sdist,) = dist.glob("*.whl"), dist.glob("*.tar.gz")
    faults = [f"{wheel.name}: {fault}" for fault in wheel_faults(wheel)]
    faults += [f"{sdist.name}: {fault}" for fault in sdist_faults(sdist)]
    print("\n".join(faults) or f"{wheel.name} and {sdist.name} hold what they should")
    return 1 if faults else 0


if __name__ == "__main__":
    sys.exit(main())
