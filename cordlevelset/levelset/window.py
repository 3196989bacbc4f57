"""The part of an image in which a contour is computed, and its work space; it widens as the contour nears its rim.

What is computed there is, to the byte, what would be computed in the whole image: strips begin at the same places, and
those listed never come so near to an inner edge of the window that a stencil would reach across it.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

from cordlevelset.levelset import _kernels
from cordlevelset.levelset.distance import grid_and_band

__all__ = [
    "Image",
    "Space",
    "Window",
    "cut",
    "distances",
    "image",
    "inner",
    "move_over",
    "pad",
    "padded",
    "start",
    "start_window",
    "wider_window",
    "workspace",
]

FloatArray = NDArray[np.floating[Any]]
Window = tuple[slice, ...]

START_VOXELS = 6
"""Half-width of the first band: `_kernels.NONE`, a voxel on which its width is judged, and some to spare."""
ROOM = 4
"""Grid steps that a contour may move outwards before its window is widened: starts are mostly nearer than that."""
RIM_VOXELS = 4
"""Grid steps along an inner edge of the window that listed strips keep free: two of the stencil, one of the next."""
BAND_IN_LIST = math.floor(_kernels.NONE)
"""Grid steps from the contour that are listed in any case; a wider band needs a wider rim."""


class Image(NamedTuple):
    """What a contour moves in, whole."""

    shape: tuple[int, ...]
    kind: np.dtype[Any]
    spacing: tuple[float, ...]  # mm
    rim: tuple[int, ...]  # grid steps that listed strips keep from an inner edge


def image(g: FloatArray, spacing: tuple[float, ...], band: float) -> Image:
    """An image in whose windows a result can be a distance for `band` mm."""
    rim = [max(math.ceil(band / h) - BAND_IN_LIST, 0) + RIM_VOXELS for h in spacing]
    rim[-1] += _kernels.STRIP  # along a row the next list may be a strip wider
    return Image(g.shape, g.dtype, spacing, tuple(rim))


def start_window(inside: NDArray[np.bool_], rim: tuple[int, ...]) -> Window:
    """The box of all that is inside, with room for the band, the rim, and the contour's way."""
    window: list[slice] = []
    for axis in range(inside.ndim):
        rest = inside[tuple(window)]
        found = np.flatnonzero(rest.any(axis=tuple(a for a in range(rest.ndim) if a != axis)))
        window.append(slice(int(found[0]), int(found[-1]) + 1))
    return _grown(window, inside.shape, [START_VOXELS + 1 + width + ROOM for width in rim])


