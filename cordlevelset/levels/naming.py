"""Which disc is which: a chain of discs held against the column as it usually is.

For each way to name the chain from its top down, the cost (a negative log likelihood) is the sum of four terms.

    (ln h_i / H_i - k)^2 / 2 sigma_h^2,    (a_i - A_i - t)^2 / 4 sigma_a^2 + (c_i - C_i)^2 / 4 sigma_c^2,
    (ln b_i / B_i - b)^2 / 2 sigma_b^2,    (p - P)^2 / 2 sigma_p^2

Capitals are what is usual. h are heights, in a body k times the usual one. a are directions from disc to disc, on a
table that tilts all by t. c are bends from one disc's own tilt to the next's; they say the same in another way, so that
both count half. b is the thickness of the discs. k, t and b are those that cost least. Each term is cut off at a
ceiling: one odd vertebra names nothing. The lowest disc may have been found by chance, at a price.

Three things speak through these terms. At the sacrum the spine turns backward by 25 degrees from L5 to S1, and S1/2 is
half as thick as L5/S1. At the axis the chain stops, though the canal goes on: no disc lies above C2/3. And p, where the
cord ends, or is still seen, is a weak prior: it may confirm what the discs say, never overrule it (`find`).
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from scipy.stats import norm

from cordlevelset.levels.anatomy import FIRST, LAST, LOWEST_KNOWN, LUMBAR_SD_DEG, LUMBOSACRAL, typical
from cordlevelset.levels.chain import FoundDisc

__all__ = ["Naming", "conus_cost", "namings", "shares"]

FloatArray = NDArray[np.float64]

HEIGHT_SPREAD = 0.1
"""Spread of the logarithm of one height within a person."""
BODY_SPREAD = 0.12
"""Spread of the logarithm of all heights between persons."""
TABLE_SPREAD_DEG = 6.0
"""How far a whole spine is tilted on its table, on top of the spread of its curves."""
DISC_BEND_SPREAD_DEG = 8.0
"""Of the bend from one disc to the next: 3 to 6 degrees between persons, and as much from how tilts are read."""
SACRAL_BEND_SPREAD_DEG = 11.0
"""The same from L4/5 down: lordosis differs most at the promontory, and sacral discs are faint."""
THICKNESS_SPREAD = 0.25
"""Of the logarithm of a disc's thickness: discs that lost a quarter of it are common."""
CEILING = 6.0
"""Most that one term may cost: as much as 3.5 standard deviations."""
COCCYX = 3
"""So many discs below the sacrum's last may have been found as well; they get no name."""
UNKNOWN_COST = 3.0
"""Of each disc below S2/3: one that is found there is half a chance find."""
CHANCE = 1
"""So many of the lowest discs may be edges of something else."""
CHANCE_COST = 4.0
"""Of each disc said to be none: of all that are found, one in fifty is."""
MISSED_COST = 4.0
"""Of a chain that stops well below the top of the canal, though it does not stop at C2/3: one disc was not found."""
ROOM_FOR_ONE = 1.6
"""It stops so if another vertebra would have had this many times its height to lie in."""
AXIS_ROOM_MM = 80.0
"""Nor does it stop at C2/3 if the canal is seen farther above: to the foramen magnum it is 50 to 60 mm."""
CONUS_NUMBER = 20.4
"""Level of the tip as it is found here, in numbers of discs: a third of the way down L1. In section it is the lower
third (Saifuddin 1998, Spine 23:1452); sagittal slices show it 10 mm too high."""
CONUS_SPREAD = 1.0
"""Its standard deviation: 0.7 between persons (T12 to L3 in 504), the rest from how it is found."""
CONUS_CEILING = 4.0
"""Most that it may cost: one cord in fifty ends elsewhere, and is what one wants to see."""


@dataclass(frozen=True, slots=True)
class Naming:
    """One way to name a chain.

    Attributes
    ----------
    cost : float
        Negative log likelihood.
    chance : int
        How many of the lowest discs are none.
    """

    cost: float
    chance: int


@dataclass(frozen=True, slots=True)
class _Column:
    """What is measured of a chain of N discs: heights and directions (N - 1), tilts and thicknesses (N)."""

    height: FloatArray
    lean: FloatArray
    tilt: FloatArray
    thickness: FloatArray

    @classmethod
    def of(cls, discs: tuple[FoundDisc, ...]) -> _Column:
        steps = np.diff([d.place_mm for d in discs], axis=0)
        tilt = np.array([d.lean_deg for d in discs])
        across = np.radians((tilt[1:] + tilt[:-1]) / 2)  # a disc's place along itself is loose, across it is not
        height = np.maximum(steps[:, 1] * np.sin(across) - steps[:, 0] * np.cos(across), 1.0)
        lean = np.degrees(np.arctan2(steps[:, 1], -steps[:, 0]))
        return cls(height, lean, tilt, np.array([d.thickness_mm for d in discs]))


