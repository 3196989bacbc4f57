"""Small synthetic cords for quick tests: ellipse in a sac in tissue, analytic, with exact truth."""

import numpy as np

from cordlevelset.sections.contours import CordContours
from cordlevelset.sections.stack import Sections


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
    """Image (K, J, I) and occupied mask: cord 1 or 2, CSF 2 or 1, tissue 1.5 with fat and bone to either side."""
    rng = np.random.default_rng(seed)
    z, y, x = (np.arange(n) * s for n, s in zip(shape, spacing, strict=True))
    cy = y.mean() + lean * (z - z.mean())
    dy, dx = y[None, :, None] - cy[:, None, None], (x - x.mean())[None, None, :]
    taper = np.ones_like(z) if tip is None else np.sqrt(np.clip((z - tip) / 15, 0, 1))  # area falls linearly over 15 mm
    scale = np.maximum(taper, 1e-3)[:, None, None]
    inside = np.hypot(dy / radii[0], dx / radii[1]) < scale
    in_sac = np.hypot(dy / sac[0], dx / sac[1]) < 1
    cord, csf = (2.0, 1.0) if polarity > 0 else (1.0, 2.0)
    image = np.where(dy < -12, 1.2, np.where(dy > 12, 1.6, 1.5)) + np.zeros(shape)
    image = np.where(in_sac, csf, image)
    image = np.where(inside, cord, image)
    return (image + noise * rng.standard_normal(shape)).astype(np.float32), inside


def centers(shape, spacing, lean=0.0):
    """Row and column position of the cord's middle in each plane, grid mm."""
    z = np.arange(shape[0]) * spacing[0]
    y = (shape[1] - 1) * spacing[1] / 2 + lean * (z - z.mean())
    return np.column_stack([y, np.full(shape[0], (shape[2] - 1) * spacing[2] / 2)])


def scene(*, shape=(50, 90, 70), spacing=(3.0, 1.0, 1.0), polarity=-1, trap=None, seed=0):
    """A neck-like body with cord, sac, vertebral bodies and laminae, symmetric left-right; one trap at a time.

    Returns the image and the cord's middle (K, 2) in grid mm; None where the trap leaves no cord.
    """
    rng = np.random.default_rng(seed)
    n = 4 if trap == "thick sagittal" else 1
    if n > 1:
        shape = (shape[0], shape[1], shape[2] - shape[2] % 6)
    z, y, x = (np.arange(k) * s for k, s in zip(shape, spacing, strict=True))
    bend = 10 * np.sin(z / z.max() * np.pi) if trap == "scoliosis" else np.zeros_like(z)
    cy, cx = 50 + 4 * np.sin(z / 40), (shape[2] - 1) * spacing[2] / 2 + bend
    dy, dx = y[None, :, None] - cy[:, None, None], x[None, None, :] - cx[:, None, None]
    ripple = 0.08 * np.cos(2 * np.pi * z / 35)[:, None, None]  # vertebrae and discs
    image = np.full(shape, 1.2) + 0 * dx
    image[np.broadcast_to(np.hypot(dy / 44, dx / 34) > 1, shape)] = 0.05  # air
    image = np.where(np.hypot((dy + 20) / 11, dx / 13) < 1, 1.0 + ripple, image)
    lamina = (np.cos(2 * np.pi * z / 27) > 0)[:, None, None]  # one behind each vertebra
    image = np.where(lamina & (np.abs(dy - 13) < 4) & (np.abs(dx) < 14), 0.6, image)
    cord, csf = (1.8, 0.7) if polarity > 0 else (1.0, 2.2)
    sac = np.hypot(dy / 7, dx / 9) < 1
    if trap != "no cord":
        image = np.where(sac, csf, image)
        inside = np.hypot((dy - (2.5 if trap == "no CSF behind" else 0)) / 3.8, dx / 5) < 1
        if trap == "half without cord":
            inside &= (np.arange(shape[0]) >= shape[0] // 2)[:, None, None]
        image = np.where(inside & sac, cord, image)
    if trap == "vessels":
        for side in (-1, 1):
            vessel = np.hypot(dy + 16, dx - side * 22)
            image = np.where(vessel < 3.5, csf, image)
    if trap == "fat plane":
        image = np.where(np.abs(dy - 24) < 3, 2.5, image)
    if trap == "bias field":
        image = image * np.exp(np.log(4) * (z / z.max() - 0.5))[:, None, None]
    if n > 1:  # average left-right to 6 mm
        image = image.reshape(shape[0], shape[1], -1, 6).mean(3)
    sigma = 0.2 if trap == "noise" else 0.04
    noisy = np.hypot(image + sigma * rng.standard_normal(image.shape), sigma * rng.standard_normal(image.shape))
    middle = np.column_stack([cy + (2.5 if trap == "no CSF behind" else 0), cx - (2.5 if n > 1 else 0)])
    return noisy.astype(np.float32), None if trap == "no cord" else middle


def round_cord(planes):
    """Contours of a straight round cord of 4 mm, its middle at 20 mm, in a sac of 8 mm that is seen everywhere."""
    return CordContours(
        first=0, centers_mm=np.full((planes, 2), 20.0), radii_mm=np.full((planes, 64), 4.0),
        sac_mm=np.full((planes, 64), 8.0), sac_support=np.ones(planes), confidence=np.ones(planes),
    )  # fmt: skip


def stack(radii_mm, *, spacing=(1.0, 1.0, 1.0), polarity=-1, values=None, **known):
    """Sections with given contours, and with what they would be asked for where that is given, such as `evidence`."""
    rays = next(v for v in (values, *known.values()) if v is not None)
    radii = np.broadcast_to(radii_mm, rays.shape[:2])
    sections = Sections(
        0, np.zeros((len(rays), 2)), radii, spacing, polarity, np.zeros_like(rays) if values is None else values
    )
    vars(sections).update(known)
    return sections
