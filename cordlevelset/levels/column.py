"""The discs of an image with places and names, and what follows: level of a place, words, label image."""

from __future__ import annotations

from dataclasses import dataclass
from itertools import pairwise

import numpy as np
from numpy.typing import ArrayLike, NDArray

from cordlevelset.brief import one_line
from cordlevelset.levels.anatomy import LAST, disc_name, vertebra_name
from cordlevelset.volume import Volume

__all__ = ["Disc", "Levels"]

FloatArray = NDArray[np.float64]

THIRDS = ("upper third", "middle third", "lower third")
"""How radiologists divide a vertebral body."""
HALF_DISC = 0.12
"""Share of the way from disc to disc that is disc, at each end: of a lumbar one, 9 mm on a way of 37."""
LABEL_RADIUS_MM = 2.0
"""Of the ball that marks a disc in the label image: it is found by eye, and no two touch."""


@dataclass(frozen=True, eq=False)
class Disc:
    """One intervertebral disc.

    Attributes
    ----------
    name : str or None
        "L4/5", "L5/S1", "C2/3"; None if which one it is remained open.
    number : int
        With a name, that of SCT: 3 for C2/3 to 25 for L5/S1. Without, 1 for the uppermost in view, counted downwards.
    point_mm : (3,) array
        Middle of the disc's rear edge, LPS mm, in the sagittal plane of the canal; labels of SCT stand there too.
    normal : (3,) array
        Unit vector across the disc, downwards.
    arclength_mm : float
        Along `Levels.curve_mm`, from its upper end.
    where : float
        0 to 1: how clearly a disc is seen there.
    which : float
        0 to 1: how likely the name is, or would be that was not given.
    from_conus : int or None
        -1 for the disc above the tip of the conus, -2 for the next one up, 1 for the disc below it; None if no tip is
        seen.
    """

    name: str | None
    number: int
    point_mm: FloatArray
    normal: FloatArray
    arclength_mm: float
    where: float
    which: float
    from_conus: int | None = None

    __repr__ = one_line

    @property
    def label(self) -> str:
        """Its name; without one "conus -1", counted from the tip; without a tip "disc 3", counted from the top."""
        return self.name or (f"disc {self.number}" if self.from_conus is None else f"conus {self.from_conus:+d}")

    @property
    def vertebra_label(self) -> str:
        """The same for the vertebra below it: "L1"; "conus", "conus +1"; "vertebra 3"."""
        if self.name:
            return vertebra_name(self.number)
        if self.from_conus is None:
            return f"vertebra {self.number}"
        down = self.from_conus + (self.from_conus < 0)
        return f"conus {down:+d}" if down else "conus"


@dataclass(frozen=True, eq=False)
class Levels:
    """Vertebral levels of one image.

    Attributes
    ----------
    discs : tuple of Disc
        From the top down, two at least.
    curve_mm : (N, 3) array
        Middle of the canal that levels are counted along, from the top down, LPS mm.
    anchor : str
        What the names come from: "sacrum", "axis", "told", or "none": then there are no names.
    words : str
        Where the cord ends, as a radiologist says it; what is in view if no end is.
    """

    discs: tuple[Disc, ...]
    curve_mm: FloatArray
    anchor: str
    words: str

    __repr__ = one_line

    def arclength_of(self, points_mm: ArrayLike) -> FloatArray:
        """Arclength of the point of the curve nearest to each of (M, 3) points, LPS mm.

        Parameters
        ----------
        points_mm : (M, 3) array_like
            LPS mm.

        Returns
        -------
        (M,) array
        """
        return nearest_arclength(self.curve_mm, np.atleast_2d(np.asarray(points_mm, dtype=np.float64)))

    def level_of(self, points_mm: ArrayLike) -> tuple[NDArray[np.int64], FloatArray]:
        """Between which discs places lie.

        Parameters
        ----------
        points_mm : (M, 3) array_like
            LPS mm, in the cord or canal.

        Returns
        -------
        number : (M,) array of int
            Of the disc above, which is that of the vertebra; 0 above the first disc and below the last one.
        fraction : (M,) array
            0 at the disc above to 1 at the disc below; nan where the number is 0.
        """
        stops = np.array([disc.arclength_mm for disc in self.discs])
        numbers = np.array([disc.number for disc in self.discs])
        at = self.arclength_of(points_mm)
        index = np.searchsorted(stops, at, side="right") - 1
        inside = (index >= 0) & (index < len(stops) - 1)
        low = np.clip(index, 0, len(stops) - 2)
        fraction = (at - stops[low]) / (stops[low + 1] - stops[low])
        return np.where(inside, numbers[low], 0), np.where(inside, fraction, np.nan)

    def label_image(self, grid: Volume) -> Volume:
        """Mark each disc with its number, as SCT does.

        Parameters
        ----------
        grid : Volume
            The image whose grid the labels get.

        Returns
        -------
        Volume
            uint8; balls of 2 mm, at least the nearest voxel, at `Disc.point_mm`.
        """
        labels = np.zeros(grid.shape, np.uint8)
        reach = [int(np.ceil(LABEL_RADIUS_MM / s)) for s in grid.spacing]
        offsets = np.stack(np.meshgrid(*(np.arange(-r, r + 1) for r in reach), indexing="ij"), axis=-1).reshape(-1, 3)
        for disc in self.discs:
            middle = np.rint(grid.to_index(disc.point_mm)).astype(int)
            near = np.linalg.norm(offsets * np.array(grid.spacing), axis=1) <= LABEL_RADIUS_MM
            voxels = middle + offsets[near]
            voxels = voxels[((voxels >= 0) & (voxels < grid.shape)).all(axis=1)]
            labels[tuple(voxels.T)] = disc.number
        return grid.like(labels)


def nearest_arclength(curve: FloatArray, points: FloatArray) -> FloatArray:
    """Arclength of the nearest point of a curve of even steps, linear between its points."""
    length = np.concatenate([[0.0], np.cumsum(np.linalg.norm(np.diff(curve, axis=0), axis=1))])
    out = np.empty(len(points))
    along = np.diff(curve, axis=0)
    for m, point in enumerate(points):
        share = np.clip(((point - curve[:-1]) * along).sum(1) / np.maximum((along**2).sum(1), 1e-12), 0, 1)
        apart = np.linalg.norm(curve[:-1] + share[:, None] * along - point, axis=1)
        i = int(apart.argmin())
        out[m] = length[i] + share[i] * (length[i + 1] - length[i])
    return out


def place_in_words(discs: tuple[Disc, ...], arclength_mm: float) -> str:
    """A place along the column in a radiologist's words; empty outside the discs in view."""
    for above, below in pairwise(discs):
        fraction = (arclength_mm - above.arclength_mm) / (below.arclength_mm - above.arclength_mm)
        if not 0 <= fraction <= 1:
            continue
        if fraction < HALF_DISC or fraction > 1 - HALF_DISC:
            return _called(above if fraction < HALF_DISC else below)
        third = THIRDS[int(3 * (fraction - HALF_DISC) / (1 - 2 * HALF_DISC + 1e-9))]
        if above.name is None:
            return f"the {third} of the vertebra between {_called(above)} and {_called(below)}"
        return f"the {third} of {vertebra_name(above.number)}, between {above.name} and {below.name}"
    return ""


def called(number: int, named: bool) -> str | None:
    """Name of a disc, or None."""
    return disc_name(number) if named and number <= LAST else None


def _called(disc: Disc) -> str:
    return f"the disc {disc.name}" if disc.name else f"disc {disc.number} from the top"
