"""Compiled kernel of polygons: signed distance.

Arrays and scalars in, results in arrays given by the caller; no checks. Each has a slow plain twin or a closed form to
meet in ``tests/levelset``. Serial and without the GIL: the callers' threads share the work by plane. A kernel calls
kernels of its own file only: Numba's cache on disk does not see a change of a callee in another file.
"""

# mypy: disallow-untyped-defs=false, disallow-untyped-calls=false, warn-return-any=false
from __future__ import annotations

import numpy as np

from cordlevelset._jit import njit


@njit
def polygon_distance(y, x, rows, columns, out):
    """Signed distance out (R, C) of the points (rows[r], columns[c]) to the closed polygon y, x (N,); negative inside.

    Nearest of the edges; inside by the parity of the crossings of the ray towards larger columns.
    """
    n = y.size
    for r in range(rows.size):
        for c in range(columns.size):
            best = np.inf
            inside = False
            for e in range(n):
                ya, xa = y[e] - rows[r], x[e] - columns[c]
                f = (e + 1) % n
                ey, ex = y[f] - y[e], x[f] - x[e]
                length = ey * ey + ex * ex
                t = min(max(-(ya * ey + xa * ex) / length, 0.0), 1.0) if length > 0 else 0.0
                best = min(best, (ya + t * ey) ** 2 + (xa + t * ex) ** 2)
                if (ya > 0) != (ya + ey > 0) and xa - ya * ex / ey > 0:
                    inside = not inside
            out[r, c] = -np.sqrt(best) if inside else np.sqrt(best)
