"""Tubularity tuned for the cord: signed flux of the normalised gradient through ellipses.

At a point c of a plane across the cord, for an ellipse E with half axes r (antero-posterior) and q r (left-right),

    s(t) = n(t) . grad I(c + E(t)) / (|grad I| + k m)          in (-1, 1)
    D(c; r, q) = (1 - w) mean_t f(t) + w min_sector f,   f(t) = min(s(t), s(t + pi))

with n the outward normal of the ellipse, m the mean gradient of the neighbourhood, and ``min_sector`` the weakest of
four sectors of the circle. D is large where the plane darkens towards c from *every* side: a dark cord in bright
CSF. The same with -s is the bright polarity, so both cost one pass. The minimum of opposite rays rejects single
edges [1]_ (gradient flux) and the weakest sector rejects pairs of parallel edges, such as skin fat and muscle planes.
Dividing by the gradient's own length makes surface coils, fat and weak CSF borders weigh alike (optimally oriented
flux does the same by its closed surface integral [2]_).

References
----------
.. [1] Vasilevskiy, Siddiqi (2002), Flux maximizing geometric flows, IEEE TPAMI 24:1565, doi:10.1109/TPAMI.2002.1114849
.. [2] Law, Chung (2008), Three dimensional curvilinear structure detection using optimally oriented flux, ECCV 2008
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray
from scipy import ndimage as ndi

from cordlevelset.brief import one_line
from cordlevelset.detection.searchgrid import percentiles
from cordlevelset.errors import GeometryError, InputError
from cordlevelset.parallel import at_once, in_parts
from cordlevelset.sections.steps import EDGE_WIDTH_MM

__all__ = ["CORD_RADII_MM", "SAC_RADII_MM", "Tubularity", "tubularity"]

FloatArray = NDArray[np.float32]

CORD_RADII_MM = (2.5, 3.0, 3.5, 4.0, 4.5)
"""AP half-diameters of the cord, mm: 5 mm near the conus to 9 mm at the cervical enlargement (Frostell 2016)."""
SAC_RADII_MM = (5.0, 6.5, 8.0, 9.5)
"""AP half-diameters of the thecal sac, mm: 10 to 19 mm from neck to lumbar cistern."""
CORD_RATIOS = (1.0, 1.4, 2.0, 2.6)
"""Left-right over AP diameter: round in the thorax and at the conus, about 2 at the cervical enlargement (14 mm by 7
mm), 2.6 where a healthy neck's cord is flattest (AP over left-right 0.4)."""
SAC_RATIOS = (1.0, 1.4)
"""The same of the sac, which is rounder than the cord in it."""
WEAKEST_SHARE = 0.5
"""w: the weakest sector weighs as much as the mean of all."""
NOISE_SHARE = 0.35
"""k: an edge a third as steep as its neighbourhood's mean counts half. Near 1 weak T1 borders vanish; near 0 noise
counts as border."""
NEIGHBOURHOOD_MM = 12.5
"""Gaussian sigma of the neighbourhood whose mean gradient scales the noise term: the vertebral canal with its walls."""


@dataclass(frozen=True, slots=True)
class Tubularity:
    """Response of the cord filter, one value a voxel.

    Attributes
    ----------
    bright, dark : (K, J, I) array of float32 or None
        Response in (-1, 1) of a tube brighter, darker than its surroundings; -2 where NaN in the image hides it;
        None if not asked for.
    radius_bright, radius_dark : (K, J, I) array of float32 or None
        AP half-diameter of the best ellipse, mm.
    """

    bright: FloatArray | None
    dark: FloatArray | None
    radius_bright: FloatArray | None
    radius_dark: FloatArray | None

    __repr__ = one_line


class Flux(NamedTuple):
    """Responses to tubes brighter and darker than what surrounds them, and the number of the best ellipse, int16."""

    bright: FloatArray
    dark: FloatArray
    scale_bright: NDArray[np.int16]
    scale_dark: NDArray[np.int16]


def normalised_gradient(image: FloatArray, spacing: tuple[float, float, float]) -> tuple[FloatArray, FloatArray]:
    """In-plane gradient divided by its length plus `NOISE_SHARE` of the neighbourhood's.

    The neighbourhood's gradient is the squared mean root of |grad|: less moved by one bright edge than the mean.
    """
    _, dy, dx = spacing
    sigma = (0.0, NEIGHBOURHOOD_MM / dy, NEIGHBOURHOOD_MM / dx)
    gy, gx, length, local = (np.empty_like(image) for _ in range(4))

    def slopes(planes: slice) -> None:
        gy[planes] = _slope(image[planes], 1) * np.float32(max(dy, EDGE_WIDTH_MM) / (dy * EDGE_WIDTH_MM))
        gx[planes] = _slope(image[planes], 2) * np.float32(max(dx, EDGE_WIDTH_MM) / (dx * EDGE_WIDTH_MM))
        np.hypot(gy[planes], gx[planes], out=length[planes])
        ndi.gaussian_filter(np.sqrt(length[planes]), sigma, output=local[planes], mode="nearest", truncate=2.0)

    in_parts(slopes, len(image))
    # in air there is nothing but noise: a thousandth of the image's strong edges is no border anywhere
    floor = np.float32(1e-3 * percentiles(length, 99)[0] + np.finfo(np.float32).tiny)

    def normalise(planes: slice) -> None:
        length[planes] += np.float32(NOISE_SHARE) * np.maximum(local[planes] ** 2, floor)
        gy[planes] /= length[planes]
        gx[planes] /= length[planes]

    in_parts(normalise, len(image))
    return gy, gx


