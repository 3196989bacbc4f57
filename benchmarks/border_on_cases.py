"""The border by group of cases: ``python benchmarks/border_on_cases.py --data DIR [--pair A B] ...``.

For every case of DIR with a mask (`detection_on_cases.py` has the layout), by the group that its case.json names, means
over the cases: Dice; bias, the difference of the equivalent radii (mm); how many cases lie under 0.90, or what their
case.json asks; roughness of the result's area and of the reference's along the cord. That is the root mean square of
the second difference from plane to plane, % of the mean area, both counted in voxels. Phantoms of the neck
follow, one in each contrast, against their exact truth. `--pair`: two cases of one cord, as in `repeatability.py`.
"""

import numpy as np
from repeatability import row
from scores import is_right, phantom_scores
from script import case_arguments, folders, told

import cordlevelset as cls
from cordlevelset.phantom import make_phantom
from cordlevelset.phantom.anatomy import BRIGHTNESS
from cordlevelset.volume import canonical_turn


def roughness(area):
    """Root mean square of the second difference of areas, % of their mean."""
    return 100 * np.sqrt((np.diff(area, 2) ** 2).mean()) / area.mean()


def figures(folder, case):
    """Dice, bias (mm), whether it passes, and the roughness of result and reference."""
    result = cls.segment(folder / "image.nii.gz")
    mask = cls.read(folder / "seg.nii.gz")
    compared = cls.compare(result.mask, mask)
    turn = canonical_turn(mask)
    found, truth = (np.count_nonzero(turn.volume(v).array > 0.5, axis=(1, 2)) for v in (result.mask, mask))
    both = np.flatnonzero((found > 0) & (truth > 0))
    run = max(np.split(both, np.flatnonzero(np.diff(both) > 1) + 1), key=len)
    passed = is_right({"dice": compared.dice, "coverage": compared.coverage}, case)
    return compared.dice, compared.bias_mm, passed, roughness(found[run]), roughness(truth[run])


def main():
    parser = case_arguments(__doc__)
    parser.add_argument("--pair", nargs=2, action="append", default=[], metavar=("A", "B"))
    args = parser.parse_args()
    groups = {}
    for folder in folders(args.data, "seg.nii.gz"):
        case = told(folder)
        groups.setdefault(case["group"], []).append(figures(folder, case))
    print("| group | n | Dice | bias mm | under | roughness % | reference's % |\n|---|---|---|---|---|---|---|")
    for group, rows in sorted(groups.items()):
        dice, bias, passed, rough, reference = np.mean(rows, axis=0)
        under = round(len(rows) * (1 - passed))
        print(f"| {group} | {len(rows)} | {dice:.3f} | {bias:+.2f} | {under} | {rough:.1f} | {reference:.1f} |")
    print("\n| phantom, CNR 6 | soft Dice | bias mm | area error % |\n|---|---|---|---|")
    for contrast in BRIGHTNESS:
        phantom = make_phantom(region="cervical", contrast=contrast, spacing=(3.0, 1.0, 1.0), cnr=6.0)
        scores = phantom_scores(cls.segment(phantom.image), phantom)
        print(
            f"| {contrast} | {scores['soft_dice']:.3f} | {scores['bias_mm']:+.2f} | {100 * scores['area_error']:.1f} |"
        )
    if args.pair:
        print("\n| pair | mean area 1 | mean area 2 | CV of the means % | CV by place % |\n|---|---|---|---|---|")
    for pair in args.pair:
        print(row(", ".join(pair), *(args.data / name / "image.nii.gz" for name in pair)), flush=True)


if __name__ == "__main__":
    main()
