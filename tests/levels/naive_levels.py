"""Slow plain twins of what finds and names discs, with the numbers written out."""

import numpy as np
from scipy import ndimage as ndi

from cordlevelset.levels.anatomy import typical
from cordlevelset.levels.evidence import disc_evidence


def section(array, spacing, columns_mm):
    """Mean of five cuts 3 mm apart, pixels of 1 mm, one by one; then blurred by 0.7 mm."""
    height, depth, width = ((n - 1) * s for n, s in zip(array.shape, spacing, strict=True))
    out = np.zeros((int(height) + 1, int(depth) + 1))
    for z, y in np.ndindex(*out.shape):
        for aside in (-6, -3, 0, 3, 6):
            x = min(max(columns_mm[z] + aside, 0), width)
            at = [[z / spacing[0]], [y / spacing[1]], [x / spacing[2]]]
            out[z, y] += ndi.map_coordinates(array, at, order=1, mode="nearest")[0] / 5
    return ndi.gaussian_filter(out, 0.7)


def evidence(values, place, lean_deg, half_depth_mm=8.0, size=1.0):
    """e of one place: pairs of slopes at equal distances, column by column."""
    a, columns = np.radians(lean_deg), np.arange(-half_depth_mm, half_depth_mm + 0.1, 1.6)

    def bright(u, v):
        z = place[0] - u * np.cos(a) - v * np.sin(a)
        y = place[1] + u * np.sin(a) - v * np.cos(a)
        if not (0 <= z <= values.shape[0] - 1 and 0 <= y <= values.shape[1] - 1):
            return np.nan
        return ndi.map_coordinates(values, [[z], [y]], order=1)[0]

    s = t = n = seen = near_all = wide_all = 0.0
    in_view = []
    reach = round(20 * size)
    for u in range(-reach, reach + 1):
        near = np.exp(-(u**2) / (2 * (4.5 * size) ** 2)) if abs(u) <= 14 * size else 0.0
        wide = np.exp(-(u**2) / (2 * (12.0 * size) ** 2))
        near_all, wide_all = near_all + near, wide_all + wide
        for v in columns:
            g, other = (
                bright(w + 1, v) - bright(w, v) if w == -reach else
                bright(w, v) - bright(w - 1, v) if w == reach else (bright(w + 1, v) - bright(w - 1, v)) / 2
                for w in (u, -u)
            )  # fmt: skip
            if abs(u) <= 10 * size:
                in_view.append(np.isfinite(g))
            if np.isfinite(g):
                t, n, seen = t + near * g**2, n + wide * g**2, seen + wide
                s -= near * g * other if np.isfinite(other) else 0.0
    m = len(columns)
    s, t, n = s / near_all / m, t / near_all / m, (n / wide_all / m) / max(seen / wide_all / m, 1e-6)
    return (2 * s + t - 2 * n) / (t + n + 1e-6 * values.var()) if np.mean(in_view) > 0.8 else -1.0


def forward(lean_deg):
    return np.array([-np.sin(np.radians(lean_deg)), -np.cos(np.radians(lean_deg))])


def downward(lean_deg):
    return np.array([-np.cos(np.radians(lean_deg)), np.sin(np.radians(lean_deg))])


def settled(section, place, lean_deg):
    """The best of all turns, moves along the spine, and moves to the front."""
    tried = []
    for turn in np.arange(-20, 21, 2.5):
        for move in range(-3, 4):
            for front in range(-4, 13, 4):
                lean = lean_deg + turn
                at = place + move * downward(lean) + front * forward(lean)
                tried.append(((turn / 47) ** 2 / 2 + (front / 20) ** 2 / 2, *at, lean))
    cost, z, y, lean = np.array(tried).T
    e = disc_evidence(section, np.column_stack([z, y]), lean, 12.0 * section.size) - cost
    best = int(e.argmax())
    return e[best], z[best], y[best], lean[best]


def along_curve(section, curve, lean):
    """Gain, place and lean of the best disc at each point of the curve."""
    found = []
    for point, direction in zip(curve, lean, strict=True):
        tilts = np.arange(-20.0, 45, 5)
        places = np.array([point[:2] + 8 * forward(direction) + 8 * forward(direction + tilt) for tilt in tilts])
        e = disc_evidence(section, places, direction + tilts)
        gains = [3 * (e[i] + 0.2) - ((tilt - 2.5) / 12) ** 2 / 2 for i, tilt in enumerate(tilts)]
        best = int(np.argmax(gains))
        found.append((gains[best], *places[best], direction + tilts[best]))
    return np.array(found)


