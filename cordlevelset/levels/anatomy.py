"""The vertebral column by numbers: names of discs and vertebrae, and what each level usually looks like.

A vertebra has the number of the Spinal Cord Toolbox (SCT): C1 to C7 are 1 to 7, T1 to T12 8 to 19, L1 to L5 20 to 24,
S1 to S5 25 to 29. The disc above vertebra n has number n as well: C2/3 is 3, C7/T1 8, T12/L1 20, L5/S1 25.
"""

from __future__ import annotations

from typing import NamedTuple

from cordlevelset.errors import InputError

__all__ = [
    "FIRST",
    "LAST",
    "LOWEST_KNOWN",
    "LUMBAR_SD_DEG",
    "LUMBOSACRAL",
    "Typical",
    "disc_name",
    "disc_number",
    "typical",
    "vertebra_name",
]

REGIONS = (("C", 7), ("T", 12), ("L", 5), ("S", 5))
"""Letters of the regions and how many vertebrae each has; one person in ten has one more or less."""
VERTEBRAE = tuple(f"{letter}{i}" for letter, count in REGIONS for i in range(1, count + 1))
"""Names of the vertebrae, from C1 down."""
FIRST = 3
"""Number of the highest disc, C2/3: there is none above C2."""
LAST = 29
"""Number of the lowest disc, S4/5, rudimentary."""
LUMBOSACRAL = 25
"""Number of L5/S1, the disc on the sacrum."""
LOWEST_KNOWN = 27
"""Lowest disc whose look is known here, S2/3: below, sacrum and coccyx turn forward in every person differently."""


class Typical(NamedTuple):
    """What the vertebra below a disc, and the disc itself, usually look like.

    Attributes
    ----------
    height_mm : float
        From the middle of this disc to that of the next one below.
    lean_deg : float
        Direction of that line in a person who lies: positive where it runs backward on its way down.
    lean_sd_deg : float
        Standard deviation of the lean between persons.
    thickness : float
        Of the disc, relative to the thickest ones, L2/3 to L4/5.
    """

    height_mm: float
    lean_deg: float
    lean_sd_deg: float
    thickness: float


NECK_SD_DEG = 15.0
"""Spread of the lean of a cervical vertebra, degrees: how a neck is bent depends on its pillow."""
CHEST_SD_DEG = 12.0
"""The same of a thoracic one: kyphosis varies by 10 degrees and more."""
LUMBAR_SD_DEG = 8.0
"""The same of a lumbar or sacral one: lordosis lying is 36.8 degrees give or take 13 from T12 to S1 in 627 people
(PMC6680033)."""
_HEIGHTS_MM = (
    *(17.5, 17.0, 17.0, 17.5, 19.0),  # C3 to C7
    *(20.5, 21.5, 21.5, 21.5, 22.5, 23.5, 24.0, 24.5, 26.0, 28.0, 30.0, 33.0),  # T1 to T12
    *(35.0, 37.0, 38.0, 38.0, 36.0),  # L1 to L5
    *(31.0, 27.0, 24.0, 22.0, 20.0),  # S1 to S5
)
"""`Typical.height_mm` from C3 down."""
_LEANS_DEG = (
    *(12.0, 16.0, 20.0, 24.0, 28.0),  # C3 to C7: how a head on a pillow bends the neck
    *(28.0, 25.0, 20.0, 15.0, 10.0, 5.0, 0.0, -4.0, -8.0, -10.0, -12.0, -13.0),  # T1 to T12: kyphosis
    *(-13.0, -11.0, -7.0, 4.0, 22.0),  # L1 to L5
    *(50.0, 60.0, 62.0, 62.0, 62.0),  # sacrum
)
"""`Typical.lean_deg` from C3 down."""
_THICKNESS = (*(0.45,) * 5, *(0.5,) * 10, 0.6, 0.7, 0.8, 0.9, 1.0, 1.0, 1.0, 0.9, 0.45, 0.4, 0.4, 0.4)
"""`Typical.thickness` from C2/3 down."""


def typical(number: int) -> Typical:
    """Look up what a disc and the vertebra below it usually look like.

    Heights are those of bodies and discs together: vertebrae grow from 14 mm in the neck to 28 in the loins, discs from
    4 to 10 (Gilad, Nissan 1985, J. Anat. 143:115; Kunkel 2011, doi:10.1111/j.1469-7580.2011.01397.x).
    """
    i = number - FIRST
    spread = NECK_SD_DEG if number < 8 else CHEST_SD_DEG if number < 19 else LUMBAR_SD_DEG
    return Typical(_HEIGHTS_MM[i], _LEANS_DEG[i], spread, _THICKNESS[i])


def vertebra_name(number: int) -> str:
    """Name of a vertebra by its number."""
    return VERTEBRAE[number - 1]


def disc_name(number: int) -> str:
    """Name of a disc by its number, as "L4/5" or "L5/S1"."""
    above, below = VERTEBRAE[number - 2], VERTEBRAE[number - 1]
    return f"{above}/{below[1:] if above[0] == below[0] else below}"


def disc_number(name: str) -> int:
    """Number of a disc by its name.

    Parameters
    ----------
    name : str
        Of its two vertebrae, as "L4/5", "L5-S1", "c2/c3".

    Returns
    -------
    int

    Raises
    ------
    InputError
        If there is no such disc.
    """
    plain = name.strip().upper().replace("-", "/").replace("TH", "T")
    above, slash, below = plain.partition("/")
    full = f"{above}/{below if below[:1].isalpha() else above[:1] + below}"
    for number in range(FIRST, LAST + 1):
        if slash and full == f"{VERTEBRAE[number - 2]}/{VERTEBRAE[number - 1]}":
            return number
    raise InputError(f"there is no disc {name!r}; name it by its two vertebrae, as L4/5, L5/S1 or C2/3")
