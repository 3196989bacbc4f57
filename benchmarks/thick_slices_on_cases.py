"""Thick sagittal slices with known truth: ``python benchmarks/thick_slices_on_cases.py --data DIR``.

Images of DIR (`detection_on_cases.py` has the layout) with a mask, voxels of at most 1.2 mm left-right and planes at
most 2 mm apart are averaged to slices of 3 to 6 mm, the first one 0 or 2 mm from the image's edge; their masks become
the share of each voxel that is cord. Phantoms of neck and lumbar spine are drawn at these thicknesses.

Printed for each group and thickness: number of images, soft Dice 2 sum min(f, g) / sum (f + g) of the shares, mean
difference of the equivalent radii (mm, positive: too large), images in which no cord was found.
"""

import argparse
import itertools
from pathlib import Path

import numpy as np
from script import folders

import cordlevelset as cls
from cordlevelset.phantom import make_phantom
from cordlevelset.volume import canonical_turn

THICKNESS_MM, OFFSETS_MM = (3, 4, 5, 6), (0, 2)
FINE_MM, PLANES_MM = 1.2, 2.0
LEAST_SLICES = 5


def averaged(volume, parts, skip):
    """Means of `parts` neighbouring slices of a canonical volume, left-right."""
    n = (volume.shape[2] - skip) // parts
    array = volume.array[:, :, skip : skip + n * parts].astype(np.float32)
    mean = array.reshape(*volume.shape[:2], n, parts).mean(3)
    return cls.Volume(mean, (*volume.spacing[:2], volume.spacing[2] * parts))


def from_cases(data):
    """Name, thickness, image and shares of every averaged case."""
    for case in folders(data, "seg.nii.gz"):
        image, mask = cls.read(case / "image.nii.gz"), cls.read(case / "seg.nii.gz")
        turn = canonical_turn(image)
        image, mask = turn.volume(image), turn.volume(mask)
        if image.spacing[2] > FINE_MM or image.spacing[0] > PLANES_MM:
            continue
        for thickness, offset in itertools.product(THICKNESS_MM, OFFSETS_MM):
            parts, skip = (round(mm / image.spacing[2]) for mm in (thickness, offset))
            if (image.shape[2] - skip) // parts >= LEAST_SLICES:
                yield case.name, thickness, averaged(image, parts, skip), averaged(mask, parts, skip)


def from_phantoms():
    """The same of phantoms."""
    grid = itertools.product(("cervical", "lumbar"), ("t2", "t1"), THICKNESS_MM, OFFSETS_MM)
    for region, contrast, thickness, offset in grid:
        spacing = (1.0, 1.0, float(thickness))
        phantom = make_phantom(region=region, contrast=contrast, spacing=spacing, place_mm=(0.0, offset), seed=1)
        yield f"phantom, {region}", thickness, phantom.image, phantom.soft_mask


def figures(image, truth):
    """Soft Dice, and difference of radii in mm, over the planes in which both hold cord."""
    found, true = cls.segment(image).soft_mask.array, truth.array
    both = (found.sum((1, 2)) > 0) & (true.sum((1, 2)) > 0)
    found, true = found[both], true[both]
    radii = [np.sqrt(a.sum((1, 2)) * truth.spacing[1] * truth.spacing[2] / np.pi) for a in (found, true)]
    return 2 * np.minimum(found, true).sum() / (found.sum() + true.sum()), (radii[0] - radii[1]).mean()


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--data", type=Path, help="without it: phantoms only")
    data = parser.parse_args().data
    groups, missed = {}, {}
    for name, thickness, image, truth in itertools.chain(from_cases(data) if data else (), from_phantoms()):
        group = groups.setdefault((name, thickness), [])
        try:
            group.append(figures(image, truth))
        except cls.NoCordFoundError:
            missed[name, thickness] = missed.get((name, thickness), 0) + 1
    print("| images | mm | n | soft Dice | radius mm | no cord found |\n|---|---|---|---|---|---|")
    for (name, thickness), group in groups.items():
        dice, radius = np.mean(group, axis=0) if group else (np.nan, np.nan)
        print(
            f"| {name} | {thickness} | {len(group)} | {dice:.3f} | {radius:+.2f} | {missed.get((name, thickness), 0)} |"
        )


if __name__ == "__main__":
    main()
