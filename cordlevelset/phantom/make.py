"""Synthetic cords with exact truth: a spine seen by a scanner with thick slices and noise.

Tissues are drawn on samples at most 1 mm apart and averaged over the voxel, so that partial volume is that of a real
acquisition. The cord's share of each voxel is counted on 0.25 mm samples and is the truth.
"""

from __future__ import annotations

from dataclasses import dataclass, replace

import numpy as np
from numpy.typing import NDArray
from scipy import ndimage as ndi

from cordlevelset.brief import one_line
from cordlevelset.errors import InputError
from cordlevelset.phantom.anatomy import ANATOMIES, BRIGHTNESS, TISSUES, Spine, draw_roots, in_sac, surfaces
from cordlevelset.phantom.epi import as_epi, plane_shifts
from cordlevelset.volume import Volume

__all__ = ["Phantom", "make_phantom"]

FloatArray = NDArray[np.float64]

TEXTURE = 0.08
"""Relative spread of the tissues' brightness, with a grain of 4 mm; the cord's inside has it too."""
SAMPLE_MM = 1.0
"""Tissues are drawn on samples of this size at most, then averaged over voxels."""
TRUTH_MM = 0.25
"""The same for the true shares of cord, which count to the hundredth."""


@dataclass(frozen=True, eq=False)
class Phantom:
    """A synthetic image and the truth about it.

    Attributes
    ----------
    image : Volume
        float32; array axes upward, to posterior, to left.
    soft_mask : Volume
        Share of each voxel that is cord.
    sac_mask : Volume
        uint8: voxels with their middle in the thecal sac, the cord included.
    centerline_mm : (N, 3) array
        Middle of the cord in LPS mm, one point a plane, from the top down; empty without a cord.
    conus_mm : (3,) array or None
        Tip of the conus in LPS mm, if it is in the image.
    polarity : {"bright", "dark"}
        The cord against the CSF.
    """

    image: Volume
    soft_mask: Volume
    sac_mask: Volume
    centerline_mm: FloatArray
    conus_mm: FloatArray | None
    polarity: str

    __repr__ = one_line


def make_phantom(
    *,
    region: str = "lumbar",
    contrast: str = "t2",
    spacing: tuple[float, float, float] = (1.0, 1.0, 4.0),
    field_mm: tuple[float, float, float] | None = None,
    cnr: float = 12.0,
    bias: float = 1.5,
    scoliosis_mm: float = 0.0,
    place_mm: tuple[float, float] = (0.0, 0.0),
    offset_mm: tuple[float, float] = (0.5, 0.0),
    conus: float = 0.62,
    axis_mm: float | None = None,
    vessels: bool = False,
    cord: bool = True,
    seed: int = 0,
) -> Phantom:
    """Draw a spine.

    Parameters
    ----------
    region : {"lumbar", "cervical"}
        Lumbar ones have a conus and roots below it.
    contrast : {"t1", "t2", "t2s", "dwi", "epi"}
        Brightness of the tissues; "epi" moves, dims and blurs the planes, too (`phantom.epi`).
    spacing : (3,) tuple of float
        Voxel size in mm: along the body, antero-posterior, left-right.
    field_mm : (3,) tuple of float, optional
        Size of the image, mm; by default that of a clinical image of the region.
    cnr : float
        Step between cord and CSF over the noise's standard deviation; inf: no noise.
    bias : float
        Brightest over darkest place of the coil's sensitivity.
    scoliosis_mm : float
        Amplitude of the spine's lateral curve.
    place_mm : (2,) tuple of float
        Shift of the spine in the image, to posterior and to left.
    offset_mm : (2,) tuple of float
        Shift of the cord in the sac, to posterior and to left; 4 mm backward leaves no CSF behind it.
    conus : float
        Height of the tip as a share of the image's (lumbar).
    axis_mm : float, optional
        How far the disc C2/3 lies below the upper edge of the image (cervical): above it are the axis with its dens,
        the atlas and the skull's base. By default vertebrae and discs go on to the edge.
    vessels : bool
        Long tubes along the spine: dark in T1 and T2, bright in T2*.
    cord : bool
        False: the sac holds CSF and roots only.
    seed : int
        Noise, texture and the course of the roots.

    Returns
    -------
    Phantom

    Raises
    ------
    InputError
        If the region or the contrast is unknown, or a lumbar phantom is to have an axis.
    """
    if region not in ANATOMIES or contrast not in BRIGHTNESS:
        raise InputError(
            f"no phantom of {region!r} in {contrast!r}; regions {list(ANATOMIES)}, contrasts {list(BRIGHTNESS)}"
        )
    if axis_mm is not None and region != "cervical":
        raise InputError(f"only cervical phantoms have an axis; leave axis_mm out, or region={region!r}")
    anatomy = ANATOMIES[region]
    field = field_mm or anatomy.field
    nz, ny, nx = (max(2, round(f / s)) for f, s in zip(field, spacing, strict=True))
    tip = None if region != "lumbar" else (conus if cord else 10.0) * nz * spacing[0]
    middle = (0.58 * ny * spacing[1] + place_mm[0], 0.5 * (nx - 1) * spacing[2] + place_mm[1])
    height = nz * spacing[0]
    axis = None if axis_mm is None else height - axis_mm
    spine = Spine(anatomy, height, middle, scoliosis_mm, offset_mm, tip, axis)
    rng = np.random.default_rng(seed)
    shade = dict(zip(TISSUES, BRIGHTNESS[contrast], strict=True))
    roots = draw_roots(rng)
    image, truth, sac = (np.zeros((nz, ny, nx)) for _ in range(3))
    echo_planar, chance = contrast == "epi", np.random.default_rng([seed, 1])
    moved = plane_shifts(nz, spacing[0], chance) if echo_planar else np.zeros(nz)
    for k in range(nz):
        here = replace(spine, middle=(middle[0] + moved[k], middle[1]))
        image[k], sac[k] = _plane(here, k * spacing[0], spacing, (ny, nx), shade, roots, vessels)
        if cord:
            truth[k] = _occupied(here, k * spacing[0], spacing, (ny, nx))
    image += truth * (shade["cord"] - image)
    heights: FloatArray = spacing[0] * np.arange(nz, dtype=np.float64)
    if echo_planar:
        image = as_epi(image, spacing, moved + spine.canal(heights)[0], chance)
    image *= 1 + TEXTURE * _grain(rng, image.shape, spacing, 4.0)
    image *= _coil(image.shape, bias)
    image = _noisy(rng, image, abs(shade["csf"] - shade["cord"]) / cnr)
    grid = Volume((1000 * image).astype(np.float32), spacing, (-middle[1], -middle[0], 0.0))
    z = heights[::-1]
    y, x, ap, _ = spine.cord(z)
    line = np.column_stack([z / spacing[0], (y + moved[::-1]) / spacing[1], x / spacing[2]])[(ap > 0) & cord]
    end = None
    if cord and tip is not None:
        y, x, _, _ = spine.cord(np.array([tip]))
        y = y + moved[min(round(tip / spacing[0]), nz - 1)]
        end = grid.to_lps([tip / spacing[0], y[0] / spacing[1], x[0] / spacing[2]])
    return Phantom(
        grid,
        grid.like(truth.astype(np.float32)),
        grid.like((sac >= 0.5).astype(np.uint8)),
        grid.to_lps(line),
        end,
        "bright" if shade["cord"] > shade["csf"] else "dark",
    )


