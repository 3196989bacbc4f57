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


def windows(array, spacing, centers_mm, middles, radii_mm):
    """Averages of 30 and 10 mm at planes `middles`, and what is read off them, plane by plane and ray by ray.

    Darkest brightness 0, planes of the image that are 1 mm apart or more all used, of finer ones one a mm. Centers and
    radii are those of the windows; they change evenly from one to the next.
    """
    stride = max(1, int(1.0 / spacing[0]))
    planes, plane_mm = np.arange(0, len(array), stride), spacing[0] * stride
    angles, radii = 2 * np.pi * np.arange(64) / 64, 0.25 * np.arange(60)
    raw = []
    for plane in planes:
        y, x = (np.interp(plane, middles, c) for c in centers_mm.T)
        at = [y + radii * np.sin(angles)[:, None], x + radii * np.cos(angles)[:, None]]
        raw.append(ndi.map_coordinates(array[plane], [a / s for a, s in zip(at, spacing[1:], strict=True)], order=1,
                                       mode="nearest"))  # fmt: skip
    even = [section / section.mean() for section in raw]
    found = {"long": [], "short": [], "inside": [], "around": []}
    for row, middle in enumerate(middles):
        nearest = int(np.rint(middle / stride))
        within = {
            mm: [min(max(nearest + d, 0), len(planes) - 1) for d in range(-99, 100) if abs(d) * plane_mm <= mm / 2]
            for mm in (30, 10)
        }
        for name, mm in (("long", 30), ("short", 10)):
            mean = np.mean([even[k] for k in within[mm]], axis=0)
            found[name].append(ndi.gaussian_filter1d(mean, 1.0, axis=0, mode="wrap", truncate=2.0))
        seen = np.mean([raw[k] for k in within[10]], axis=0)
        core = [(r, v) for ray, edge in zip(seen, radii_mm[row], strict=True)
                for r, v in zip(radii, ray, strict=True) if r < 0.75 * edge]  # fmt: skip
        found["inside"].append(np.average([v for _, v in core], weights=[r for r, _ in core]))
        found["around"].append(np.median([v for ray in seen for v in ray[radii >= 10]]))
    return {name: np.array(values) for name, values in found.items()}


def ring_levels(section, radii_mm, sac_mm):
    """Mean and standard deviation from 0.5 mm outside the contour to the sac's, over at least 1.5 mm."""
    radii = 0.25 * np.arange(60)
    ring = [v for ray, edge, wall in zip(section, radii_mm, sac_mm, strict=True)
            for v in ray[(radii > edge + 0.5) & (radii < max(wall, edge + 1.5))]]  # fmt: skip
    return np.mean(ring), np.std(ring)


def change_from_above(inside, step, plane_mm):
    """Of each window from the median of what lies 15 to 75 mm above, at least 20 mm of it; else a tenth of a step."""
    changes = []
    for k in range(inside.shape[1]):
        above = [m for m in range(inside.shape[1]) if 15 <= (m - k) * plane_mm < 75]
        if len(above) * plane_mm < 20:
            changes.append(0.1)
            continue
        changes.append(
            min(
                min(abs(light[k] - np.median(light[above])) / np.median(height[above]), 1.5)
                for light, height in zip(inside, step, strict=True)
            )
        )
    return np.array(changes)


def gains(cord, sac, away, dark, spacing):
    """What a path gains as a cord in its sac, and as a sac alone: the best sac within 4 mm, row by row and column."""
    gain = np.empty(cord.shape)
    for k, y, x in np.ndindex(*cord.shape):
        near = [
            sac[k, j, i]
            for j, i in np.ndindex(*cord.shape[1:])
            if abs(j - y) * spacing[1] <= 4 and abs(i - x) * spacing[2] <= 4
        ]
        gain[k, y, x] = 0.6 * max(cord[k, y, x], 0.1) + 0.4 * max(near) - 0.2 - away[k, y, x] - dark[k, y, x]
    return gain, 0.5 * sac - 0.15 - away


def change_point(inside, step, response, area, support, plane_mm):
    """Votes from the top down, window by window; the greatest sum if it is an end, what is lost below."""
    n, votes, end = len(area), [], None

    def lost(here, usual):
        return min(max(1 - here / usual, 0), 1) if usual > 1e-6 else 0.0

    for k in range(n)[::-1]:
        change = 0.0
        if k <= n - 1 - max(1, round(10 / plane_mm)):  # the first 10 mm only serve as comparison
            near, far = max(1, round(5 / plane_mm)), max(2, round(85 / plane_mm))
            low = k + near
            if end is not None and (n - end) * plane_mm >= 25:
                low = max(low, end)
            above = range(min(n - 1, low), min(n, low + far - near))

            def usual(sign, above=above):
                return float(np.median([sign[m] for m in above]))

            lights = [
                min(abs(i[k] - usual(i)) / max(usual(s), 1e-6), 1.5) + lost(s[k], usual(s)) / 2
                for i, s in zip(inside, step, strict=True)
            ]
            change = min(lights) + sum(lost(x[k], usual(x)) / 2 for x in (response, support, area))
            least = min(area[m] / max(support[m], 1e-6) for m in range(k + 1, min(n, k + 1 + far)))
            if least < 0.65 * usual(area):
                change += max(0.0, 1 - least / area[k])
        total = (votes[-1] if votes else 0.0) + plane_mm * min(max((0.9 - change) / 0.6, -1), 1)
        votes.append(total)
        if end is None or total >= votes[n - 1 - end]:
            end = k
    loss = votes[n - 1 - end] - min(votes[n - 1 - end :])
    return end if end > 0 and loss > 12 else None, loss
