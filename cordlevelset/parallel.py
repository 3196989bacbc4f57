"""Work on several threads, for what releases the GIL: NumPy, SciPy and kernels do."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from concurrent.futures import ThreadPoolExecutor
from typing import TypeVar

__all__ = ["at_once", "in_parts", "threads"]

Item = TypeVar("Item")
"""What is worked on."""
Made = TypeVar("Made")
"""What is made of it."""

FEWEST_A_PART = 16
"""Rows of a part: a section takes a thread longer than it takes to start one from about so many on."""


def threads() -> int:
    """Threads to share work among: the processors this process may use, or what NUMBA_NUM_THREADS says."""
    import numba

    found: int = numba.config.NUMBA_NUM_THREADS  # type: ignore[attr-defined]
    return found


def at_once(work: Callable[[Item], Made], items: Iterable[Item]) -> list[Made]:
    """What `work` makes of each item, in their order, on as many threads as there are processors."""
    with ThreadPoolExecutor(threads()) as pool:
        return list(pool.map(work, items))


def in_parts(work: Callable[[slice], object], n: int) -> None:
    """Call `work` with slices that make up range(n), as many as there are threads; the same wherever they are cut."""
    parts = max(1, min(threads(), n // FEWEST_A_PART))
    cuts = [slice(n * k // parts, n * (k + 1) // parts) for k in range(parts)]
    with ThreadPoolExecutor(parts) as pool:
        others = [pool.submit(work, cut) for cut in cuts[1:]]
        work(cuts[0])  # by the caller, who would only wait
        for other in others:
            other.result()
