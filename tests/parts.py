"""Parts of kernels, which only kernels can call, as functions that a test can call."""

import numba


class Parts:
    """A module of kernels: each of its parts wrapped in a kernel of its own, all else as it is."""

    def __init__(self, kernels):
        self._kernels = kernels

    def __getattr__(self, name):
        found = getattr(self._kernels, name)
        if getattr(found, "targetoptions", {}).get("no_cpython_wrapper"):
            part = found
            found = numba.njit(error_model="numpy")(lambda *given: part(*given))
        setattr(self, name, found)
        return found
