"""Vertebral levels on real cases: ``python benchmarks/levels_on_cases.py --data DIR``.

DIR holds one folder a case: `image.nii.gz`, `case.json` ({"group": ...}) and `vert.nii.gz`: vertebral bodies or discs
drawn by hand, a label each. Which disc is the lowest was looked at group by group (`KNOWN`). Between bodies, a disc
lies half way between their facing ends.

Printed for each case: discs drawn; found within 3 mm (distance of the drawn disc's middle from the found one's plane);
median and largest distance; anchor; names right, wrong and not given; likelihood of the names; where the cord ends.
Then how the chains would be named if the usual looks of T12 to S2 were the medians of all other
groups: cases named right, wrong and not.
"""

from itertools import pairwise

import numpy as np
from script import case_arguments, folders, told

import cordlevelset as cls
from cordlevelset.errors import NoCordFoundError
from cordlevelset.levels import anatomy, find, naming

RIGHT_MM = 3.0
AXIS_MM = 6.0
"""Bodies are measured within this distance of the line through two middles."""
KNOWN = {"lumbar_ivd": ("discs", "L5/S1"), "lumbar_vb1": ("bodies", "L5/S1")}
"""What was drawn, and the lowest disc, by group; looked at one by one. All others: bodies down to L5."""


def drawn_discs(case, about):
    """Middles (N, 3) LPS mm of the discs that were drawn, from the top down, and their numbers."""
    kind, lowest = KNOWN.get(about.get("group"), ("bodies", "L4/5"))
    labels = cls.read(case / "vert.nii.gz")
    parts = [labels.to_lps(np.argwhere(labels.array == v)) for v in np.unique(labels.array) if v]
    parts.sort(key=lambda p: -p[:, 2].mean())
    if kind == "discs":
        middles = [p.mean(0) for p in parts]
    else:
        middles = [_between(a, b) for a, b in pairwise(parts)]
    last = anatomy.disc_number(lowest)
    return np.array(middles), list(range(last - len(middles) + 1, last + 1))


def _between(above, below):
    """Half way between the facing ends of two bodies, on the line through their middles."""
    start, way = above.mean(0), below.mean(0) - above.mean(0)
    way /= np.linalg.norm(way)
    ends = []
    for points, end in ((above, np.max), (below, np.min)):
        along = (points - start) @ way
        ends.append(end(along[np.linalg.norm(points - start - along[:, None] * way, axis=1) < AXIS_MM]))
    return start + way * np.mean(ends)


def judge(levels, middles, numbers):
    """Distance of each drawn disc from the nearest found one, mm, and whether its name is right; None: not given."""
    off, named = [], []
    for middle, number in zip(middles, numbers, strict=True):
        apart = [
            abs((middle - d.point_mm) @ d.normal) if np.linalg.norm(middle - d.point_mm) < 40 else np.inf
            for d in levels.discs
        ]
        nearest = levels.discs[int(np.argmin(apart))]
        off.append(min(apart))
        named.append(None if nearest.name is None else nearest.number == number)
    return np.array(off), named


class Chain:
    """A chain of discs as naming sees it, and the number its top disc has in truth."""

    def __init__(self, result, group, middles, numbers):
        image, polarity = result.automatic.image, result.automatic.polarity
        curve = find.canal_curve(image, result.contours, polarity)
        section = find.sagittal_section(image, curve)
        self.group, self.discs = group, find.disc_chain(section, curve)
        points, normals = find._in_patient(image, section, self.discs)
        apart = np.abs(((middles[len(middles) // 2] - points) * normals).sum(1))
        self.top = numbers[len(middles) // 2] - int(apart.argmin())
        self.conus = None
        if result.conus is not None:
            line = image.to_lps(curve / image.spacing)
            end = find.nearest_arclength(line, result.conus.tip_mm[None])[0]
            at = find.nearest_arclength(line, points) + 1e-3 * np.arange(len(points))
            self.conus = find._place_in_chain(float(end), at)

    def looks(self):
        """Height, lean and thickness by number, the first and the last relative to the lumbar ones."""
        column = naming._Column.of(self.discs)
        number = self.top + np.arange(len(self.discs))
        usual = np.array([anatomy.typical(min(int(n), anatomy.LAST)) for n in number])
        height = column.height / np.median((column.height / usual[:-1, 0])[(number[:-1] >= 19) & (number[:-1] <= 24)])
        thickness = column.thickness / np.median(column.thickness[(number >= 21) & (number <= 24)])
        lean = (column.tilt[1:] + column.tilt[:-1]) / 2  # less noisy than the way from disc to disc
        rows = zip([*height, np.nan], [*lean, np.nan], thickness, strict=True)
        return dict(zip(number.tolist(), rows, strict=True))


def refitted(chains):
    """Typical looks with those of T12 to S2 from these chains, where four or more have them."""
    looks = [chain.looks() for chain in chains]
    out = {}
    for number in range(anatomy.FIRST, anatomy.LAST + 1):
        usual = anatomy.typical(number)
        rows = np.array([look[number] for look in looks if number in look]).reshape(-1, 3)
        if 19 <= number <= 26:
            fit = [np.nanmedian(c) if np.isfinite(c).sum() >= 4 else np.nan for c in rows.T]
            height, lean, thick = (u if np.isnan(f) else f for u, f in zip((*usual[:2], usual[3]), fit, strict=True))
            usual = anatomy.Typical(height, lean, usual.lean_sd_deg, thick)
        out[number] = usual
    return out


def leave_one_group_out(chains):
    """Cases named right, wrong and not, each by what the other groups look like."""
    counts = [0, 0, 0]
    for chain in chains:
        usual = refitted([other for other in chains if other.group != chain.group])
        naming.typical = usual.__getitem__
        seen = chain.conus is not None
        end = chain.conus if seen else len(chain.discs) - 1
        top, _, anchor, _ = find._named(chain.discs, 0.0, end, seen)
        counts[2 if anchor == "none" else int(top != chain.top)] += 1
    naming.typical = anatomy.typical
    return counts


def main():
    args = case_arguments(__doc__).parse_args()
    print("| image | drawn | within 3 mm | median | largest | anchor | right | wrong | no name | likelihood | cord |")
    print("|---|---|---|---|---|---|---|---|---|---|---|")
    total, chains = np.zeros(5, int), []
    for case in folders(args.data, "vert.nii.gz"):
        about = told(case)
        middles, numbers = drawn_discs(case, about)
        try:
            result = cls.segment(case / "image.nii.gz")
            levels = result.levels
        except NoCordFoundError:
            levels = None
        if levels is None:
            total += [len(middles), 0, 0, 0, 0]
            print(f"| {case.name} | {len(middles)} | no cord found |" + " |" * 8, flush=True)
            continue
        chains.append(Chain(result, about.get("group"), middles, numbers))
        off, named = judge(levels, middles, numbers)
        counts = [len(off), int((off <= RIGHT_MM).sum()), named.count(True), named.count(False), named.count(None)]
        total += counts
        print(
            f"| {case.name} | {counts[0]} | {counts[1]} | {np.median(off):.1f} | {off.max():.1f} | {levels.anchor} | "
            f"{counts[2]} | {counts[3]} | {counts[4]} | {levels.discs[0].which:.2f} | {levels.words} |",
            flush=True,
        )
    print(f"| all | {total[0]} | {total[1]} | | | | {total[2]} | {total[3]} | {total[4]} | | |")
    right, wrong, none = leave_one_group_out(chains)
    print(f"by what the other groups look like: {right} cases named right, {wrong} wrong, {none} not named")


if __name__ == "__main__":
    main()
