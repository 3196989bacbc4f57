"""Slow plain twins of the kernels for cross-sections."""

import numpy as np
from scipy import ndimage as ndi


def closed_contour(gain, stiffness):
    """Gain of the best closed contour of one section: every start radius in turn, then closed exactly."""
    n_t, n_r = gain.shape
    best = -np.inf
    for start in range(n_r):
        score = np.full(n_r, -np.inf)
        score[start] = gain[0, start]
        for t in range(1, n_t):
            score = np.array(
                [
                    max(score[q] - stiffness * (q - r) ** 2 for q in range(max(0, r - 2), min(n_r, r + 3))) + gain[t, r]
                    for r in range(n_r)
                ]
            )
        best = max(
            best, *(score[q] - stiffness * (q - start) ** 2 for q in range(max(0, start - 2), min(n_r, start + 3)))
        )
    return best


ANGLES, RADII_MM = 2 * np.pi * np.arange(64) / 64, 0.25 * np.arange(60)


def evidence(sections, polarity, spacing):
    """Derivative of a Gaussian of 0.6 mm along each ray, over the root mean square of positive steps within 20 mm."""
    plane_mm, dy, dx = spacing
    slopes = np.empty(sections.shape)
    for k, t in np.ndindex(*sections.shape[:2]):
        slopes[k, t] = -polarity * ndi.gaussian_filter1d(
            sections[k, t].astype(float), 0.6 / 0.25, order=1, mode="nearest"
        )
        # what thick voxels spread over their own width is a step of 2 mm all the same
        slopes[k, t] *= np.hypot(max(dy, 2) * np.sin(ANGLES[t]), max(dx, 2) * np.cos(ANGLES[t])) / 2
    near = slopes[:, :, (RADII_MM >= 1.5) & (RADII_MM < 8)]
    typical = np.sqrt((np.maximum(near, 0) ** 2).mean((1, 2)))
    typical = ndi.gaussian_filter1d(typical, 20 / plane_mm, mode="nearest")
    return slopes / typical[:, None, None]


def nearest(ray, radius):
    return float(ray[min(max(int(np.rint(radius / 0.25)), 0), len(ray) - 1)])


def border_levels(sections, radii, polarity):
    """Inside half the contour; CSF to 2.5 mm beyond it; step from 1.5 to 2.5 mm inside."""
    out = []
    for section, contour in zip(sections, radii, strict=True):
        rays = list(zip(section, contour, strict=True))
        core = [v for ray, edge in rays for v in ray[edge / 2 > RADII_MM]]
        outer = [[nearest(ray, edge + d) for d in np.arange(0, 2.51, 0.25)] for ray, edge in rays]
        csf = [min(o) if polarity > 0 else max(o) for o in outer]
        inner = [np.mean([nearest(ray, max(edge - d, 0)) for d in (1.5, 2.0, 2.5)]) for ray, edge in rays]
        out.append((np.mean(core), np.median(csf), np.median(np.abs(np.subtract(csf, inner)))))
    return np.array(out).T


def csf_likeness(sections, radii, polarity, inside):
    """From cord (-1) to the brightest from 0.5 to 2.5 mm beyond the contour, over 22 degrees of rays (+1)."""
    out = np.empty(sections.shape)
    for k, (section, contour) in enumerate(zip(sections, radii, strict=True)):
        rise = -polarity * (section.astype(float) - inside[k])
        beyond = [[nearest(ray, edge + d) for ray, edge in zip(rise, contour, strict=True)]
                  for d in np.arange(0.5, 2.51, 0.25)]  # fmt: skip
        height = np.max([ndi.gaussian_filter1d(ring, 4.0, mode="wrap") for ring in beyond], axis=0)
        height = np.maximum(height, 0.7 * np.median(height))
        out[k] = np.clip(2 * rise / height[:, None] - 1, -1, 1)
    return out


def border_gain(evidence, size_mm):
    """Gain of a border of the cord, sample by sample of each ray; size_mm (A,)."""
    gain = np.full((*evidence.shape[:2], 39), -9.0)  # to 9.5 mm
    for k, t in np.ndindex(*evidence.shape[:2]):
        left = 0.0
        passed = []  # walls crossed up to each sample, from 1.75 mm on
        for i in range(39):
            left += 0.25 * min(max(-evidence[k, t, i], 0), 1) if RADII_MM[i] >= 1.75 else 0.0
            passed.append(left)
        for i in range(7, 39):
            e = evidence[k, t, i]
            gain[k, t, i] = (1.0 if e > 0 else 0.2) * abs(e) / (1 + 0.2 * abs(e))
            gain[k, t, i] -= 0.25 * passed[i - 4] + 0.05 * (RADII_MM[i] - size_mm[t]) ** 2
    return gain


