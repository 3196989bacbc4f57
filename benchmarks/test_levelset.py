"""Active contours side by side: time, and beside it the mean distance of what each finds to the true contour.

Every method gets the same edge image, start and weights, and runs until its own contour stops moving: ours by its own
rule (`TOL_MM` of movement still to come); the others have none that works here, so they get the fewest iterations,
found beforehand and not timed, after which their contour stays as near to where it ends as it comes: within `TOL_MM`
and what it moves to and fro for ever. Slices are shared among as many threads for all. Each is called once before it is
timed. A narrow band costs what the contour is long, the others what the image is large: every case stands twice, cut
out around the cord and as large as a scanner delivers it. ``extra_info``: ``error_mm`` (None: the contour was lost),
``iterations``, ``restless_mm`` (the movement to and fro), ``processor_ms`` (the least of a few runs, all threads
together: a busy machine changes it less than the time).
"""

import os
import time
from concurrent.futures import ThreadPoolExecutor

import numpy as np
import pytest
import SimpleITK as sitk
from scipy.spatial import cKDTree
from skimage.measure import find_contours, marching_cubes
from skimage.segmentation import morphological_geodesic_active_contour

from cordlevelset import edge_indicator, geodesic_active_contour, geodesic_active_contours
from cordlevelset.levelset.distance import redistance

TOL_MM = 0.02
WEIGHTS = {"curvature": 0.5, "advection": 1.0}
THREADS = os.cpu_count() or 1


class Case:
    """An ellipsoid (an oval in 2-D) with a blurred border in noise; the start lies about 2 mm outside."""

    def __init__(self, shape, spacing, seed=0):
        rng = np.random.default_rng(seed)
        self.spacing = np.array(spacing)
        self.half_axes = np.array([20.0, 7.3, 5.7])[-len(shape) :]
        self.middle = (np.array(shape) / 2 - 0.3) * spacing
        distance = self.distance(np.moveaxis(np.indices(shape), 0, -1) * self.spacing)
        image = 1 / (1 + np.exp(distance / 0.3)) + 0.05 * rng.standard_normal(shape)
        self.g = edge_indicator(image.astype(np.float32), spacing=spacing, sigma=0.6)
        self.start = redistance((distance - 2).astype(np.float32), spacing=spacing)

    def distance(self, points_mm):
        """Distance to the true border, f / |grad f| with f = |p / a| - 1: right to second order beside it."""
        p = (points_mm - self.middle) / self.half_axes
        length = np.linalg.norm(p, axis=-1)
        return np.clip((length - 1) * length / np.linalg.norm(p / self.half_axes, axis=-1), -50, 50)

    def contour(self, phi):
        """Points of the zero level, mm; None if there is none."""
        if not (phi < 0).any():
            return None
        if phi.ndim == 2:
            return np.concatenate(find_contours(phi.astype(float), 0)) * self.spacing
        return marching_cubes(phi.astype(float), 0, spacing=tuple(self.spacing))[0]

    def error_mm(self, phi):
        """Mean distance of the contour to the true one."""
        points = self.contour(phi)
        return None if points is None else round(float(np.abs(self.distance(points)).mean()), 3)


def itk(case, iterations):
    images = [sitk.GetImageFromArray(a) for a in (case.start, case.g)]
    for image in images:
        image.SetSpacing(case.spacing[::-1].tolist())
    method = sitk.GeodesicActiveContourLevelSetImageFilter()
    method.SetPropagationScaling(0.0)
    method.SetCurvatureScaling(WEIGHTS["curvature"])
    method.SetAdvectionScaling(WEIGHTS["advection"])
    method.SetMaximumRMSError(0.0)
    method.SetNumberOfIterations(iterations)
    return sitk.GetArrayFromImage(method.Execute(*images))


def morphological(case, iterations, watch=lambda _: None):
    """The balloon shrinks the contour where g is above a half; without one it does not leave the start."""
    start = (case.start < 0).astype(np.int8)
    inside = morphological_geodesic_active_contour(
        case.g.astype(float), iterations, start, threshold=0.5, balloon=-1, iter_callback=watch
    )
    return 0.5 - inside


def itk_way(case):
    """Contours by number of iterations, which each call must begin anew."""
    counts = (*range(10, 130, 10), *range(140, 400, 20), 397, 398, 399, 400)
    with ThreadPoolExecutor(THREADS) as pool:
        return dict(zip(counts, pool.map(lambda n: case.contour(itk(case, n)), counts), strict=True))


