"""Vertebral levels of a segmented image: canal, section, chain, names."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from cordlevelset.errors import InputError
from cordlevelset.levels.anatomy import FIRST, LAST, LUMBOSACRAL, disc_name, disc_number
from cordlevelset.levels.canal import BEYOND_MM, canal_curve
from cordlevelset.levels.chain import MIDDLE_MM, FoundDisc, disc_chain
from cordlevelset.levels.column import Disc, Levels, called, nearest_arclength, place_in_words
from cordlevelset.levels.evidence import Section, sagittal_section
from cordlevelset.levels.naming import ROOM_FOR_ONE, conus_cost, namings, shares
from cordlevelset.sections.contours import CordContours
from cordlevelset.volume import Volume

__all__ = ["ToldDisc", "find_levels"]

FloatArray = NDArray[np.float64]

PLANE_MM = 3.0
"""Planes farther apart do not resolve discs: those of the neck are 5 mm thick."""
SURE = 0.95
"""Names are given from this likelihood on: one in twenty may be wrong, as is usual; a name counts only if one relies on
it."""
HALF_CLEAR = 0.3
"""Evidence at which `where` is 1/2: a third of what a disc with sharp endplates has."""
TOLD_MM = 8.0
"""A disc that the user names must have been found this near along the spine: half a cervical vertebra."""
DISC_SIZE_MM = 60.0
"""And this near in all: a lumbar disc is 35 mm deep and 50 wide."""


@dataclass(frozen=True, slots=True)
class ToldDisc:
    """A disc the user knows.

    Attributes
    ----------
    number : int
        Of the disc, as SCT counts.
    point_mm : tuple of float
        Anywhere in it, LPS mm.
    """

    number: int
    point_mm: tuple[float, float, float]

    @classmethod
    def of(cls, told: Any) -> ToldDisc:
        """From ("L4/5", (x, y, z)).

        Raises
        ------
        InputError
            If there is no such disc, or the place is not three numbers.
        """
        if isinstance(told, ToldDisc):
            return told
        try:
            name, place = told
            x, y, z = (float(v) for v in place)
        except (TypeError, ValueError):
            raise InputError(f"a known disc is a name and a place, as ('L4/5', (x, y, z)); got {told!r}") from None
        if not np.isfinite([x, y, z]).all():
            raise InputError(f"the place of disc {name} is not three finite numbers")
        return cls(disc_number(str(name)), (x, y, z))


def find_levels(
    image: Volume,
    contours: CordContours,
    polarity: int,
    *,
    conus_mm: FloatArray | None,
    told: ToldDisc | None = None,
) -> Levels | None:
    """Find the discs before the canal and name them.

    Parameters
    ----------
    image : Volume
        float32 on the canonical grid.
    contours : CordContours
        Of the cord and its sac in it.
    polarity : int
        +1 bright cord, -1 dark.
    conus_mm : (3,) array or None
        Tip of the conus, LPS mm.
    told : ToldDisc, optional
        One disc that is known; all others are counted from it.

    Returns
    -------
    Levels or None
        None if no two discs stand out, or the planes are too thick to show any.

    Raises
    ------
    InputError
        If no disc is found where one was told.
    """
    chain: tuple[FoundDisc, ...] = ()
    if image.spacing[0] <= PLANE_MM:
        curve = canal_curve(image, contours, polarity)
        section = sagittal_section(image, curve)
        chain = disc_chain(section, curve)
    if not chain:
        if told is not None:
            raise InputError(f"no disc is seen in this image, so none can be {disc_name(told.number)}")
        return None
    points, normals = _in_patient(image, section, chain)
    line = image.to_lps(curve / image.spacing)
    at = np.maximum.accumulate(nearest_arclength(line, points) + 1e-3 * np.arange(len(points)))
    tip = None if conus_mm is None else float(nearest_arclength(line, conus_mm[None])[0])
    if told is not None:
        top, which, anchor, chance = _as_told(told, points, normals), 1.0, "told", 0
    else:
        room = float(np.linalg.norm(curve[0, :2] - chain[0].place_mm)) - BEYOND_MM
        lowest = image.to_lps(np.array([contours.first, *(contours.centers_mm[0] / image.spacing[1:])]))
        end = float(nearest_arclength(line, lowest[None])[0]) if tip is None else tip
        top, which, anchor, chance = _named(chain, room, _place_in_chain(end, at), tip is not None)
    first = 1 if anchor == "none" else top
    from_conus = [None] * len(at) if tip is None else _from_place(tip, at)
    discs = tuple(
        Disc(
            called(first + i, anchor != "none"), first + i, points[i], normals[i], float(at[i]),
            float(max(d.evidence, 0) ** 2 / (d.evidence**2 + HALF_CLEAR**2)), which, from_conus[i],
        )
        for i, d in enumerate(chain[: len(chain) - chance])
        if anchor == "none" or first + i <= LAST
    )  # fmt: skip
    return Levels(discs, line, anchor, _words(discs, tip))


def _in_patient(image: Volume, section: Section, chain: tuple[FoundDisc, ...]) -> tuple[FloatArray, FloatArray]:
    """Rear edges (N, 3) and unit normals (N, 3) of discs, LPS."""
    lean = np.radians([d.lean_deg for d in chain])
    back, down = np.stack([np.sin(lean), np.cos(lean)], 1), np.stack([-np.cos(lean), np.sin(lean)], 1)
    edge = np.array([d.place_mm for d in chain]) + MIDDLE_MM * back
    column = np.interp(edge[:, 0], np.arange(len(section.columns_mm)), section.columns_mm)

    def lps(places: FloatArray) -> FloatArray:
        return image.to_lps(np.column_stack([places, column]) / image.spacing)

    normal = lps(edge + down) - lps(edge)
    return lps(edge), normal / np.linalg.norm(normal, axis=1, keepdims=True)


def _as_told(told: ToldDisc, points: FloatArray, normals: FloatArray) -> int:
    """Number of the top disc, counted from the disc that the user knows."""
    apart = np.abs(((told.point_mm - points) * normals).sum(1))
    nearest = int(apart.argmin())
    far = np.linalg.norm(told.point_mm - points[nearest]) > DISC_SIZE_MM
    if apart[nearest] > TOLD_MM or far or told.number - nearest < FIRST:
        raise InputError(f"no disc is seen at the place told for {disc_name(told.number)}; check its coordinates")
    return told.number - nearest


def _place_in_chain(arclength: float, at: FloatArray) -> float:
    """How many discs down from the top one a place lies; beyond the ends counted on by the usual distance."""
    beyond = max(arclength - at[-1], 0) - max(at[0] - arclength, 0)
    return float(np.interp(arclength, at, np.arange(len(at))) + beyond / np.median(np.diff(at)))


def _from_place(arclength: float, at: FloatArray) -> list[int]:
    """Discs counted from a place: -1 is the first above it, 1 the first below."""
    above = int(np.searchsorted(at, arclength))
    return [i - above + (i >= above) for i in range(len(at))]


def _named(
    chain: tuple[FoundDisc, ...], room_above_mm: float, cord_end: float, seen: bool
) -> tuple[int, float, str, int]:
    """Number of the top disc, how likely it is, the anchor it comes from, and how many of the lowest discs are none.

    A chain that holds L5/S1 has the sacrum as its anchor. One that begins with C2/3 has the axis, if the image goes on
    for long enough that one more disc would show above it. No name is given that the discs alone would not give,
    however well it went with the cord's end.
    """
    ways = namings(chain, room_above_mm)
    likely = shares({top: way.cost + conus_cost(top + cord_end, seen) for top, way in ways.items()})
    top = max(likely, key=lambda number: likely[number])
    chance = ways[top].chance
    held = "sacrum" if top + len(chain) - chance > LUMBOSACRAL else "none"
    if top == FIRST and room_above_mm > ROOM_FOR_ONE * np.linalg.norm(chain[1].place_mm - chain[0].place_mm):
        held = "axis"
    alone = min(ways, key=lambda number: ways[number].cost)
    sure = likely[top] >= SURE and alone == top and held != "none"
    return (top, likely[top], held, chance) if sure else (top, likely[top], "none", 0)


def _words(discs: tuple[Disc, ...], tip: float | None) -> str:
    """Where the cord ends, or what is in view."""
    place = "" if tip is None else place_in_words(discs, tip)
    if place:
        return f"tip of the conus at {place}"
    return f"discs in view from {discs[0].label} to {discs[-1].label}"
