import numpy as np
import pytest

import cordlevelset as cls
from cordlevelset.phantom import make, make_phantom
from cordlevelset.phantom.anatomy import ANATOMIES, BRIGHTNESS, TISSUES, Spine, draw_roots, surfaces

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


def test_tissues_are_grained_by_a_twelfth(monkeypatch):
    quiet = SMALL | {"cnr": np.inf, "bias": 1.0}
    grained = make_phantom(**quiet).image.array
    monkeypatch.setattr(make, "TEXTURE", 0.0)
    smooth = make_phantom(**quiet).image.array
    seen = smooth > 0
    assert np.std(grained[seen] / smooth[seen] - 1) == pytest.approx(0.08, rel=0.1)


def test_tissues_are_averaged_over_samples_of_a_millimetre(rng):
    """In voxels of 2 mm two along the body, one more than that in the plane."""
    spine = Spine(ANATOMIES["cervical"], 40.0, (70.0, 20.0), 0.0, (0.5, 0.0), None)
    shade, roots = dict(zip(TISSUES, BRIGHTNESS["t2"], strict=True)), draw_roots(rng)
    found, _ = make._plane(spine, 10.0, (2.0, 2.0, 2.0), (60, 20), shade, roots, False)
    y, x = (((np.arange(3 * n) + 0.5) / 3 - 0.5) * 2.0 for n in (60, 20))
    total = 0.0
    for z in (9.5, 10.5):
        canvas = np.full((180, 60), shade["muscle"])
        for value, distance, edge in surfaces(spine, z, y[:, None], x, shade, roots, False):
            canvas += np.clip(0.5 - distance / edge, 0, 1) * (value - canvas)
        total += canvas
    np.testing.assert_allclose(found, total.reshape(60, 3, 20, 3).mean((1, 3)) / 2, atol=1e-12)


def test_the_truth_is_counted_on_quarters_of_a_millimetre():
    shares = 64 * make_phantom(**SMALL | {"spacing": (1.0, 1.0, 1.0)}).soft_mask.array.astype(float)
    assert np.abs(shares - np.rint(shares)).max() < 1e-4
    assert (np.rint(shares) % 8).any()
