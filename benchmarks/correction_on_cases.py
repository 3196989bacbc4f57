"""Corrections on real cases: ``python benchmarks/correction_on_cases.py --data DIR [--cases A,B] [--parts P,Q]``.

DIR holds one folder a case: ``image.nii.gz``, ``case.json``, and one reference: ``seg.nii.gz`` (mask of the cord) or
``levels.json`` (borders read off at some heights, LPS mm). Five tables, in Markdown:

- rescue: a tube that looks more like a cord than the cord (perfect, in a perfect sac) is drawn into the image, so that
  the automatic centerline goes there; then the reference's middle is given at two heights, a quarter of its length from
  its ends, and nothing else. Share of the reference's heights at which the result's middle lies in the cord, and Dice.
- contours: the reference in 3, 5 and 8 slices, evenly spaced from its first to its last, given as contours. Dice on the
  other slices: automatic, with the contours, by shape alone (`fill_between`), and by ITK's morphological contour
  interpolation (where it is installed: ``pip install itk-morphologicalcontourinterpolation``).
- initial: the reference as `initial`: as it is, shrunk by 3 mm, and shifted by 3 mm to each side. Dice, worst shift.
- atlas: another case as template, with its reference: how far the middle of the cord it lays on the image is from the
  reference's, Dice without and with it as a hint, and the same for the image with the tube of "rescue".
- speed: seconds of `result.corrected` for one drawn slice and for one seed, median of five.
"""

import statistics
import subprocess
import sys
import tempfile
import time
from pathlib import Path

import numpy as np
from scipy import ndimage as ndi
from script import case_arguments, cord_levels, folders, told

import cordlevelset as cls
from cordlevelset.volume import canonical_turn

COUNTS = (3, 5, 8)
DECOY_MM, DECOY_SAC_MM = 4.0, 9.0
SHIFT_MM = 3.0
ATLASES = {
    "errsm18_t2": ("errsm21_t2", "testing_t2"),
    "errsm21_t2": ("errsm18_t2", "testing_t1"),
    "testing_t2": ("errsm18_t2",),
}
"""Whose image serves as template for whom: all of the neck."""


class Case:
    """Image, reference and the way to the grid on which axis 0 runs along the cord."""

    def __init__(self, folder):
        self.name, self.folder = folder.name, folder
        self.image = cls.read(folder / "image.nii.gz")
        self.turn = canonical_turn(self.image)
        self.grid = self.turn.volume(self.image)
        self.truth = None
        if (folder / "seg.nii.gz").exists():
            self.truth = self.turn.array(cls.read(folder / "seg.nii.gz").array) > 0.5
            planes = np.flatnonzero(self.truth.any((1, 2)))
            middle = [(k, *np.argwhere(self.truth[k]).mean(0)) for k in planes]
            half = [np.sqrt(self.truth[k].sum() * np.prod(self.grid.spacing[1:]) / np.pi) for k in planes]
            self.middle, self.half = self.grid.to_lps(middle), np.array(half)
        elif (folder / "levels.json").exists():
            levels = cord_levels(told(folder, "levels"))
            self.middle = np.array([(v["x"], (v["y_ant"] + v["y_post"]) / 2, v["z"]) for v in levels])
            self.half = np.array([(v["y_post"] - v["y_ant"]) / 2 for v in levels])
            order = np.argsort(self.middle[:, 2])
            self.middle, self.half = self.middle[order], self.half[order]

    def back(self, array):
        """An array of the turned grid as a volume on the image's own."""
        return self.image.like(np.ascontiguousarray(self.turn.back(array)))

    def dice(self, mask, planes):
        """Dice of a volume or an array of the turned grid in some planes."""
        array = self.turn.array(mask.array) > 0 if isinstance(mask, cls.Volume) else mask
        a, b = array[planes], self.truth[planes]
        return 2 * np.count_nonzero(a & b) / (np.count_nonzero(a) + np.count_nonzero(b))

    def hit(self, result):
        """Share of the reference's middles within the cord's half-width of the result's centerline."""
        line = result.centerline.points_mm
        away = np.linalg.norm(line[:, None] - self.middle, axis=2).min(0)
        return float((away <= np.maximum(self.half, max(self.grid.spacing[1:]))).mean())

    def figures(self, result):
        """Hit, and Dice where there is a mask, as text."""
        if result is None:
            return "no cord"
        if self.truth is None:
            return f"{self.hit(result):.2f}"
        return f"{self.hit(result):.2f}, {self.dice(result.mask, np.flatnonzero(self.truth.any((1, 2)))):.3f}"