def morphological_way(case):
    seen = []
    morphological(case, 24, lambda inside: seen.append(case.contour(0.5 - inside)))
    return dict(enumerate(seen))  # the first is the start


def settled(way):
    """Fewest iterations after which the contour stays where it ends, and how far it moves to and fro there, mm.

    Where it ends: the last contour of the way; to and fro: the farthest of the three before it. Lost: when, and NaN.
    """
    lost = [n for n, points in way.items() if points is None]
    if lost:
        return min(lost), float("nan")
    end = cKDTree(list(way.values())[-1])
    apart = {n: float(end.query(points)[0].mean()) for n, points in way.items()}
    restless = max(list(apart.values())[-4:])
    moving = [n for n, distance in apart.items() if distance > TOL_MM + restless]
    return min(n for n in way if n > max(moving)), restless


def processor_ms(run, rounds):
    """Least processor time of a few runs, all threads together."""
    spent = []
    for _ in range(rounds):
        start = time.process_time()
        run()
        spent.append(time.process_time() - start)
    return round(1e3 * min(spent), 1)


OPTIONS = {**WEIGHTS, "tol": TOL_MM, "max_num_iter": 400}
METHODS = {"SimpleITK": (itk, itk_way), "scikit-image": (morphological, morphological_way)}
NAMES = ["cordlevelset", *METHODS]
SLICES = {"64 mm around the cord": 128, "whole slice of 160 mm": 320}
VOLUMES = {
    "0.8 mm cubes, 58 x 77 x 77 mm": ((72, 96, 96), 0.8),
    "0.8 mm cubes, whole 51 x 256 x 256 mm": ((64, 320, 320), 0.8),
    "4.8 mm slices, 58 x 77 x 77 mm": ((12, 96, 96), 4.8),
    "4.8 mm slices, whole 115 x 205 x 205 mm": ((24, 256, 256), 4.8),
}


@pytest.mark.benchmark(group="active contours: 32 slices of 0.5 mm pixels")
@pytest.mark.parametrize("image", SLICES)
@pytest.mark.parametrize("method", NAMES)
def test_stack(benchmark, method, image):
    slices = [Case((SLICES[image],) * 2, (0.5, 0.5), seed) for seed in range(32)]
    if method == "cordlevelset":
        phi, g = np.stack([c.start for c in slices]), np.stack([c.g for c in slices])
        run = lambda: geodesic_active_contours(phi, g, spacing=(0.5, 0.5), workers=THREADS, **OPTIONS)  # noqa: E731
        out = benchmark.pedantic(run, warmup_rounds=1, rounds=9)
        found, extra = out.phi, {"iterations": float(out.n_iter.mean()), "processor_ms": processor_ms(run, 20)}
        assert out.converged.all()
    else:
        move, way = METHODS[method]
        needed, restless = np.median([settled(way(c)) for c in slices[:5]], axis=0)
        with ThreadPoolExecutor(THREADS) as pool:
            run = lambda: list(pool.map(lambda c: move(c, int(needed)), slices))  # noqa: E731
            found = benchmark.pedantic(run, warmup_rounds=1, rounds=5)
            extra = {"iterations": int(needed), "processor_ms": processor_ms(run, 5)}
        extra["restless_mm"] = round(float(restless), 3)
    errors = [c.error_mm(np.asarray(p)) for c, p in zip(slices, found, strict=True)]
    benchmark.extra_info.update(error_mm=round(float(np.mean(errors)), 3), **extra)


@pytest.mark.benchmark(group="active contours: one volume")
@pytest.mark.parametrize("image", VOLUMES)
@pytest.mark.parametrize("method", NAMES)
def test_volume(benchmark, method, image):
    shape, thickness = VOLUMES[image]
    volume = Case(shape, (thickness, 0.8, 0.8))
    if method == "cordlevelset":
        run = lambda: geodesic_active_contour(volume.start, volume.g, spacing=tuple(volume.spacing), **OPTIONS)  # noqa: E731
        out = benchmark.pedantic(run, warmup_rounds=1, rounds=9)
        found, extra = out.phi, {"iterations": out.n_iter, "processor_ms": processor_ms(run, 20)}
        assert out.converged
    else:
        move, way = METHODS[method]
        needed, restless = settled(way(volume))
        run = lambda: move(volume, needed)  # noqa: E731
        found = benchmark.pedantic(run, warmup_rounds=1, rounds=3)
        extra = {"iterations": needed, "processor_ms": processor_ms(run, 3)}
        extra["restless_mm"] = None if np.isnan(restless) else round(restless, 3)
    benchmark.extra_info.update(error_mm=volume.error_mm(found), **extra)


