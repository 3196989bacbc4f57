"""Windows of 30 mm along a curve: the mean section, and ten figures that tell a cord in its sac from what is none.

In weak images (T1, EPI) one plane shows next to nothing of the cord, but the mean of the sections over 30 mm along the
curve shows a disc in a ring. Every window is an average of planes, each over its own mean brightness, about centers
that are moved once to the middle of the averaged contour. Contours, levels and borders are read off the average.

The figures are pure numbers, the same in any unit of brightness:

- area: log of the contour's area over that of a usual cord
- unevenness: log of the inside's spread over the border's step
- border: share of the contour, on averages of 10 mm, that stands on a step from cord to CSF
- wall: share of the sac's contour that stands on a step from CSF to wall
- inside: log of the inside's brightness over that of what surrounds the canal
- unsteady: log of the spread of log area between averages of 10 mm
- gain: what a path gains at the window's middle (`maps`)
- change: of the inside's brightness from what lies 15 to 75 mm above, in steps of the border; the lesser of that in the
  image as it is and that without the coil's sensitivity
- ring: brightness of the ring against what surrounds the canal, in steps, positive where it is as CSF is
- patchiness: log of the ring's spread over the border's step; CSF is even, fat, muscle and roots in CSF are not
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from functools import cached_property
from typing import Any

import numpy as np
from numpy.typing import NDArray
from scipy import ndimage as ndi

from cordlevelset.brief import one_line
from cordlevelset.detection.ends import change_point
from cordlevelset.detection.maps import GainMaps
from cordlevelset.detection.searchgrid import SearchGrid, filled_planes, percentiles
from cordlevelset.sections import polar
from cordlevelset.sections.boundary import border_gain
from cordlevelset.sections.curves import smooth_contours
from cordlevelset.sections.stack import Sections
from cordlevelset.sections.steps import core_levels

__all__ = ["FIGURES", "Windows", "windows_along"]

FloatArray = NDArray[np.float64]

FIGURES = (
    "area", "unevenness", "border", "wall", "inside", "unsteady", "gain", "change", "ring", "patchiness",
)  # fmt: skip
"""Names of the figures, in the order of their coefficients."""

WINDOW_MM = 30.0
"""Length of a window, about a vertebra with its disc: noise falls to a fifth of a 1 mm plane's, and the cord's shape
stays the same."""
SHORT_MM = 10.0
"""Length of the averages that show whether the section stays the same within a window: a third of it."""
ALONE_MM = 1e9
"""Distance of planes that windows are given as, so that none is smoothed with its neighbours a second time."""
FINEST_MM = 1.0
"""Planes are sampled about so far apart, or as they are: the average over 30 mm does not gain by more."""
SHIFT_MM = 3.0
"""A window's centers move at most this far: less than a cord's radius, so they stay in the cord."""
USUAL_MM2 = 45.0
"""Area of a usual cord, the middle of its range from conus to neck."""
WIDEST_MM2 = 95.0
"""The widest level of the cord has 85 mm2, with a standard deviation of 8 between people."""
WIDE_SLOPE = 4.0
"""Beyond it the figure falls by this times the log of the excess: at 120 mm2, three deviations more, to that of a cord
of 47 mm2."""
AROUND_CANAL_MM = 10.0
"""Beyond this radius lies mostly what surrounds the canal: bone, fat and muscle."""
CLEAR_MM = 0.5
"""Samples nearer than this to a contour are mixed by its blur."""
INSIDE_LIMIT = 1.5
"""Fat is many steps brighter than cord in T1; that proves no more than one and a half."""
COMPARED_MM = (15.0, 75.0)
"""What a window is compared with: beyond its own length, and twice as long as a syrinx of 40 mm."""
COMPARABLE_MM = 20.0
"""So much of it must be there, two thirds of a vertebra."""
USUAL_CHANGE = 0.1
"""Change from what lies above where there is nothing above to compare with: that of cords in the median."""
RING_LIMIT = 2.0
"""A ring of CSF is brighter than what surrounds the canal by one or two steps; where it is by more, the step is small,
as that of noise in a sac without cord is, and proves no more."""
TINIEST = float(np.finfo(np.float32).tiny)
"""Against division by zero."""
FAINT_STEP = 1e-4
"""Floor of steps and spreads, in mean brightness: no image is so free of noise."""


@dataclass(frozen=True, eq=False)
class Windows:
    """Averages along a curve, one window a plane of the search grid.

    Attributes
    ----------
    planes : (W,) array
        Middle of each window, planes of the full grid.
    plane_mm : float
        Distance of the windows.
    long, short : Sections
        Averages of 30 and 10 mm, brightness over each plane's mean, each with its own contours.
    inside, step : (2, W) array
        Brightness inside the contour, on 10 mm, and height of its border's step, on 30 mm: of the image as it is, and
        over the brightness around the canal.
    response, gain : (W,) array
        Of the cord's filter, and of a path, at the curve.
    """

    planes: FloatArray
    plane_mm: float
    long: Sections
    short: Sections
    inside: FloatArray
    step: FloatArray
    response: FloatArray
    gain: FloatArray

    __repr__ = one_line

    @cached_property
    def _change_point(self) -> tuple[int | None, float]:
        signs = self.inside, self.step, self.response, self.long.area_mm2, self.short.support
        return change_point(*signs, self.plane_mm)

    @property
    def tip(self) -> int | None:
        """Window of the change point below which there is no cord any more, if there is one."""
        return self._change_point[0]

    @property
    def tip_loss_mm(self) -> float:
        """Votes against the cord below the change point, mm."""
        return self._change_point[1]

    @cached_property
    def figures(self) -> FloatArray:
        """(W, 10), in the order of `FIGURES`."""
        long, polarity = self.long, self.long.polarity
        step = np.maximum(long.levels.step, FAINT_STEP)
        mean, spread = core_levels(long.values, long.radii_mm)
        around = _around(long)
        log_area = np.log(self.short.area_mm2)
        steady = _spread_along(log_area, round(WINDOW_MM / self.plane_mm))
        ring, ring_spread = _ring_levels(long)
        columns = (
            _size(long.area_mm2),
            np.clip(np.log(np.maximum(spread, FAINT_STEP) / step), -4, 2),
            self.short.support,
            long.sac_support,
            np.clip(np.log(np.maximum(mean, 0.02) / np.maximum(around, 0.02)), -3, 3),
            np.clip(np.log(steady + 0.02), -4, 0),
            self.gain,
            self._change(),
            np.clip(-polarity * (ring - around) / step, -4, RING_LIMIT),
            np.clip(np.log(np.maximum(ring_spread, FAINT_STEP) / step), -4, 2),
        )
        return np.stack(columns, axis=1)

    def _change(self) -> FloatArray:
        """Change of the inside from what lies above, in steps; in the light in which it is less."""
        inside, step = self.inside, self.step
        out = np.full(len(self.planes), USUAL_CHANGE)
        near, far = (max(i + 1, round(mm / self.plane_mm)) for i, mm in enumerate(COMPARED_MM))
        enough = max(1, int(COMPARABLE_MM / self.plane_mm))
        n = len(out) - near - enough + 1
        if n > 0:
            usual, height = (_medians(v[:, near:], far - near, n) for v in (inside, step))
            out[:n] = np.minimum(np.abs(inside[:, :n] - usual) / height, INSIDE_LIMIT).min(0)
        return out


def windows_along(
    array: NDArray[np.float32],
    spacing: tuple[float, float, float],
    grid: SearchGrid,
    maps: GainMaps,
    places: NDArray[np.int64],
    curve_mm: FloatArray,
) -> Windows:
    """Average the image along a curve.

    Parameters
    ----------
    array : (K, J, I) array of float32
        Canonical grid.
    spacing : (3,) tuple of float
        Its voxel size in mm.
    grid : SearchGrid
        The reduced image.
    maps : GainMaps
        Of the polarity that is tried.
    places : (G, 2) array of int
        The path on the search grid.
    curve_mm : (G, 2) array
        The same path, smooth, row and column in mm of the full grid.

    Returns
    -------
    Windows
    """
    lowest, highest = filled_planes(array)
    stride = max(1, round(FINEST_MM / spacing[0]))
    planes = np.arange(lowest, highest + 1, stride)
    thin = array[lowest : highest + 1 : stride]
    middles = np.clip(grid.offset[0] + grid.step[0] * np.arange(len(places)), lowest, highest)
    rows = np.clip(np.rint((middles - lowest) / stride).astype(int), 0, len(planes) - 1)
    dark = float(percentiles(array[lowest : highest + 1], 1)[0])
    plane_mm = spacing[0] * stride

    def sampled(curve: FloatArray) -> NDArray[np.float32]:
        centers = np.stack([np.interp(planes, middles, c) for c in curve.T], axis=1)
        values = polar.polar_sections(thin, spacing=spacing, first=0, centers_mm=centers)
        values -= np.float32(dark)
        return values

    def average(values: NDArray[np.float32], length_mm: float, curve: FloatArray) -> Sections:
        mean = _box(values, round(length_mm / plane_mm))[rows]
        mean = ndi.gaussian_filter1d(mean, 1.0, axis=1, mode="wrap", truncate=2.0)
        sections = Sections(0, curve, np.empty((len(rows), 0)), (ALONE_MM, *spacing[1:]), maps.polarity, mean)
        return sections.with_radii(smooth_contours(border_gain(sections.evidence)))

    shift = polar.centroid_shift(average(_over_mean(sampled(curve_mm)), WINDOW_MM, curve_mm).radii_mm)
    shift = np.clip(shift, -SHIFT_MM, SHIFT_MM)
    if grid.spacing[0] < WINDOW_MM / 5:  # windows that share most of their planes
        shift = ndi.gaussian_filter1d(shift, SHORT_MM / grid.spacing[0], axis=0, mode="nearest")
    curve_mm = curve_mm + shift
    raw = sampled(curve_mm)
    even = _over_mean(raw)
    long, short = average(even, WINDOW_MM, curve_mm), average(even, SHORT_MM, curve_mm)
    seen = replace(long, values=_box(raw, round(SHORT_MM / plane_mm))[rows])
    inside, around = core_levels(seen.values, seen.radii_mm)[0], np.maximum(_around(seen), TINIEST)
    step = np.maximum(replace(long, values=_box(raw, round(WINDOW_MM / plane_mm))[rows]).levels.step, TINIEST)
    k, (r, c) = np.arange(len(places)), places.T
    return Windows(
        planes=middles,
        plane_mm=grid.spacing[0],
        long=long,
        short=short,
        inside=np.stack([inside, inside / around]),
        step=np.stack([step, step / around]),
        response=maps.cord[k, r, c].astype(np.float64),
        gain=maps.gain[k, r, c].astype(np.float64),
    )


def _size(area_mm2: FloatArray) -> FloatArray:
    """Log of areas over a usual cord's, falling again beyond the widest."""
    out: FloatArray = np.log(area_mm2 / USUAL_MM2) - WIDE_SLOPE * np.maximum(np.log(area_mm2 / WIDEST_MM2), 0)
    return out


