"""Centerline on real cases: ``python benchmarks/detection_on_cases.py --data DIR``.

DIR holds one folder a case: ``image.nii.gz``, ``case.json`` ({"contrast": "t2", ...}, or "expect": "no-cord"), and one
reference: ``seg.nii.gz`` (mask of the cord) or ``levels.json`` (anterior and posterior border at some heights, LPS mm,
and the tip of the conus).

Printed for each case: polarity right, share of the reference's slices in which the centerline lies inside the cord,
median distance from the reference's middle (mm; levels: antero-posterior), lower end minus conus tip (mm), confidence,
seconds; then the same again with a wrong contrast as hint: "same" when nothing changed.
"""

import time

import numpy as np
from script import case_arguments, cord_levels, folders, told

import cordlevelset as cls
from cordlevelset.volume import canonical_turn

WRONG_HINT = {"t1": "t2"}


def reference_points(case):
    """Middle (N, 3) LPS mm, half extent (N,) antero-posterior mm, and the conus tip's height or None."""
    if (case / "levels.json").exists():
        levels = told(case, "levels")
        cord = cord_levels(levels)
        middle = [(v["x"], (v["y_ant"] + v["y_post"]) / 2, v["z"]) for v in cord]
        return np.array(middle), np.array([(v["y_post"] - v["y_ant"]) / 2 for v in cord]), levels["conus_tip"]["z"]
    mask = cls.read(case / "seg.nii.gz")
    mask = canonical_turn(mask).volume(mask)
    planes = np.flatnonzero(mask.array.any((1, 2)))
    at = [np.argwhere(mask.array[k] > 0.5) for k in planes]
    middle = [[k, *a.mean(0)] for k, a in zip(planes, at, strict=True)]
    half = np.array([(np.ptp(a[:, 0]) + 1) / 2 for a in at]) * mask.spacing[1]
    return mask.to_lps(middle), half, None


def row(case, contrast):
    """Figures of one case, as text, and the points found."""
    image = cls.read(case / "image.nii.gz")
    start = time.perf_counter()
    try:
        line = cls.detect_centerline(image, contrast=contrast)
    except cls.NoCordFoundError as error:
        return f"no cord ({error.score:.2f})", None
    seconds = time.perf_counter() - start
    truth = told(case)
    if truth.get("expect") == "no-cord":
        return "a cord where there is none", line.points_mm
    middle, half, tip = reference_points(case)
    points = line.points_mm[::-1]
    along = np.argmin(np.abs(points[:, 2][:, None] - middle[:, 2]), axis=0)
    gap = np.abs(points[along, 2] - middle[:, 2])
    covered = gap <= np.abs(np.diff(points[:, 2])).mean()
    away = points[along] - middle
    off = np.abs(away[:, 1]) if tip is not None else np.hypot(away[:, 0], away[:, 1])
    inside = covered & (off <= half)
    right = (line.polarity == "bright") == (truth["contrast"] == "t1")
    end = "" if tip is None else f"{points[0, 2] - tip:+6.1f}"
    text = f"{'right' if right else 'WRONG'}  {inside.mean():6.3f}  {np.median(off[covered]):5.2f}  {end:>6s}"
    return f"{text}  {line.confidence.mean():5.2f}  {seconds:5.2f}", line.points_mm


def main():
    cases = folders(case_arguments(__doc__).parse_args().data)
    print(f"{'case':20s} polar  inside  dist  tip     conf   s      wrong hint")
    for case in cases:
        text, points = row(case, "auto")
        contrast = told(case)["contrast"]
        _, again = row(case, WRONG_HINT.get(contrast, "t1"))
        same = (points is None and again is None) or np.array_equal(points, again)
        print(f"{case.name:20s} {text}  {'same' if same else 'DIFFERENT'}", flush=True)


if __name__ == "__main__":
    main()
