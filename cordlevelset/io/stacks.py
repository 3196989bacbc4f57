"""Stacks: frames of a DICOM series that make one image, and the grid they lie on."""

from __future__ import annotations

from collections.abc import Hashable, Iterable
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from cordlevelset.errors import GeometryError, InputError
from cordlevelset.io.frames import MARKS, Frame, Place

__all__ = ["Grid", "grid_of", "plane_of", "split", "unlike"]

GAP_TOLERANCE = 0.05
"""Spread of the distances between slices, as a share of their median: positions are given to 0.01 mm at worst."""
DIRECTION_TOLERANCE = 1e-3
"""Difference of direction cosines that passes as rounding: 0.06 degrees."""
SAME_PLACE_MM = 0.02
"""Slices nearer than that lie at one place: positions are given to 0.01 mm at worst, no slice is as thin."""
STAGGER_VOXELS = 0.5
"""Shift of a slice in its own plane that passes: each voxel is still nearest to where the grid says it lies."""
PLANES = ("sagittal", "coronal", "axial")
"""What a slice is called whose normal runs nearest to x, y or z."""


@dataclass(frozen=True, slots=True, eq=False)
class Grid:
    """Where the frames of a stack lie.

    Parameters
    ----------
    frames : tuple of Frame
        In order along their normal.
    spacing, origin : (3,) tuple of float
        As in `Volume`.
    direction : (3, 3) array
        As in `Volume`.
    """

    frames: tuple[Frame, ...]
    spacing: tuple[float, float, float]
    origin: tuple[float, float, float]
    direction: NDArray[np.float64]


def split(frames: Iterable[Frame]) -> list[tuple[list[Frame], str]]:
    """The stacks of one series.

    Parameters
    ----------
    frames : iterable of Frame
        Of one series; what is there twice, as copied files are, counts once.

    Returns
    -------
    list of (list of Frame, str)
        Each with what tells it from others at the same place, the largest first.
    """
    once = {(f.text("SOPInstanceUID"), f.number, f.text("ImagePositionPatient")): f for f in reversed(list(frames))}
    parts = _alike(list(reversed(once.values())))
    named = len({part[0].text("StackID") for part in parts}) > 1
    stacks = [
        stack
        for part in parts
        for stack in _told_apart(part, tuple(MARKS), f"stack {part[0].text('StackID')}" if named else "")
    ]
    return sorted(stacks, key=lambda stack: -len(stack[0]))


def grid_of(frames: list[Frame], name: str) -> Grid:
    """The grid of one stack.

    Parameters
    ----------
    frames : list of Frame
        In any order.
    name : str
        What errors call their series.

    Returns
    -------
    Grid

    Raises
    ------
    InputError
        If the slices do not say where they lie, several lie at one place, or they are in colour.
    GeometryError
        If some are missing, or moved in their own plane.
    """
    _check_pixels(frames[0], name)
    lost = next((frame for frame in frames if frame.place is None), None)
    if lost is not None:
        raise InputError(
            f"{name}: {lost.name} does not say where it lies (no Image Position, Image Orientation or Pixel Spacing); "
            "export the original images, or convert them"
        )
    frames = [frames[n] for n in np.argsort(_heights(frames), kind="stable")]
    first = _places(frames)[0]
    step = _step(frames, name) if len(frames) > 1 else _thickness(frames[0])
    _check_not_staggered(frames, name)
    x, y, z = first.position.tolist()
    between_rows, between_columns = first.spacing.tolist()
    direction = np.column_stack([*first.orientation, first.normal])
    return Grid(tuple(frames), (step, between_rows, between_columns), (x, y, z), direction)


def plane_of(frame: Frame) -> str:
    """What its plane is called; empty if it does not say how it is turned."""
    return "" if frame.place is None else PLANES[int(np.abs(frame.place.normal).argmax())]


def unlike(frame: Frame, other: Frame) -> str:
    """How a frame differs from one of another stack; empty if it does not."""
    if frame.text("StackID") != other.text("StackID"):
        return "is of another stack"
    a, b = frame.place, other.place
    if a is None or b is None:
        return "" if a is b else "does not say where it lies" if a is None else "says where it lies"
    if np.abs(a.orientation - b.orientation).max() > DIRECTION_TOLERANCE:
        return "is not parallel"
    if any(frame.text(keyword) != other.text(keyword) for keyword in ("Rows", "Columns", "SamplesPerPixel")):
        return "is of another size"
    return "" if np.allclose(a.spacing, b.spacing) else "has pixels of another size"


