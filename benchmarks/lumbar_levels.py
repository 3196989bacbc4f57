"""Borders read off at levels along lumbar cords: ``python benchmarks/lumbar_levels.py --data DIR [--plot FILE.png]``.

For every case of DIR with `levels.json` (`detection_on_cases.py` has the layout): how far outside the reading the
result's contour lies, in front and behind on the reading's own sagittal line, and at its right- and leftmost point.
Where roots hug the conus, readers draw the cord without them.

Printed: mean over both sides in mm (positive: too large), of depth and of width, in the conus' lowest 25 mm above the
tip that was read and higher up; in brackets the number of levels. Plotted: each reading by its height above the tip.
"""

from pathlib import Path

import numpy as np
from script import case_arguments, cord_levels, folders, pyplot, told

import cordlevelset as cls
from cordlevelset.sections import polar

LOWEST_MM = 25.0
"""Clear of the cord above the shortest conus, 30 mm."""
SIDES = ("y_ant", "y_post", "x_right", "x_left")


def outlines(result):
    """Height z (P,) of the planes, and the contour of each as x, y (P, A, 2), LPS mm."""
    grid, contours = result.turn.volume(result.soft_mask), result.contours
    rows = polar.vertices(contours.centers_mm, contours.radii_mm) / grid.spacing[1:]
    planes = np.broadcast_to(contours.first + np.arange(len(rows))[:, None, None], (*rows.shape[:2], 1))
    points = grid.to_lps(np.concatenate([planes, rows], axis=2).reshape(-1, 3)).reshape(*rows.shape[:2], 3)
    return points[..., 2].mean(1), points[..., :2]


def crossings(outline, x):
    """First and last y of a closed outline on the line of this x; nan where it does not reach."""
    (x0, y0), (x1, y1) = outline.T, np.roll(outline, -1, axis=0).T
    crossed = (x0 - x) * (x1 - x) <= 0
    if not crossed.any():
        return np.nan, np.nan
    share = (x - x0[crossed]) / np.where(x1 == x0, 1, x1 - x0)[crossed]
    y = y0[crossed] + share * (y1 - y0)[crossed]
    return y.min(), y.max()


def errors(result, levels):
    """Rows (height above the tip; front, back, right, left: mm outside the reading), nan where nothing was read."""
    heights, planes = outlines(result)
    rows = []
    for level in cord_levels(levels):
        nearest = int(np.argmin(np.abs(heights - level["z"])))
        outline = planes[nearest]
        front, back = crossings(outline, level["x"])
        read = [level.get(side, np.nan) for side in SIDES]
        found = [front, back, outline[:, 0].min(), outline[:, 0].max()]
        outward = np.array([-1, 1, -1, 1]) * (np.array(found) - read)
        if abs(heights[nearest] - level["z"]) > np.ptp(heights) / len(heights):  # no plane of the result there
            outward[:] = np.nan
        rows.append([level["z"] - levels["conus_tip"]["z"], *outward])
    return np.array(rows)


def plot(cases, path):
    plt = pyplot()
    figure, axes = plt.subplots(1, 2, figsize=(11, 4.5), sharey=True, layout="constrained")
    for (name, rows), colour in zip(cases.items(), plt.get_cmap("tab10").colors, strict=False):
        for side, marker in enumerate("v^<>"):
            at = axes[side // 2]
            at.plot(rows[:, 0], rows[:, 1 + side], marker, ms=5, color=colour, label=name if side in (0, 2) else None)
    for at, which in zip(axes, ("front (v) and back (^)", "right (<) and left (>)"), strict=True):
        at.axhline(0, color="0.5", lw=1)
        at.axvline(LOWEST_MM, color="0.5", ls=":", lw=1)
        at.set(xlabel="height above the tip, mm", title=which)
    axes[0].set_ylabel("contour outside the reading, mm")
    axes[1].legend(fontsize=7, frameon=False)
    figure.savefig(path, dpi=110)


def main():
    parser = case_arguments(__doc__)
    parser.add_argument("--plot", type=Path)
    args = parser.parse_args()
    cases = {}
    print("| image | conus: depth | width | above: depth | width |")
    print("|---|---|---|---|---|")
    for folder in folders(args.data, "levels.json"):
        rows = errors(cls.segment(folder / "image.nii.gz"), told(folder, "levels"))
        cases[folder.name] = rows
        print(f"| {folder.name} | {row_of(rows)} |", flush=True)
    print(f"| all | {row_of(np.concatenate(list(cases.values())))} |")
    if args.plot:
        plot(cases, args.plot)


def row_of(rows):
    """Means of depth and width, in the conus and above it."""
    low = rows[:, 0] < LOWEST_MM
    cells = []
    for part in (rows[low], rows[~low]):
        for sides in (part[:, 1:3], part[:, 3:5]):
            seen = sides[np.isfinite(sides)]
            cells.append(f"{seen.mean():+.2f} ({np.isfinite(sides).any(1).sum()})" if seen.size else "")
    return " | ".join(cells)


if __name__ == "__main__":
    main()
