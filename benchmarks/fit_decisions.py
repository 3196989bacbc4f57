"""Fit the decision on real cases, judge it on sources left out: ``python benchmarks/fit_decisions.py --data CASES``.

A case is a folder with ``image.nii.gz``, ``case.json`` (its ``group`` is the source) and a reference: ``seg.nii.gz``,
``levels.json`` or ``places.json``; or none, where case.json expects no cord. Each case comes with `copies`: noisy,
faded, thicker, cut, and without its cord. The figures of every window along every candidate curve are computed once
(minutes) and kept in ``--cache``. Then a fit costs seconds.

Printed: the numbers of ``cordlevelset/detection/coefficients.py`` with standard errors (jackknife over sources), and
tables by source and by kind of copy, each judged with numbers fitted without its source. ``--masks`` also segments
every case in that way, counts how many masks are right, and prints what a confidence is worth, with the numbers of a
slice's border; ``--plot F`` draws that. ``--phantoms`` takes phantoms instead of cases.
"""

import pickle
from collections import Counter
from concurrent.futures import ProcessPoolExecutor
from dataclasses import dataclass, replace
from functools import partial
from itertools import product
from pathlib import Path

import numpy as np
from copies import Known, copies
from scipy.optimize import minimize
from scipy.special import expit
from script import case_arguments, cord_levels, folders, pyplot, told

import cordlevelset as cls
from cordlevelset.border.confidence import BORDER_FIGURES, border_figures, border_right
from cordlevelset.detection import coefficients
from cordlevelset.detection.chain import SHARED_MM, extent
from cordlevelset.detection.finder import candidates
from cordlevelset.detection.maps import gain_maps
from cordlevelset.detection.searchgrid import search_grid
from cordlevelset.detection.windows import FIGURES
from cordlevelset.notes import CONTRASTS, LOW_CONFIDENCE
from cordlevelset.sections.stack import Sections
from cordlevelset.volume import canonical_turn, image_values

RIDGE = 3.0  # of standardised figures: a prior of standard deviation 0.6 on each weight, in windows
ON_PATH_MM, OFF_PATH_MM = 3.0, 8.0  # a window's middle so near is on the cord, one farther off is not
TIP_MM, TOP_MM = 4.0, 8.0  # nothing is said of windows so near to an end
SAME_PEOPLE = {"sct_example": "sct_testing"}  # sources that share people are left out together
PHANTOM_TIP_MM = 15.0  # tolerance of a phantom's tip: roots hide its lowest centimetre
SLICE_RIGHT = 0.85  # Dice of a slice whose contour is right
CLEARLY = 0.1  # gain by which the other polarity must be better than the contrast's usual one


@dataclass
class Curve:
    """What is kept of a candidate: figures (W, 10), middles (W, 3) in planes and mm, what is true of each window."""

    polarity: int
    prior: float
    figures: np.ndarray
    middles: np.ndarray
    plane_mm: float
    tip: int | None
    tip_loss_mm: float
    truth: np.ndarray  # 1 cord, 0 none, -1 not known


@dataclass
class Case:
    name: str
    source: str
    has_cord: bool
    polarity: int
    path: np.ndarray  # reference, (N, 3) as the curves' middles
    ends: dict  # "low", "high": plane and tolerance in mm
    plane_mm: float
    planes: int
    tolerance_mm: float
    curves: list
    copy: str = ""  # which copy of the case it is


def canonical(volume):
    turn = canonical_turn(volume)
    return turn.volume(replace(volume, array=image_values(volume)))


