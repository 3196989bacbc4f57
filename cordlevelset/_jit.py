"""The one decorator for compiled kernels, and the number of threads that share them."""

from __future__ import annotations

import warnings
from collections.abc import Callable
from typing import Any

import numba

__all__ = ["njit", "threads"]

# all but nnan and ninf: NaN padding must stay NaN
FASTMATH = {"nsz", "arcp", "contract", "afn", "reassoc"}


def njit(function: Callable[..., Any]) -> Callable[..., Any]:
    """Compile on first use: serial, without the GIL, cached on disk where a cache can be written.

    Serial because ``parallel=True`` called from two threads aborts the process under Numba's default threading layer,
    and hosts such as napari, Slicer and Dask call from threads. A kernel called by another is always inlined: else two
    compiled copies of it differ in their last digit, and which one is called depends on whether the caller was compiled
    in this process or taken from the disk.
    """
    options: dict[str, Any] = {"nogil": True, "error_model": "numpy", "fastmath": FASTMATH, "forceinline": True}
    try:
        return numba.njit(cache=True, **options)(function)  # type: ignore[no-any-return]
    except RuntimeError:  # no cache locator: site-packages and home are read-only, as in many containers
        warnings.warn("kernels are compiled anew in each process: no writable cache; set NUMBA_CACHE_DIR", stacklevel=2)
        return numba.njit(**options)(function)  # type: ignore[no-any-return]


def threads() -> int:
    """Threads to share work among: the processors this process may use, or what NUMBA_NUM_THREADS says."""
    found: int = numba.config.NUMBA_NUM_THREADS  # type: ignore[attr-defined]
    return found
