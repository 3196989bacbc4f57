import numpy as np
import pytest

import cordlevelset as cls
from cordlevelset.measures import morphometry
from cordlevelset.measures.morphometry import COLUMNS, sections_of_contours, slice_measures
from cordlevelset.sections import polar


def _cylinder(degrees, *, ap=4.0, lr=6.0, toward=(1.0, 0.0), spacing=(1.0, 0.5, 0.5)):
    """Soft mask of an elliptic cylinder, its axis leaning by `degrees` towards (y, x)."""
    lean = np.radians(degrees)
    t = np.array([np.cos(lean), np.sin(lean) * toward[0], np.sin(lean) * toward[1]])
    e_ap = np.array([0, 1, 0]) - t * t[1]
    e_ap /= np.linalg.norm(e_ap)
    e_lr = np.cross(t, e_ap)
    shape = (20, 161, 161)
    p = np.stack(
        np.meshgrid(*((np.arange(n) - n // 2) * s for n, s in zip(shape, spacing, strict=True)), indexing="ij")
    )
    f = np.hypot(np.tensordot(e_ap, p, 1) / ap, np.tensordot(e_lr, p, 1) / lr)
    return cls.Volume(np.clip(0.5 - (f - 1) * np.sqrt(ap * lr) / 0.5, 0, 1), spacing)


@pytest.mark.parametrize("toward", [(1.0, 0.0), (0.0, 1.0)])
@pytest.mark.parametrize("degrees", [0, 15, 30, 45, 60])
def test_tilted_elliptic_cylinder(degrees, toward):
    records = cls.measure(_cylinder(degrees, toward=toward))
    assert len(records) == 20
    for record in records:
        assert record.area_mm2 == pytest.approx(np.pi * 24, rel=0.01)
        assert record.diameter_ap_mm == pytest.approx(8, rel=0.02)
        assert record.diameter_rl_mm == pytest.approx(12, rel=0.02)
        assert record.angle_deg == pytest.approx(degrees, abs=0.5)
        lean = np.degrees(np.arctan(np.tan(np.radians(degrees)) * np.array(toward)))
        assert record.angle_rl_deg == pytest.approx(-lean[0], abs=0.5)
        assert record.angle_ap_deg == pytest.approx(lean[1], abs=0.5)
        assert record.length_mm == pytest.approx(1 / np.cos(np.radians(degrees)), rel=0.02)
        assert record.volume_mm3 == pytest.approx(record.area_mm2 * record.length_mm)
        assert record.eccentricity == pytest.approx(np.sqrt(1 - (4 / 6) ** 2), abs=0.02)


def test_contours_and_their_mask_agree():
    a = np.arange(30)
    radii = 5 + 0.8 * np.cos(2 * polar.ANGLES) + np.zeros((30, 1))
    centers = np.column_stack([30 + 0.3 * a, 28 - 0.2 * a])
    spacing = (1.0, 0.25, 0.25)
    from cordlevelset.border.rasterise import partial_volume_fraction
    from cordlevelset.sections.contours import CordContours

    contours = CordContours(0, centers, radii, radii + 3, np.ones(30), np.ones(30))
    soft = partial_volume_fraction(contours, shape=(30, 280, 240), spacing=spacing)
    records = slice_measures(
        sections_of_contours(0, centers, radii), plane_mm=1.0, confidence=np.ones(30), slice_of_plane=range(30)
    )
    for ours, theirs in zip(records, cls.measure(cls.Volume(soft, spacing)), strict=True):
        assert ours.slice == theirs.slice
        for name in COLUMNS[1:-1]:
            assert getattr(ours, name) == pytest.approx(getattr(theirs, name), rel=5e-3, abs=0.01, nan_ok=True)


def test_one_voxel_by_hand():
    array = np.zeros((3, 3, 3))
    array[1, 1, 1] = 1
    (record,) = cls.measure(cls.Volume(array, (2.0, 3.0, 4.0)))
    assert record.slice == 1
    assert record.area_mm2 == pytest.approx(12)
    assert record.diameter_ap_mm == pytest.approx(4 * np.sqrt(9 / 12))
    assert record.diameter_rl_mm == pytest.approx(4 * np.sqrt(16 / 12))
    assert record.angle_deg == 0


def test_slices_skipped_by_a_rater():
    full = _cylinder(30)
    some = full.array.copy()
    some[[3, 4, 9]] = 0
    kept = {record.slice: record for record in cls.measure(cls.Volume(some, full.spacing))}
    assert len(kept) == 17
    for record in cls.measure(full):
        if record.slice in kept:
            assert kept[record.slice].area_mm2 == pytest.approx(record.area_mm2, rel=2e-3)


@pytest.mark.parametrize(
    ("value", "words"),
    [(0.0, "empty"), (-1.0, "from 0 to 1"), (np.nan, "from 0 to 1"), (1j, "real")],
)
def test_what_is_no_mask(value, words):
    array = np.zeros((3, 3, 3), np.asarray(value).dtype)
    array[1, 1, 1] = value
    with pytest.raises(cls.InputError, match=words):
        cls.measure(cls.Volume(array, (1.0, 1.0, 1.0)))


def test_a_wave_of_the_centerline_is_damped_as_half_a_vertebra_demands():
    """A Gaussian of sigma s leaves exp(-s² k² / 2) of a wave of k radians a mm; s is 5 mm."""
    plane_mm, k = 1.5, 2 * np.pi / 40
    wave = np.sin(k * plane_mm * np.arange(400))
    left = morphometry._smoothed(wave, plane_mm)[100:300]
    np.testing.assert_allclose(left, np.exp(-((5 * k) ** 2) / 2) * wave[100:300], atol=1e-3)