def reference(folder, image, lumbar, head):
    """What a case's files tell of the cord."""
    ends, tip, top, tolerance = {}, None, None, ON_PATH_MM
    if (folder / "seg.nii.gz").exists():
        mask = canonical(cls.read(folder / "seg.nii.gz")).array > 0.5
        index = np.array([(k, *np.argwhere(mask[k]).mean(0)) for k in np.flatnonzero(mask.any((1, 2)))])
    elif (folder / "levels.json").exists():
        read = told(folder, "levels")
        points = np.array([(v["x"], (v["y_ant"] + v["y_post"]) / 2, v["z"]) for v in cord_levels(read)])
        index = image.to_index(points)
        if read.get("conus_tip"):
            tip = plane_at(image, points, read["conus_tip"]["z"])
            ends["low"] = (tip, 10 + read["conus_tip"].get("uncertainty_mm", 0))
    else:
        read = told(folder, "places")
        points = np.array(read["points"])
        points = points[np.argsort(points[:, 2])]
        index, tolerance = image.to_index(points), max(read.get("tolerance_mm", ON_PATH_MM), ON_PATH_MM)
        for name in ("low", "high"):
            if read.get(name):
                end = points[:1] if name == "low" else points[-1:]
                ends[name] = (plane_at(image, end, read[name]["z"]), read[name].get("tolerance_mm", 12.0))
        tip = ends["low"][0] if lumbar and "low" in ends else None
        top = ends["high"][0] if head and "high" in ends else None
    index = index[np.argsort(index[:, 0])]
    return Known(np.c_[index[:, 0], index[:, 1:] * image.spacing[1:]], ends, tip, top, tolerance)


def plane_at(image, points, z):
    """Plane of the height z beside the lowest of some points."""
    point = points[np.argmin(points[:, 2])].copy()
    point[2] = z
    return float(image.to_index(point[None])[0, 0])


def truth(middles, known, plane_mm, right_polarity):
    """What is true of each window: 1 cord, 0 none, -1 not known."""
    out, path = np.full(len(middles), -1), known.path
    z = middles[:, 0]
    beside = (z >= path[0, 0] - 0.5) & (z <= path[-1, 0] + 0.5)
    at = np.stack([np.interp(z, path[:, 0], path[:, a]) for a in (1, 2)], axis=1)
    away = np.hypot(*(middles[:, 1:] - at).T)
    out[beside & (away <= ON_PATH_MM)] = int(right_polarity)
    out[beside & (away > OFF_PATH_MM)] = 0
    for end, sign, clear in ((known.tip, -1, TIP_MM), (known.top, 1, TOP_MM)):
        if end is not None:
            beyond = sign * (z - end) * plane_mm
            out[np.abs(beyond) < clear] = -1
            out[beyond >= clear] = 0
    return out


def look(folder):
    """Extract a case and its copies."""
    about = told(folder)
    image = canonical(cls.read(folder / "image.nii.gz", frame=0))
    source = SAME_PEOPLE.get(about["group"], about["group"])
    known, polarity = None, CONTRASTS.get(about["contrast"].lower(), -1) or -1
    if not about.get("expect"):
        known = reference(folder, image, "lumbar" in source, source in ("clinical_neck", "head_t1"))
        polarity = shown_polarity(search_grid(image.array, image.spacing), image.spacing, known.path, polarity)
    found = [extract(folder.name, source, image.array, image.spacing, polarity, known, about.get("expect", ""))]
    if about.get("expect") == "doubt":
        return found
    for name, array, spacing, known_here in copies(folder.name, image.array, image.spacing, known):
        array = np.ascontiguousarray(array, np.float32)
        found.append(extract(folder.name, source, array, spacing, polarity, known_here, copy=name))
    return found


def extract(name, source, array, spacing, polarity, known, expected="", copy=""):
    """Figures of every window along every candidate curve, and what is true of them; ``known`` None: no cord."""
    curves = []
    for c in candidates(array, spacing, search_grid(array, spacing)):
        middles = np.c_[c.windows.planes, c.windows.long.centers_mm]
        if known is None:
            said = np.full(len(middles), -1 if expected == "doubt" else 0)
        else:
            said = truth(middles, known, spacing[0], c.maps.polarity == polarity)
        w = c.windows
        prior = c.log_odds - c.extent.log_odds
        curves.append(Curve(c.maps.polarity, prior, w.figures, middles, w.plane_mm, w.tip, w.tip_loss_mm, said))
    has_cord, known = known is not None, known or Known(np.zeros((0, 3)), {})
    return Case(
        name,
        source,
        has_cord,
        polarity,
        known.path,
        known.ends,
        spacing[0],
        len(array),
        known.tolerance_mm,
        curves,
        copy,
    )


