"""Morphometry, slice by slice, perpendicular to the cord.

A section in the plane z = 0 has area A, centroid c and covariance C of its points. With t the unit tangent of the cord,
the section perpendicular to the cord is the oblique one seen along t:

    area = A |t_z|,    width along a unit vector e perpendicular to t = 4 sqrt(e' C e)

for e the AP and the left-right axis made perpendicular to t. 4 sqrt(variance) is the full width of the ellipse with the
section's second moments, as in SCT and scikit-image. Both are exact for an oblique cut of an elliptic cylinder.
"""

from __future__ import annotations

import warnings
from collections.abc import Sequence
from dataclasses import dataclass, fields
from typing import Any

import numpy as np
from numpy.typing import NDArray
from scipy import ndimage as ndi

from cordlevelset.brief import one_line
from cordlevelset.errors import InputError
from cordlevelset.io.masks import Label, as_mask
from cordlevelset.measures.piece import cord_piece, turn_along
from cordlevelset.sections import polar
from cordlevelset.volume import Turn, Volume

__all__ = ["COLUMNS", "SliceMeasures", "measure", "sections_of_contours", "sections_of_mask", "slice_measures"]

FloatArray = NDArray[np.float64]

TANGENT_MM = 5.0
"""Gaussian sigma along the cord of the centerline whose direction counts: half a vertebra's height."""


@dataclass(frozen=True, slots=True)
class SliceMeasures:
    """One slice of the cord.

    Attributes
    ----------
    slice : int
        Index on the input's own grid, along the array axis that runs nearest to the cord.
    area_mm2 : float
        Perpendicular to the cord.
    diameter_ap_mm, diameter_rl_mm : float
        Antero-posterior and left-right, perpendicular to the cord.
    angle_deg : float
        Between the cord and the normal of the slice.
    angle_ap_deg, angle_rl_deg : float
        Its two parts: about the AP axis, positive where the cord leans to the left on its way up, and about the
        left-right axis, positive where it leans forward.
    length_mm : float
        Of the cord in this slice: thickness of the slice along the cord.
    volume_mm3 : float
        Of the cord in this slice: length times area.
    eccentricity : float
        0 circle, towards 1 flat; of the ellipse with the section's second moments.
    canal_area_mm2 : float
        Of the thecal sac, the cord included, perpendicular to the cord; nan where its border is not seen.
    canal_share : float
        Cord over sac area.
    confidence : float
        0 to 1; nan from `measure`, which cannot know it.
    """

    slice: int
    area_mm2: float
    diameter_ap_mm: float
    diameter_rl_mm: float
    angle_deg: float
    angle_ap_deg: float
    angle_rl_deg: float
    length_mm: float
    volume_mm3: float
    eccentricity: float
    canal_area_mm2: float
    canal_share: float
    confidence: float

    __repr__ = one_line


@dataclass(frozen=True, slots=True)
class Measured:
    """Records of a mask, from the top down; index on its grid of each plane along the cord; what was left out."""

    records: tuple[SliceMeasures, ...]
    planes: range
    notes: tuple[str, ...]


COLUMNS = tuple(field.name for field in fields(SliceMeasures))
"""Of the table of measures, in the order of the fields."""


@dataclass(frozen=True, slots=True)
class Sections:
    """Plane sections: index (P,), area (P,) mm2, centroid (P, 2), covariance (P, 2, 2); y and x in grid mm."""

    planes: NDArray[np.int64]
    area_mm2: FloatArray
    centroid_mm: FloatArray
    covariance_mm2: FloatArray

    __repr__ = one_line