def sac_gain(evidence, cord_mm):
    """Gain of a border of the sac, sample by sample of each ray."""
    usual = np.hypot(6.8 * np.sin(ANGLES), 9.5 * np.cos(ANGLES))
    gain = np.full(evidence.shape, -9.0)
    for k, t in np.ndindex(*evidence.shape[:2]):
        walls = [max(-e, 0) if r >= cord_mm[k, t] + 0.5 else 0.0 for e, r in zip(evidence[k, t], RADII_MM, strict=True)]
        for i, r in enumerate(RADII_MM):
            if cord_mm[k, t] <= r <= 14:
                crossed = 0.25 * sum(min(w, 1) for w in walls[: i - 3])
                gain[k, t, i] = walls[i] / (1 + 0.2 * walls[i]) - 0.02 * (r - usual[t]) ** 2 - 0.15 * crossed
    return gain


def near_unit(plane, spacing, center):
    """Spread of brightness in a square of 18 mm."""
    return np.std([
        plane[j, i] for j in range(plane.shape[0]) for i in range(plane.shape[1])
        if abs(j * spacing[1] - center[0]) <= 9 and abs(i * spacing[2] - center[1]) <= 9
    ])  # fmt: skip


def on_ray(plane, spacing, center, radius, angle):
    """Brightness at a place, by linear interpolation, the plane's edge repeated beyond it."""
    n_y, n_x = plane.shape
    y = (center[0] + radius * np.sin(angle)) / spacing[1]
    x = (center[1] + radius * np.cos(angle)) / spacing[2]
    y, x = min(max(y, 0), n_y - 1), min(max(x, 0), n_x - 1)
    j, i = min(int(y), n_y - 2), min(int(x), n_x - 2)
    low = plane[j, i] * (1 - x + i) + plane[j, i + 1] * (x - i)
    return low * (1 - y + j) + (plane[j + 1, i] * (1 - x + i) + plane[j + 1, i + 1] * (x - i)) * (y - j)


def middle_score(plane, spacing, center, polarity, shift):
    """What one point is worth for each size of cord, ray by ray: `sections.middle`'s equation without the sac."""
    unit = near_unit(plane, spacing, center)

    def at(radius, angle):
        return on_ray(plane, spacing, np.add(center, shift), radius, angle)

    scores = []
    for ap, lr in ((3.0, 4.0), (3.7, 5.2), (4.5, 6.5)):
        rays = [(t, ap * lr / np.hypot(lr * np.sin(t), ap * np.cos(t))) for t in 2 * np.pi * np.arange(16) / 16]
        core = [at(share * r, t) for share in (0.4, 0.75) for t, r in rays]
        level = np.median(core)
        inside = core + [at(r - 0.6, t) for t, r in rays]
        score = -np.mean([min(((v - level) / unit) ** 2, 1) for v in inside])
        for t, r in rays:
            off = -polarity * (at(r + 1.0, t) - level) / unit
            score += (min(off, 1) if off > 0 else min(-off, 1) * 0.5) / 16
        scores.append(score - 0.005 * (shift[0] ** 2 + shift[1] ** 2))
    return scores


def sac_score(plane, spacing, center, polarity, shift):
    """The best sac about one point: 6.8 by 9.5 mm, its middle at most 3 mm in front or behind and 2 mm beside."""
    unit = near_unit(plane, spacing, center)
    best = -np.inf
    for y in range(-3, 4):
        for x in range(-2, 3):
            middle, steps = np.add(np.add(center, shift), (y, x)), []
            for t in 2 * np.pi * np.arange(16) / 16:
                r = np.hypot(6.8 * np.sin(t), 9.5 * np.cos(t))
                step = on_ray(plane, spacing, middle, r - 1, t) - on_ray(plane, spacing, middle, r + 1, t)
                steps.append(min(max(-polarity * step / unit, -1), 1))
            best = max(best, np.mean(steps) - 0.085 * ((y / 3) ** 2 + (x / 2) ** 2))
    return best


def texture_gain(cord, evidence, values, uneven, level, ratio, dark):
    """`sections.texture`'s equation on one ray of a dark cord, sample by sample; samples are 0.25 mm apart."""
    weight = uneven**4 / (uneven**4 + 0.25**4)
    share = [min(max((v - dark - level) / (ratio * level), 0), 1) for v in values]
    out = []
    for r, e in enumerate(evidence[:cord]):
        size = abs(e) / (1 + 0.2 * abs(e))
        inside, outside = share[max(r - 4, 0)], share[r + 4]
        out.append(weight * (0.5 * (1 - inside) * size if e < 0 else -0.7 * max(1 - 2 * outside, 0) * size))
    return np.array(out, float)