def shown_polarity(grid, spacing, path, usual):
    """The contrast's usual polarity, unless a path along the reference gains clearly more with the other."""
    at = (path / [1, *spacing[1:]] - grid.offset) / grid.step
    at = np.clip(np.rint(at).astype(int), 0, np.array(grid.image.shape) - 1)
    gains = {maps.polarity: float(maps.gain[tuple(at.T)].mean()) for maps in gain_maps(grid)}
    return -usual if gains[-usual] > gains[usual] + CLEARLY else usual


def logistic(x, y, weight, ridge, usual=0.0):
    """Intercept and slopes of a logistic regression, the slopes drawn to a usual value by a ridge."""
    z = np.c_[np.ones(len(x)), x]

    def loss(b):
        u, off = z @ b, np.r_[0, b[1:] - usual]
        value = (weight * (np.logaddexp(0, u) - y * u)).sum() + ridge / 2 * (off**2).sum()
        return value, z.T @ (weight * (expit(u) - y)) + ridge * off

    return minimize(loss, np.zeros(z.shape[1]), jac=True, method="L-BFGS-B").x


def fit(cases):
    """Intercept and weights by the windows of the cord's own paths, sources weighted."""
    count = Counter(c.source for c in cases)
    rows = [
        (curve.figures[said], curve.truth[said] == 1, count[c.source] ** -0.5 * min(1, curve.plane_mm / SHARED_MM))
        for c in cases
        for curve in c.curves
        if curve.prior == 0 and (said := curve.truth >= 0).any()
    ]
    x = np.concatenate([r[0] for r in rows])
    y = np.concatenate([r[1] for r in rows]).astype(float)
    weight = np.concatenate([np.full(len(r[0]), r[2]) for r in rows])
    mean = np.average(x, axis=0, weights=weight)
    scale = np.sqrt(np.average((x - mean) ** 2, axis=0, weights=weight)) + 1e-9
    b = logistic((x - mean) / scale, y, weight, RIDGE)
    slopes = b[1:] / scale
    share = (weight * y).sum() / weight.sum()
    return b[0] - slopes @ mean - np.log(share / (1 - share)), slopes  # as if both were equally many


def fit_found(judged):
    """Offset and slope from total log odds to the log odds of having found the cord."""
    count = Counter(j["source"] for j in judged)
    weight = np.array([count[j["source"]] ** -0.5 for j in judged])
    x = np.array([[j["log_odds"]] for j in judged])
    return logistic(x, np.array([float(j["on_cord"]) for j in judged]), weight, 0.2, usual=0.7)


def fit_border(outcomes):
    """Intercept and weights that tell right contours from wrong ones, cases and sources weighted."""
    drawn = [o for o in outcomes if o.dice is not None and np.isfinite(o.dice).any()]
    count = Counter(o.source for o in drawn)
    x, y, weight = [], [], []
    for o in drawn:
        seen = np.isfinite(o.dice)
        x.append(o.figures[seen])
        y.append(o.dice[seen] >= SLICE_RIGHT)
        weight.append(np.full(seen.sum(), 10 / seen.sum() * count[o.source] ** -0.5))
    return logistic(np.concatenate(x), np.concatenate(y).astype(float), np.concatenate(weight), 0.1)