def sections_of_contours(first: int, centers_mm: FloatArray, radii_mm: FloatArray) -> Sections:
    """Moments of star-shaped polygons, exact.

    Parameters
    ----------
    first : int
        Lowest plane.
    centers_mm : (P, 2) array
        Origin of the rays, grid mm.
    radii_mm : (P, A) array
        Radius on each ray of `polar.ANGLES`.

    Returns
    -------
    Sections
    """
    # each triangle (center, p, q) has area |p x q| / 2 and second moments area / 12 (pp' + qq' + (p + q)(p + q)')
    p = radii_mm[..., None] * np.stack([np.sin(polar.ANGLES), np.cos(polar.ANGLES)], axis=1)
    q = np.roll(p, -1, axis=1)
    weight = np.abs(p[..., 0] * q[..., 1] - p[..., 1] * q[..., 0]) / 2
    area = weight.sum(1)
    shift = (weight[..., None] * (p + q) / 3).sum(1) / area[:, None]
    second = sum(np.einsum("pa,pai,paj->pij", weight / 12, v, v) for v in (p, q, p + q)) / area[:, None, None]
    planes = first + np.arange(len(area))
    return Sections(planes, area, centers_mm + shift, second - shift[:, :, None] * shift[:, None, :])


def sections_of_mask(array: NDArray[Any], spacing: tuple[float, float, float]) -> Sections:
    """Moments of the planes of a mask or soft mask.

    Parameters
    ----------
    array : (K, J, I) array
        Canonical grid; 0 to 1.
    spacing : (3,) tuple of float
        Voxel size in mm.

    Returns
    -------
    Sections
        The planes that hold anything.
    """
    weight = np.clip(np.asarray(array, dtype=np.float64), 0, 1)
    planes = np.flatnonzero(weight.any(axis=(1, 2)))
    weight = weight[planes]
    y, x = (np.arange(n) * d for n, d in zip(weight.shape[1:], spacing[1:], strict=True))
    total = weight.sum((1, 2))
    rows, columns = weight.sum(2) / total[:, None], weight.sum(1) / total[:, None]
    centroid = np.stack([rows @ y, columns @ x], axis=1)
    # a voxel is a block, not a point: its own second moment is d^2 / 12
    yy = rows @ y**2 - centroid[:, 0] ** 2 + spacing[1] ** 2 / 12
    xx = columns @ x**2 - centroid[:, 1] ** 2 + spacing[2] ** 2 / 12
    yx = np.einsum("pji,j,i->p", weight, y, x) / total - centroid[:, 0] * centroid[:, 1]
    covariance = np.stack([np.stack([yy, yx], axis=1), np.stack([yx, xx], axis=1)], axis=1)
    return Sections(planes, total * spacing[1] * spacing[2], centroid, covariance)


def slice_measures(
    sections: Sections,
    *,
    plane_mm: float,
    confidence: FloatArray,
    slice_of_plane: Sequence[int],
    sac_mm2: FloatArray | None = None,
) -> tuple[SliceMeasures, ...]:
    """Records of sections, from the top down.

    Parameters
    ----------
    sections : Sections
        Of a cord, from the lowest plane up.
    plane_mm : float
        Distance of planes, mm.
    confidence : (P,) array
        0 to 1 or nan.
    slice_of_plane : sequence of int
        Index on the input's grid of each plane of the canonical one.
    sac_mm2 : (P,) array, optional
        Area of the thecal sac in each plane; nan where unknown.

    Returns
    -------
    tuple of SliceMeasures
    """
    sac = np.full(len(sections.planes), np.nan) if sac_mm2 is None else sac_mm2
    tangents = _tangents(sections, plane_mm)
    up = np.abs(tangents[:, 0])
    ap, rl = (_width(sections.covariance_mm2, tangents, axis) for axis in (1, 2))
    oblique = np.zeros((len(up), 3, 3))
    oblique[:, 1:, 1:] = sections.covariance_mm2
    seen = np.eye(3) - tangents[:, :, None] * tangents[:, None, :]
    small, large = np.linalg.eigvalsh(seen @ oblique @ seen)[:, 1:].T
    rows = zip(
        (int(slice_of_plane[k]) for k in sections.planes),
        (sections.area_mm2 * up).tolist(),
        ap.tolist(),
        rl.tolist(),
        np.degrees(np.arccos(np.clip(up, 0, 1))).tolist(),
        np.degrees(np.arctan2(tangents[:, 2], up)).tolist(),
        np.degrees(np.arctan2(-tangents[:, 1], up)).tolist(),
        (plane_mm / up).tolist(),
        (sections.area_mm2 * plane_mm).tolist(),
        np.sqrt(np.clip(1 - small / np.maximum(large, np.finfo(float).tiny), 0, 1)).tolist(),
        (sac * up).tolist(),
        (sections.area_mm2 / sac).tolist(),
        confidence.tolist(),
        strict=True,
    )
    return tuple(SliceMeasures(*row) for row in rows)[::-1]


