"""Where references put the border: ``python benchmarks/reference_borders.py --data DIR [--plot FILE.png]``.

For every case of DIR with a mask (`detection_on_cases.py` has the layout): the mean brightness across the reference's
border and across the result's, plane by plane in the planes of both, from the cord's level (0) to the CSF's (1). A
border that halves the blur of a step stands at 0.5. Levels are medians over the slices: the cord's deeper than 2 mm,
the CSF's the extreme of the profile up to 3 mm outside the reference.

Printed: level at either border, median over slices; mean difference of the equivalent radii (mm); mean Dice; the worst
slices with their Dice, counted on the image's slice axis from 0. Plotted: the profiles, and Dice slice by slice of the
cases under 0.92.
"""

from pathlib import Path

import numpy as np
from scipy import ndimage as ndi
from script import case_arguments, folders, pyplot

import cordlevelset as cls
from cordlevelset.volume import canonical_turn

STEP_MM, REACH_MM = 0.25, 4.0
DEEP_MM, BESIDE_MM = 2.0, 3.0
LOW_DICE = 0.92
DISTANCES_MM = np.arange(-REACH_MM, REACH_MM + STEP_MM / 2, STEP_MM)


def distance_from(mask, pixel_mm):
    """Signed distance of each pixel from the nearest one of the other side, mm, less half a pixel; negative inside.

    Not `signed_distance`: it smooths the mask, and hardly a pixel is left on the border then. Here the brightness on it
    is the mean of the pixels on its two sides.
    """
    outside, inside = (ndi.distance_transform_edt(m, sampling=pixel_mm) for m in (~mask, mask))
    half = min(pixel_mm) / 2
    return np.where(mask, half - inside, outside - half)


def profile(plane, mask, pixel_mm):
    """Mean brightness at `DISTANCES_MM` from a mask's border; interpolated where no pixel lies."""
    distance = distance_from(mask, pixel_mm).ravel()
    at = np.rint((distance + REACH_MM) / STEP_MM).astype(int)
    near = (at >= 0) & (at < DISTANCES_MM.size)
    total = np.bincount(at[near], plane.ravel()[near], DISTANCES_MM.size)
    count = np.bincount(at[near], minlength=DISTANCES_MM.size)
    filled = count > 0
    return np.interp(DISTANCES_MM, DISTANCES_MM[filled], total[filled] / count[filled])


def figures(folder):
    """Profiles across both borders, (slices, distances) each; radius differences, mm; Dice and number of each slice."""
    image, mask = cls.read(folder / "image.nii.gz"), cls.read(folder / "seg.nii.gz")
    result = cls.segment(image)
    turn = canonical_turn(image)
    grid, truth, found = (turn.volume(v).array for v in (image, mask, result.mask))
    pixel = turn.volume(image).spacing[1:]
    bright = result.polarity == "bright"
    profiles, radii, dice = ([], []), [], []
    for k in np.flatnonzero((truth > 0.5).any((1, 2)) & (found > 0).any((1, 2))):
        masks = truth[k] > 0.5, found[k] > 0
        plane = grid[k].astype(float)
        across = [profile(plane, m, pixel) for m in masks]
        cord = np.median(across[0][DISTANCES_MM < -DEEP_MM])
        beside = across[0][(DISTANCES_MM > 0) & (DISTANCES_MM <= BESIDE_MM)]
        step = (beside.min() if bright else beside.max()) - cord
        for kept, one in zip(profiles, across, strict=True):
            kept.append((one - cord) / step)
        pixels = [np.count_nonzero(m) for m in masks]
        radii.append(np.diff(np.sqrt(np.array(pixels) * np.prod(pixel) / np.pi))[0])
        dice.append((k, 2 * np.count_nonzero(masks[0] & masks[1]) / sum(pixels)))
    return *(np.array(p) for p in profiles), np.array(radii), np.array(dice)


def plot(cases, path):
    plt = pyplot()
    figure, (left, middle, right) = plt.subplots(1, 3, figsize=(15, 4.5), layout="constrained")
    for (name, (reference, found, _, dice)), colour in zip(cases.items(), plt.get_cmap("tab20").colors, strict=False):
        for axes, rows in ((left, reference), (middle, found)):
            axes.plot(DISTANCES_MM, np.median(rows, axis=0), lw=1.5, color=colour, label=name)
        if dice[:, 1].mean() < LOW_DICE:
            right.plot(dice[:, 0] / dice[-1, 0], dice[:, 1], "o-", ms=3, lw=1, color=colour, label=name)
    for axes, whose in ((left, "reference"), (middle, "result")):
        axes.axvline(0, color="0.5", lw=1)
        axes.axhline(0.5, color="0.5", ls=":", lw=1)
        axes.set(xlabel=f"mm outside the {whose}'s border", ylabel="brightness: cord 0, CSF 1")
        axes.set(xlim=(-2, 2), ylim=(-0.3, 1.2))
    right.set(xlabel="height, share of the highest slice's", ylabel="Dice of each slice", ylim=(0.5, 1.01))
    left.legend(fontsize=7, frameon=False)
    right.legend(fontsize=7, frameon=False)
    figure.savefig(path, dpi=110)


def main():
    parser = case_arguments(__doc__)
    parser.add_argument("--plot", type=Path)
    args = parser.parse_args()
    cases = {}
    print("| image | level at the reference | at the result | bias mm | Dice | worst slices |")
    print("|---|---|---|---|---|---|")
    for folder in folders(args.data, "seg.nii.gz"):
        cases[folder.name] = reference, found, radii, dice = figures(folder)
        levels = [np.median([np.interp(0, DISTANCES_MM, row) for row in rows]) for rows in (reference, found)]
        worst = ", ".join(f"{k:.0f}: {d:.2f}" for k, d in dice[np.argsort(dice[:, 1])[:4]])
        scores = f"{levels[0]:.2f} | {levels[1]:.2f} | {radii.mean():+.2f} | {dice[:, 1].mean():.3f}"
        print(f"| {folder.name} | {scores} | {worst} |", flush=True)
    if args.plot:
        plot(cases, args.plot)


if __name__ == "__main__":
    main()