def onward(section, last, lean, distance):
    """Up to three discs below the last one, each settled before the next: places, and what they gain together."""
    places, total = [], 0.0
    for _ in range(3):
        tried = []
        for d in np.arange(max(12, 0.6 * distance), 1.25 * distance + 1):
            for bend in range(-10, 61, 5):
                for chord in range(-10, 11, 5):
                    cost = (np.log(d / distance / 0.93) / 0.15) ** 2 + (chord / 6) ** 2 + ((bend - 15) / 25) ** 2
                    tried.append((cost / 2, *last + d * downward(lean + bend / 2 + chord), lean + bend))
        cost, z, y, leans = np.array(tried).T
        gains = 3 * disc_evidence(section, np.column_stack([z, y]), leans) - cost
        best = int(gains.argmax())
        if gains[best] <= 0:
            break
        total += gains[best]
        _, *at, lean = settled(section, np.array([z[best], y[best]]), leans[best])
        last, distance = np.array(at), np.linalg.norm(np.array(at) - last)
        places.append(last)
    return places, total


def naming_costs(places, tilts, thickness, room_mm):
    """By the number of the top disc: the cost, and whether the lowest disc is said to be none."""
    n = len(places)
    out = {}
    for top in range(3, max(3, min(29 + 3 + 1 - n, 27)) + 1):
        costs = [_naming_cost(places, tilts, thickness, room_mm, top)]
        if n > 2:
            costs.append(4.0 + _naming_cost(places[:-1], tilts[:-1], thickness[:-1], room_mm, top))
        out[top] = min(costs), int(np.argmin(costs))
    return out


def _naming_cost(places, tilts, thickness, room_mm, top):
    """One way to name, term by term; a term costs 6 at most."""
    sizes, leans, bends, thick, cost = [], [], [], [], 0.0

    def usual_tilt(number):
        above, below = (typical(min(max(i, 3), 29)).lean_deg for i in (number - 1, number))
        return (above + below) / 2

    for i in range(len(places)):
        number = top + i
        usual = typical(min(number, 29))
        if number > 27:
            cost += 3.0
            continue
        thick.append(np.log(thickness[i] / usual.thickness))
        if i < len(places) - 1 and number < 27:
            z, y = places[i + 1] - places[i]
            middle = np.radians((tilts[i] + tilts[i + 1]) / 2)
            sd = 15.0 if number < 8 else 12.0 if number < 19 else 8.0
            sizes.append(np.log(max(np.dot([z, y], [-np.cos(middle), np.sin(middle)]), 1.0) / usual.height_mm))
            leans.append((np.degrees(np.arctan2(y, -z)) - usual.lean_deg, sd))
            bend_sd = 11.0 if number + 1 >= 25 else 8.0
            bend = tilts[i + 1] - tilts[i] - (usual_tilt(number + 1) - usual_tilt(number))
            bends.append(min((bend / bend_sd) ** 2 / 2, 6.0) + np.log(bend_sd / 8.0))
            cost += np.log(sd / 8.0) / 2
    k = sum(sizes) / (len(sizes) + (0.1 / 0.12) ** 2)
    tilt = sum(a / sd**2 for a, sd in leans) / (sum(1 / sd**2 for _, sd in leans) + 1 / 6.0**2)
    b = np.median(thick) if thick else 0.0
    cost += (k / 0.12) ** 2 / 2 + (tilt / 6.0) ** 2 / 4 + sum(bends) / 2
    cost += sum(min(((size - k) / 0.1) ** 2 / 2, 6.0) for size in sizes)
    cost += sum(min(((a - tilt) / sd) ** 2 / 2, 6.0) for a, sd in leans) / 2
    cost += sum(min(((t - b) / 0.25) ** 2 / 2, 6.0) for t in thick)
    room = 80.0 if top == 3 else 1.6 * typical(top - 1).height_mm * np.exp(k)
    return cost + (4.0 if room_mm > room else 0.0)
