"""Slow plain twins of the level-set kernels: dense arrays, textbook formulae, other people's solvers."""

import itertools

import numpy as np
from scipy import optimize


def neighbours(shape, at):
    for axis, side in itertools.product(range(len(shape)), (-1, 1)):
        other = list(at)
        other[axis] += side
        if 0 <= other[axis] < shape[axis]:
            yield axis, tuple(other)


def seeds(phi):
    """Cells with a face neighbour on the other side."""
    inside = phi < 0
    return [at for at in np.ndindex(*phi.shape) if any(inside[o] != inside[at] for _, o in neighbours(phi.shape, at))]


def foot(phi, at, spacing):
    """Nearest zero of the second-order Taylor polynomial at an inner cell, by a constrained minimiser."""
    n = phi.ndim
    window = phi[tuple(slice(i - 1, i + 2) for i in at)]
    centre = (1,) * n

    def sample(*offsets):
        return window[tuple(np.add(centre, offsets))]

    eye = np.eye(n, dtype=int)
    slope = np.array([(sample(*e) - sample(*-e)) / (2 * h) for e, h in zip(eye, spacing, strict=True)])
    bend = np.empty((n, n))
    for a, b in np.ndindex(n, n):
        if a == b:
            bend[a, a] = (sample(*eye[a]) - 2 * sample(*(0,) * n) + sample(*-eye[a])) / spacing[a] ** 2
        else:
            corners = [(i, j, sample(*(i * eye[a] + j * eye[b]))) for i in (-1, 1) for j in (-1, 1)]
            bend[a, b] = sum(i * j * v for i, j, v in corners) / (4 * spacing[a] * spacing[b])

    def value(s):
        return phi[at] + slope @ s + s @ bend @ s / 2

    start = -phi[at] * slope / (slope @ slope)
    found = optimize.minimize(
        lambda s: s @ s,
        start,
        jac=lambda s: 2 * s,
        constraints={"type": "eq", "fun": value, "jac": lambda s: slope + bend @ s},
        options={"ftol": 1e-14, "maxiter": 200},
    )
    return np.sqrt(found.fun)


def eikonal(phi, at, spacing):
    """Root of sum_a max((u - v_a) / h_a, 0)^2 = 1 by bisection; v of second order where two cells are known."""
    sign = -1 if phi[at] < 0 else 1
    pairs = []
    for axis in range(phi.ndim):
        best = None
        for a, other in neighbours(phi.shape, at):
            if a == axis and (best is None or sign * phi[other] < best[0]):
                best = sign * phi[other], other
        if best is None or not np.isfinite(best[0]):
            continue
        value, other = best
        h = spacing[axis]
        beyond = tuple(2 * o - i for o, i in zip(other, at, strict=True))
        inside = 0 <= beyond[axis] < phi.shape[axis]
        if inside and sign * phi[beyond] <= value:
            value, h = (4 * value - sign * phi[beyond]) / 3, 2 * h / 3
        pairs.append((value, h))
    low = min(v for v, _ in pairs)
    high = min(v + h for v, h in pairs)
    return optimize.brentq(lambda u: sum(max((u - v) / h, 0) ** 2 for v, h in pairs) - 1, low, high + 1e-9)


def minmod(a, b):
    return np.where(a * b > 0, np.sign(a) * np.minimum(np.abs(a), np.abs(b)), 0.0)


def shift(phi, axis, by):
    return np.roll(phi, -by, axis)


def rates(phi, coef, spacing, push, steepest):
    """The right-hand side on a whole padded array, wrong within 2 of its rim."""
    speed, weight, *velocity, fade = coef
    axes = [a for a in range(3) if phi.shape[a] > 1]
    lower, upper, slope, bend = {}, {}, {}, {}
    for a in axes:
        down, up = phi - shift(phi, a, -1), shift(phi, a, 1) - phi
        lower[a] = (down + fade / 2 * minmod(shift(down, a, -1) * -1 + down, up - down)) / spacing[a]
        upper[a] = (up - fade / 2 * minmod(up - down, shift(up, a, 1) - up)) / spacing[a]
        slope[a] = (up + down) / 2 / spacing[a]
        bend[a, a] = (up - down) / spacing[a] ** 2
    for a, b in itertools.permutations(axes, 2):
        ahead, behind = shift(phi, a, 1), shift(phi, a, -1)
        corners = shift(ahead, b, 1) - shift(ahead, b, -1) - shift(behind, b, 1) + shift(behind, b, -1)
        bend[a, b] = corners / 4 / spacing[a] / spacing[b]
    norm = sum(slope[a] ** 2 for a in axes)
    along = sum(slope[a] * slope[b] * bend[a, b] for a in axes for b in axes)
    curvature = sum(bend[a, a] for a in axes) - along / (norm + 1e-12)
    steps = sum((slope[a] * spacing[a]) ** 2 for a in axes)
    pull = push * phi / np.sqrt(phi**2 + steps + 1e-12)
    front = speed + pull
    outwards = sum(np.maximum(np.maximum(lower[a], 0) ** 2, np.minimum(upper[a], 0) ** 2) for a in axes)
    inwards = sum(np.maximum(np.minimum(lower[a], 0) ** 2, np.maximum(upper[a], 0) ** 2) for a in axes)
    steep = np.minimum(np.sqrt(np.where(front > 0, outwards, inwards)), steepest)
    carried = sum(velocity[a] * np.where(velocity[a] > 0, lower[a], upper[a]) for a in axes)
    return weight * curvature - front * steep - carried + pull


def coefficients(phi, g, region, spacing, weights, *, own_clocks, full, none):
    """Speed, weight, velocity and fade on a whole padded array."""
    axes = [a for a in range(3) if phi.shape[a] > 1]
    steps = np.zeros_like(phi)
    high = g.copy()
    for a in axes:
        flatter = np.minimum(np.abs(phi - shift(phi, a, -1)), np.abs(shift(phi, a, 1) - phi))
        steps += np.minimum(flatter, spacing[a]) ** 2
        for by in (-1, 1):
            high = np.maximum(high, shift(g, a, by))
    with np.errstate(divide="ignore"):
        fade = np.clip((none - np.abs(phi) / np.sqrt(steps)) / (none - full), 0, 1)
    pace = fade / np.maximum(high, 1e-6) if own_clocks else fade
    propagation, curvature, advection = weights
    out = [pace * g * (propagation + region), pace * g * curvature]
    for a in range(3):
        change = (shift(g, a, 1) - shift(g, a, -1)) / 2 / spacing[a] if a in axes else np.zeros_like(g)
        out.append(-advection * pace * change)
    return [*out, fade]


def legendre_step(phi, first, right_hand_side, tau, stages):
    """Runge-Kutta-Legendre from its definition: the shifted Legendre polynomial of the operator, by its recurrence."""
    w = 2 / (stages**2 + stages)
    older, now = phi, phi + w * tau * first
    for j in range(2, stages + 1):
        step = w * tau * right_hand_side(now)
        older, now = now, (2 * j - 1) / j * (now + step) - (j - 1) / j * older
    return now
