"""Slow plain twins of the kernels for tubularity and paths."""

import itertools

import numpy as np
from scipy import ndimage as ndi


def ellipse_flux(gy, gx, spacing, radii, ratios, weakest, margin):
    """Loops over voxels, ellipses and rays; scipy does the interpolation."""
    n_y, n_x = (n - 2 * m for n, m in zip(gy.shape, margin, strict=True))
    dark, bright = np.full((n_y, n_x), -2.0), np.full((n_y, n_x), -2.0)
    angles = np.pi * (np.arange(8) + 0.5) / 8
    for y, x in itertools.product(range(n_y), range(n_x)):
        for q, r in itertools.product(ratios, radii):
            s = []
            for angle in np.concatenate([angles, angles + np.pi]):
                normal = np.array([np.sin(angle) * q, np.cos(angle)])
                normal /= np.linalg.norm(normal)
                at = [
                    [y + margin[0] + r * np.sin(angle) / spacing[0]],
                    [x + margin[1] + r * q * np.cos(angle) / spacing[1]],
                ]
                s.append(
                    normal[0] * ndi.map_coordinates(gy, at, order=1)[0]
                    + normal[1] * ndi.map_coordinates(gx, at, order=1)[0]
                )
            for sign, best in ((1, dark), (-1, bright)):
                pairs = np.minimum(sign * np.array(s[:8]), sign * np.array(s[8:]))
                sectors = pairs.reshape(4, 2).mean(1)
                best[y, x] = max(best[y, x], (1 - weakest) * pairs.mean() + weakest * sectors.min())
    return dark, bright


def spread(score, reach, cost):
    best = np.full(score.shape, -np.inf)
    for y, x in np.ndindex(*score.shape):
        for i, j in itertools.product(range(-reach[0], reach[0] + 1), range(-reach[1], reach[1] + 1)):
            if 0 <= y + i < score.shape[0] and 0 <= x + j < score.shape[1]:
                best[y, x] = max(best[y, x], score[y + i, x + j] - cost[0] * i**2 - cost[1] * j**2)
    return best


def best_total(score, spacing, bend):
    """Best path from the first plane to the last, by recursion over whole planes."""
    step = spacing[0]
    places = np.argwhere(np.ones(score.shape[1:], bool))
    lengths = ((places[:, None] - places[None]) * np.array(spacing[1:])) ** 2
    reach = np.abs(places[:, None] - places[None]) <= [max(1, int(np.ceil(0.84 * step / s))) for s in spacing[1:]]
    cost = np.where(reach.all(-1), bend * lengths.sum(-1) / step, np.inf)
    total = score[0].ravel() * step
    for plane in score[1:]:
        total = plane.ravel() * step + (total - cost).max(1)
    return total.max()


def extent(odds, plane_mm, *, shared_mm, most, low_cost, high_cost, tip=None, tip_odds=0.0, tip_mm=1.0):
    """Every interval by itself: {(low, high): log of its weight against no cord}."""
    share = min(1.0, plane_mm / shared_mm)
    weights = {}
    for low in range(len(odds)):
        for high in range(low, len(odds)):
            weight = sum(share * min(max(u, -most), most) for u in odds[low : high + 1])
            if tip is not None:
                weight += tip_odds * np.exp(-(((low - tip) * plane_mm) ** 2) / (2 * tip_mm**2))
            weight -= low_cost if low > 0 else 0
            weights[low, high] = weight - (high_cost if high < len(odds) - 1 else 0)
    return weights