def _slope(image: FloatArray, axis: int) -> FloatArray:
    """Central difference per voxel; zero along an axis of one voxel."""
    if image.shape[axis] < 2:
        return np.zeros_like(image)
    slope: FloatArray = np.gradient(image, axis=axis)
    return slope


def flux(
    gradient: tuple[FloatArray, FloatArray],
    spacing: tuple[float, float, float],
    radii: Sequence[float],
    ratios: Sequence[float],
) -> Flux:
    """Ellipse flux of a normalised gradient, plane by plane over a thread pool (kernels release the GIL)."""
    from cordlevelset.detection import _kernels

    gy, gx = gradient
    _, dy, dx = spacing
    r, q = np.asarray(radii, np.float64), np.asarray(ratios, np.float64)
    margin = (int(np.ceil(r.max() / dy)) + 1, int(np.ceil(r.max() * q.max() / dx)) + 1)
    pad = ((margin[0], margin[0]), (margin[1], margin[1]))
    dark, bright = np.empty_like(gy), np.empty_like(gy)
    scale_dark, scale_bright = np.empty(gy.shape, np.int16), np.empty(gy.shape, np.int16)

    def plane(k: int) -> None:
        py, px = np.pad(gy[k], pad, mode="edge"), np.pad(gx[k], pad, mode="edge")
        _kernels.ellipse_flux(
            py, px, np.array([dy, dx]), r, q, WEAKEST_SHARE, dark[k], bright[k], scale_dark[k], scale_bright[k]
        )

    at_once(plane, range(len(gy)))
    return Flux(bright, dark, scale_bright, scale_dark)


def tubularity(
    image: NDArray[np.generic],
    *,
    spacing: tuple[float, float, float],
    radii: Sequence[float] = CORD_RADII_MM,
    polarity: str = "auto",
) -> Tubularity:
    """Cord-tuned tubularity in the planes of axis 0, on the acquired grid, both polarities in one pass.

    Parameters
    ----------
    image : (K, J, I) array
        Any real type, arbitrary units; axis 0 runs along the cord, axis 1 antero-posterior, axis 2 left-right.
    spacing : (3,) tuple of float
        Voxel size in mm, array-axis order.
    radii : sequence of float
        AP half-diameters in mm; the left-right one is 1, 1.4, 2 and 2.6 times as long.
    polarity : {"auto", "bright", "dark"}
        Which responses to return: both, that of a tube brighter, or darker than its surroundings.

    Returns
    -------
    Tubularity
        Response in (-1, 1) and the AP half-diameter in mm of the best ellipse, per voxel.

    Raises
    ------
    InputError
        If `image` is not three-dimensional, `radii` are not positive, or `polarity` is unknown.
    GeometryError
        If `spacing` does not hold three positive numbers.

    Notes
    -----
    See the module's text for the equation and its sources. An affine change of intensity changes nothing; image ->
    -image swaps the polarities.

    Examples
    --------
    >>> import numpy as np
    >>> y, x = np.mgrid[-20:21, -20:21]
    >>> tube = np.repeat((np.hypot(y, x) > 4)[None] * 1.0, 3, axis=0)
    >>> response = tubularity(tube, spacing=(3.0, 1.0, 1.0)).dark
    >>> [int(i) for i in np.unravel_index(response[1].argmax(), response[1].shape)]
    [20, 20]
    """
    if np.ndim(image) != 3:
        raise InputError(f"image has {np.ndim(image)} axes; give a 3-D array with axis 0 along the cord")
    if not np.size(image):
        raise InputError(f"image is empty, shape {np.shape(image)}; give one with voxels")
    if np.shape(spacing) != (3,) or not all(np.isfinite(s) and s > 0 for s in spacing):
        raise GeometryError(f"spacing is {spacing}; give three positive voxel sizes in mm, in array-axis order")
    if np.ndim(radii) != 1 or not np.size(radii) or not all(0 < r < np.inf for r in radii):
        raise InputError(f"radii are {radii}; give positive AP half-diameters in mm")
    if polarity not in ("auto", "bright", "dark"):
        raise InputError(f"polarity is {polarity!r}; give 'auto', 'bright' or 'dark'")
    gradient = normalised_gradient(np.ascontiguousarray(image, np.float32), spacing)
    found = flux(gradient, spacing, radii, CORD_RATIOS)
    radius_of = np.tile(np.asarray(radii, np.float32), len(CORD_RATIOS))
    bright = (None, None) if polarity == "dark" else (found.bright, radius_of[found.scale_bright])
    dark = (None, None) if polarity == "bright" else (found.dark, radius_of[found.scale_dark])
    return Tubularity(bright[0], dark[0], bright[1], dark[1])
