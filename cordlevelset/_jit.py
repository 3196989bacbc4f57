"""The decorators for compiled kernels, their cache on disk, and the number of threads that share them."""

from __future__ import annotations

import gc
import hashlib
import os
import pickle
import time
import warnings
from collections.abc import Callable
from typing import Any

import numba
from numba.core import event, sigutils
from numba.core.caching import CompileResultCacheImpl, FunctionCache
from numba.core.serialize import dumps

from cordlevelset.progress import COMPILED

__all__ = ["inline", "njit", "part"]

# all but nnan and ninf: NaN padding must stay NaN
FASTMATH = {"nsz", "arcp", "contract", "afn", "reassoc"}
"""What the compiler may assume: sums and divisions in another order, no signed zeros; NaN and infinity stay."""

COMPILED_AS: dict[str, Any] = {"nogil": True, "error_model": "numpy", "fastmath": FASTMATH}
"""How all of this package is compiled: without the GIL; divisions by zero give infinity, not an error."""

_told: set[str] = set()


class _Listener(event.Listener):
    """Counts what is compiled, and keeps Python from looking for garbage meanwhile.

    A compiler makes millions of small objects and little garbage: to look through them took an eighth of its time. One
    thread compiles at a time, under Numba's lock.
    """

    def __init__(self) -> None:
        self.depth, self.began, self.collects = 0, 0.0, False

    def on_start(self, event: Any) -> None:
        """A function, or one that it calls."""
        if not self.depth:
            self.began, self.collects = time.perf_counter(), gc.isenabled()
            gc.disable()
        self.depth += 1
        self._tell()

    def on_end(self, event: Any) -> None:
        """It is done, or it failed."""
        self.depth -= 1
        COMPILED.functions += event.data["dispatcher"].py_func.__module__.startswith("cordlevelset.")
        if not self.depth:
            COMPILED.seconds += time.perf_counter() - self.began
            if self.collects:
                gc.enable()
        self._tell()

    @staticmethod
    def _tell() -> None:
        if COMPILED.watcher is not None:
            COMPILED.watcher()


event.register("numba:compile", _Listener())


def njit(function: Callable[..., Any]) -> Callable[..., Any]:
    """Compile a kernel that Python calls on first use: serial, cached on disk where a cache can be written.

    Serial because ``parallel=True`` called from two threads aborts the process under Numba's default threading layer,
    and hosts such as napari, Slicer and Dask call from threads.
    """
    kernel = numba.njit(**COMPILED_AS)(function)
    try:
        kernel._cache = _Cache(function)  # what cache=True does with Numba's own
    except (RuntimeError, OSError):  # no place: site-packages and home are read-only, as in many containers
        _tell("kernels are compiled anew in each process: no writable cache; set NUMBA_CACHE_DIR")
    return kernel  # type: ignore[no-any-return]


def part(function: Callable[..., Any]) -> Callable[..., Any]:
    """Compile a function that only kernels call, without what a call from Python or a place on disk would need.

    It is always inlined: else two compiled copies of it differ in their last digit, and which one is called depends on
    whether the caller was compiled in this process or taken from the disk. LLVM works on it again at every level of
    callers and for each call, so few levels and one call each compile fast.
    """
    options = {"no_cpython_wrapper": True, "no_cfunc_wrapper": True, "forceinline": True, **COMPILED_AS}
    return numba.njit(**options)(function)  # type: ignore[no-any-return]


def inline(function: Callable[..., Any]) -> Callable[..., Any]:
    """Put a function's text in place of its one call before anything is compiled: no level of its own."""
    return numba.njit(inline="always", **COMPILED_AS)(function)  # type: ignore[no-any-return]


def _tell(text: str) -> None:
    """Warn once a process, not once a kernel."""
    if text not in _told:
        _told.add(text)
        warnings.warn(text, stacklevel=4)


class _Sealed(CompileResultCacheImpl):
    """A compiled kernel on disk, with the source it was made from and a checksum.

    Processes that fill a cold cache at the same time overwrite each other's files, and Numba looks at neither: it could
    run the code of another signature, of an older source, or with a changed bit.
    """

    _locator_classes = [  # noqa: RUF012
        locator
        for locator in CompileResultCacheImpl._locator_classes
        # where the user has no home, Numba would make a folder named ~ in the working directory
        if os.path.isabs(os.path.expanduser("~")) or "UserWide" not in locator.__name__
    ]

    def reduce(self, compiled: Any) -> Any:
        """What is saved."""
        data = dumps(super().reduce(compiled))
        return self.locator.get_source_stamp(), hashlib.sha256(data).digest(), data

    def rebuild(self, target_context: Any, sealed: Any) -> Any:
        """What was saved; None if it is of another source or layout."""
        if not (isinstance(sealed, tuple) and len(sealed) == 3 and sealed[0] == self.locator.get_source_stamp()):
            return None
        if hashlib.sha256(sealed[2]).digest() != sealed[1]:
            raise ValueError("another checksum")
        return super().rebuild(target_context, pickle.loads(sealed[2]))


class _Cache(FunctionCache):
    """Numba's cache as a help that is never needed: what cannot be loaded or saved is compiled in memory."""

    _impl_class = _Sealed

    def load_overload(self, signature: Any, target_context: Any) -> Any:
        """The compiled kernel; None if there is none that can be used."""
        try:
            found = super().load_overload(signature, target_context)
        except Exception as error:  # whatever a damaged pickle may raise
            _tell(f"a compiled kernel in {self.cache_path} is damaged ({type(error).__name__}); it is compiled anew")
            self._forget()
            return None
        asked, _ = sigutils.normalize_signature(signature)
        return found if found is not None and tuple(found.signature.args) == tuple(asked) else None

    def save_overload(self, signature: Any, compiled: Any) -> None:
        """Keep a compiled kernel, if there is room."""
        try:
            super().save_overload(signature, compiled)
        except Exception as error:
            why = getattr(error, "strerror", None) or type(error).__name__
            _tell(f"kernels cannot be kept in {self.cache_path} ({why}); set NUMBA_CACHE_DIR to a place with room")

    def _forget(self) -> None:
        """Begin an index without entries, so that the next save does not meet the damage again."""
        try:
            self.flush()
        except OSError:
            pass
