"""What lies inside the cord, lesions, a syrinx, grey matter, neither ends it nor dents its border."""

import functools

import numpy as np
import pytest

import cordlevelset as cls
from cordlevelset.phantom import make_phantom

SPACING, STRETCH = (4.0, 0.8, 0.8), slice(15, 25)
FINE = 8

# half-diameters and places in those of the cord (AP, left-right), brightness from cord (0) to CSF (1)
KINDS = {
    "syrinx": ([(0.5, 0.5, 0.0, 0.0)], 1.0),
    "dorsal lesion": ([(0.35, 0.35, 0.55, 0.0)], 0.6),
    "lateral lesion": ([(0.5, 0.3, 0.0, 0.6)], 0.6),
    "grey matter": ([(0.5, 0.15, 0.0, -0.3), (0.5, 0.15, 0.0, 0.3), (0.15, 0.3, 0.0, 0.0)], 0.25),
}


@functools.cache
def neck(contrast):
    return make_phantom(region="cervical", contrast=contrast, spacing=SPACING, cnr=8.0)


def with_inside(phantom, kind):
    """The phantom's image with ellipses inside the cord, over 40 mm of it."""
    image, cord = phantom.image.array.copy(), phantom.soft_mask.array
    csf = (phantom.sac_mask.array > 0) & (cord == 0)
    ellipses, level = KINDS[kind]
    rise = level * (np.median(image[csf]) - np.median(image[cord == 1]))
    fine = (np.arange(FINE) + 0.5) / FINE - 0.5
    y, x = ((np.arange(n)[:, None] + fine).ravel() for n in cord.shape[1:])
    for k in range(len(image))[STRETCH]:
        at = np.argwhere(cord[k] > 0.5)
        middle, half = at.mean(0), 2 * at.std(0)
        v, u = (y[:, None] - middle[0]) / half[0], (x - middle[1]) / half[1]
        inside = np.any([((v - cv) / a) ** 2 + ((u - cu) / b) ** 2 < 1 for a, b, cv, cu in ellipses], axis=0)
        image[k] += rise * inside.reshape(cord.shape[1], FINE, cord.shape[2], FINE).mean((1, 3))
    return phantom.image.like(image)


@pytest.mark.parametrize("contrast", ["t2", "t1"])
@pytest.mark.parametrize("kind", KINDS)
def test_the_cord_goes_on_and_keeps_its_border(kind, contrast):
    phantom = neck(contrast)
    result = cls.segment(with_inside(phantom, kind))
    found, truth = (v.array.sum((1, 2)) for v in (result.soft_mask, phantom.soft_mask))
    assert result.polarity == phantom.polarity
    assert (found > 0).all()
    assert np.median(np.abs(found / truth - 1)[STRETCH]) < 0.05
