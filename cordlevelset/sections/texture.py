"""Where a cord is nearly as uneven inside as its border is high: what lies on both sides of an edge decides.

In EPI, and in other images whose cord and CSF are nearly alike, the edges of noise and of grey matter inside the cord
compete with its border, and behind it the CSF is often too thin to be seen. A reader takes an edge for the border only
if CSF lies beyond it, and takes the canal's wall for it where cord reaches up to the wall. With b(r) the brightness
from cord (0) to CSF (1) on a ray, e its signed steps (`steps`) and f(e) = |e| / (1 + s |e|) their gain,

    w_t [ w_w (1 - b(r - d)) f(e)    where e < 0: a wall that has cord just inside
        - w_i (1 - 2 b(r + d))+ f(e) where e > 0: an edge that has no CSF just outside ]

is added to the gain of a border at r. w_t = 1 / (1 + (u0 / u)^4) with u the unevenness, the spread of brightness inside
over the border's step, the median of the stack: images with a clear border are left as they are.
"""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from cordlevelset.parallel import in_parts
from cordlevelset.sections import polar
from cordlevelset.sections.curves import SATURATION, WITHIN_CORD, along_cord
from cordlevelset.sections.stack import Sections
from cordlevelset.sections.steps import core_levels

__all__ = ["texture_gain"]

FloatArray = NDArray[np.float32]

CORD_WALL_SHARE = 0.5
"""w_w: a wall that cord touches speaks half as loud as a CSF border; it may still be thin CSF that is not resolved."""
INNER_EDGE_SHARE = 0.7
"""w_i: an edge without CSF beyond it loses most of its gain."""
BESIDE_EDGE_MM = 1.0
"""d: what lies beside an edge is read off this far from it: past the blur of a clinical pixel."""
UNEVEN_AS_BORDER = 0.25
"""u0: spread inside, in steps, at which the edges of texture count as much as the border. T2, T1 and T2* cords have
0.03 to 0.16, EPI 0.13 to 0.5."""
CORD_LEVEL_MM = 3.0
"""Gaussian sigma along the cord of its brightness: in EPI that of neighbours differs by a third of the step."""
RAYS_APART = 4
"""Of so many rays one is enough for the image's darkest percent: neighbouring ones show the same."""
FAINTEST_LEVEL = 1e-3
"""Floor of the cord's brightness, in the brightest of the stack: no cord is darker against air."""


def texture_gain(seen: Sections) -> FloatArray:
    """Gain (P, A, WITHIN_CORD) to be added to that of a border; the module's text has the equation."""
    evidence = seen.evidence[:, :, WITHIN_CORD]
    n, back = evidence.shape[2], round(BESIDE_EDGE_MM / polar.RADIUS_STEP_MM)
    base, slope = _csf_scale(seen)
    weight = _weight(seen)
    gain = np.empty(evidence.shape, np.float32)

    def part(rows: slice) -> None:
        wall, edge = (np.maximum(sign * evidence[rows], 0) for sign in (-1, 1))
        csf = np.clip((seen.values[rows, :, : n + back] - base[rows]) * slope[rows], 0, 1)
        inside, outside = np.concatenate([csf[:, :, [0] * back], csf[:, :, : n - back]], axis=2), csf[:, :, back:]
        of_wall = CORD_WALL_SHARE * (1 - inside) * wall / (1 + SATURATION * wall)
        of_edge = INNER_EDGE_SHARE * np.maximum(1 - 2 * outside, 0) * edge / (1 + SATURATION * edge)
        gain[rows] = weight * (of_wall - of_edge)

    in_parts(part, len(gain))
    return gain


def _csf_scale(seen: Sections) -> tuple[FloatArray, FloatArray]:
    """Brightness of cord and the slope to that of CSF, (P, 1, 1) each: their share is 0 and 1, cut off there.

    The cord's brightness follows the coil along it; the CSF's over the cord's is one ratio for the stack, so that no
    plane whose contour went astray has levels of its own.
    """
    dark = float(np.percentile(seen.values[:, ::RAYS_APART], 1))
    cord = along_cord((seen.levels.inside - dark)[:, None], CORD_LEVEL_MM, seen.plane_mm)[:, 0]
    cord = np.maximum(cord, FAINTEST_LEVEL * np.abs(cord).max() + np.finfo(np.float32).tiny)
    ratio = np.median(np.maximum(-seen.polarity * (seen.levels.csf - seen.levels.inside), 0) / cord)
    step = np.maximum(ratio * cord, np.finfo(np.float32).eps * float(np.abs(seen.values).max()) + 1e-30)
    base, slope = (v.astype(np.float32)[:, None, None] for v in (dark + cord, -seen.polarity / step))
    return base, slope


def _weight(seen: Sections) -> float:
    """w_t, by the unevenness of the stack."""
    _, spread = core_levels(seen.values, seen.radii_mm)
    step = np.maximum(seen.levels.step, np.finfo(np.float32).tiny)
    uneven = float(np.median(spread / step))
    return uneven**4 / (uneven**4 + UNEVEN_AS_BORDER**4)