def _plane(
    spine: Spine,
    z: float,
    spacing: tuple[float, float, float],
    shape: tuple[int, int],
    shade: dict[str, float],
    roots: FloatArray,
    vessels: bool,
) -> tuple[FloatArray, FloatArray]:
    """Brightness without the cord, and the sac's share, averaged over the voxels of one plane."""
    parts = [int(np.ceil(s / SAMPLE_MM)) + (axis > 0) for axis, s in enumerate(spacing)]
    y = _samples(shape[0], parts[1]) * spacing[1]
    x = _samples(shape[1], parts[2]) * spacing[2]
    total, sac_total = np.zeros((y.size, x.size)), np.zeros((y.size, x.size))
    for offset in _samples(1, parts[0]) * spacing[0]:
        canvas = np.full((y.size, x.size), shade["muscle"])
        for value, distance, edge in surfaces(spine, z + offset, y[:, None], x[None, :], shade, roots, vessels):
            cover = np.clip(0.5 - distance / edge, 0, 1)
            canvas += cover * (value - canvas)
        total += canvas
        sac_total += in_sac(spine, z + offset, y[:, None], x[None, :])
    n = (shape[0], parts[1], shape[1], parts[2])
    return total.reshape(n).mean((1, 3)) / parts[0], sac_total.reshape(n).mean((1, 3)) / parts[0]


def _occupied(spine: Spine, z: float, spacing: tuple[float, float, float], shape: tuple[int, int]) -> FloatArray:
    """Share of each voxel of one plane that is cord, counted on fine samples."""
    parts = [int(np.ceil(s / TRUTH_MM)) for s in spacing]
    out = np.zeros(shape)
    for offset in _samples(1, parts[0]) * spacing[0]:
        cy, cx, ap, lr = (float(v) for v in spine.cord(np.array(z + offset)))
        if ap <= 0:
            continue
        (j0, j1), (i0, i1) = (
            (max(0, int((c - r) / s)), min(n, int((c + r) / s) + 2))
            for c, r, s, n in zip((cy, cx), (ap, lr), spacing[1:], shape, strict=True)
        )
        y = (j0 + _samples(j1 - j0, parts[1])) * spacing[1] - cy
        x = (i0 + _samples(i1 - i0, parts[2])) * spacing[2] - cx
        inside = (y[:, None] / ap) ** 2 + (x[None, :] / lr) ** 2 <= 1
        out[j0:j1, i0:i1] += inside.reshape(j1 - j0, parts[1], i1 - i0, parts[2]).mean((1, 3))
    return out / parts[0]


def _samples(n: int, parts: int) -> FloatArray:
    """Middles of `parts` equal parts of each of n voxels, in voxels."""
    return (np.arange(n * parts) + 0.5) / parts - 0.5


def _grain(
    rng: np.random.Generator, shape: tuple[int, ...], spacing: tuple[float, float, float], size_mm: float
) -> FloatArray:
    """Smooth noise of unit variance."""
    field = ndi.gaussian_filter(rng.standard_normal(shape), [size_mm / 2 / s for s in spacing], mode="wrap")
    out: FloatArray = field / field.std()
    return out


def _coil(shape: tuple[int, ...], bias: float) -> FloatArray:
    """Sensitivity of a coil behind the back: falls forward and towards both ends, by `bias` in all; 1 on average."""
    z, y, _ = (np.linspace(-1, 1, n) for n in shape)
    log = 0.35 * y[:, None] - 0.3 * (z**2)[:, None, None]
    out: FloatArray = np.exp(np.log(bias) * log) * np.ones(shape)
    out /= out.mean()
    return out


def _noisy(rng: np.random.Generator, image: FloatArray, sigma: float) -> FloatArray:
    """Rician noise: the magnitude of a complex signal."""
    out: FloatArray = np.hypot(
        image + sigma * rng.standard_normal(image.shape), sigma * rng.standard_normal(image.shape)
    )
    return out
