"""Slow plain twin of the kernels of `cordlevelset.thick`."""

import numpy as np


def occupied_misfits(planes, centers, spacing, levels, shifts, half_ap, half_lr, reach, ridge):
    """Voxel by voxel and ellipse by ellipse, with the ridge's own level solved as a least-squares system."""
    (dy, dx), out = spacing, np.empty((len(planes), len(shifts), len(half_ap), len(half_lr)))
    columns = np.arange(planes.shape[2])
    for p, s, b, a in np.ndindex(out.shape):
        cy, cx = centers[p]
        rows = np.array([j for j in range(planes.shape[1]) if abs(j * dy - cy) <= half_ap[b] + reach[0]])
        near = [i for i in columns if np.floor((cx - reach[1]) / dx + 0.5) <= i <= np.floor((cx + reach[1]) / dx + 0.5)]
        total = 0.0
        for i in near:
            filled = []
            for j in rows:
                y = j * dy - cy + (np.array([1, 3, 5]) / 6 - 0.5) * dy
                chord = half_lr[a] * np.sqrt(np.maximum(1 - (y / half_ap[b]) ** 2, 0)).mean()
                low = max((i - 0.5) * dx, cx + shifts[s] - chord)
                filled.append(max(0.0, min((i + 0.5) * dx, cx + shifts[s] + chord) - low) / dx)
            rest = (planes[p, rows, i] - levels[p, 1]) / (levels[p, 1] - levels[p, 0]) + filled
            matrix = np.append(np.ones(rows.size), np.sqrt(ridge * rows.size))[:, None]
            own = np.linalg.lstsq(matrix, np.append(rest, 0.0), rcond=None)[0][0]
            total += ((rest - own) ** 2).sum() + ridge * rows.size * own**2
        out[p, s, b, a] = total / (rows.size * len(near))
    return out
