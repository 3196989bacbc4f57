"""What the 2-D methods share: sections about the centerline, and the way back to the image's grid."""

from dataclasses import dataclass

import numpy as np
from scipy import ndimage as ndi

from cordlevelset import edge_indicator
from cordlevelset.volume import canonical_turn

PIXEL_MM = 0.5
N = 64  # pixels across a section: 32 mm hold the sac at every level
EDGE_SIGMA_MM = 0.7  # a pixel of most images


@dataclass(frozen=True)
class Sections:
    """Planes of the image across the body, cut about the centerline, with square pixels."""

    pixels: np.ndarray  # (P, N, N) float32
    away_mm: np.ndarray  # (N, N) distance from the centerline

    def edges(self):
        """(P, N, N): 0 on edges to 1 in flat regions, each section in units of its own noise."""
        return np.stack([edge_indicator(p, spacing=(PIXEL_MM,) * 2, sigma=EDGE_SIGMA_MM) for p in self.pixels])


def from_sections(outline):
    """Make a method of a function that takes `Sections` and gives (P, N, N) bool; the part at the centerline counts."""

    def segment(image, line):
        turn = canonical_turn(image)
        grid = turn.volume(image)
        planes, centers = _centers(grid, line)
        steps = PIXEL_MM / np.array(grid.spacing[1:])
        offset = np.arange(N) - (N - 1) / 2
        pixels = np.stack(
            [_sample(grid.array[k].astype(np.float32), c, offset, steps) for k, c in zip(planes, centers, strict=True)]
        )
        inside = outline(Sections(pixels, PIXEL_MM * np.hypot(offset[:, None], offset[None, :])))
        out = np.zeros(grid.shape, np.uint8)
        for k, c, mask in zip(planes, centers, inside, strict=True):
            _draw(_middle_part(mask), c, steps, out[k])
        return image.like(np.ascontiguousarray(turn.back(out)))

    return segment


def _centers(grid, line):
    """Planes that the centerline crosses and where, in voxels."""
    index = grid.to_index(line.points_mm)
    index = index[np.argsort(index[:, 0])]
    first, last = max(0, round(index[0, 0])), min(grid.shape[0] - 1, round(index[-1, 0]))
    planes = np.arange(first, last + 1)
    return planes, np.column_stack([np.interp(planes, index[:, 0], index[:, a]) for a in (1, 2)])


def _sample(plane, center, offset, steps):
    at = np.meshgrid(*(c + offset * s for c, s in zip(center, steps, strict=True)), indexing="ij")
    return ndi.map_coordinates(plane, at, order=1, mode="nearest")


def _middle_part(mask):
    labels, n = ndi.label(mask)
    return labels == labels[N // 2, N // 2] if n and mask[N // 2, N // 2] else np.zeros_like(mask)


def _draw(mask, center, steps, out):
    """Fill the voxels of a plane that are inside by half or more."""
    windows, fine = [], []
    for c, s, n in zip(center, steps, out.shape, strict=True):
        low, high = max(0, int(c - N / 2 * s)), min(n, int(c + N / 2 * s) + 2)
        parts = int(np.ceil(1 / s))
        windows.append((low, high, parts))
        place = low + (np.arange((high - low) * parts) + 0.5) / parts - 0.5
        fine.append((place - c) / s + (N - 1) / 2)
    share = ndi.map_coordinates(mask.astype(np.float32), np.meshgrid(*fine, indexing="ij"), order=1, mode="constant")
    (j0, j1, m), (i0, i1, k) = windows
    out[j0:j1, i0:i1] = share.reshape(j1 - j0, m, i1 - i0, k).mean((1, 3)) >= 0.5
