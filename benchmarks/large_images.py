"""Time and memory on large grids: ``python benchmarks/large_images.py``.

For each grid a synthetic neck is enlarged to it, written as int16 ``.nii`` and segmented in a process of its own.
Printed: seconds for reading and for the rest, the process's peak memory, and that per voxel beyond what the process
takes for a small image.
"""

import argparse
import json
import subprocess
import sys
import tempfile
from pathlib import Path

import nibabel as nib
import numpy as np

from cordlevelset.phantom import make_phantom

GRIDS = ((64, 64, 64), (256, 256, 100), (512, 512, 200), (1024, 1024, 400))
FIELD_MM = (200.0, 160.0, 160.0)  # along the cord, antero-posterior, left-right
CODE = """
import json, sys, time
import cordlevelset as cls
sys.path.append(sys.argv[2])
from script import peak_mb
start = time.perf_counter()
image = cls.read(sys.argv[1])
read = time.perf_counter() - start
start = time.perf_counter()
try:
    found = round(cls.segment(image).length_mm)
except cls.NoCordFoundError:
    found = 0
print(json.dumps([read, time.perf_counter() - start, peak_mb(), found]))
"""


def enlarged(shape, path):
    """Write the neck on a grid of i, j, k voxels, plane by plane; nearest neighbours."""
    image = make_phantom(region="cervical", spacing=(2.0, 2.0, 2.0), field_mm=FIELD_MM).image
    header = nib.Nifti1Header()
    header.set_data_dtype(np.int16)
    header.set_data_shape(shape)
    size = [mm / n for mm, n in zip(FIELD_MM[::-1], shape, strict=True)]
    header.set_sform(np.diag([-size[0], -size[1], size[2], 1.0]), 1)
    header.set_zooms(size)
    k, j, i = (np.arange(n) * m // n for n, m in zip(shape[::-1], image.shape, strict=True))
    with path.open("wb") as stream:
        stream.write(header.binaryblock + bytes(4))
        for plane in k:
            stream.write(image.array[plane][np.ix_(j, i)].astype("<i2").tobytes())


def main():
    argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter).parse_args()
    print("| grid | million voxels | read s | segment s | peak MB | bytes per voxel | cord mm |")
    print("| --- | ---: | ---: | ---: | ---: | ---: | ---: |")
    least = None
    for shape in GRIDS:
        with tempfile.TemporaryDirectory() as folder:
            path = Path(folder) / "image.nii"
            enlarged(shape, path)
            command = [sys.executable, "-c", CODE, path, Path(__file__).parent]
            done = subprocess.run(command, capture_output=True, text=True, check=True)
        read, rest, peak, found = json.loads(done.stdout)
        least = least or peak
        n = np.prod(shape, dtype=float)
        print(
            f"| {' x '.join(map(str, shape))} | {n / 1e6:.1f} | {read:.1f} | {rest:.1f} | {peak:.0f} | "
            f"{max(0, peak - least) * 2**20 / n:.1f} | {found} |",
            flush=True,
        )


if __name__ == "__main__":
    main()
