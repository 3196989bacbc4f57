"""An atlas: where another image's cord lies in this one, by registration with SimpleITK.

The template is laid on the image by mutual information (Mattes), so that contrasts may differ: rigidly from three
starts along the body, then affinely, judged around the template's cord, then bent by a cubic B-spline, judged nearer to
it. All on grids of one step, with one thread and a fixed seed: the same input gives the same result.
"""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from threading import Lock
from typing import Any

import numpy as np
from numpy.typing import NDArray
from scipy import ndimage as ndi

from cordlevelset.correction.constraints import core
from cordlevelset.errors import ConstraintError
from cordlevelset.io.images import as_volume, to_sitk
from cordlevelset.io.masks import Label, as_mask
from cordlevelset.progress import Callback, report
from cordlevelset.volume import Volume, canonical_turn, image_values, same_grid

__all__ = ["register_atlas"]

Image = Any  # path, SimpleITK.Image or Volume

CUBE_MM = 2.0
"""Grid of the registration: a cord is 6 to 13 mm wide, and a centimetre is wanted."""
COARSE = 2
"""The coarser of its two levels, 4 mm: less than a cord. The rigid and affine parts need no more."""
STARTS_MM = (-40.0, 0.0, 40.0)
"""Shifts along the body that are tried, from middle on middle: a vertebra or two to each side."""
AROUND_CORD_MM = 30.0
"""What counts around the template's cord for the affine part: the spine and its muscles."""
NEAR_CORD_MM = 20.0
"""What counts for bending: the spine alone."""
MESH_MM = 40.0
"""Distance of the spline's control points: a neck bends over two vertebrae, not within one."""
HISTOGRAM_BINS = 32
"""Of the joint histogram on each axis: tissues in MR differ by more than a thirtieth of the range."""
SAMPLING_SEED = 1
"""Of the voxels looked at: the same images give the same registration."""
SAMPLES = {2: 0.2, 1: 0.1}
"""Share of the voxels that is looked at, by level: thousands of them near the cord."""
OVERLAP = 0.5
"""Least share of the shorter of the two, the image and the template's cord, that they must have in common."""

HEIGHT = 0.8
"""Least height of the template along the body as a share of the image's: a piece of a neck fits a whole one, one
vertebra being like the next, at any height."""


def register_atlas(
    image: Image, template: Image, mask: Image, *, label: Label | None = None, callback: Callback | None = None
) -> Volume:
    """The cord of a template, laid on an image: a hint for `segment(image, initial=...)`.

    Parameters
    ----------
    image : path, SimpleITK.Image or Volume
        The image to be segmented.
    template : path, SimpleITK.Image or Volume
        Another image of the same region, best of the same contrast: a T2 one ends 15 mm off on a T1 phantom. It must
        show at least what the image does along the body.
    mask : path, SimpleITK.Image or Volume
        The cord in it, on its grid; soft masks count from one half.
    label : int or str, optional
        Which structure of the mask, where it holds several: its number, or its name in a ``.seg.nrrd``.
    callback : callable, optional
        Called with a `Progress` before each of five steps; True cancels.

    Returns
    -------
    Volume
        uint8 on the image's grid. An atlas says about where the cord is, never that a voxel is cord, so what lies
        deeper than 3 mm is left out: `initial` finds no core in it, and only its shell acts, beyond which (1 cm) there
        is no cord.

    Raises
    ------
    ConstraintError
        If the mask is empty or on another grid than the template. If the template is lower than 0.8 of the image, the
        two cannot be laid on each other, or less than half of the shorter of image and cord is shared.
    InputError, GeometryError
        If an image cannot be worked on.
    Cancelled
        If the callback returned True.

    Notes
    -----
    Mattes et al. (2003), IEEE TMI 22:120, doi:10.1109/TMI.2003.809072.
    """
    volume, source = as_volume(image), as_volume(template)
    cord = as_mask(mask, "atlas mask", label=label)
    _check(source, cord)
    turn = canonical_turn(volume)
    target = turn.volume(volume)
    _check_height(target, source)
    with _one_thread():
        moved = _laid_on(target, source, cord, callback)
    _check_overlap(target, moved, cord)
    hint = moved & ~core(moved, target.spacing)
    return volume.like(np.ascontiguousarray(turn.back(hint)).astype(np.uint8))


