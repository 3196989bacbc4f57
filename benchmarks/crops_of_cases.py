"""Odd crops of real cases: ``python benchmarks/crops_of_cases.py --data DIR [--number 300]``.

Each image is a random box out of a random case (``DIR/*/image.nii.gz``), down to two voxels along an axis, with its
axes in a random order and direction; some are thinned to every n-th plane, some have voxels blanked. The whole path may
find a cord, find none, or refuse the image with an error of its own; anything else is printed with the seed that
repeats it. Printed: how often each happened, the slowest, and whether results kept their promises (finite, on the
image's grid, confidence from 0 to 1).
"""

import time
import traceback
from collections import Counter

import numpy as np
from script import case_arguments

import cordlevelset as cls


def odd_crop(image, rng):
    """A random box of an image, turned, thinned, blanked."""
    low = [int(rng.integers(0, n - 1)) for n in image.shape]
    high = [int(rng.integers(a + 2, n + 1)) for a, n in zip(low, image.shape, strict=True)]
    if rng.random() < 0.8:  # keep most axes whole, so that a cord is often left
        for axis in rng.choice(3, 2, replace=False):
            low[axis], high[axis] = 0, image.shape[axis]
    array = image.array[tuple(slice(a, b) for a, b in zip(low, high, strict=True))]
    spacing = list(image.spacing)
    if rng.random() < 0.2:
        axis, n = int(rng.integers(3)), int(rng.integers(2, 6))
        array = array[tuple(slice(None, None, n if a == axis else 1) for a in range(3))]
        spacing[axis] *= n
    if rng.random() < 0.2:
        array = array.copy()
        array[rng.random(array.shape) < 0.3] = 0
    order = rng.permutation(3)
    flip = tuple(slice(None, None, int(s)) for s in rng.choice([-1, 1], 3))
    return cls.Volume(array.transpose(order)[flip], tuple(spacing[a] for a in order))


def outcome(image):
    try:
        result = cls.segment(image)
    except cls.CordLevelSetError as error:
        if "\n" in str(error):
            raise AssertionError("an error of several lines") from error
        return type(error).__name__
    assert 0 <= result.confidence <= 1, "confidence"
    assert result.mask.shape == image.shape, "shape"
    assert np.isfinite(result.centerline.points_mm).all(), "centerline"
    assert np.isfinite([(s.area_mm2, s.diameter_ap_mm, s.diameter_rl_mm) for s in result.slices]).all(), "measures"
    assert np.isfinite(result.phi.array).all(), "phi"
    return "a cord"


def main():
    parser = case_arguments(__doc__)
    parser.add_argument("--number", type=int, default=300)
    args = parser.parse_args()
    paths = sorted(args.data.glob("*/image.nii.gz"))
    images = [cls.read(path, frame=0) for path in paths]
    seen, slowest = Counter(), 0.0
    for seed in range(args.number):
        rng = np.random.default_rng(seed)
        which = int(rng.integers(len(images)))
        crop = odd_crop(images[which], rng)
        start = time.perf_counter()
        try:
            seen[outcome(crop)] += 1
        except Exception:
            seen["ANOTHER ERROR"] += 1
            print(f"seed {seed}: {paths[which].parent.name}, shape {crop.shape}, spacing {crop.spacing}")
            traceback.print_exc()
        slowest = max(slowest, time.perf_counter() - start)
    print(f"{args.number} crops: {dict(seen)}; slowest {slowest:.1f} s")


if __name__ == "__main__":
    main()
