"""Voxels where nothing was measured: NaN around the body, as resampling and quantitative maps leave it."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray
from scipy import ndimage as ndi

from cordlevelset.errors import InputError

if TYPE_CHECKING:
    from cordlevelset.volume import Volume

__all__ = ["TISSUE_SHARE", "filled", "missing_notes"]

TISSUE_SHARE = 0.06
"""Tissue is brighter than this share of the range from air to bright tissue: the mean of air's noise and three of its
deviations, at the 1 to 2 % that it has behind the body in most images."""


def filled(values: NDArray[np.float32]) -> NDArray[np.float32]:
    """Values with the darkest one, that of air, where there are none.

    Parameters
    ----------
    values : (K, J, I) array of float32
        Planes of the first axis lie across the body. NaN is allowed.

    Returns
    -------
    (K, J, I) array of float32

    Raises
    ------
    InputError
        If a value is missing inside the body: where tissue closes around it in its plane.
    """
    missing = np.isnan(values)
    if not missing.any():
        return values
    known = values[~missing]
    if not known.size:
        raise InputError("the image holds no numbers, only NaN; give another")
    dark, bright = np.percentile(known, (1, 99))
    out = np.where(missing, known.min(), values)
    tissue = out > dark + TISSUE_SHARE * (bright - dark)
    holes = np.stack([missing[k] & ndi.binary_fill_holes(tissue[k]) for k in np.flatnonzero(missing.any((1, 2)))])
    if holes.any():
        raise InputError(
            f"{np.count_nonzero(holes)} of {values.size} voxels are not numbers (NaN) and lie inside the body; replace "
            "them first, those outside may stay"
        )
    return out


def missing_notes(volume: Volume) -> tuple[str, ...]:
    """What to say of an image in which values are missing; empty if none are."""
    share = float(np.isnan(volume.array).mean()) if volume.array.dtype.kind == "f" else 0.0
    return (f"{share:.1%} of the voxels are not numbers (NaN), all outside the body; taken for air",) if share else ()