def judge(case, numbers):
    """What a decision with these numbers makes of a case: odds, place, ends."""
    intercept, slopes = numbers
    tried = []
    for curve in case.curves:
        odds = intercept + curve.figures @ slopes
        found = extent(odds, curve.plane_mm, tip=curve.tip, tip_loss_mm=curve.tip_loss_mm)
        tried.append((found.log_odds + curve.prior, curve, found))
    odds, curve, found = max(tried, key=lambda t: t[0])
    out = {"name": case.name, "source": case.source, "copy": case.copy, "has_cord": case.has_cord, "log_odds": odds}
    out |= {"on_cord": False, "place": 0.0, "ends": True, "right_ends": {}}
    if not case.has_cord:
        return out
    z, half = curve.middles[:, 0], 0.5 * curve.plane_mm / case.plane_mm
    low = 0.0 if found.low == 0 else z[found.low] - half
    high = case.planes - 1.0 if found.high == len(z) - 1 else z[found.high] + half
    at = np.stack([np.interp(case.path[:, 0], z, curve.middles[:, a]) for a in (1, 2)], axis=1)
    near = np.hypot(*(case.path[:, 1:] - at).T) <= case.tolerance_mm + 1
    inside = (case.path[:, 0] >= low - 0.75) & (case.path[:, 0] <= high + 0.75)
    out["place"] = float((near & inside).mean())
    right = curve.polarity == case.polarity and inside.any() and near[inside].mean() > 0.8
    out["on_cord"] = bool(right)
    for name, plane in (("low", low), ("high", high)):
        if name in case.ends:
            error = (plane - case.ends[name][0]) * case.plane_mm
            right = abs(error) <= case.ends[name][1]
            out["ends"] &= right
            within = min(case.ends[name][0], case.planes - 1 - case.ends[name][0]) * case.plane_mm
            if within > case.ends[name][1]:  # of the image, and not where the cord leaves it
                out["right_ends"][name] = bool(right)
    return out


def without_own(cases):
    """Numbers fitted without each source."""
    sources = sorted({c.source for c in cases})
    return {s: fit([c for c in cases if c.source != s]) for s in sources}


def jackknife(others):
    """Standard errors by leaving one source out in turn."""
    others = np.array(list(others))
    return np.sqrt((len(others) - 1) / len(others) * ((others - others.mean(0)) ** 2).sum(0))


def print_numbers(cases, apart):
    """The numbers of windows with their errors, as the package's file has them."""
    intercept, slopes = fit(cases)
    error = jackknife([i, *s] for i, s in apart.values())
    print(f"\nINTERCEPT = {intercept:.3f}  # +- {error[0]:.2f}   in use {coefficients.INTERCEPT:.3f}")
    for name, value, e, used in zip(FIGURES, slopes, error[1:], coefficients.WEIGHTS, strict=True):
        print(f"  {name:11s} {value:7.3f} +- {e:.3f}   in use {used:7.3f}")


def print_ends(judged):
    """Share of ends within the image that lie within their tolerance, where the cord was found: rule of succession."""
    for name, end, used in (
        ("LOWER_END_RIGHT", "low", coefficients.LOWER_END_RIGHT),
        ("UPPER_END_RIGHT", "high", coefficients.UPPER_END_RIGHT),
    ):
        right = [j["right_ends"][end] for j in judged if j["on_cord"] and end in j["right_ends"]]
        share, n = (sum(right) + 1) / (len(right) + 2), len(right)
        print(f"{name} = {share:.2f}  # +- {np.sqrt(share * (1 - share) / (n + 3)):.2f}, {n} ends   in use {used}")


def print_border(outcomes):
    """The numbers of a slice's border with their errors."""
    b = fit_border(outcomes)
    drawn = {o.source for o in outcomes if o.dice is not None and np.isfinite(o.dice).any()}
    error = jackknife(fit_border([o for o in outcomes if o.source != q]) for q in drawn)
    used = (coefficients.BORDER_INTERCEPT, *coefficients.BORDER_WEIGHTS)
    for name, value, e, u in zip(
        ("BORDER_INTERCEPT", *(f"  {f}" for f in BORDER_FIGURES)), b, error, used, strict=True
    ):
        print(f"{name:16s} {value:6.2f} +- {e:.2f}   in use {u:6.2f}")


def print_copies(judged, found):
    """One line a kind of copy."""
    offset, slope = found
    print("\ncopy                 n  right  wrong end  wrong place  refused")
    for kind in dict.fromkeys(j["copy"] for j in judged):
        some = [j for j in judged if j["copy"] == kind]
        given = [j for j in some if offset + slope * j["log_odds"] >= 0]
        on = [j for j in given if j["on_cord"]]
        ends = sum(j["ends"] and j["place"] > 0.9 for j in on)
        right = ends + sum(not j["has_cord"] for j in some) - sum(not j["has_cord"] for j in given)
        counts = right, len(on) - ends, len(given) - len(on), len(some) - len(given)
        print("{:15s} {:6d} {:6d} {:10d} {:12d} {:8d}".format(kind, len(some), *counts))


