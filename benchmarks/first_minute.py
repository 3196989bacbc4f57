"""Cold, warm cache, warm process: ``python benchmarks/first_minute.py [--before FOLDER] [--only NAME ...]``.

For each synthetic image, in processes of their own: reading and the first `segment` with an empty kernel cache, the
same with a full one, and the second `segment` in a process. Wall and processor seconds, and the process's peak memory.
``--before`` names a folder with another version of the package: the two take turns, so that both meet the same load,
and the last columns are the ratios to it.
"""

import argparse
import json
import os
import shutil
import subprocess
import sys
import tempfile
from pathlib import Path

HERE = Path(__file__).resolve().parent.parent
IMAGES = {  # spacing along the cord, antero-posterior, left-right; field, mm
    "1 mm crop": ("cervical", (1.0, 1.0, 1.0), (60.0, 80.0, 50.0)),
    "neck": ("cervical", (0.8, 0.8, 0.8), None),
    "lumbar, 4 mm": ("lumbar", (0.7, 0.7, 4.0), None),
    "clinical, 0.36 mm": ("lumbar", (0.36, 0.36, 4.0), (322.0, 322.0, 68.0)),
    "whole spine, 0.36 mm": ("lumbar", (0.36, 0.36, 4.0), (672.0, 333.0, 68.0)),
}
CODE = """
import json, sys, time
from pathlib import Path
import cordlevelset as cls
from script import peak_mb
assert Path(cls.__file__).is_relative_to(sys.argv[2]), f"{cls.__file__} is not the version asked for"
out = []
for first in (True, False):
    wall, cpu = time.perf_counter(), time.process_time()
    image = cls.read(sys.argv[1]) if first else image
    cls.segment(image)
    out.append([time.perf_counter() - wall, time.process_time() - cpu])
print(json.dumps([*out, peak_mb()]))
"""


def run(package, image, cache):
    """Two calls in a new process: [[wall, processor seconds] twice, peak MB]."""
    places = os.pathsep.join([str(package), str(HERE / "benchmarks")])
    env = {**os.environ, "PYTHONPATH": places, "NUMBA_CACHE_DIR": str(cache)}
    command = [sys.executable, "-P", "-c", CODE, image, package]  # -P: not the version in the working directory
    return json.loads(subprocess.run(command, capture_output=True, text=True, check=True, env=env).stdout)


def row(name, state, after, before):
    """One line: wall, processor seconds and peak; those before, and the ratios, where there are any."""
    cells = [f"{name}, {state}", f"{after[0]:.2f}", f"{after[1]:.2f}", f"{after[2]:.0f}"]
    if before:
        cells += [f"{before[0]:.2f}", f"{before[1]:.2f}", f"{before[2]:.0f}"]
        cells += [f"{now / then:.2f}" for now, then in zip(after, before, strict=True)]
    print("| " + " | ".join(cells) + " |", flush=True)


def states(packages, image, folder, cold):
    """For each state its name and a measurement for each package."""
    caches = [Path(folder) / f"cache{k}" for k in range(len(packages))]
    if cold:
        for cache in caches:
            shutil.rmtree(cache, ignore_errors=True)
        yield "cold", [(*m[0], m[2]) for m in map(run, packages, [image] * len(packages), caches)]
    for package, cache in zip(packages, caches, strict=True):  # the rest of the kernels
        run(package, image, cache)
    warm = [run(p, image, c) for p, c in zip(packages, caches, strict=True)]
    yield "warm cache", [(*first, peak) for first, _, peak in warm]
    yield "warm process", [(*second, peak) for _, second, peak in warm]


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--before", type=Path, help="folder that holds another version of the package")
    parser.add_argument("--only", nargs="*", choices=list(IMAGES), default=list(IMAGES))
    parser.add_argument("--no-cold", action="store_true", help="only with kernels in the cache")
    args = parser.parse_args()
    from cordlevelset import write
    from cordlevelset.phantom import make_phantom

    heads = ["image, state", "wall s", "processor s", "peak MB"]
    if args.before:
        heads += ["wall before", "processor before", "peak before", "wall ratio", "processor ratio", "peak ratio"]
    print(f"| {' | '.join(heads)} |\n|{' --- |' + ' ---: |' * (len(heads) - 1)}", flush=True)
    packages = [HERE] if args.before is None else [HERE, args.before.resolve()]
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "image.nii"
        for name in args.only:
            region, spacing, field_mm = IMAGES[name]
            write(make_phantom(region=region, spacing=spacing, field_mm=field_mm).image, path)
            for state, (after, *before) in states(packages, path, folder, not args.no_cold):
                row(name, state, after, before[0] if before else None)


if __name__ == "__main__":
    main()