def _over_mean(values: NDArray[np.float32]) -> NDArray[np.float32]:
    """Sections over the mean brightness of each, above the image's darkest."""
    mean = values.mean((1, 2), keepdims=True)
    out: NDArray[np.float32] = values / np.maximum(mean, 1e-3 * np.abs(mean).max() + np.finfo(np.float32).tiny)
    return out


def _box(values: NDArray[Any], n: int) -> NDArray[Any]:
    """Running mean over n planes, an odd number, no more than there are on both sides."""
    n = min(n + 1 - n % 2, 2 * len(values) - 1)
    if n < 2:
        return values
    out: NDArray[Any] = ndi.uniform_filter1d(values, n, axis=0, mode="nearest")
    return out


def _medians(values: FloatArray, length: int, n: int) -> FloatArray:
    """Medians (2, n) over the `length` values from each on, or as many as there are."""
    full = np.lib.stride_tricks.sliding_window_view(values, min(length, values.shape[1]), axis=1)[:, :n]
    rest = [np.median(values[:, k : k + length], axis=1) for k in range(full.shape[1], n)]
    out: FloatArray = np.column_stack([np.median(full, axis=2), *rest])
    return out


def _spread_along(values: FloatArray, n: int) -> FloatArray:
    """Standard deviation (W,) of the values in a window of n."""
    out: FloatArray = np.sqrt(np.maximum(_box(values**2, n) - _box(values, n) ** 2, 0))
    return out


def _around(sections: Sections) -> FloatArray:
    """Median brightness (W,) of what surrounds the canal."""
    around: FloatArray = np.median(sections.values[:, :, polar.RADII_MM >= AROUND_CANAL_MM], axis=(1, 2))
    return around


def _ring_levels(sections: Sections) -> tuple[FloatArray, FloatArray]:
    """Mean brightness (W,) between the contours of cord and sac, and its standard deviation (W,)."""
    inner = sections.radii_mm[:, :, None]
    outer = np.maximum(sections.sac_mm[:, :, None], inner + 3 * CLEAR_MM)
    ring = (polar.RADII_MM > inner + CLEAR_MM) & (polar.RADII_MM < outer)
    count = np.maximum(ring.sum((1, 2)), 1)
    mean = (sections.values * ring).sum((1, 2)) / count
    variance = (ring * (sections.values - mean[:, None, None]) ** 2).sum((1, 2)) / count
    return mean, np.sqrt(variance)
