"""Edge indicators in units of the image's own noise."""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import ArrayLike, NDArray

from cordlevelset.errors import InputError
from cordlevelset.levelset.distance import check_grid, fill_missing

__all__ = ["edge_indicator"]

FloatArray = NDArray[np.floating[Any]]

MAD_TO_SIGMA = 1.4826
"""Standard deviation of a normal variable over its median absolute deviation."""
LEAST_NOISE = 1e-3
"""Of the strongest gradient: what images of about 10 bits can still show. Stands for the noise where there is none."""


def edge_indicator(
    image: ArrayLike, *, spacing: tuple[float, ...], sigma: float, strength: float = 3.0, power: float = 2.0
) -> FloatArray:
    """Edge indicator g = 1 / (1 + (|grad (G_sigma * image)| / (strength * noise))^power).

    `noise` is the standard deviation of one component of the smoothed gradient where there is no edge: 1.4826 times the
    median absolute component over the image, so that g is the same whatever the scale and offset of the intensities.

    Parameters
    ----------
    image : (M, N) or (K, M, N) array of float
        Intensities, any unit. NaN: no data.
    spacing : tuple of float
        Voxel size in mm, array-axis order.
    sigma : float
        Standard deviation of the Gaussian in mm, along every axis; 0 for none.
    strength : float
        Gradient at which g = ½, in standard deviations of the noise.
    power : float
        Steepness: 2 as in [1]_ and [2]_.

    Returns
    -------
    g : array of float32 or float64
        0 on strong edges to 1 in flat regions; NaN where `image` is.

    Raises
    ------
    GeometryError
        If `spacing` is not one positive number an axis.
    InputError
        If `sigma` is negative or not finite, or `strength` or `power` is not positive.

    References
    ----------
    .. [1] Perona, Malik (1990), IEEE TPAMI 12:629, doi:10.1109/34.56205
    .. [2] Caselles, Kimmel, Sapiro (1997), IJCV 22:61, doi:10.1023/A:1007979827043

    Examples
    --------
    A step between two flat halves:

    >>> edge_indicator([[0.0] * 5 + [9.0] * 5] * 3, spacing=(1.0, 1.0), sigma=0.5).round(1)[1]
    array([1., 1., 1., 0., 0., 0., 0., 1., 1., 1.])
    """
    from scipy import ndimage as ndi

    values, steps = check_grid(image, spacing)
    if not (0 <= sigma < np.inf and strength > 0 and power > 0):
        raise InputError(
            f"sigma = {sigma} must be finite and not negative, strength = {strength} and power = {power} positive"
        )
    filled, missing = fill_missing(values, steps)
    filled = filled - filled.mean()  # a large offset would cost float32 its digits
    smooth = ndi.gaussian_filter(filled, [sigma / h for h in steps], mode="nearest")
    axes = [a for a in range(smooth.ndim) if smooth.shape[a] > 1]
    slopes = [np.gradient(smooth, steps[a], axis=a) for a in axes]
    if not slopes or not any(s.any() for s in slopes):
        return np.where(np.isnan(values), values, np.ones_like(values))
    length = np.sqrt(np.sum([s * s for s in slopes], axis=0))
    known = slice(None) if missing is None else ~missing
    noise = MAD_TO_SIGMA * float(np.median(np.abs([s[known] for s in slopes])))
    noise = max(noise, LEAST_NOISE * float(length.max()))
    g: FloatArray = (1 / (1 + (length / (strength * noise)) ** power)).astype(values.dtype)
    if missing is not None:
        g[missing] = np.nan
    return g
