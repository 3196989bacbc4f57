"""Vertebral levels of a result, from a disc that the user knows."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from cordlevelset.levels.column import Levels
    from cordlevelset.result import CordSegmentation

__all__ = ["vertebral_levels", "with_disc"]


def vertebral_levels(result: CordSegmentation, *, disc: Any = None) -> Levels | None:
    """Find and name the vertebral levels of a segmented image.

    Parameters
    ----------
    result : CordSegmentation
        The cord; its own levels are `result.levels`.
    disc : (str, (3,) array_like), optional
        One disc that is known, by its name and a place in it, LPS mm: ``("L4/5", (3.0, 41.5, -212.0))``. All others
        are counted from it. Without one, the sacrum or the axis names the discs, if either is in view.

    Returns
    -------
    Levels or None
        None where no discs are seen.

    Raises
    ------
    InputError
        If there is no disc of this name, or none is seen at its place.

    Examples
    --------
    >>> from cordlevelset import segment
    >>> from cordlevelset.phantom import make_phantom
    >>> result = segment(make_phantom(region="cervical", spacing=(1.0, 1.0, 3.0)).image)
    >>> result.levels.anchor  # a neck without head: nothing in view names a disc
    'none'
    >>> second = result.levels.discs[1]
    >>> [disc.name for disc in vertebral_levels(result, disc=("C3/4", second.point_mm)).discs[:3]]
    ['C2/3', 'C3/4', 'C4/5']
    """
    return with_disc(result, disc).levels


def with_disc(result: CordSegmentation, disc: Any) -> CordSegmentation:
    """The same result with a known disc, so that all that is written of it has its names."""
    from cordlevelset.levels.find import ToldDisc

    return replace(result, disc=None if disc is None else ToldDisc.of(disc))
