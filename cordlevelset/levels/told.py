"""A disc that the user knows: typed, or marked in a viewer."""

from __future__ import annotations

from pathlib import Path

from cordlevelset.errors import InputError
from cordlevelset.io.files import named_points
from cordlevelset.levels.anatomy import disc_number
from cordlevelset.levels.find import ToldDisc

__all__ = ["read_told"]


def read_told(text: str) -> ToldDisc:
    """Read a known disc.

    Parameters
    ----------
    text : str
        "L4/5=3.0,41.5,-212.0", LPS mm; or the path of a Slicer markups file (.mrk.json) with a point named so.

    Returns
    -------
    ToldDisc

    Raises
    ------
    InputError
        If it is neither, or no point in the file bears the name of a disc.
    """
    name, equals, place = text.partition("=")
    if equals:
        return ToldDisc.of((name, place.split(",")))
    if not text.endswith(".mrk.json"):
        raise InputError(f"{text!r} is no known disc; give NAME=x,y,z in LPS mm, as L4/5=3,41.5,-212, or a .mrk.json")
    try:
        points = named_points(Path(text).read_text(encoding="utf-8-sig"))
    except (OSError, ValueError, KeyError, TypeError, AttributeError, RecursionError) as error:
        raise InputError(f"{text} cannot be read as markups ({error}); save it from Slicer as .mrk.json") from None
    for label, point in points:
        if _is_disc(label):
            return ToldDisc.of((label, point))
    raise InputError(f"no point in {text} bears the name of a disc; name one as L4/5, L5/S1 or C2/3")


def _is_disc(label: str) -> bool:
    try:
        disc_number(label)
    except InputError:
        return False
    return True
