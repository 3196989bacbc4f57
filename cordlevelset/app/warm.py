"""Compile every kernel ahead of the first image."""

from __future__ import annotations

import time

__all__ = ["warmup"]


def warmup() -> float:
    """Run the whole path on two small phantoms, thin slices and thick: all that `segment` needs is then cached.

    The engine in double precision, or with three axes, is compiled when it is first asked for.

    Returns
    -------
    float
        Seconds taken: about 20 the first time, about 1 when all was cached.
    """
    from cordlevelset.phantom import make_phantom
    from cordlevelset.pipeline import segment

    start = time.perf_counter()
    for thickness in (1.0, 4.0):
        phantom = make_phantom(region="cervical", spacing=(2.0, 1.0, thickness), field_mm=(60.0, 90.0, 56.0))
        _ = segment(phantom.image).phi
    return time.perf_counter() - start