def attempt(image, **given):
    """A result, or None where no cord was found."""
    try:
        return cls.segment(image, **given)
    except cls.NoCordFoundError:
        return None


def spoilt(case):
    """The image with a decoy: a straight cord in its sac, as far before or behind the cord as fits."""
    array = case.grid.array.astype(np.float64)
    at = case.grid.to_index(case.middle)
    planes = np.arange(len(array))
    y, x = (np.interp(planes, at[:, 0], at[:, axis]) * case.grid.spacing[axis] for axis in (1, 2))
    rows, columns = (n * np.arange(size) for n, size in zip(case.grid.spacing[1:], array.shape[1:], strict=True))
    before, behind = y.min(), rows[-1] - y.max()
    off = -min(30.0, before - DECOY_SAC_MM) if before > behind else min(30.0, behind - DECOY_SAC_MM)
    cord, csf = np.percentile(array, [5, 99])
    if told(case.folder)["contrast"] == "t1":
        cord, csf = csf, cord
    for k in planes:
        away = np.hypot(rows[:, None] - y[k] - off, columns - x[k])
        array[k] = np.where(away < DECOY_MM, cord, np.where(away < DECOY_SAC_MM, csf, array[k]))
    return case.back(array.astype(np.float32))


def rescue(cases):
    print("| case | clean image, automatic | spoilt, automatic | spoilt, two points | spoilt, reference as `initial` |")
    print("|---|---|---|---|---|")
    for case in cases:
        image, n = spoilt(case), len(case.middle)
        runs = [attempt(case.image), attempt(image), attempt(image, centerline=case.middle[[n // 4, n - 1 - n // 4]])]
        if case.truth is not None:
            runs.append(attempt(image, initial=case.back(case.truth.astype(np.uint8))))
        print(f"| {case.name} | {' | '.join(map(case.figures, runs))} |" + " |" * (4 - len(runs)), flush=True)


ITK = """
import sys, itk, numpy
image = itk.image_from_array(numpy.load(sys.argv[1]))
numpy.save(sys.argv[2], itk.array_from_image(itk.morphological_contour_interpolator(image, axis=2)))
"""


def by_itk(drawn):
    """ITK's morphological contour interpolation; None where it is not installed.

    In a process of its own, whose exit status says nothing: the module may abort after its work is done.
    """
    with tempfile.TemporaryDirectory() as folder:
        given, filled = (Path(folder) / name for name in ("given.npy", "filled.npy"))
        np.save(given, drawn)
        subprocess.run([sys.executable, "-c", ITK, given, filled], capture_output=True)
        return np.load(filled) > 0 if filled.exists() else None


def contours(cases):
    print("| case | " + " | ".join(f"{n}: automatic | contours | shape alone | ITK" for n in COUNTS) + " |")
    print("|---" * (1 + 4 * len(COUNTS)) + "|")
    rows = []
    for case in cases:
        if case.truth is None:
            continue
        planes = np.flatnonzero(case.truth.any((1, 2)))
        plain, row = cls.segment(case.image), []
        for n in COUNTS:
            if len(planes) <= n:
                row += [np.nan] * 4
                continue
            chosen = planes[np.rint(np.linspace(0, len(planes) - 1, n)).astype(int)]
            others = np.setdiff1d(planes, chosen)
            drawn = np.zeros(case.truth.shape, np.uint8)
            drawn[chosen] = case.truth[chosen]
            steered = cls.segment(case.image, contours=case.back(drawn))
            assert np.array_equal(case.turn.array(steered.mask.array)[chosen] > 0, case.truth[chosen])
            shape, itk = cls.fill_between(case.back(drawn)), by_itk(drawn)
            masks = (plain.mask, steered.mask, shape, itk)
            row += [np.nan if m is None else case.dice(m, others) for m in masks]
        rows.append(row)
        print(f"| {case.name} | " + " | ".join("" if np.isnan(v) else f"{v:.3f}" for v in row) + " |", flush=True)
    print("| **mean** | " + " | ".join(f"{v:.3f}" for v in np.nanmean(rows, axis=0)) + " |")


def moved(mask, spacing, axis, mm):
    """A mask shifted in the plane by whole voxels where they are thin, else by interpolation."""
    shift = [0.0, 0.0, 0.0]
    shift[axis] = mm / spacing[axis]
    return ndi.shift(mask.astype(np.float32), shift, order=1) >= 0.5


def initial(cases):
    print(
        "| case | automatic | reference | shrunk 3 mm | shifted 3 mm: forward | backward | right | left | worst loss |"
    )
    print("|---|---|---|---|---|---|---|---|---|")
    for case in cases:
        if case.truth is None:
            continue
        spacing = case.grid.spacing
        planes = np.flatnonzero(case.truth.any((1, 2)))
        depth = np.stack([ndi.distance_transform_edt(m, sampling=spacing[1:]) for m in case.truth])
        hints = [case.truth, depth > SHIFT_MM]
        hints += [moved(case.truth, spacing, axis, mm) for axis in (1, 2) for mm in (-SHIFT_MM, SHIFT_MM)]
        plain = case.dice(cls.segment(case.image).mask, planes)
        row = [plain]
        for hint in hints:
            result = attempt(case.image, initial=case.back(hint.astype(np.uint8))) if hint.any() else None
            row.append(np.nan if result is None else case.dice(result.mask, planes))
        cells = ["nothing left" if np.isnan(v) else f"{v:.3f}" for v in row]
        print(f"| {case.name} | {' | '.join(cells)} | {np.nanmin(row) - plain:+.3f} |", flush=True)


def apart(case, hint):
    """Mean and greatest distance in mm, and share of the reference's planes that the hint reaches."""
    laid = case.turn.array(hint.array) > 0
    known = case.truth.any((1, 2))
    planes = np.flatnonzero(known & laid.any((1, 2)))
    middles = [np.array([np.argwhere(m[k]).mean(0) for k in planes]) for m in (laid, case.truth)]
    away = np.linalg.norm((middles[0] - middles[1]) * case.grid.spacing[1:], axis=1)
    return f"{away.mean():.1f} | {away.max():.1f} | {len(planes) / known.sum():.2f}"


def atlas(cases):
    print(
        "| case | template | mm off: mean | greatest | reached | automatic | with atlas "
        "| spoilt, automatic | spoilt, with atlas |"
    )
    print("|---|---|---|---|---|---|---|---|---|")
    for case in cases:
        for name in ATLASES.get(case.name, ()):
            folder, off, cells = case.folder.parent / name, "", []
            for image in (case.image, spoilt(case)):
                cells.append(case.figures(attempt(image)))
                try:
                    hint = cls.register_atlas(image, folder / "image.nii.gz", folder / "seg.nii.gz")
                    off = off or apart(case, hint)
                    cells.append(case.figures(attempt(image, initial=hint)))
                except cls.ConstraintError as error:
                    off = off or " | | "
                    cells.append(f"refused: {error}")
            print(f"| {case.name} | {name} | {off} | {' | '.join(cells)} |", flush=True)


def speed(cases):
    print("| case | voxels | segment s | one drawn slice s | one seed s |")
    print("|---|---|---|---|---|")
    for case in cases:
        if case.truth is None:
            continue
        result, k = cls.segment(case.image), int(np.median(np.flatnonzero(case.truth.any((1, 2)))))
        drawn, seeds = (np.zeros(case.truth.shape, np.uint8) for _ in range(2))
        drawn[k] = case.truth[k]
        seeds[tuple(np.argwhere((case.turn.array(result.mask.array) > 0)[k : k + 1])[0] + [k, 0, 0])] = 2
        taken = [
            seconds(cls.segment, case.image),
            seconds(result.corrected, contours=case.back(drawn)),
            seconds(result.corrected, seeds=case.back(seeds)),
        ]
        print(f"| {case.name} | {case.truth.size} | {' | '.join(f'{t:.2f}' for t in taken)} |", flush=True)


def seconds(function, *args, **given):
    taken = []
    for _ in range(5):
        start = time.perf_counter()
        function(*args, **given)
        taken.append(time.perf_counter() - start)
    return statistics.median(taken)


PARTS = {"rescue": rescue, "contours": contours, "initial": initial, "atlas": atlas, "speed": speed}


def main():
    parser = case_arguments(__doc__)
    parser.add_argument("--cases", default="", help="some of them, by name, separated by commas")
    parser.add_argument("--parts", default=",".join(PARTS))
    args = parser.parse_args()
    wanted = [f for f in folders(args.data) if not args.cases or f.name in args.cases.split(",")]
    cases = [c for c in map(Case, wanted) if hasattr(c, "middle")]
    for part in args.parts.split(","):
        print(f"\n{part}\n")
        PARTS[part](cases)


if __name__ == "__main__":
    main()