def _step(frames: list[Frame], name: str) -> float:
    """Distance of the slices, which are in order, in mm."""
    steps = np.diff(_heights(frames))
    usual = float(np.median(steps))
    worst = int(np.abs(steps - usual).argmax())
    a, b = frames[worst].name, frames[worst + 1].name
    if steps.min() <= SAME_PLACE_MM:
        a, b = (frames[int(steps.argmin()) + n].name for n in (0, 1))
        raise InputError(f"{name}: {a} and {b} lie at one place and nothing says how they differ; take one of them out")
    if abs(steps[worst] - usual) > GAP_TOLERANCE * usual:
        raise GeometryError(
            f"{name}: {a} and {b} are {steps[worst]:.2f} mm apart, the other slices {usual:.2f} mm: some are missing "
            "or out of place; export the whole series again"
        )
    return float(steps.mean())


def _check_pixels(frame: Frame, name: str) -> None:
    """Refuse pictures of images."""
    if frame.number_of("SamplesPerPixel") > 1:
        raise InputError(f"{name}: {frame.name} is in colour, a picture of an image; give the images themselves")
    if "MOSAIC" in frame.text("ImageType"):
        raise InputError(
            f"{name}: {frame.name} holds several slices side by side (a mosaic) and does not say where each lies; "
            "convert the series to NIfTI with dcm2niix"
        )


def _check_not_staggered(frames: list[Frame], name: str) -> None:
    """Refuse slices that are moved in their own plane: a grid of right angles cannot say where they lie."""
    first = _places(frames)[0]
    shifts = np.abs(_from_first(frames) @ first.orientation.T)  # mm along rows, along columns
    worst = int((shifts / first.spacing[::-1]).max(axis=1).argmax())
    if (shifts[worst] / first.spacing[::-1]).max() > STAGGER_VOXELS:
        raise GeometryError(
            f"{name}: the slices are staggered, {frames[worst].name} by {shifts[worst].max():.1f} mm in its own plane "
            f"against {frames[0].name} (a tilted gantry, or moved): resample the series to a straight grid"
        )


def _alike(frames: list[Frame]) -> list[list[Frame]]:
    """Frames of one size that are turned alike, and of one stack where they name theirs."""
    groups: list[list[Frame]] = []
    for frame in frames:
        group = next((g for g in groups if not unlike(frame, g[0])), None)
        if group is None:
            groups.append([frame])
        else:
            group.append(frame)
    return groups


def _told_apart(frames: list[Frame], marks: tuple[str, ...], words: str = "") -> list[tuple[list[Frame], str]]:
    """Frames divided by the first mark that differs at one place, and so on until no place holds two."""
    heights = _at_one_height(frames)
    for n, mark in enumerate(marks):
        if any(len({frame.text(mark) for frame in height}) > 1 for height in heights):
            divided = _grouped(frames, [frame.text(mark) for frame in frames])
            return [
                stack
                for text, part in divided.items()
                for stack in _told_apart(part, marks[n + 1 :], f"{words}, {MARKS[mark]} {text}".lstrip(", "))
            ]
    return [(frames, words)]


def _at_one_height(frames: list[Frame]) -> list[list[Frame]]:
    """Frames that lie at one height along their normal, together."""
    if frames[0].place is None:
        return [[frame] for frame in frames]
    heights = _heights(frames)
    order = np.argsort(heights, kind="stable")
    height = np.concatenate([[0], np.cumsum(np.diff(heights[order]) > SAME_PLACE_MM)])
    return list(_grouped([frames[n] for n in order], height.tolist()).values())


def _grouped(frames: list[Frame], keys: Iterable[Hashable]) -> dict[Hashable, list[Frame]]:
    groups: dict[Hashable, list[Frame]] = {}
    for frame, key in zip(frames, keys, strict=True):
        groups.setdefault(key, []).append(frame)
    return groups


def _heights(frames: list[Frame]) -> NDArray[np.float64]:
    """Places along the first one's normal, mm from it.

    One normal serves all: the rounding of each one's own would move slices far from the scanner's origin.
    """
    heights: NDArray[np.float64] = _from_first(frames) @ _places(frames)[0].normal
    return heights


def _from_first(frames: list[Frame]) -> NDArray[np.float64]:
    """(N, 3): LPS mm from the first one's place."""
    places = _places(frames)
    return np.array([place.position for place in places]) - places[0].position


def _places(frames: list[Frame]) -> list[Place]:
    return [frame.place for frame in frames if frame.place is not None]


def _thickness(frame: Frame) -> float:
    """Of a single slice, mm; 1 if it does not say."""
    sizes = (frame.number_of(keyword) for keyword in ("SpacingBetweenSlices", "SliceThickness"))
    return next((size for size in sizes if size > 0), 1.0)
