"""Contours in one slice of a stack after the other, each as soon as its start is known: prepared once for all."""

from __future__ import annotations

import math
from typing import Any

import numpy as np
from numpy.typing import NDArray

from cordlevelset.levelset import _kernels
from cordlevelset.levelset import window as win
from cordlevelset.levelset.contour import BAND_VOXELS

__all__ = ["SliceContours"]

FloatArray = NDArray[np.floating[Any]]


class SliceContours:
    """`geodesic_active_contour` for small slices that lie ready: the same contours, without its checks.

    A work space holds a whole slice, so that it is laid once, and no window need be found, nor widened. Starts are
    taken for distances, and what comes back is a level function with the same zero level, not made a distance: the
    kernel for that, a fifth of a first run's compilation, is not needed.

    Parameters
    ----------
    g, region : (S, M, N) array of float
        As there, one of each a slice, without NaN.
    spacing : (2,) tuple of float
        Pixel size in mm.
    curvature, advection, max_num_iter, tol
        As there.
    """

    def __init__(
        self,
        g: FloatArray,
        region: FloatArray,
        *,
        spacing: tuple[float, float],
        curvature: float,
        advection: float,
        max_num_iter: int,
        tol: float,
    ) -> None:
        self.terms = _kernels.Terms(0.0, curvature, advection, math.inf, tol)
        self.band = max(BAND_VOXELS * min(spacing), max(spacing))
        self.far = max(win.START_VOXELS * min(spacing), 1.5 * max(spacing))
        self.max_num_iter = max_num_iter
        self.image = win.image(g[0], spacing, self.band)
        box = self.workspace().box
        self.g, self.region = (win.pad(f.reshape(len(f), -1), box) for f in (g, region))

    def workspace(self) -> win.Space:
        """One for each thread."""
        return win.workspace(tuple(slice(0, n) for n in self.image.shape), self.image)

    def move(self, k: int, phi: FloatArray, space: win.Space) -> FloatArray:
        """Level function of the contour where it stands in slice k; phi (M, N) is about the distance to its start."""
        moving = win.pad(np.clip(phi, -self.far, self.far).reshape(1, -1), space.box)
        counts, reals = np.zeros((1, _kernels.N_COUNTS), np.int64), np.zeros((1, _kernels.N_REALS))
        _kernels.advance(
            *(moving, self.g[k : k + 1], self.region[k : k + 1], space.strips, space.box, self.terms, self.far),
            *(counts, reals, np.empty((1, self.max_num_iter)), self.max_num_iter),
        )
        return win.inner(moving, space.box).reshape(phi.shape)
