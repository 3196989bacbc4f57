"""Small synthetic cords for quick tests: ellipse in a sac in tissue, analytic, with exact truth."""

import numpy as np


def tube(
    shape=(40, 48, 40),
    spacing=(2.0, 1.0, 1.0),
    *,
    polarity=-1,
    radii=(3.8, 5.0),
    sac=(7.0, 9.0),
    lean=0.0,
    noise=0.02,
    seed=0,
    tip=None,
):
    """Image (K, J, I) and occupied mask: cord 1 or 2, fluid 2 or 1, tissue 1.5 with fat and bone to either side."""
    rng = np.random.default_rng(seed)
    z, y, x = (np.arange(n) * s for n, s in zip(shape, spacing, strict=True))
    cy = y.mean() + lean * (z - z.mean())
    dy, dx = y[None, :, None] - cy[:, None, None], (x - x.mean())[None, None, :]
    taper = np.ones_like(z) if tip is None else np.sqrt(np.clip((z - tip) / 15, 0, 1))  # area falls linearly over 15 mm
    scale = np.maximum(taper, 1e-3)[:, None, None]
    inside = np.hypot(dy / radii[0], dx / radii[1]) < scale
    in_sac = np.hypot(dy / sac[0], dx / sac[1]) < 1
    cord, fluid = (2.0, 1.0) if polarity > 0 else (1.0, 2.0)
    image = np.where(dy < -12, 1.2, np.where(dy > 12, 1.6, 1.5)) + np.zeros(shape)
    image = np.where(in_sac, fluid, image)
    image = np.where(inside, cord, image)
    return (image + noise * rng.standard_normal(shape)).astype(np.float32), inside


def centers(shape, spacing, lean=0.0):
    """Row and column position of the cord's middle in each plane, grid mm."""
    z = np.arange(shape[0]) * spacing[0]
    y = (shape[1] - 1) * spacing[1] / 2 + lean * (z - z.mean())
    return np.column_stack([y, np.full(shape[0], (shape[2] - 1) * spacing[2] / 2)])
