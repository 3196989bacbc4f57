"""Does confidence mean anything? ``python benchmarks/reliability_on_cases.py --data DIR [--plot FILE.png]``.

DIR holds one folder a case: ``image.nii.gz``, ``case.json`` (or "expect": "no-cord" in it), and one reference:
``seg.nii.gz`` (mask of the cord) or ``levels.json`` (borders of the cord at some heights, LPS mm, and the tip of the
conus; an ellipse is drawn at each plane). Each case is segmented as it is and in degraded copies: noise, blur, bias
field, fading along the body, gamma, thicker slices, tilt, crops, and crops that hold no cord; so are synthetic images.
A result is compared where the reference says what is cord and what is not, with the voxels of which at least half are
cord, as in a mask; where there is no cord, any result has Dice 0.

Printed: each result with Dice under 0.7, then for each tenth of confidence the results' number, their median and least
Dice and the share under 0.7, and the share of good results (Dice 0.7 and more) that pass the threshold.
"""

import json
import time
from dataclasses import dataclass, replace

import numpy as np
from scipy import ndimage as ndi
from script import case_arguments, pyplot

import cordlevelset as cls
from cordlevelset.phantom import make_phantom
from cordlevelset.volume import canonical_turn

GOOD_DICE = 0.7


@dataclass(frozen=True)
class Case:
    """An image on the canonical grid (upward, to posterior, to left), its truth, and the planes where that is known."""

    name: str
    array: np.ndarray
    spacing: tuple[float, float, float]
    truth: np.ndarray
    known: np.ndarray

    def crop(self, *slices):
        return replace(self, array=self.array[slices], truth=self.truth[slices], known=self.known[slices[0]])

    def with_array(self, array):
        return replace(self, array=np.ascontiguousarray(array, np.float32))


def read_case(folder):
    image = cls.read(folder / "image.nii.gz", frame=0)
    turn = canonical_turn(image)
    grid = turn.volume(image)
    truth, known = np.zeros(grid.shape, np.float32), np.ones(grid.shape[0], bool)
    if (folder / "seg.nii.gz").exists():
        truth = turn.array(cls.read(folder / "seg.nii.gz").array > 0.5).astype(np.float32)
        known = truth.any((1, 2))
    elif (folder / "levels.json").exists():
        truth, known = ellipses(grid, json.loads((folder / "levels.json").read_text()))
    return Case(folder.name, grid.array.astype(np.float32), grid.spacing, truth, known)


def ellipses(grid, levels):
    """Mask of the cord from its borders, plane by plane down to the tip; nothing below it."""
    cord = sorted((v for v in levels["levels"] if v.get("cord", True)), key=lambda v: v["z"])
    z = [v["z"] for v in cord]
    k, j, i = np.indices(grid.shape)
    places = grid.to_lps(np.stack([k, j, i], -1))
    x, y, height = (places[..., n] for n in range(3))

    def at(name):
        return np.interp(height, z, [v[name] for v in cord])

    wide = np.mean([(v["x_left"] - v["x_right"]) / (v["y_post"] - v["y_ant"]) for v in cord if "x_left" in v] or [1.2])
    for v in cord:  # where left and right are not seen, as wide for its depth as elsewhere
        half = wide * (v["y_post"] - v["y_ant"]) / 2
        v.update({"x_left": v.get("x_left", v["x"] + half), "x_right": v.get("x_right", v["x"] - half)})
    dy = (y - (at("y_ant") + at("y_post")) / 2) / (at("y_post") - at("y_ant")) * 2
    dx = (x - (at("x_left") + at("x_right")) / 2) / (at("x_left") - at("x_right")) * 2
    tip = levels["conus_tip"]["z"]
    truth = (dx**2 + dy**2 <= 1) & (height >= tip) & (height <= z[-1])
    return truth.astype(np.float32), (height <= z[-1]).all((1, 2))