def print_table(judged, found):
    """One line a source: found at the right place, its ends right, wrong, refused."""
    offset, slope = found
    print("\nsource               n  found  ends right  wrong place  refused")
    for source in sorted({j["source"] for j in judged}):
        some = [j for j in judged if j["source"] == source]
        given = [j for j in some if offset + slope * j["log_odds"] >= 0]
        found_ = [j for j in given if j["on_cord"]]
        ends = sum(j["ends"] for j in found_)
        wrong, refused = len(given) - len(found_), len(some) - len(given)
        print(f"{source:18s} {len(some):3d} {len(found_):6d} {ends:11d} {wrong:12d} {refused:8d}")


def of_phantom(name, source, contrast, phantom):
    """Extract a phantom; its arrays lie as those of `canonical`."""
    image, shares, known = phantom.image, phantom.soft_mask.array, None
    index = np.array([(k, *np.argwhere(m > 0.5).mean(0)) for k, m in enumerate(shares) if (m > 0.5).any()])
    if len(index):
        tip = None if phantom.conus_mm is None else float(index[0, 0])
        ends = {} if tip is None else {"low": (tip, PHANTOM_TIP_MM)}
        known = Known(np.c_[index[:, 0], index[:, 1:] * image.spacing[1:]], ends, tip)
    return extract(name, source, image.array, image.spacing, CONTRASTS[contrast], known)


def phantom_cases():
    """Phantoms of both regions and contrasts, with and without cord, as cases."""
    from cordlevelset.phantom import make_phantom

    cases = []
    for i, (region, contrast, cord) in enumerate(product(("cervical", "lumbar"), ("t2", "t1"), (True, False))):
        phantom = make_phantom(region=region, contrast=contrast, spacing=(2.0, 1.0, 2.0), cord=cord, seed=i, cnr=6.0)
        cases.append(of_phantom(f"{region} {contrast} {cord}", f"phantom {i // 2}", contrast, phantom))
    return cases


@dataclass
class Outcome:
    """What came of a case: no figures where it was refused."""

    name: str
    source: str
    right: bool
    figures: np.ndarray | None = None  # of each slice's border, (P, 3)
    others: np.ndarray | None = None  # probability of each slice but for its border
    dice: np.ndarray | None = None  # of each slice, nan where there is no reference
    ends: float = 1.0  # probability that both ends are right

    def confidence(self, border):
        """With numbers of the border (intercept, weights)."""
        return float((self.others * expit(border[0] + self.figures @ border[1:])).mean() * self.ends)


def segment_apart(folder, apart, found):
    """Segment a case with numbers fitted without its source."""
    from scores import case_scores, is_right

    about = told(folder)
    source = SAME_PEOPLE.get(about["group"], about["group"])
    coefficients.INTERCEPT, coefficients.WEIGHTS = apart[source][0], tuple(apart[source][1])
    coefficients.FOUND = tuple(found[source])
    try:
        result = cls.segment(folder / "image.nii.gz", frame=0)
    except cls.NoCordFoundError:
        return Outcome(folder.name, source, bool(about.get("expect")))
    right = not about.get("expect") and bool(is_right(case_scores(result.mask, folder), about))
    image, contours, polarity = result.automatic.image, result.contours, result.automatic.polarity
    sections = Sections.of_contours(image.array, contours, spacing=image.spacing, polarity=polarity)
    figures = border_figures(sections.smoothed())
    others = contours.confidence / border_right(figures)
    return Outcome(folder.name, source, right, figures, others, slice_dice(result, folder), contours.extent_confidence)


