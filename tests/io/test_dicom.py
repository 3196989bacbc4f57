"""DICOM as scanners, archives and discs give it: each voxel comes back with its value at its place."""

import dicom_files as made
import numpy as np
import pytest
from pydicom.uid import (
    ExplicitVRLittleEndian,
    ImplicitVRLittleEndian,
    JPEG2000Lossless,
    JPEGLSLossless,
    RLELossless,
)

import cordlevelset as cls

SYNTAXES = {
    "plain": ExplicitVRLittleEndian,
    "implicit": ImplicitVRLittleEndian,
    "RLE": RLELossless,
    "JPEG-LS": JPEGLSLossless,
    "JPEG 2000": JPEG2000Lossless,
}


@pytest.fixture
def volume(rng):
    """Sagittal, 4 mm apart, turned by 17 degrees, with rows and columns of different number and spacing."""
    c, s = np.cos(0.3), np.sin(0.3)
    direction = np.array([[s, 0, c], [c, 0, -s], [0, -1, 0]])  # columns: rows run back, columns down, slices left
    return cls.Volume(rng.integers(0, 4000, (6, 40, 36)), (4.0, 0.75, 0.5), (10.0, -20.0, 30.0), direction)


def _stored(vendor):
    slope, intercept = (made.VENDORS[vendor].get(k, d) for k, d in (("RescaleSlope", 1), ("RescaleIntercept", 0)))
    return slope, intercept


def _assert_at_its_place(got, volume):
    """Every voxel, wherever the slices begin and whichever way they are counted."""
    index = np.stack(np.meshgrid(*map(np.arange, volume.shape), indexing="ij"), -1)
    there = got.to_index(volume.to_lps(index))
    np.testing.assert_allclose(there, np.round(there), atol=1e-4)
    assert got.shape == volume.shape
    np.testing.assert_array_equal(got.array[tuple(np.round(there).astype(int).transpose(3, 0, 1, 2))], volume.array)
    np.testing.assert_allclose(got.spacing, volume.spacing, rtol=1e-6)


@pytest.mark.parametrize("syntax", SYNTAXES)
@pytest.mark.parametrize("vendor", made.VENDORS)
@pytest.mark.parametrize("kind", ["classic", "enhanced"])
def test_three_vendors_series_come_back_to_the_voxel(kind, vendor, syntax, volume, tmp_path):
    if kind == "classic":
        made.write_classic(tmp_path, volume, syntax=SYNTAXES[syntax], planes=[3, 0, 5, 1, 2, 4], **made.VENDORS[vendor])
    else:
        order = [0, 2, 4, 1, 3, 5]  # as they were acquired
        made.write_enhanced(tmp_path / "a.dcm", volume, order=order, syntax=SYNTAXES[syntax], **made.VENDORS[vendor])
    slope, intercept = _stored(vendor)
    got = cls.read(tmp_path)
    _assert_at_its_place(got, volume.like(volume.array * np.float32(slope) + np.float32(intercept)))
    assert got.notes == ()
