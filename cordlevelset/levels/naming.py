"""Which disc is which: a chain of discs held against the column as it usually is.

For each way to name the chain from its top down, the cost (a negative log likelihood) is the sum of three terms.

    (ln h_i / H_i - k)^2 / 2 sigma_h^2,    (a_i - A_i - t)^2 / 2 sigma_a^2,    (ln b_i / B_i - b)^2 / 2 sigma_b^2.

h are heights, in a body k times the usual one; a are leans, on a table and pillow that tilt all by t; b is the
thickness of the discs; capitals are what is usual.

k, t and b are those that cost least. Each term is cut off at a ceiling: one odd vertebra names nothing. Two anchors
speak through these terms. At the sacrum the spine turns backward by 25 degrees from L5 to S1, and S1/2 is half as thick
as L5/S1. At the axis the chain stops, though the canal goes on: no disc lies above C2/3.
"""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from cordlevelset.levels.anatomy import FIRST, LAST, LOWEST_KNOWN, LUMBAR_SD_DEG, typical
from cordlevelset.levels.chain import FoundDisc

__all__ = ["naming_costs", "shares"]

FloatArray = NDArray[np.float64]

HEIGHT_SPREAD = 0.1
"""Spread of the logarithm of one height within a person."""
BODY_SPREAD = 0.12
"""Spread of the logarithm of all heights between persons."""
TABLE_SPREAD_DEG = 6.0
"""How far a whole spine is tilted on its table, on top of the spread of its curves."""
THICKNESS_SPREAD = 0.25
"""Of the logarithm of a disc's thickness: discs that lost a quarter of it are common."""
CEILING = 6.0
"""Most that one term may cost: as much as 3.5 standard deviations."""
COCCYX = 3
"""So many discs below the sacrum's last may have been found as well; they get no name."""
UNKNOWN_COST = 3.0
"""Of each disc below S2/3: one that is found there is half a chance find."""
MISSED_COST = 4.0
"""Of a chain that stops well below the top of the canal, though it does not stop at C2/3: one disc was not found."""
ROOM_FOR_ONE = 1.6
"""It stops so if another vertebra would have had this many times its height to lie in."""


def naming_costs(discs: tuple[FoundDisc, ...], thickness: FloatArray, room_above_mm: float) -> dict[int, float]:
    """Cost of naming a chain so that its top disc has a number.

    Parameters
    ----------
    discs : tuple of FoundDisc
        From the top down, two at least.
    thickness : (N,) array
        Of each disc, in any unit.
    room_above_mm : float
        How far the canal is seen above the top disc.

    Returns
    -------
    dict of int to float
        By the number of the top disc.
    """
    places = np.array([d.place_mm for d in discs])
    steps = np.diff(places, axis=0)
    height, lean = np.linalg.norm(steps, axis=1), np.degrees(np.arctan2(steps[:, 1], -steps[:, 0]))
    costs = {}
    lowest = min(LAST + COCCYX + 1 - len(discs), LOWEST_KNOWN)
    for top in range(FIRST, max(FIRST, lowest) + 1):
        numbers = np.arange(top, top + len(discs))
        known = numbers <= LOWEST_KNOWN
        usual = [typical(min(int(n), LAST)) for n in numbers]
        parts = known[:-1] & (numbers[:-1] < LOWEST_KNOWN)
        h, a, sd, _ = np.array(usual)[:-1][parts].T
        ratio = np.log(height[parts] / h)
        size = ratio.sum() / (len(ratio) + (HEIGHT_SPREAD / BODY_SPREAD) ** 2)
        cost = _cut((ratio - size) / HEIGHT_SPREAD) + (size / BODY_SPREAD) ** 2 / 2
        turn, weight = lean[parts] - a, sd**-2.0
        tilt = (turn * weight).sum() / (weight.sum() + TABLE_SPREAD_DEG**-2)
        cost += _cut((turn - tilt) / sd) + (tilt / TABLE_SPREAD_DEG) ** 2 / 2 + np.log(sd / LUMBAR_SD_DEG).sum()
        thick = np.log(thickness[known] / np.array(usual)[known, 3])
        middle = np.median(thick) if thick.size else 0.0
        cost += _cut((thick - middle) / THICKNESS_SPREAD) + UNKNOWN_COST * (~known).sum()
        if top > FIRST and room_above_mm > ROOM_FOR_ONE * typical(top - 1).height_mm * np.exp(size):
            cost += MISSED_COST
        costs[top] = float(cost)
    return costs


def shares(costs: dict[int, float]) -> dict[int, float]:
    """Likelihood of each naming, 0 to 1, all together 1."""
    least = min(costs.values())
    weight = {top: float(np.exp(least - cost)) for top, cost in costs.items()}
    return {top: w / sum(weight.values()) for top, w in weight.items()}


def _cut(deviations: FloatArray) -> float:
    return float(np.minimum(deviations**2 / 2, CEILING).sum())
