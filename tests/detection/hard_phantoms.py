"""Phantoms that are hard to decide: other brightness, a stack of slices below the conus, a knee."""

import numpy as np
from scipy import ndimage as ndi

import cordlevelset as cls
from cordlevelset.phantom import anatomy, make_phantom
from cordlevelset.phantom.make import TEXTURE

SACRUM_MM = 54.0
"""Height, mm, above which the sac of a lumbar phantom is whole."""

KNEE = {
    "pd": {"fat": 0.25, "muscle": 0.4, "marrow": 0.25, "cartilage": 0.8, "fluid": 1.0, "blood": 0.05, "nerve": 0.5},
    "gre": {"fat": 0.5, "muscle": 0.45, "marrow": 0.2, "cartilage": 0.8, "fluid": 0.9, "blood": 1.0, "nerve": 0.55},
}
"""Brightness by kind of image; pd is fat-suppressed."""


def brightness(contrast):
    """By tissue."""
    return dict(zip(anatomy.TISSUES, anatomy.BRIGHTNESS[contrast], strict=True))


def shades(monkeypatch, contrast, **changed):
    """Other brightness of some tissues."""
    shade = brightness(contrast) | changed
    monkeypatch.setitem(anatomy.BRIGHTNESS, contrast, tuple(shade[t] for t in anatomy.TISSUES))


def noisy(array, sigma, rng):
    """The magnitude of a complex signal."""
    real, imaginary = sigma * rng.standard_normal((2, *array.shape))
    return np.hypot(array + real, imaginary).astype(np.float32)


def disc_stack(contrast, plane_mm, seed):
    """Five slices below the conus: sac with roots, discs and bodies, two vessels in front of them."""
    lowest = int(np.ceil(SACRUM_MM / plane_mm))
    spacing, field = (plane_mm, 1.0, 1.0), ((lowest + 6) * plane_mm, 150.0, 100.0)
    image = make_phantom(contrast=contrast, spacing=spacing, field_mm=field, vessels=True, cord=False, seed=seed).image
    return cls.Volume(np.ascontiguousarray(image.array[lowest : lowest + 5]), image.spacing)


def knee(contrast, seed):
    """Femur, tibia and patella; behind them vessels and the nerve in fat, along the leg as a cord would run."""
    rng, shade = np.random.default_rng(seed), KNEE[contrast]
    spacing, shape = (3.0, 1.0, 3.0), (50, 120, 34)
    z, y, x = np.ix_(*(np.arange(n) * mm for n, mm in zip(shape, spacing, strict=True)))
    z, y, x = z - 75, y - 45, x - 50  # about the middle of the joint
    image = np.zeros(shape)

    def paint(tissue, inside):
        image[np.broadcast_to(inside, shape)] = shade.get(tissue, 0.06)

    paint("fat", np.hypot((y - 15) / 55, x / 48) < 1)
    paint("muscle", np.hypot((y - 15) / 48, x / 42) < 1)
    shaft = np.where(np.abs(z) < 35, 1.0, 0.5 + 0.5 * np.exp(-(np.abs(z) - 35) / 40))
    bone = np.hypot(y / 24, x / 36) / shaft
    paint("cortex", bone < 1.06)
    paint("marrow", bone < 1)
    paint("cartilage", (bone < 1.1) & (np.abs(z) < 5))
    paint("fluid", (bone < 0.95) & (np.abs(z) < 2))
    paint("marrow", (np.hypot((y + 31) / 5, x / 18) < 1) & (np.abs(z - 15) < 22))  # patella
    paint("fat", np.hypot((y - 41) / 13, x / 15) < 1)
    lean = 0.03 * z + 2 * np.sin(z / 30)
    paint("blood", np.hypot(y - 35 - lean, x + 2) < 4)
    paint("blood", np.hypot(y - 42 - lean, x - 2) < 4.5)
    paint("nerve", np.hypot((y - 49 - lean / 2) / 3, (x - 5) / 4) < 1)
    grain = ndi.gaussian_filter(rng.standard_normal(shape), [2 / mm for mm in spacing], mode="wrap")
    image *= 1 + TEXTURE * grain / grain.std()
    return cls.Volume(1000 * noisy(image, 0.03, rng), spacing)
