"""Cold, warm cache, warm process: ``python benchmarks/first_minute.py [--against FOLDER] [--only NAME ...]``.

For each synthetic image, in processes of their own: the first `segment` with an empty kernel cache, the first with a
full one, and the second in a process. Wall and processor seconds, peak memory. ``--against`` names a folder with
another version of the package: the two take turns, so that both meet the same load, and the last column is the ratio
of their processor seconds. Cold runs need one image only; it is the first.
"""

import argparse
import json
import os
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
import json, resource, sys, time
from pathlib import Path
import cordlevelset as cls
assert Path(cls.__file__).is_relative_to(sys.argv[2]), f"{cls.__file__} is not the version asked for"
image = cls.read(sys.argv[1])
out = []
for _ in range(2):
    wall, cpu = time.perf_counter(), time.process_time()
    cls.segment(image)
    out.append([time.perf_counter() - wall, time.process_time() - cpu])
out.append(resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024)
print(json.dumps(out))
"""


def run(package, image, cache):
    """Two calls in a new process: [[wall, processor seconds] twice, peak MB]."""
    return json.loads(python(package, cache, CODE, image, package).stdout)


def python(package, cache, code, *arguments):
    """Run code with one version of the package; -P: not with the one in the working directory."""
    env = {**os.environ, "PYTHONPATH": str(package), "NUMBA_CACHE_DIR": str(cache)}
    command = [sys.executable, "-P", "-c", code, *map(str, arguments)]
    return subprocess.run(command, capture_output=True, text=True, check=True, env=env)


def row(name, state, before, after):
    """One line: after, and before beside it where there is one."""
    cells = [f"{name}, {state}", *(f"{v:.2f}" for v in after[:2]), f"{after[2]:.0f}"]
    if before is not None:
        cells += [*(f"{v:.2f}" for v in before[:2]), f"{before[2]:.0f}", f"{after[1] / before[1]:.2f}"]
    print("| " + " | ".join(cells) + " |", flush=True)


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--against", type=Path, help="folder that holds another version of the package")
    parser.add_argument("--only", nargs="*", choices=list(IMAGES), default=list(IMAGES))
    args = parser.parse_args()
    from cordlevelset import write
    from cordlevelset.phantom import make_phantom

    heads = ["image, state", "wall s", "processor s", "peak MB"]
    heads += ["wall before", "processor before", "peak before", "ratio"] if args.against else []
    print(f"| {' | '.join(heads)} |\n|{' --- |' + ' ---: |' * (len(heads) - 1)}", flush=True)
    packages = [HERE] if args.against is None else [HERE, args.against.resolve()]
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "image.nii.gz"
        caches = [Path(folder) / f"cache{k}" for k in range(len(packages))]
        for n, name in enumerate(args.only):
            region, spacing, field_mm = IMAGES[name]
            write(make_phantom(region=region, spacing=spacing, field_mm=field_mm).image, path)
            for state in ("cold", "warm cache") if n == 0 else ("warm cache",):
                done = [run(p, path, c) for p, c in zip(packages, caches, strict=True)]
                new, *old = ([*first, peak] for first, _, peak in done)
                row(name, state, old[0] if old else None, new)
                if state == "cold":  # the rest of the kernels
                    for package, cache in zip(packages, caches, strict=True):
                        python(package, cache, "import cordlevelset; cordlevelset.warmup()")
            new, *old = ([*second, peak] for _, second, peak in done)
            row(name, "warm process", old[0] if old else None, new)


if __name__ == "__main__":
    main()
