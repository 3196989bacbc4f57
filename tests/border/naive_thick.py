"""Slow plain twin of the kernels of `cordlevelset.thick`."""

import numpy as np

THIRDS = np.array([1, 3, 5]) / 6 - 0.5


def share(rows_mm, dy, half_ap, half_lr, middle, left, right):
    """Share of each row's voxel from `left` to `right` inside an ellipse about column `middle`."""
    y = rows_mm[:, None] + THIRDS * dy
    chord = half_lr * np.sqrt(np.maximum(1 - (y / half_ap) ** 2, 0)).mean(1)
    return np.maximum(0.0, np.minimum(right, middle + chord) - np.maximum(left, middle - chord)) / (right - left)


def partial_volume_misfits(
    planes, middles, half_ap, fullness, sacs, spacing, levels, shifts, half_lr, sac_lr, margins, roots
):
    """Voxel by voxel and cord by cord, with what is in the column's CSF solved as a least-squares system."""
    planes = planes.astype(float)  # NumPy 1 keeps float32 beside a float64 scalar
    (dy, dx), out = spacing, np.empty((len(planes), len(shifts), len(half_lr), len(sac_lr)))
    for p, s, a, w in np.ndindex(out.shape):
        (cy, cx), b, (sy, big_b, sx) = middles[p], half_ap[p].min(), sacs[p]
        low = min(cy - b, max(cy - b - margins[0], sy - big_b + margins[1]))
        high = max(cy + b, min(cy + b + margins[0], sy + big_b - margins[1]))
        rows = np.array([j for j in range(planes.shape[1]) if low <= j * dy <= high])
        nearest = (np.floor((cx + side * margins[2]) / dx + 0.5) for side in (-1, 1))
        first, last = next(nearest), next(nearest)
        near = [i for i in range(planes.shape[2]) if first <= i <= last]
        total = 0.0
        for i in near:
            edges = (i - 0.5) * dx, (i + 0.5) * dx
            cord = share(rows * dy - cy, dy, half_ap[p, s, a], half_lr[a], cx + shifts[s], *edges)
            sac = share(rows * dy - sy, dy, big_b, sac_lr[w], sx, *edges)
            cord_level, fluid_level, wall_level = levels[p]
            seen = (planes[p, rows, i] - fluid_level) / (cord_level - fluid_level)
            wall = (wall_level - fluid_level) / (cord_level - fluid_level)
            rest, csf = seen - cord / fullness[p, s, a] - wall * (1 - sac), np.maximum(sac - cord, 0)
            beside = np.abs(rows * dy - cy) < roots.middle * b
            for group in (beside, ~beside):
                ridge = roots.ridge * group.sum()
                matrix = np.append(csf[group], np.sqrt(ridge))[:, None]
                own = min(np.linalg.lstsq(matrix, np.append(rest[group], 0.0), rcond=None)[0][0], roots.most)
                total += ((rest - own * csf)[group] ** 2).sum() + ridge * own**2
        out[p, s, a, w] = total / (rows.size * len(near))
    return out
