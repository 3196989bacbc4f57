"""The curve that levels are counted along: the middle of the thecal sac, below the cord too.

Along the cord it is the middle of the sac's contours. Below the conus the sac goes on as a tube without cord; it is
followed there by the filter and the dynamic program that find the cord, from the cord's last place downwards.
"""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray
from scipy import ndimage as ndi

from cordlevelset.detection import flux
from cordlevelset.detection.paths import best_track
from cordlevelset.detection.searchgrid import search_grid
from cordlevelset.sections import polar
from cordlevelset.sections.contours import CordContours
from cordlevelset.volume import Volume

__all__ = ["canal_curve", "lean_deg"]

FloatArray = NDArray[np.float64]

CURVE_STEP_MM = 1.0
"""Distance of the curve's points: a third of what a disc's place must be right to."""
SPINE_MM = 8.0
"""Gaussian sigma along the body: a quarter of a lumbar vertebra: the curve follows the spine, not single walls."""
BEYOND_MM = 16.0
"""The curve goes on straight for this long beyond both ends: the last disc in view lies before the last of the sac."""
MEETING_MM = 4.0
"""The sac below is met this close to the cord's last place: the slack of a cord in its sac."""
TUBE_WEIGHT = 0.5
"""Weight of the sac's response, against what a bend of the path costs: half the borders of a cord in its sac."""
LEAST_RESPONSE = 0.2
"""Response of the sac at which the way down gains nothing: chance alone gives up to this much."""
CURVE_DIRECTION_MM = 4.0
"""Gaussian sigma of the direction that is read off the curve."""


def canal_curve(image: Volume, contours: CordContours, polarity: int) -> FloatArray:
    """Middle of the thecal sac from the top down, one point a millimetre.

    Parameters
    ----------
    image : Volume
        float32 on the canonical grid.
    contours : CordContours
        Of the cord and its sac.
    polarity : int
        +1 bright cord, -1 dark.

    Returns
    -------
    (N, 3) array
        Plane, row, column; grid mm.
    """
    centers = contours.centers_mm + polar.centroid_shift(contours.sac_mm)
    planes = (contours.first + np.arange(len(centers))) * image.spacing[0]
    along_cord = np.column_stack([planes, centers])
    below = _sac_below(image, along_cord, polarity)
    points = np.concatenate([below[below[:, 0] < planes[0] - MEETING_MM], along_cord])
    if points[-1, 0] - points[0, 0] < 2 * CURVE_STEP_MM:  # one slice: the curve is a point with a direction
        points = points[:1] + np.array([[-CURVE_STEP_MM, 0.0, 0.0], [CURVE_STEP_MM, 0.0, 0.0]])
    return _smooth(points)


def _sac_below(image: Volume, along_cord: FloatArray, polarity: int) -> FloatArray:
    """Places of the sac from where it is last seen up to the cord's lowest plane (N, 3), grid mm; may be empty."""
    grid = search_grid(image.array, image.spacing)
    heights, rows, columns = (
        (grid.offset[a] + grid.step[a] * np.arange(grid.image.shape[a])) * image.spacing[a] for a in range(3)
    )
    last = int(np.searchsorted(heights, along_cord[0, 0]))
    if last in (0, len(heights)):
        return np.empty((0, 3))
    gradient = flux.normalised_gradient(grid.image[: last + 1], grid.spacing)
    tubes = flux.flux(gradient, grid.spacing, flux.SAC_RADII_MM, flux.SAC_RATIOS)
    response = tubes.bright if polarity < 0 else tubes.dark
    gain = (TUBE_WEIGHT * (response - LEAST_RESPONSE)).astype(np.float32)
    row, column = (np.interp(heights[last], along_cord[:, 0], along_cord[:, i]) for i in (1, 2))
    gain[-1][np.hypot(rows[:, None] - row, columns[None] - column) > MEETING_MM] = -np.inf
    track = best_track(gain, grid.spacing, open_below=True)
    j, i = track.places.T
    return np.column_stack([heights[track.first : track.first + len(j)], rows[j], columns[i]])


def _smooth(points: FloatArray) -> FloatArray:
    """The curve through points from below up: smoothed about its ends, prolonged, evenly spaced, from the top down."""
    z = np.arange(points[0, 0], points[-1, 0] + CURVE_STEP_MM / 2, CURVE_STEP_MM)
    places = np.column_stack([np.interp(z, points[:, 0], points[:, a]) for a in (1, 2)])
    reach = min(len(z) - 1, round(4 * SPINE_MM / CURVE_STEP_MM))
    below, above = 2 * places[0] - places[reach:0:-1], 2 * places[-1] - places[-2 : -reach - 2 : -1]
    padded = ndi.gaussian_filter1d(np.concatenate([below, places, above]), SPINE_MM / CURVE_STEP_MM, axis=0)
    curve = np.column_stack([z, padded[reach : reach + len(z)]])[::-1]
    length = np.concatenate([[0.0], np.cumsum(np.linalg.norm(np.diff(curve, axis=0), axis=1))])
    even = np.arange(0.0, length[-1], CURVE_STEP_MM)
    curve = np.column_stack([np.interp(even, length, c) for c in curve.T])
    span = min(len(curve) - 1, round(BEYOND_MM / CURVE_STEP_MM))
    up, down = ((curve[a] - curve[b]) / np.linalg.norm(curve[a] - curve[b]) for a, b in ((0, span), (-1, -1 - span)))
    beyond = CURVE_STEP_MM * np.arange(1, round(BEYOND_MM / CURVE_STEP_MM) + 1)[:, None]
    out: FloatArray = np.concatenate([(curve[0] + beyond * up)[::-1], curve, curve[-1] + beyond * down])
    return out


def lean_deg(curve: FloatArray) -> FloatArray:
    """Direction (N,) of a curve from the top down in the sagittal plane: degrees, positive where it runs backward."""
    smooth = ndi.gaussian_filter1d(curve[:, :2], CURVE_DIRECTION_MM / CURVE_STEP_MM, axis=0, mode="nearest")
    along = np.gradient(smooth, axis=0)
    out: FloatArray = np.degrees(np.arctan2(along[:, 1], -along[:, 0]))
    return out
