"""Copies of a case that a decision must hold on too: noisy, faded, thicker, cut at both ends, and without the cord.

What is known of a case is known of its copies. They give a fit more ends within and at the edge of images, weaker
images, and images without a cord of the same scanners; they are left out together with their case.
"""

import zlib
from dataclasses import dataclass, replace

import numpy as np

NOISE, FADED_NOISE = 0.06, 0.02  # standard deviation in each channel, shares of the image's 99th percentile
FADED_TO = 0.15  # sensitivity beyond the edge of a coil
TIGHT_MM = 25.0  # a crop about the cord leaves this much around it
BESIDE_MM, BEFORE_MM = 22.0, 18.0  # nothing of the canal lies farther from the cord's middle, to the side and in front
CLEAR_MM = 20.0  # nothing of the cord lies farther beyond its end
CUT_MM = 15.0  # cuts above a conus or below a foramen magnum leave so much out
SHORTEST_MM = 50.0  # a copy without a cord is at least this long, a half of a cord too
THICK_AXIAL_MM, THICK_SAGITTAL_MM = 5.0, 4.0
THIN_MM = 1.6  # what is thicker than this is not averaged to thick slices


@dataclass(frozen=True)
class Known:
    """What is known of a case: path (N, 3) in planes and mm, ends with tolerances, planes of tip and top, tolerance."""

    path: np.ndarray
    ends: dict
    tip: float | None = None
    top: float | None = None
    tolerance_mm: float = 3.0


def copies(name, array, spacing, known):
    """Yield name, array, spacing and what is known of each copy; ``known`` None: no cord."""
    rng = np.random.default_rng(zlib.crc32(name.encode()))
    yield "noise", rician(array, NOISE, rng), spacing, known
    if known is None:
        return
    for which, along in (("faded below", 1), ("faded above", -1)):
        z = np.linspace(0, 1, len(array))[::along, None, None]
        gain = FADED_TO + (1 - FADED_TO) / (1 + np.exp(-(z - 0.35) / 0.07))
        yield which, rician(array * gain, FADED_NOISE, rng), spacing, known
    for which, box in cuts(array.shape, spacing, known):
        cut = moved(known, box, spacing)
        if len(cut.path) > 1:
            yield which, array[box], spacing, cut
    for which, box in without_cord(array.shape, spacing, known):
        yield which, array[box], spacing, None
    yield from thick(array, spacing, known)


def rician(array, share, rng):
    """Magnitude of the image with noise in both channels."""
    sigma = share * np.percentile(array, 99)
    return np.hypot(array + rng.normal(0, sigma, array.shape), rng.normal(0, sigma, array.shape))


def cuts(shape, spacing, known):
    """Boxes with a cord: close about it, the lower and the upper half, without the tip, without the head."""
    n, path = shape[0], known.path
    low = int(np.ceil(path[0, 0])) if known.tip is None else int(known.tip + CUT_MM / spacing[0])
    high = int(path[-1, 0]) if known.top is None else int(known.top - CUT_MM / spacing[0])
    if known.tip is None and known.top is None:
        first = np.maximum(0, (path[:, 1:].min(0) - TIGHT_MM) / spacing[1:]).astype(int)
        last = ((path[:, 1:].max(0) + TIGHT_MM) / spacing[1:]).astype(int) + 1
        yield "tight", (slice(0, n), *(slice(a, b) for a, b in zip(first, last, strict=True)))
    if (high - low) * spacing[0] >= 1.5 * SHORTEST_MM:
        start, stop = (0 if known.tip is None else low), (n if known.top is None else high)
        middle = (max(start, low) + min(stop, high)) // 2
        yield "lower half", (slice(0, middle),)
        yield "upper half", (slice(middle, n),)
    if known.tip is not None and (n - low) * spacing[0] >= SHORTEST_MM:
        yield "above the tip", (slice(low, n),)
    if known.top is not None:
        yield "below the head", (slice(0, high),)


def without_cord(shape, spacing, known):
    """Boxes without a cord: below the tip, in the head, to the left, to the right and in front of the spine."""
    n, path = shape[0], known.path
    if known.tip is not None and (below := int(known.tip - CLEAR_MM / spacing[0])) * spacing[0] >= SHORTEST_MM:
        yield "below the tip", (slice(0, below),)
    if known.top is not None:
        above = int(known.top + CLEAR_MM / spacing[0])
        if (n - above) * spacing[0] >= SHORTEST_MM:
            yield "in the head", (slice(above, n),)
    if path[-1, 0] - path[0, 0] < 0.6 * n:  # where the path is not known the cord may lie anywhere
        return
    every = slice(0, n)
    left, right = int((path[:, 2].max() + BESIDE_MM) / spacing[2]), int((path[:, 2].min() - BESIDE_MM) / spacing[2])
    for which, side in (("left", slice(left, shape[2])), ("right", slice(0, max(right, 0)))):
        planes = side.stop - side.start
        if planes >= 4 and planes * spacing[2] >= CLEAR_MM:
            yield which, (every, slice(0, shape[1]), side)
    front = int((path[:, 1].min() - BEFORE_MM) / spacing[1])
    if front * spacing[1] >= 2 * CLEAR_MM:
        yield "front", (every, slice(0, front))


def moved(known, box, spacing):
    """What is known, on the grid of a box."""
    first = np.array([s.start for s in box] + [0] * (3 - len(box)))
    path = known.path - first * [1, *spacing[1:]]
    path = path[(path[:, 0] >= -0.5) & (path[:, 0] <= box[0].stop - box[0].start - 0.5)]
    ends = {
        k: (v[0] - first[0], v[1])
        for k, v in known.ends.items()
        if -0.5 <= v[0] - first[0] <= box[0].stop - first[0] - 1
    }
    tip, top = (None if v is None else v - first[0] for v in (known.tip, known.top))
    return replace(known, path=path, ends=ends, tip=tip, top=top)


def thick(array, spacing, known):
    """Thin images averaged to thick axial and to thick sagittal slices."""
    if spacing[0] <= THIN_MM:
        m = round(THICK_AXIAL_MM / spacing[0])
        n = len(array) // m

        def plane(z):
            return None if z is None else (z - (m - 1) / 2) / m

        path = np.c_[plane(known.path[:, 0]), known.path[:, 1:]]
        path = path[(path[:, 0] > -0.5) & (path[:, 0] < n - 0.5)]
        ends = {k: (plane(v[0]), v[1]) for k, v in known.ends.items()}
        averaged = array[: n * m].reshape(n, m, *array.shape[1:]).mean(1)
        told = replace(known, path=path, ends=ends, tip=plane(known.tip), top=plane(known.top))
        yield "thick axial", averaged, (spacing[0] * m, *spacing[1:]), told
    m = round(THICK_SAGITTAL_MM / spacing[2])
    if spacing[2] <= THIN_MM and (n := array.shape[2] // m) >= 3:
        averaged = array[:, :, : n * m].reshape(*array.shape[:2], n, m).mean(3)
        path = known.path - [0, 0, (m - 1) / 2 * spacing[2]]
        yield "thick sagittal", averaged, (*spacing[:2], spacing[2] * m), replace(known, path=path)
