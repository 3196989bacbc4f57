import numpy as np
import pytest

import cordlevelset as cls
from cordlevelset.phantom import make_phantom
from cordlevelset.phantom.anatomy import BRIGHTNESS, TISSUES

SMALL = {"region": "cervical", "spacing": (2.0, 1.0, 1.0), "field_mm": (40.0, 80.0, 50.0)}


def test_the_seed_decides():
    a, b, c = (make_phantom(**SMALL, seed=seed).image.array for seed in (1, 1, 2))
    assert np.array_equal(a, b)
    assert not np.array_equal(a, c)


def test_truth_does_not_hang_on_the_grid():
    """Volume of the cord in mm3, from thin slices, thick sagittal and thick axial ones."""
    fine, sagittal, axial = (
        make_phantom(**SMALL | {"spacing": s}).soft_mask.array.sum() * np.prod(s)
        for s in ((1.0, 0.5, 0.5), (1.0, 1.0, 5.0), (5.0, 1.0, 1.0))
    )
    assert sagittal == pytest.approx(fine, rel=0.01)
    assert axial == pytest.approx(fine, rel=0.01)


def test_thick_slices_are_averages_of_thin_ones():
    quiet = {"cnr": np.inf, "bias": 1.0, "place_mm": (0.0, 0.0)}
    thick = make_phantom(**SMALL | quiet | {"spacing": (2.0, 1.0, 5.0)})
    assert ((thick.soft_mask.array > 0.1) & (thick.soft_mask.array < 0.9)).any()
    level = np.median(thick.image.array[thick.soft_mask.array > 0.99])
    mixed = thick.image.array[(thick.soft_mask.array > 0.3) & (thick.soft_mask.array < 0.7)]
    assert np.median(mixed) > 1.2 * level  # cord and CSF share these voxels


@pytest.mark.parametrize(
    ("contrast", "polarity"), [("t1", "bright"), ("t2", "dark"), ("t2s", "dark"), ("dwi", "bright"), ("epi", "dark")]
)
def test_polarity_and_noise(contrast, polarity):
    phantom = make_phantom(**SMALL | {"field_mm": (20.0, 160.0, 50.0)}, contrast=contrast, cnr=10, bias=1.0)
    assert phantom.polarity == polarity
    cord = phantom.soft_mask.array > 0.99
    csf = (phantom.sac_mask.array > 0) & (phantom.soft_mask.array == 0)
    step = np.median(phantom.image.array[cord]) - np.median(phantom.image.array[csf])
    assert (step > 0) == (polarity == "bright")
    air = phantom.image.array[:, -3:, :]
    shade = dict(zip(TISSUES, BRIGHTNESS[contrast], strict=True))
    sigma = 1000 * abs(shade["csf"] - shade["cord"]) / 10
    assert np.sqrt((air**2).mean() / 2) == pytest.approx(sigma, rel=0.05)  # Rayleigh


def test_centerline_and_conus():
    phantom = make_phantom(spacing=(2.0, 2.0, 4.0), field_mm=(160.0, 60.0, 48.0), scoliosis_mm=6)
    planes = phantom.soft_mask.array.any(axis=(1, 2))
    z = phantom.centerline_mm[:, 2]
    assert (np.diff(z) < 0).all()
    assert phantom.conus_mm is not None
    assert 0 <= z[-1] - phantom.conus_mm[2] <= 2.0
    assert len(z) == pytest.approx(planes.sum(), abs=1)
    middle = phantom.soft_mask.to_index(phantom.centerline_mm)[5]
    weight = phantom.soft_mask.array[round(middle[0])]
    assert (weight.sum(1) @ np.arange(len(weight))) / weight.sum() == pytest.approx(middle[1], abs=0.1)


def test_without_a_cord():
    phantom = make_phantom(spacing=(4.0, 2.0, 4.0), field_mm=(80.0, 60.0, 40.0), cord=False)
    assert not phantom.soft_mask.array.any()
    assert phantom.conus_mm is None
    assert len(phantom.centerline_mm) == 0


def test_unknown_words_are_refused():
    with pytest.raises(cls.InputError, match="no phantom"):
        make_phantom(region="tail")


def test_a_back_ends_in_2_mm_of_skin_over_its_fat():
    """In the middle column, from behind: air, then what is as dark as muscle in T2, then bright fat."""
    quiet = {"cnr": np.inf, "bias": 1.0, "offset_mm": (0.0, 0.0), "spacing": (4.0, 0.25, 2.0)}
    image = make_phantom(region="cervical", field_mm=(8.0, 200.0, 20.0), **quiet).image.array
    line = image[1, :, image.shape[2] // 2]
    shade = dict(zip(TISSUES, BRIGHTNESS["t2"], strict=True))
    skin = np.flatnonzero(line > 500 * shade["muscle"])[-1]  # its outer side
    fat = np.flatnonzero(line > 500 * (shade["muscle"] + shade["fat"]))[-1]
    assert (skin - fat) * 0.25 == pytest.approx(2.0, abs=0.5)
