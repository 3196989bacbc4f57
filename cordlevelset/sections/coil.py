"""Coil sensitivity along the cord, taken out: brightness against what surrounds the canal.

A surface coil fades along the body and dims all tissues alike; the conus changes the inside of the sac alone. Which of
the two it is shows when brightness is read both ways.
"""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from cordlevelset.sections import polar

__all__ = ["coil_corrected"]

FloatArray = NDArray[np.float32]

AROUND_CANAL_MM = 10.0
"""Beyond this radius lies mostly what surrounds the canal: bone, fat and muscle."""
COIL_MM = 80.0
"""Along the cord, the log of a coil's brightness is a parabola over this length: tissues alternate faster, a vertebra
and its disc are 20 to 35 mm high."""
DARK_SHARE = 0.1
"""Surroundings are taken to be brighter than nothing by at least this share of the image's range, so that no gain is
read off air."""


def coil_corrected(sections: FloatArray, plane_mm: float) -> FloatArray:
    """Sections over the brightness around the canal: a coil that fades along the cord dims all tissues alike.

    Brightness counts from the darkest of the sections, so that a constant added to the image changes nothing.
    """
    dark, bright = np.percentile(sections, [1, 99])
    above = sections - (dark - DARK_SHARE * (bright - dark))
    around = np.median(above[:, :, polar.RADII_MM >= AROUND_CANAL_MM], axis=(1, 2))
    coil = np.exp(_parabolas(np.log(np.maximum(around, np.finfo(np.float32).tiny)), round(COIL_MM / plane_mm) + 1))
    out: FloatArray = (above / coil[:, None, None]).astype(np.float32)
    return out


def _parabolas(values: NDArray[np.float64], window: int) -> NDArray[np.float64]:
    """Each value by the parabola of least squares through those around it (Savitzky and Golay 1964).

    SciPy's takes odd windows that fit the values only, and a quarter of a second to import.
    """
    n = len(values)
    window, z = min(max(window, 3), n), np.arange(n)
    low = np.clip(z - window // 2, 0, n - window)  # at the ends the last full window
    fits = [np.polyfit(z[a : a + window] - k, values[a : a + window], min(2, n - 1)) for k, a in enumerate(low)]
    return np.array([fit[-1] for fit in fits])
