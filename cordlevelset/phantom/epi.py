"""What echo-planar imaging does to a spine: planes that are moved and dimmed each by itself, blur along one axis.

An EPI reads a whole plane after one excitation, slowly along the phase direction, here antero-posterior. Where the
field is off, that direction is displaced: between vertebrae and discs by a millimetre or more, so that the cord seems
to jump from plane to plane. The signal decays while it is read, which blurs along the same axis only. Behind the
canal, near the discs, the field varies within a voxel and signal is lost.
"""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray
from scipy import ndimage as ndi

__all__ = ["as_epi", "plane_shifts"]

FloatArray = NDArray[np.float64]

DISPLACED_MM = 1.0
"""Amplitude of the displacement between vertebrae and discs; references of EPI move by 0.5 to 1.4 mm in this way."""
DISC_TO_DISC_MM = 18.0
"""A cervical vertebra and its disc."""
JOLT_MM = 0.3
"""Standard deviation of what moves each plane besides: breathing, and the correction of motion."""
PHASE_BLUR_MM = 0.85
"""Gaussian sigma along the phase direction: 2 mm at half height."""
DIMMED = 0.08
"""Relative standard deviation of the planes' brightness: neighbouring planes of real EPI differ by 5 to 13 %."""
LOST = 0.6
"""Share of the signal that is lost behind the canal beside a disc."""
LOST_ALONG_MM = 4.0
"""Gaussian sigma of that loss along the cord: half of a vertebra is spared."""
LOST_BEHIND_MM = 4.0
"""The loss sets in this far behind the canal's middle, where the cord's back is."""
LOST_EDGE_MM = 1.5
"""Width over which it does."""


def plane_shifts(n: int, plane_mm: float, rng: np.random.Generator) -> FloatArray:
    """Displacement (n,) of each plane to posterior, mm."""
    wave = DISPLACED_MM * np.sin(2 * np.pi * np.arange(n) * plane_mm / DISC_TO_DISC_MM)
    out: FloatArray = wave + JOLT_MM * rng.standard_normal(n)
    return out


def as_epi(
    image: FloatArray, spacing: tuple[float, float, float], rows_mm: FloatArray, rng: np.random.Generator
) -> FloatArray:
    """Dim, lose and blur what planes show.

    Parameters
    ----------
    image : (K, J, I) array
        Axes upward, to posterior, to left.
    spacing : (3,) tuple of float
        Voxel size in mm.
    rows_mm : (K,) array
        Where the canal's middle lies along axis 1 in each plane.
    rng : Generator
        Source of chance.

    Returns
    -------
    (K, J, I) array
    """
    height, back = (np.arange(n) * mm for n, mm in zip(image.shape[:2], spacing[:2], strict=True))
    from_disc = (height + DISC_TO_DISC_MM / 2) % DISC_TO_DISC_MM - DISC_TO_DISC_MM / 2
    behind = 1 / (1 + np.exp(-(back - rows_mm[:, None] - LOST_BEHIND_MM) / LOST_EDGE_MM))
    kept = 1 - LOST * np.exp(-0.5 * (from_disc / LOST_ALONG_MM) ** 2)[:, None] * behind
    gain = 1 + DIMMED * rng.standard_normal(len(image))
    seen = image * (gain[:, None] * kept)[:, :, None]
    out: FloatArray = ndi.gaussian_filter1d(seen, PHASE_BLUR_MM / spacing[1], axis=1, mode="nearest")
    return out
