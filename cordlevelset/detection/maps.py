"""What a path gains at each place of the search grid, as a cord in its sac and as a sac alone.

Two hypotheses are tried on equal terms. In each, the thecal sac is a tube of one sign and the cord a tube of the
opposite sign inside it: bright cord in dark CSF (T1), dark cord in bright CSF (T2 and most others).
"""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from scipy import ndimage as ndi

from cordlevelset.brief import one_line
from cordlevelset.detection import flux as tb
from cordlevelset.detection.searchgrid import SearchGrid
from cordlevelset.detection.skin import depth_below_skin
from cordlevelset.detection.symmetry import midline
from cordlevelset.detection.tissue import against_surroundings, mean_in_plane
from cordlevelset.parallel import threads

__all__ = ["GainMaps", "gain_maps"]

FloatArray = NDArray[np.float32]

CORD_SHARE = 0.6
"""Weight of the cord's own border in the response to a cord in its sac."""
RING_SHARE = 0.4
"""Weight of the sac's outer border in it."""
RESPONSE_FLOOR = 0.1
"""Least response of the cord's filter, half the threshold: where the cord lies against the canal's wall its filter
responds to nothing, which is not evidence against it."""
SAC_SHARE = 0.5
"""Weight of the sac alone: half the borders of a cord in its sac."""
CORD_THRESHOLD = 0.20
"""Response at which a place gains nothing as cord: chance alone gives up to this much between unrelated edges."""
SAC_THRESHOLD = 0.15
"""The same of a sac alone, whose response is smaller."""
SAC_OFFSET_MM = 4.0
"""The cord lies off the sac's middle by at most this: sac radius 9 mm less cord radius 4 to 5 mm."""
MIDLINE_TOLERANCE_MM = 3.0
"""A path this far from the mirror plane pays nothing."""
MIDLINE_COST_PER_MM = 0.01
"""What each mm beyond costs: 30 mm cost a good tube's whole gain."""
MIDLINE_LIMIT_MM = 40.0
"""No place pays for more than this distance."""
SKIN_MM = 20.0
"""The middle of the cord lies deeper than this below the skin of the back: the epidural space before it is 30 to 80 mm
deep in adults and about 1 mm per kg in children."""
SKIN_COST_PER_MM = 0.01
"""What each mm shallower costs, as off the mirror plane."""
PLACE_MM = 5.0
"""A small cord: side of the square that its brightness is read off."""
SIGNAL = 0.4
"""Least brightness of a cord against its surroundings. Cords have 0.66 to 2.7 in all contrasts (0.55 in heavy noise),
air ways about 0.1 to 0.3."""
DARK_COST = 1.0
"""What the middle of a cord pays for each unit of brightness that it lacks of that."""


@dataclass(frozen=True, slots=True)
class GainMaps:
    """Responses and gains of one polarity, one value a voxel of the search grid.

    Attributes
    ----------
    polarity : {+1, -1}
        Cord brighter or darker than the CSF.
    cord, sac : (K, J, I) array of float32
        Response of the filter to the cord, and to the sac of the opposite sign, in (-1, 1).
    gain : (K, J, I) array of float32
        What a path gains per mm as cord in its sac.
    sac_gain : (K, J, I) array of float32
        What it gains per mm as sac alone.
    """

    polarity: int
    cord: FloatArray
    sac: FloatArray
    gain: FloatArray
    sac_gain: FloatArray

    __repr__ = one_line


def gain_maps(grid: SearchGrid) -> tuple[GainMaps, GainMaps]:
    """Responses and gains of both polarities: bright cord, dark cord."""
    with ThreadPoolExecutor(threads()) as pool:
        costs = pool.submit(_costs, grid)  # beside the filters
        gradient = tb.normalised_gradient(grid.image, grid.spacing)
        cord = tb.flux(gradient, grid.spacing, tb.CORD_RADII_MM, tb.CORD_RATIOS)
        sac = tb.flux(gradient, grid.spacing, tb.SAC_RADII_MM, tb.SAC_RATIOS)
        away, dark = costs.result()
        bright_cord = pool.submit(_maps, 1, cord.bright, sac.dark, away, dark, grid)
        dark_cord = _maps(-1, cord.dark, sac.bright, away, dark, grid)
        return bright_cord.result(), dark_cord


def _costs(grid: SearchGrid) -> tuple[FloatArray, FloatArray]:
    """What each place costs for where it lies, and for how dark it is."""
    even = against_surroundings(grid.image, grid.spacing)
    dark: FloatArray = DARK_COST * np.maximum(SIGNAL - mean_in_plane(even, PLACE_MM, grid.spacing), 0)
    return _off_midline(even, grid) + _near_skin(grid), dark


def _maps(
    polarity: int, cord: FloatArray, sac: FloatArray, away: FloatArray, dark: FloatArray, grid: SearchGrid
) -> GainMaps:
    """Gains of one polarity from its two responses."""
    reach = [2 * round(SAC_OFFSET_MM / s) + 1 for s in grid.spacing[1:]]
    ring = ndi.maximum_filter(sac, size=(1, *reach), mode="nearest")
    gain = CORD_SHARE * np.maximum(cord, RESPONSE_FLOOR) + RING_SHARE * ring - (CORD_THRESHOLD + away + dark)
    return GainMaps(polarity, cord, sac, gain, SAC_SHARE * sac - (SAC_THRESHOLD + away))


def _off_midline(even: FloatArray, grid: SearchGrid) -> FloatArray:
    """What the distance from the mirror plane costs."""
    x = np.arange(grid.image.shape[2]) * grid.spacing[2]
    away = np.abs(x - midline(even, grid.spacing)[:, :, None]) - MIDLINE_TOLERANCE_MM
    out: FloatArray = (MIDLINE_COST_PER_MM * np.clip(away, 0, MIDLINE_LIMIT_MM)).astype(np.float32)
    return out


def _near_skin(grid: SearchGrid) -> FloatArray:
    """What a place close under the skin of the back costs."""
    shallow = np.clip(SKIN_MM - depth_below_skin(grid.image, grid.spacing), 0, SKIN_MM)
    out: FloatArray = SKIN_COST_PER_MM * shallow
    return out