def slice_dice(result, folder):
    """Dice of each slice, nan where there is no reference."""
    out = np.full(len(result.contours.radii_mm), np.nan)
    if (folder / "seg.nii.gz").exists():
        drawn = cls.read(folder / "seg.nii.gz")
        turn = canonical_turn(drawn)
        true, mask = (turn.volume(v).array > 0.5 for v in (drawn, result.mask))
        for i, k in enumerate(range(result.contours.first, result.contours.first + len(out))):
            if true[k].any():
                out[i] = 2 * (true[k] & mask[k]).sum() / (true[k].sum() + mask[k].sum())
    return out


def print_masks(outcomes, plot):
    """Right masks by source, and the reliability of the confidence; the border's numbers are left-out ones, too."""
    border = {q: fit_border([o for o in outcomes if o.source != q]) for q in {o.source for o in outcomes}}
    rows = [
        (o.name, o.source, None if o.figures is None else o.confidence(border[o.source]), o.right) for o in outcomes
    ]
    print("\nsource               n  right  doubted  refused")
    for source in sorted({r[1] for r in rows}):
        some = [r for r in rows if r[1] == source]
        doubted = sum(r[3] and r[2] is not None and r[2] < LOW_CONFIDENCE for r in some)
        right, refused = sum(r[3] for r in some), sum(r[2] is None for r in some)
        print(f"{source:18s} {len(some):3d} {right:6d} {doubted:8d} {refused:8d}")
    print("\nwrong: " + ", ".join(f"{r[0]} ({'refused' if r[2] is None else f'{r[2]:.2f}'})" for r in rows if not r[3]))
    given = np.array([(r[2], r[3]) for r in rows if r[2] is not None], float)
    print("\nconfidence        n  mean  right")
    bins = []
    for low in np.arange(0, 1, 0.2):
        here = given[(given[:, 0] >= low) & (given[:, 0] < low + 0.2 + (low > 0.7))]
        if len(here):
            bins.append((here[:, 0].mean(), here[:, 1].mean(), len(here)))
            print(f"{low:.1f} to {low + 0.2:.1f}  {len(here):6d}  {bins[-1][0]:.2f}  {bins[-1][1]:.2f}")
    if plot:
        plt = pyplot()
        fig, ax = plt.subplots(figsize=(4.5, 4.5), layout="constrained")
        ax.plot([0, 1], [0, 1], color="0.6", lw=1)
        ax.scatter([b[0] for b in bins], [b[1] for b in bins], s=[10 + 3 * b[2] for b in bins])
        ax.set(xlabel="confidence", ylabel="share right, source left out", xlim=(0, 1), ylim=(0, 1.02))
        fig.savefig(plot, dpi=100)


def main():
    parser = case_arguments(__doc__)
    parser.add_argument("--plot", type=Path)
    parser.add_argument("--cache", type=Path, help="file that keeps the figures of all windows")
    parser.add_argument("--masks", action="store_true")
    parser.add_argument("--phantoms", action="store_true")
    args = parser.parse_args()
    cases_in = folders(args.data)
    with ProcessPoolExecutor(2) as pool:
        if args.phantoms:
            cases = phantom_cases()
        elif args.cache and args.cache.exists():
            cases = pickle.loads(args.cache.read_bytes())
        else:
            cases = [case for of_folder in pool.map(look, cases_in) for case in of_folder]
        if args.cache and not args.phantoms:
            args.cache.write_bytes(pickle.dumps(cases))
        apart = without_own(cases)
        print_numbers(cases, apart)
        judged = [judge(c, apart[c.source]) for c in cases]
        found = {s: fit_found([j for j in judged if j["source"] != s]) for s in apart}
        error = jackknife(found.values())
        print("\nFOUND = ({:.2f}, {:.2f})  # +- {:.2f}, {:.2f}".format(*fit_found(judged), *error))
        originals = [j for j in judged if not j["copy"]]
        print_ends(originals)
        print_table(originals, fit_found(judged))
        if not args.phantoms:
            print_copies([j for j in judged if j["copy"]], fit_found(judged))
        if args.masks:
            outcomes = list(pool.map(partial(segment_apart, apart=apart, found=found), cases_in))
            print_masks(outcomes, args.plot)
            print_border(outcomes)


if __name__ == "__main__":
    main()
