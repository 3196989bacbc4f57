"""Options of the command line that say what a user knows of the cord."""

from __future__ import annotations

import argparse
from pathlib import Path

__all__ = ["add_corrections", "add_label"]


def add_corrections(segment: argparse.ArgumentParser) -> None:
    """Options of `segment` that say what a user knows."""
    given = segment.add_argument_group("when the result is wrong", "each alone or together; docs/correction.md")
    given.add_argument("--centerline", type=Path, metavar="F", help="points in the cord: .csv, .mrk.json or .fcsv")
    for name, which in (("--bottom", "lower"), ("--top", "upper")):
        given.add_argument(name, type=_place, metavar="P", help=f"{which} end of the cord: =x,y,z in LPS mm, or a file")
    given.add_argument("--seeds", type=Path, metavar="F", help="label image: 1 is cord, 2 is not cord")
    given.add_argument(
        "--contours", type=Path, metavar="F", action="append", help="the cord drawn on a few slices; may be repeated"
    )
    given.add_argument(
        "--disc", metavar="NAME=X,Y,Z",
        help="a disc that is known, as L4/5=3,41.5,-212 (LPS mm), or a .mrk.json with a point named so: it names all"
    )  # fmt: skip
    hint = given.add_mutually_exclusive_group()
    hint.add_argument("--initial", type=Path, metavar="F", help="another tool's mask, as a hint")
    hint.add_argument(
        "--atlas", type=Path, nargs=2, metavar=("TEMPLATE", "MASK"),
        help="another image of the region and its cord, registered: a hint",
    )  # fmt: skip
    add_label(given)


def _place(word: str) -> Path | tuple[float, ...]:
    """A file that holds a point, or its three coordinates."""
    try:
        return tuple(float(part) for part in word.split(","))
    except ValueError:
        return Path(word)


def add_label(parser: argparse._ActionsContainer, name: str = "--label") -> None:
    """Option that names one structure of a mask."""
    parser.add_argument(
        name, type=lambda word: int(word) if word.isdecimal() else word, metavar="N",
        help="the cord's number, or name, in a mask of several structures",
    )  # fmt: skip
