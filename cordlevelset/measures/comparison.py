"""Comparison of a mask with a reference: overlap, surface distances in mm, bias, area error, coverage."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray
from scipy import ndimage as ndi

from cordlevelset.brief import one_line
from cordlevelset.errors import GeometryError, InputError
from cordlevelset.io.masks import Label, as_mask
from cordlevelset.measures.morphometry import sections_of_mask
from cordlevelset.volume import Volume, canonical_turn, same_grid

__all__ = ["Comparison", "compare"]

BoolArray = NDArray[np.bool_]


@dataclass(frozen=True, slots=True)
class Comparison:
    """One mask against a reference, in the slices that the reference covers.

    Attributes
    ----------
    dice : float
        Overlap 2 |A and B| / (|A| + |B|), 0 to 1.
    hd95_mm : float
        95th percentile of the distances between the borders, the larger of both directions; nan if the mask is empty
        or one of the two has no border, since it fills its slices.
    assd_mm : float
        Mean distance between the borders, both directions pooled; nan where `hd95_mm` is.
    bias_mm : float
        Mean over slices of the difference of the radii of the circles of equal area: positive if the mask is too large.
    area_error : float
        Median over slices of |area difference| / reference area, as a share: 0.1 is 10 %.
    coverage : float
        Share of the reference's slices that hold any of the mask.
    centerline_mm : float
        Mean distance of the centroids, slice by slice; nan if the mask is empty.
    """

    dice: float
    hd95_mm: float
    assd_mm: float
    bias_mm: float
    area_error: float
    coverage: float
    centerline_mm: float

    __repr__ = one_line


def compare(
    mask: Any, reference: Any, *, label: Label | None = None, reference_label: Label | None = None
) -> Comparison:
    """Compare a mask with a reference on the same grid.

    Slices are those of the grid's axis nearest to the patient's long axis. Borders are taken within the slices: the
    open ends of a stack are no borders. Values of one half or more count as inside.

    Parameters
    ----------
    mask, reference : path, SimpleITK.Image or Volume
        Masks or soft masks.
    label, reference_label : int or str, optional
        Which structure, where one of them holds several: its number, or its name in a ``.seg.nrrd``.

    Returns
    -------
    Comparison

    Raises
    ------
    GeometryError
        If the grids differ.
    InputError
        If the reference is empty, or one holds several structures or values that are not finite real numbers.

    Examples
    --------
    >>> import numpy as np
    >>> from cordlevelset import Volume
    >>> reference, mask = np.zeros((2, 3, 20, 20))
    >>> reference[:, 5:15, 5:15] = 1
    >>> mask[:, 5:15, 5:16] = 1  # one column of 0.5 mm too many
    >>> result = compare(Volume(mask, (3.0, 0.5, 0.5)), Volume(reference, (3.0, 0.5, 0.5)))
    >>> round(result.dice, 3), result.hd95_mm, result.coverage
    (0.952, 0.5, 1.0)
    """
    a, b = as_mask(mask, "mask", label=label), as_mask(reference, "reference", label=reference_label)
    if not same_grid(b, a):
        raise GeometryError(f"the grids differ ({a.shape} and {b.shape} voxels, or places); resample one to the other")
    turn = canonical_turn(b)
    result, truth = (turn.volume(v).array >= 0.5 for v in (a, b))
    covered = truth.any(axis=(1, 2))
    if not covered.any():
        raise InputError("the reference is empty")
    return _compare(result[covered], truth[covered], turn.volume(b))


def _compare(result: BoolArray, truth: BoolArray, grid: Volume) -> Comparison:
    """Only slices with truth are left."""
    spacing = grid.spacing
    has = result.any(axis=(1, 2))
    dice = 2 * np.count_nonzero(result & truth) / (np.count_nonzero(result) + np.count_nonzero(truth))
    if not has.any():
        return Comparison(0.0, np.nan, np.nan, np.nan, 1.0, 0.0, np.nan)
    there, back = _border_distances(result, truth, spacing), _border_distances(truth, result, spacing)
    ours, theirs = (sections_of_mask(m[has], spacing) for m in (result, truth))
    all_areas = (result.sum((1, 2)), truth.sum((1, 2)))
    radii = [np.sqrt(s.area_mm2 / np.pi) for s in (ours, theirs)]
    return Comparison(
        dice=float(dice),
        hd95_mm=float(max(np.percentile(there, 95), np.percentile(back, 95))) if there.size and back.size else np.nan,
        assd_mm=float(np.concatenate([there, back]).mean()) if there.size and back.size else np.nan,
        bias_mm=float((radii[0] - radii[1]).mean()),
        area_error=float(np.median(np.abs(all_areas[0] - all_areas[1]) / all_areas[1])),
        coverage=float(has.mean()),
        centerline_mm=float(np.linalg.norm(ours.centroid_mm - theirs.centroid_mm, axis=1).mean()),
    )


def _border_distances(a: BoolArray, b: BoolArray, spacing: tuple[float, float, float]) -> NDArray[np.float64]:
    """Distances of a's border voxels to b's nearest one, mm."""
    away = ndi.distance_transform_edt(~_border(b), sampling=spacing)
    out: NDArray[np.float64] = away[_border(a)]
    return out


def _border(mask: BoolArray) -> BoolArray:
    """Voxels with a neighbour outside in their own slice."""
    plane = ndi.generate_binary_structure(3, 1)
    plane[0] = plane[2] = False
    out: BoolArray = mask & ~ndi.binary_erosion(mask, plane, border_value=1)
    return out
