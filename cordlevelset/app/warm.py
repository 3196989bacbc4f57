"""Compile every kernel ahead of the first image."""

from __future__ import annotations

import time

import numpy as np

__all__ = ["warmup"]


def warmup() -> float:
    """Run the whole path on two small phantoms, thin slices and thick, and the engine by itself in both precisions.

    Every kernel is then compiled and cached for every kind of array it is called with.

    Returns
    -------
    float
        Seconds taken: about 80 the first time, about 1 when all was cached.
    """
    from cordlevelset.levelset.contour import geodesic_active_contour
    from cordlevelset.levelset.distance import curve_distance, redistance
    from cordlevelset.phantom import make_phantom
    from cordlevelset.pipeline import segment

    start = time.perf_counter()
    for thickness in (1.0, 4.0):
        phantom = make_phantom(region="cervical", spacing=(2.0, 1.0, thickness), field_mm=(60.0, 90.0, 56.0))
        _ = segment(phantom.image).phi
    square = curve_distance([(22, 22), (22, 26), (26, 26), (26, 22)], shape=(48, 48), spacing=(1.0, 1.0))
    for kind in (np.float32, np.float64):
        phi = redistance(square.astype(kind), spacing=(1.0, 1.0))
        # grows out of its window
        geodesic_active_contour(
            phi, np.ones_like(phi), spacing=(1.0, 1.0), propagation=1.0, curvature=0.1, max_num_iter=40
        )
    return time.perf_counter() - start