def namings(discs: tuple[FoundDisc, ...], room_above_mm: float) -> dict[int, Naming]:
    """All ways to name a chain, without a word from the cord.

    Parameters
    ----------
    discs : tuple of FoundDisc
        From the top down, two at least.
    room_above_mm : float
        How far the canal is seen above the top disc.

    Returns
    -------
    dict of int to Naming
        By the number of the top disc.
    """
    out = {}
    lowest = min(LAST + COCCYX + 1 - len(discs), LOWEST_KNOWN)
    columns = [_Column.of(discs[: len(discs) - n]) for n in range(min(CHANCE, len(discs) - 2) + 1)]
    for top in range(FIRST, max(FIRST, lowest) + 1):
        costs = [_cost(column, top, room_above_mm) + CHANCE_COST * n for n, column in enumerate(columns)]
        chance = int(np.argmin(costs))
        out[top] = Naming(costs[chance], chance)
    return out


def _cost(column: _Column, top: int, room_above_mm: float) -> float:
    """Cost of a column whose top disc has this number."""
    numbers = np.arange(top, top + len(column.tilt))
    known = numbers <= LOWEST_KNOWN
    usual = np.array([typical(min(int(n), LAST)) for n in numbers])
    parts = known[:-1] & known[1:]
    h, a, sd, _ = usual[:-1][parts].T
    ratio = np.log(column.height[parts] / h)
    size = ratio.sum() / (len(ratio) + (HEIGHT_SPREAD / BODY_SPREAD) ** 2)
    cost = _cut((ratio - size) / HEIGHT_SPREAD) + (size / BODY_SPREAD) ** 2 / 2
    cost += (_leaning(column.lean[parts] - a, sd) + _bending(column, numbers, parts)) / 2
    thick = np.log(column.thickness[known] / usual[known, 3])
    middle = np.median(thick) if thick.size else 0.0
    cost += _cut((thick - middle) / THICKNESS_SPREAD) + UNKNOWN_COST * int((~known).sum())
    room = AXIS_ROOM_MM if top == FIRST else ROOM_FOR_ONE * typical(top - 1).height_mm * float(np.exp(size))
    return float(cost + MISSED_COST * (room_above_mm > room))


def _leaning(turn: FloatArray, spread: FloatArray) -> float:
    """Cost of directions that differ so from the usual ones."""
    weight = spread**-2.0
    tilt = (turn * weight).sum() / (weight.sum() + TABLE_SPREAD_DEG**-2)
    rest: float = np.log(spread / LUMBAR_SD_DEG).sum() + (tilt / TABLE_SPREAD_DEG) ** 2 / 2
    return _cut((turn - tilt) / spread) + rest


def _bending(column: _Column, numbers: NDArray[np.int64], parts: NDArray[np.bool_]) -> float:
    """Cost of the bends from disc to disc; a disc lies half way between two vertebrae's directions."""
    lean = np.array([typical(max(FIRST, min(int(n), LAST))).lean_deg for n in range(numbers[0] - 1, numbers[-1] + 1)])
    usual = np.diff((lean[1:] + lean[:-1]) / 2)[parts]
    spread = np.where(numbers[1:] >= LUMBOSACRAL, SACRAL_BEND_SPREAD_DEG, DISC_BEND_SPREAD_DEG)[parts]
    turn = np.diff(column.tilt)[parts] - usual
    return _cut(turn / spread) + float(np.log(spread / DISC_BEND_SPREAD_DEG).sum())


def conus_cost(number: float, seen: bool) -> float:
    """Cost of a cord that ends at a level, or is still seen there.

    Parameters
    ----------
    number : float
        Level, in numbers of discs.
    seen : bool
        That it ends there; else it goes on.

    Returns
    -------
    float
    """
    off = (number - CONUS_NUMBER) / CONUS_SPREAD
    return float(min(off**2 / 2 if seen else -norm.logsf(off), CONUS_CEILING))


def shares(costs: dict[int, float]) -> dict[int, float]:
    """Likelihood of each naming, 0 to 1, all together 1."""
    least = min(costs.values())
    weight = {top: float(np.exp(least - cost)) for top, cost in costs.items()}
    return {top: w / sum(weight.values()) for top, w in weight.items()}


def _cut(deviations: FloatArray) -> float:
    return float(np.minimum(deviations**2 / 2, CEILING).sum())