@pytest.mark.benchmark(group="active contours: cost against the length of the contour")
@pytest.mark.parametrize("size", [64, 128, 256, 512])
def test_length(benchmark, size):
    """A circle a quarter of the grid in radius that grows by two pixels in 40 iterations, at every size."""
    middle = size / 4 + 0.1
    y, x = np.indices((size, size)) * 0.5
    r = np.hypot(y - middle, x - middle)
    phi, g = (r - size / 8).astype(np.float32), np.ones((size, size), np.float32)
    run = {"propagation": 0.1, "curvature": 0, "advection": 0, "time_step": 0.25, "max_num_iter": 40, "tol": 0}
    out = benchmark.pedantic(
        geodesic_active_contour, args=(phi, g), kwargs={"spacing": (0.5, 0.5), **run}, warmup_rounds=1, rounds=15
    )
    length = 2 * np.pi * size / 8
    found = np.hypot(*(np.concatenate(find_contours(out.phi.astype(float), 0)) * 0.5 - middle).T)
    benchmark.extra_info.update(
        contour_mm=round(length, 1),
        error_mm=round(float(np.abs(found - size / 8 - 0.1 * out.time).mean()), 4),
        time_per_mm_us=round(1e6 * benchmark.stats.stats.median / length, 2) if benchmark.stats else None,
    )


def growth(h):
    """Circle of 8 mm after 3 mm of growth; mean distance to the exact one."""
    r = np.hypot(*(np.indices((int(40 / h),) * 2) * h - np.array([20, 20.3])[:, None, None]))
    run = {"propagation": 1, "curvature": 0, "advection": 0, "time_step": h / 4, "max_num_iter": int(12 / h), "tol": 0}
    out = geodesic_active_contour(r - 8, np.ones_like(r), spacing=(h, h), **run)
    return circle_error(out.phi, h, (20, 20.3), 8 + out.time)


def shortening(h):
    """Circle of 8 mm after 12 mm^2 of curvature flow, r = sqrt(r0^2 - 2 t)."""
    r = np.hypot(*(np.indices((int(32 / h),) * 2) * h - np.array([16, 16.3])[:, None, None]))
    run = {"advection": 0, "time_step": 0.1 * h, "max_num_iter": int(120 / h), "tol": 0}
    out = geodesic_active_contour(r - 8, np.ones_like(r), spacing=(h, h), **run)
    return circle_error(out.phi, h, (16, 16.3), np.sqrt(64 - 2 * out.time))


def distance(h):
    """Signed distance from a function that is none, at the voxels within 1.5 of them."""
    y, x = np.indices((int(32 / h),) * 2) * h
    exact = np.hypot(y - 15.7, x - 15.7) - 8
    out = redistance(exact * (exact + 16) / 16 * (1.5 + np.sin(x / 3)), spacing=(h, h))
    return np.abs(out - exact)[np.abs(exact) < 1.5 * h].mean()


def circle_error(phi, h, middle, radius):
    points = np.concatenate(find_contours(phi, 0)) * h - middle
    return np.abs(np.hypot(*points.T) - radius).mean()


@pytest.mark.benchmark(group="active contours: error at voxels of 1, 0.5 and 0.25 mm")
@pytest.mark.parametrize("problem", [growth, shortening, distance], ids=lambda f: f.__name__)
def test_order(benchmark, problem):
    """Mean error at voxels of 1, 0.5 and 0.25 mm, and the order from the first to the last."""
    coarse, middle, fine = (float(problem(h)) for h in (1.0, 0.5, 0.25))
    benchmark.pedantic(problem, args=(0.25,), rounds=1)
    errors = {"coarse_mm": coarse, "medium_mm": middle, "fine_mm": fine}
    benchmark.extra_info.update(errors, order=float(np.log2(coarse / fine) / 2))