def measure(mask: Any, *, label: Label | None = None) -> tuple[SliceMeasures, ...]:
    """Morphometry of any mask of a cord.

    Parameters
    ----------
    mask : path, SimpleITK.Image or Volume
        Zero outside; one value inside, or the partial-volume fraction.
    label : int or str, optional
        Which structure, where it holds several: its number, or its name in a ``.seg.nrrd``.

    Returns
    -------
    tuple of SliceMeasures
        From the top down; confidence and canal are nan. Pieces apart from the cord are left out, with a warning.

    Raises
    ------
    InputError
        If the mask is empty or holds several structures.
    """
    measured = measure_mask(as_mask(mask, "mask", label=label))
    for note in measured.notes:
        warnings.warn(note, stacklevel=2)
    return measured.records


def measure_mask(mask: Volume) -> Measured:
    """The same with what there is to say about it.

    Parameters
    ----------
    mask : Volume
        Values from 0 to 1.

    Returns
    -------
    Measured
    """
    if not mask.array.any():
        raise InputError("the mask is empty: there is nothing to measure")
    turn = turn_along(mask)
    canonical, notes = cord_piece(turn.volume(mask))
    sections = sections_of_mask(canonical.array, canonical.spacing)
    planes = input_slices(turn, canonical)
    records = slice_measures(
        sections,
        plane_mm=canonical.spacing[0],
        confidence=np.full(len(sections.planes), np.nan),
        slice_of_plane=planes,
    )
    return Measured(records, planes, notes)


def input_slices(turn: Turn, canonical: Volume) -> range:
    """Index on the input's grid of each plane of the canonical grid.

    Parameters
    ----------
    turn : Turn
        From the input's grid to the canonical one.
    canonical : Volume
        On the canonical grid.

    Returns
    -------
    range
    """
    n = canonical.shape[0]
    return range(n - 1, -1, -1) if turn.flip[0] else range(n)


def _tangents(sections: Sections, plane_mm: float) -> FloatArray:
    """Unit tangents (P, 3), plane, row, column, of the smoothed centroids; a small section says less of them."""
    if len(sections.planes) < 2:
        return np.array([[1.0, 0.0, 0.0]])
    z = sections.planes * plane_mm
    even = np.arange(sections.planes[0], sections.planes[-1] + 1) * plane_mm  # a mask may skip planes
    weight = np.interp(even, z, sections.area_mm2)
    total = _smoothed(weight, plane_mm)
    slopes = []
    for c in sections.centroid_mm.T:
        # smoothed about its chord, so that the ends do not bend
        chord = np.polynomial.Polynomial.fit(z, c, 1, w=np.sqrt(sections.area_mm2))
        rest = _smoothed(weight * (np.interp(even, z, c) - chord(even)), plane_mm) / total
        slopes.append(
            (np.asarray(np.gradient(rest, plane_mm)) + chord.deriv()(even))[sections.planes - sections.planes[0]]
        )
    tangents = np.stack([np.ones(len(z)), *slopes], axis=1)
    out: FloatArray = tangents / np.linalg.norm(tangents, axis=1, keepdims=True)
    return out


def _smoothed(values: FloatArray, plane_mm: float) -> FloatArray:
    """Values of even planes, smoothed along the cord."""
    return np.asarray(ndi.gaussian_filter1d(values, TANGENT_MM / plane_mm, mode="nearest"))


def _width(covariance: FloatArray, tangents: FloatArray, axis: int) -> FloatArray:
    """Full width (P,) along an image axis made perpendicular to the cord."""
    e = np.eye(3)[axis] - tangents * tangents[:, [axis]]
    e /= np.linalg.norm(e, axis=1, keepdims=True)
    out: FloatArray = 4 * np.sqrt(np.maximum(np.einsum("pi,pij,pj->p", e[:, 1:], covariance, e[:, 1:]), 0))
    return out
