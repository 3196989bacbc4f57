"""Compile every kernel ahead of the first image."""

from __future__ import annotations

import time

from cordlevelset.progress import Callback

__all__ = ["warmup"]


def warmup(*, callback: Callback | None = None) -> float:
    """Run the whole path on two small phantoms, thin slices and thick: all that `segment` needs is then cached.

    The engine on its own, in double precision or with three axes, is compiled when it is first asked for.

    Parameters
    ----------
    callback : callable, optional
        Gets a `Progress`; returning True cancels.

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
        _ = segment(phantom.image, callback=callback).phi
    return time.perf_counter() - start