def degraded(case, rng):
    """Copies of a case: (what was done, case)."""
    a, (dz, dy, dx) = case.array, case.spacing
    n_z = len(a)
    yield "as it is", case
    noise = np.percentile(a, 95) * np.array([0.06, 0.15])
    for name, sd in zip(("noise", "much noise"), noise, strict=True):
        yield name, case.with_array(np.hypot(a + rng.normal(0, sd, a.shape), rng.normal(0, sd, a.shape)))
    for name, mm in (("blur", 1.2), ("much blur", 2.5)):
        yield name, case.with_array(ndi.gaussian_filter(a, [0, mm / dy, mm / dx if dx < 2 else 0]))
    ramp = [np.linspace(-0.8, 0.8, n) for n in a.shape]
    yield "bias", case.with_array(a * np.exp(ramp[0][:, None, None] - ramp[1][:, None] + ramp[2]))
    yield "fade", case.with_array(a * np.exp(1.5 * ramp[0][:, None, None]))
    yield "gamma", case.with_array(np.sqrt(np.maximum(a, 0)))
    yield "inverted", case.with_array(np.percentile(a, 99) - a)
    for name, axis, mm in (("axial 5 mm", 0, 5.0), ("sagittal 5 mm", 2, 5.0)):
        n = round(mm / case.spacing[axis])
        if n > 1 and a.shape[axis] // n >= 5:
            yield name, thick(case, axis, n)
    shift = np.tan(np.radians(20)) * dz / dy
    tilt = [[ndi.shift(p, ((k - n_z / 2) * shift, 0), order=1) for k, p in enumerate(v)] for v in (a, case.truth)]
    yield "tilt", replace(case.with_array(tilt[0]), truth=np.array(tilt[1]))
    whole = slice(None)
    yield "upper half", case.crop(slice(n_z // 2, None), whole, whole)
    yield "lower half", case.crop(slice(0, n_z // 2), whole, whole)
    yield "upper fifth", case.crop(slice(n_z - n_z // 5, None), whole, whole)
    at = np.argwhere(case.truth > 0.5)
    if not len(at):
        return
    (y0, x0), (y1, x1) = at[:, 1:].min(0), at[:, 1:].max(0)
    x, mm = int(at[:, 2].mean()), lambda v, d: round(v / d)
    yield "narrow", case.crop(whole, slice(max(0, y0 - mm(15, dy)), y1 + mm(15, dy)), whole)
    yield "off centre", case.crop(whole, whole, slice(max(0, x - mm(12, dx)), None))
    yield "front", case.crop(whole, slice(0, max(0, y0 - mm(12, dy))), whole)
    yield "back", case.crop(whole, slice(y1 + mm(10, dy), None), whole)
    yield "left", case.crop(whole, whole, slice(x1 + mm(10, dx), None))
    yield "right", case.crop(whole, whole, slice(0, max(0, x0 - mm(10, dx))))


def thick(case, axis, n):
    """Means of n planes."""
    kept = case.array.shape[axis] // n

    def mean(v):
        return np.stack([p.mean(axis) for p in np.split(np.take(v, range(kept * n), axis), kept, axis)], axis)

    known = case.known if axis else case.known[: kept * n].reshape(kept, n).all(1)
    spacing = tuple(d * n if a == axis else d for a, d in enumerate(case.spacing))
    return replace(case, array=mean(case.array), truth=mean(case.truth), known=known, spacing=spacing)


def phantoms():
    """Synthetic spines, with cord and without: (name, case)."""
    for region in ("cervical", "lumbar"):
        for contrast in ("t1", "t2", "t2s", "dwi"):
            for cnr in (12.0, 6.0, 3.0, 1.5):
                for cord in (True, False):
                    p = make_phantom(region=region, contrast=contrast, cnr=cnr, cord=cord)
                    turn = canonical_turn(p.image)
                    grid, truth = turn.volume(p.image), turn.array(p.soft_mask.array)
                    known = np.ones(grid.shape[0], bool)
                    name = f"phantom {region} {contrast} CNR {cnr:g}{'' if cord else ', no cord'}"
                    yield Case(name, grid.array, grid.spacing, truth, known)


def result(case):
    """(Dice, confidence), confidence None where no cord was found; None if the image is no use at all."""
    if min(case.array.shape) < 2 or min(n * d for n, d in zip(case.array.shape, case.spacing, strict=True)) < 10:
        return None
    try:
        found = cls.segment(cls.Volume(case.array, case.spacing))
    except cls.NoCordFoundError:
        return (0.0 if (case.truth[case.known] >= 0.5).any() else 1.0), None
    mask, truth = found.mask.array[case.known] > 0, case.truth[case.known] >= 0.5
    total = np.count_nonzero(mask) + np.count_nonzero(truth)
    return (2 * np.count_nonzero(mask & truth) / total if total else 0.0), found.confidence


def gather(data):
    """Rows (kind, case, what was done, Dice, confidence or None)."""
    for folder in sorted(p.parent for p in data.glob("*/case.json")):
        case = read_case(folder)
        for done, copy in degraded(case, np.random.default_rng(0)):
            outcome = result(copy)
            if outcome is not None:
                holds = bool((copy.truth[copy.known] > 0.5).any())
                kind = ("case" if done == "as it is" else "degraded") if holds else "no cord"
                yield kind, case.name, done, *outcome
    for case in phantoms():
        yield ("phantom" if case.truth.any() else "no cord"), case.name, "as it is", *result(case)


def report(rows, threshold):
    found = [r for r in rows if r[4] is not None]
    print(f"\n{len(rows)} images, {len(found)} results; bad results (Dice under {GOOD_DICE}), surest first:")
    for kind, name, done, dice, sure in sorted((r for r in found if r[3] < GOOD_DICE), key=lambda r: -r[4]):
        print(f"{'PASSES' if sure >= threshold else '      '} {sure:.2f} Dice {dice:.2f}  {kind:9s} {name}, {done}")
    print("\n| confidence | results | median Dice | least | share under 0.7 |\n| --- | ---: | ---: | ---: | ---: |")
    for low in np.arange(0, 1, 0.1):
        dice = np.array([r[3] for r in found if low <= r[4] < low + 0.1 + (low > 0.85)])
        if dice.size:
            figures = f"{np.median(dice):.2f} | {dice.min():.2f} | {(dice < GOOD_DICE).mean():.2f}"
            print(f"| {low:.1f} to {low + 0.1:.1f} | {dice.size} | {figures} |")
    good = [r[4] for r in found if r[3] >= GOOD_DICE]
    as_they_are = [r[4] for r in found if r[3] >= GOOD_DICE and r[0] == "case"]
    for name, group in (("good results", good), ("of them, images as they are", as_they_are)):
        print(f"{name}: {len(group)}, {np.mean(np.array(group) >= threshold):.2f} of them pass {threshold}")
    with_cord = [r for r in rows if r[0] != "no cord"]
    without = [r for r in rows if r[0] == "no cord"]
    print(
        f"no cord found: in {sum(r[4] is None for r in without)} of {len(without)} images without, "
        f"in {sum(r[4] is None for r in with_cord)} of {len(with_cord)} with one"
    )


def plot(rows, threshold, path):
    plt = pyplot()
    figure, axes = plt.subplots(figsize=(7, 4.5), layout="constrained")
    for kind, colour, mark in (
        ("degraded", "#9ecae1", "o"),
        ("case", "#08519c", "o"),
        ("phantom", "#31a354", "^"),
        ("no cord", "#de2d26", "x"),
    ):
        at = np.array([(r[4], r[3]) for r in rows if r[0] == kind and r[4] is not None]).reshape(-1, 2)
        axes.scatter(*at.T, s=22, c=colour, marker=mark, label=f"{kind} ({len(at)})", alpha=0.8)
    at = np.array(sorted((r[4], r[3]) for r in rows if r[4] is not None))
    tenths = [at[(at[:, 0] >= low) & (at[:, 0] < low + 0.1)] for low in np.arange(0, 1, 0.1)]
    axes.plot(*np.array([t.mean(0) for t in tenths if len(t) > 2]).T, "k-", label="mean of each tenth")
    axes.axvline(threshold, color="0.5", ls="--", lw=1, label=f"threshold {threshold:g}")
    axes.axhline(GOOD_DICE, color="0.5", ls=":", lw=1)
    axes.set(xlabel="confidence", ylabel="Dice", xlim=(0, 1), ylim=(-0.03, 1))
    axes.legend(loc="center left", bbox_to_anchor=(1, 0.5), frameon=False)
    figure.savefig(path, dpi=110)


def main():
    parser = case_arguments(__doc__)
    parser.add_argument("--threshold", type=float, default=0.3)
    args = parser.parse_args()
    start = time.perf_counter()
    rows = []
    for row in gather(args.data):
        rows.append(row)
        sure = "none" if row[4] is None else f"{row[4]:.2f}"
        print(f"{row[0]:9s} {row[1]:34s} {row[2]:14s} Dice {row[3]:.2f}  confidence {sure}", flush=True)
    report(rows, args.threshold)
    print(f"{time.perf_counter() - start:.0f} s")
    if args.plot:
        plot(rows, args.threshold, args.plot)


if __name__ == "__main__":
    main()