def _check(template: Volume, mask: Volume) -> None:
    """Same grid, finite, not empty."""
    if not same_grid(template, mask):
        raise ConstraintError(
            f"atlas: the mask ({mask.shape} voxels of {mask.spacing} mm) is on another grid than its template "
            f"({template.shape} voxels of {template.spacing} mm); give the mask drawn on that template"
        )
    if not (mask.array >= 0.5).any():
        raise ConstraintError("atlas: the mask is empty, no voxel holds a half or more; give the template's cord")


def _check_height(target: Volume, template: Volume) -> None:
    """The template must show nearly as much along the body as the image."""
    turned = canonical_turn(template).volume(template)
    has_mm, wanted_mm = (v.shape[0] * v.spacing[0] for v in (turned, target))
    if has_mm < HEIGHT * wanted_mm:
        raise ConstraintError(
            f"atlas: the template is {has_mm:.0f} mm high, the image {wanted_mm:.0f} mm; give a template that shows as "
            "much of the spine, or crop the image"
        )


def _check_overlap(target: Volume, moved: NDArray[np.bool_], mask: Volume) -> None:
    """The cord that was laid on the image must pass through much of it, or lie in it with much of its length."""
    turned = canonical_turn(mask).volume(mask)
    cord_mm = np.count_nonzero((turned.array >= 0.5).any((1, 2))) * turned.spacing[0]
    seen_mm = np.count_nonzero(moved.any((1, 2))) * target.spacing[0]
    wanted_mm = OVERLAP * min(cord_mm, target.shape[0] * target.spacing[0])
    if seen_mm < wanted_mm:
        raise ConstraintError(
            f"atlas: only {seen_mm:.0f} mm of the template's cord come to lie in the image, {wanted_mm:.0f} mm are "
            "needed; give a template of the same region"
        )


def _laid_on(target: Volume, template: Volume, mask: Volume, callback: Callback | None) -> NDArray[np.bool_]:
    """The template's cord (K, J, I) on the image's grid, canonical."""
    import SimpleITK as sitk

    fixed, moving = _working(target), _working(template)
    cord = mask.like((mask.array >= 0.5).astype(np.float32))
    try:
        rigid = _rigid(fixed, moving, callback)
        report(callback, "atlas: affine", 0.6)
        affine = sitk.AffineTransform(3)
        affine.SetMatrix(rigid.GetMatrix())
        affine.SetTranslation(rigid.GetTranslation())
        affine.SetCenter(rigid.GetCenter())
        method = _method((COARSE,))
        method.SetMetricMovingMask(_around(cord, AROUND_CORD_MM))
        _descend(method, affine)
        method.Execute(fixed, moving)
        report(callback, "atlas: bending", 0.7)
        mesh = [max(1, round(n * CUBE_MM / MESH_MM)) for n in fixed.GetSize()]
        bent = sitk.BSplineTransformInitializer(fixed, mesh, 3)
        method = _method((COARSE, 1))
        method.SetMetricMovingMask(_around(cord, NEAR_CORD_MM))
        method.SetMovingInitialTransform(affine)
        method.SetInitialTransform(bent, True)
        method.SetOptimizerAsLBFGSB(gradientConvergenceTolerance=1e-5, numberOfIterations=25)
        method.Execute(fixed, moving)
    except RuntimeError:  # ITK's words are many and of its insides
        raise ConstraintError(
            "atlas: the template cannot be laid on the image; give a template of the same region, with more around "
            "its cord"
        ) from None
    way = sitk.CompositeTransform([affine, bent])
    moved = sitk.Resample(to_sitk(cord), to_sitk(target), way, sitk.sitkLinear, 0.0)
    return np.asarray(sitk.GetArrayFromImage(moved) >= 0.5)