def wider_window(window: Window, whole: tuple[int, ...]) -> Window:
    """A window half as wide again: however far a contour goes, that is seldom."""
    return _grown(window, whole, [max(ROOM, (w.stop - w.start) // 4) for w in window])


def _grown(window: list[slice] | Window, whole: tuple[int, ...], by: list[int]) -> Window:
    """A window grown to both sides, in whole strips along its rows, but not beyond the image."""
    low = [w.start - n for w, n in zip(window, by, strict=True)]
    high = [w.stop + n for w, n in zip(window, by, strict=True)]
    low[-1], high[-1] = low[-1] - low[-1] % _kernels.STRIP, high[-1] + -high[-1] % _kernels.STRIP
    return tuple(slice(max(a, 0), min(b, n)) for a, b, n in zip(low, high, whole, strict=True))


def cut(stack: FloatArray, places: Sequence[int], window: Window) -> FloatArray:
    """What of some places of a stack lies in a window, (S, N)."""
    return stack[(slice(None), *window)][list(places)].reshape(len(places), -1)


def pad(values: FloatArray, box: _kernels.Box) -> FloatArray:
    """Grids (S, N) on padded grids (S, P), their edges repeated."""
    planes = box.shape[0] + 2 * box.pad[0]
    out = np.empty((len(values), planes, box.rows, box.width), values.dtype)
    inner(out, box)[...] = values.reshape(-1, *box.shape)
    (pz, py, px), (nz, ny, nx) = box.pad, box.shape
    if pz:
        out[:, :pz], out[:, pz + nz :] = out[:, pz : pz + 1], out[:, pz + nz - 1 : pz + nz]
    out[:, :, :py], out[:, :, py + ny :] = out[:, :, py : py + 1], out[:, :, py + ny - 1 : py + ny]
    out[..., :px], out[..., px + nx :] = out[..., px : px + 1], out[..., px + nx - 1 : px + nx]
    return out.reshape(len(values), -1)


def inner(padded: FloatArray, box: _kernels.Box) -> FloatArray:
    """The grids (S, Z, Y, X) within padded ones."""
    at = (slice(p, p + n) for p, n in zip(box.pad, box.shape, strict=True))
    return padded.reshape(len(padded), -1, box.rows, box.width)[(slice(None), *at)]


class Space(NamedTuple):
    """Work space for contours or surfaces in a window of an image."""

    grid: _kernels.Grid
    band: _kernels.Band
    strips: _kernels.Strips
    box: _kernels.Box


def workspace(window: Window, image: Image) -> Space:
    """Work space for a window."""
    shape, kind = tuple(w.stop - w.start for w in window), image.kind
    box = _box(window, shape, image)
    (nz, ny, nx), planes = box.shape, box.shape[0] + 2 * box.pad[0]
    n_strips, padded = planes * box.rows * box.strips, planes * box.rows * box.width
    cells = nz * ny * box.strips * _kernels.STRIP
    strips = _kernels.Strips(
        ident=np.empty(n_strips, np.int64),
        begin=np.empty(n_strips, np.int64),
        place=np.empty(n_strips, np.int64),
        span=np.empty(n_strips, np.int64),
        older=np.empty(n_strips, np.int64),
        faces=np.empty(n_strips, np.uint8),
        member=np.zeros(n_strips, np.uint8),
        coef=np.empty((6, cells), kind),
        last=np.empty(cells, kind),
        start=np.empty(cells, kind),
        rate=np.empty(cells, kind),
        slope=np.empty(cells, kind),
        reach=np.empty(cells, kind),
        lanes=np.empty(_kernels.LANES, kind),
        ghost=np.empty((padded - nz * ny * nx, 2), np.int64),
    )
    return Space(*grid_and_band(shape, image.spacing, kind), strips, box)


def _box(window: Window, shape: tuple[int, ...], image: Image) -> _kernels.Box:
    flat = (0,) * (3 - len(shape))
    nz, ny, nx = (1,) * len(flat) + shape
    pad_z = 0 if flat else 2
    in_row = -(-nx // _kernels.STRIP)
    rows, width = ny + 4, in_row * _kernels.STRIP + 4
    sides = list(zip(window, image.shape, shape, image.rim, strict=True))
    lz, ly, lx = flat + tuple(rim if w.start else 0 for w, _, _, rim in sides)
    past = _kernels.STRIP  # the last strip of a row may end beyond the grid
    hz, hy, hx = (1,) * len(flat) + tuple(n - rim if w.stop < whole else n + past for w, whole, n, rim in sides)
    # NumPy's numbers: where a kernel divides by a flat axis' 0, plain Python gives infinity as compiled code does
    iz, iy, ix = (np.float64(0),) * len(flat) + tuple(np.float64(1 / h) for h in image.spacing)
    sz, sy, sx = (1.0,) * len(flat) + tuple(h * h for h in image.spacing)
    return _kernels.Box(
        shape=(nz, ny, nx),
        pad=(pad_z, 2, 2),
        rows=rows,
        width=width,
        strips=in_row,
        stride=(0 if flat else rows * width, width, 1),
        inverse=(iz, iy, ix),
        square=(sz, sy, sx),
        shortest=1 / max(iz, iy, ix),
        axes=tuple(range(len(flat), 3)),
        low=(lz, ly, lx),
        high=(hz, hy, hx),
    )


def padded(stack: FloatArray | None, places: Sequence[int], window: Window, space: Space) -> FloatArray:
    """What of some places of a stack lies in a window, padded; (S, 0) if there is no stack."""
    if stack is None:
        return np.empty((len(places), 0), space.strips.coef.dtype)
    return pad(cut(stack, places, window), space.box)


def start(phi: FloatArray, space: Space, far: float) -> FloatArray:
    """Where contours (S, N), overwritten, start: padded, as distances for `far` mm about them."""
    _kernels.to_distances(phi, space.grid, space.band, 1, far, True)
    return pad(phi, space.box)


def distances(moving: FloatArray, space: Space, band: float) -> FloatArray:
    """Distances (S, N), cut off at ±band, to where contours are on padded grids."""
    phi = np.ascontiguousarray(inner(moving, space.box)).reshape(len(moving), -1)
    _kernels.to_distances(phi, space.grid, space.band, _kernels.SWEEPS, band, False)
    return phi


def move_over(
    phi: FloatArray, old: Space, new: Space, windows: tuple[Window, Window], n_strips: int, far: float
) -> FloatArray:
    """Take a run over from its window into a wider one: phi (1, P), `far` where it was not known, and its strips."""
    wide = np.full((1, *new.box.shape), far, phi.dtype)
    shift = [a.start - b.start for a, b in zip(*windows, strict=True)]
    z, y, x = [0] * (3 - len(shift)) + shift
    nz, ny, nx = old.box.shape
    wide[:, z : z + nz, y : y + ny, x : x + nx] = inner(phi, old.box)
    row, column = np.divmod(old.strips.ident[:n_strips], old.box.strips)
    plane, row = np.divmod(row, old.box.rows)
    ident = ((plane + z) * new.box.rows + row + y) * new.box.strips + column + x // _kernels.STRIP
    new.strips.member[ident] = 1
    return pad(wide.reshape(1, -1), new.box)