def _rigid(fixed: Any, moving: Any, callback: Callback | None) -> Any:
    """The best of three rigid transforms, from the image to the template."""
    import SimpleITK as sitk

    found = []
    for n, start in enumerate(STARTS_MM):
        report(callback, "atlas: rigid", 0.2 * n)
        first = sitk.CenteredTransformInitializer(
            fixed, moving, sitk.Euler3DTransform(), sitk.CenteredTransformInitializerFilter.GEOMETRY
        )
        way = sitk.Euler3DTransform(first)
        x, y, z = way.GetTranslation()
        way.SetTranslation((x, y, z + start))
        method = _method((COARSE,))
        _descend(method, way)
        try:
            method.Execute(fixed, moving)
        except RuntimeError:  # from this start the two hardly touch
            continue
        # what they share in all, not per voxel: else a corner that fits by chance wins
        found.append((method.GetMetricValue() * _share(fixed, moving, way), n, way))
    if not found:
        raise RuntimeError("no start")
    return min(found)[2]


def _share(fixed: Any, moving: Any, way: Any) -> float:
    """Share of the image that lies in the template."""
    import SimpleITK as sitk

    full = sitk.Image(moving.GetSize(), sitk.sitkFloat32) + 1
    full.CopyInformation(moving)
    return float(sitk.GetArrayFromImage(sitk.Resample(full, fixed, way, sitk.sitkNearestNeighbor, 0.0)).mean())


_alone = Lock()


@contextmanager
def _one_thread() -> Iterator[None]:
    """ITK adds up what its threads found in the order they end in; the metric knows the global number only."""
    import SimpleITK as sitk

    with _alone:  # the number is the whole process's
        before = sitk.ProcessObject.GetGlobalDefaultNumberOfThreads()
        sitk.ProcessObject.SetGlobalDefaultNumberOfThreads(1)
        try:
            yield
        finally:
            sitk.ProcessObject.SetGlobalDefaultNumberOfThreads(before)


def _method(levels: tuple[int, ...]) -> Any:
    """What all steps share, on some levels."""
    import SimpleITK as sitk

    method = sitk.ImageRegistrationMethod()
    method.SetMetricAsMattesMutualInformation(HISTOGRAM_BINS)
    method.SetMetricSamplingStrategy(method.REGULAR)
    method.SetMetricSamplingPercentagePerLevel([SAMPLES[n] for n in levels], SAMPLING_SEED)
    method.SetShrinkFactorsPerLevel(levels)
    method.SetSmoothingSigmasPerLevel([n * CUBE_MM for n in levels])
    method.SmoothingSigmasAreSpecifiedInPhysicalUnitsOn()
    method.SetInterpolator(sitk.sitkLinear)
    return method


def _descend(method: Any, way: Any) -> None:
    """Gradient descent on a transform, in place: steps from 2 mm to a tenth of one."""
    method.SetOptimizerAsRegularStepGradientDescent(2.0, 0.1, 60, 0.5)
    method.SetOptimizerScalesFromPhysicalShift()
    method.SetInitialTransform(way, True)


def _working(volume: Volume) -> Any:
    """An image for the registration: canonical, on cubes of `CUBE_MM`, where voxels are finer averaged."""
    import SimpleITK as sitk

    turned = canonical_turn(volume).volume(volume)
    values = ndi.gaussian_filter(image_values(turned), [CUBE_MM / 2 / s if s < CUBE_MM else 0 for s in turned.spacing])
    image = to_sitk(turned.like(values))
    size = [max(4, round(n * s / CUBE_MM)) for n, s in zip(image.GetSize(), image.GetSpacing(), strict=True)]
    steps = [n * s / m for n, s, m in zip(image.GetSize(), image.GetSpacing(), size, strict=True)]
    corner = image.TransformContinuousIndexToPhysicalPoint(
        [(t / s - 1) / 2 for t, s in zip(steps, image.GetSpacing(), strict=True)]
    )
    return sitk.Resample(
        image,
        size,
        sitk.Transform(),
        sitk.sitkLinear,
        corner,
        steps,
        image.GetDirection(),
        0.0,
        image.GetPixelID(),
        True,
    )


def _around(cord: Volume, mm: float) -> Any:
    """All within a distance of the template's cord."""
    away = ndi.distance_transform_edt(cord.array == 0, sampling=cord.spacing)
    return to_sitk(cord.like((away <= mm).astype(np.uint8)))
