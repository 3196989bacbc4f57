"""DICOM as scanners, archives and discs give it: each voxel comes back with its value at its place."""

import copy
import tracemalloc

import dicom_files as made
import highdicom
import numpy as np
import pydicom
import pytest
import SimpleITK as sitk
from pydicom.uid import (
    DeflatedExplicitVRLittleEndian,
    ExplicitVRLittleEndian,
    ImplicitVRLittleEndian,
    JPEG2000Lossless,
    JPEGLSLossless,
    RLELossless,
)

import cordlevelset as cls
from cordlevelset.io import dicomfiles, dicomseg
from cordlevelset.io.images import from_sitk
from cordlevelset.io.masks import as_mask
from cordlevelset.volume import same_grid

SYNTAXES = {
    "plain": ExplicitVRLittleEndian,
    "implicit": ImplicitVRLittleEndian,
    "deflated": DeflatedExplicitVRLittleEndian,
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


@pytest.fixture
def mask(volume, rng):
    """Empty in the first slice and the last one."""
    array = rng.random(volume.shape) < 0.3
    array[[0, -1]] = False
    return array


def _read_by_highdicom(path):
    seg = highdicom.seg.segread(path)
    got = seg.get_volume(combine_segments=True)
    return seg, cls.Volume(got.array, got.spacing, got.position, np.array(got.direction)[:, ::-1])


def _read_by_itk(path):
    reader = sitk.ImageFileReader()
    reader.SetImageIO("GDCMImageIO")
    reader.SetFileName(str(path))
    return from_sitk(reader.Execute() > 0)  # GDCM unpacks bits to 0 and 255


@pytest.mark.parametrize("kind", ["classic", "enhanced", "one of two echoes"])
def test_a_segmentation_lies_on_its_images(kind, volume, mask, tmp_path):
    if kind == "classic":
        made.write_classic(tmp_path / "in", volume, planes=[3, 0, 5, 1, 2, 4])
    else:
        echoes = [20.0, 80.0] if kind == "one of two echoes" else [100.0]
        made.write_enhanced(tmp_path / "in" / "a.dcm", volume, order=[0, 2, 4, 1, 3, 5], echoes=echoes)
    image = cls.read(tmp_path / "in", series="3.2" if kind == "one of two echoes" else None)
    truth = volume.like(mask)
    drawn = image.like(_at(truth, image))
    cls.write(drawn, tmp_path / "cord.dcm")
    seg, by_highdicom = _read_by_highdicom(tmp_path / "cord.dcm")
    for got in (by_highdicom, _read_by_itk(tmp_path / "cord.dcm"), cls.read(tmp_path / "cord.dcm")):
        _assert_at_its_place(got, truth)
    assert same_grid(cls.read(tmp_path / "cord.dcm"), image)
    (segment,) = seg.SegmentSequence
    assert segment.SegmentedPropertyTypeCodeSequence[0].CodeValue == "2748008"
    assert segment.SegmentedPropertyTypeCodeSequence[0].CodingSchemeDesignator == "SCT"
    assert segment.SegmentAlgorithmType == "SEMIAUTOMATIC"
    assert seg.ReferencedSeriesSequence[0].SeriesInstanceUID == f"{made.STUDY}.3"
    files = {ds.SOPInstanceUID: ds for ds in map(pydicom.dcmread, (tmp_path / "in").iterdir())}
    for group in seg.PerFrameFunctionalGroupsSequence:
        (item,) = group.DerivationImageSequence[0].SourceImageSequence
        source = files[item.ReferencedSOPInstanceUID]
        if kind != "classic":
            source = source.PerFrameFunctionalGroupsSequence[item.ReferencedFrameNumber - 1]
            assert source.MREchoSequence[0].EffectiveEchoTime == (80 if kind == "one of two echoes" else 100)
            source = source.PlanePositionSequence[0]
        at = group.PlanePositionSequence[0].ImagePositionPatient
        np.testing.assert_allclose(np.array(at, float), np.array(source.ImagePositionPatient, float), atol=1e-6)


def _at(truth, image):
    """Values of a volume on another grid with the same voxels."""
    index = np.stack(np.meshgrid(*map(np.arange, image.shape), indexing="ij"), -1)
    there = np.round(truth.to_index(image.to_lps(index))).astype(int)
    return truth.array[tuple(there.transpose(3, 0, 1, 2))]


def _places(folder, places, **options):
    """Slices of 1 mm pixels at some places."""
    stack = cls.Volume(np.zeros((len(places), 8, 6), np.int16), (3.0, 1.0, 1.0))
    slices = {k: {"ImagePositionPatient": list(place)} for k, place in enumerate(places)}
    made.write_classic(folder, stack, slices=slices, **options)
    return folder


@pytest.mark.parametrize(("share", "fits"), [(0.04, True), (0.06, False)])
def test_the_distance_of_slices_may_differ_by_rounding(share, fits, tmp_path):
    heights = [0, 3, 6, 9, 12 + 3 * share]
    folder = _places(tmp_path, [(0, 0, z) for z in heights])
    if fits:
        assert cls.read(folder).spacing[0] == pytest.approx(heights[-1] / 4)
    else:
        with pytest.raises(
            cls.GeometryError, match=r"003\.dcm and 004\.dcm are 3\.18 mm apart, the other slices 3\.00"
        ):
            cls.read(folder)


@pytest.mark.parametrize(("shift", "fits"), [(0.45, True), (0.55, False)])
def test_slices_may_be_moved_in_their_plane_by_half_a_voxel(shift, fits, tmp_path):
    folder = _places(tmp_path, [(0, 0, 0), (shift, 0, 3), (0, 0, 6)])
    if fits:
        assert cls.read(folder).shape == (3, 8, 6)
    else:
        with pytest.raises(cls.GeometryError, match=r"staggered, 001\.dcm by 0\.6 mm"):
            cls.read(folder)


@pytest.mark.parametrize(("error", "stacks"), [(0.0008, 1), (0.0012, 2)])
def test_directions_may_differ_by_rounding(error, stacks, tmp_path):
    turned = {1: {"ImageOrientationPatient": [1, error, 0, 0, 1, 0]}}
    made.write_classic(tmp_path, cls.Volume(np.zeros((4, 8, 6), np.int16), (3.0, 1.0, 1.0)), slices=turned)
    assert len(cls.list_series(tmp_path)) == stacks


@pytest.mark.parametrize(("apart", "stacks"), [(0.015, 2), (0.025, 1)])
def test_images_that_lie_as_near_as_positions_are_rounded_share_a_place(apart, stacks, tmp_path):
    """Two echoes at one place are two images; slices next to each other are one."""
    _places(tmp_path, [(0, 0, z) for z in (0, 3, 6)], EchoTime="20")
    second = {k: {"ImagePositionPatient": [0, 0, 3 * k + apart], "SOPInstanceUID": f"1.2.{k + 1}"} for k in range(3)}
    stack = cls.Volume(np.zeros((3, 8, 6), np.int16), (3.0, 1.0, 1.0))
    made.write_classic(tmp_path, stack, prefix="b", slices=second, EchoTime="80")
    assert len(cls.list_series(tmp_path)) == stacks


def test_one_normal_serves_all_slices(tmp_path):
    """Direction cosines of three digits, 300 mm from the origin: a normal of its own would move a slice by 0.24 mm."""
    stack = cls.Volume(np.arange(4)[:, None, None] * np.ones((4, 8, 6), np.int16), (3.0, 1.0, 1.0), (300.0, 0.0, 0.0))
    wobble = {k: {"ImageOrientationPatient": [1, 0, 4e-4 * (-1) ** k, 0, 1, 0]} for k in range(4)}
    made.write_classic(tmp_path, stack, planes=[2, 0, 3, 1], slices=wobble)
    assert (cls.read(tmp_path).array[:, 0, 0] == np.arange(4)).all()


def test_bits_that_are_not_in_use_hold_no_values(tmp_path):
    """Old scanners drew overlays into them."""
    stack = cls.Volume(np.full((3, 8, 6), 0xF123, np.uint16), (3.0, 1.0, 1.0))
    made.write_classic(tmp_path, stack, BitsStored=12, HighBit=11)
    assert (cls.read(tmp_path).array == 0x123).all()


def test_a_file_that_begins_like_dicom_and_is_none(tmp_path):
    """One of these asked GDCM for 4 GB."""
    made.write_classic(tmp_path / "SE1", cls.Volume(np.zeros((3, 8, 6), np.int16), (3.0, 1.0, 1.0)))
    text = bytes(108) + b"DICM\2\0\0\0UL\4\0\xfe\0\0\x000." + bytes(18) + b"\xe8" * 51 + bytes(83)
    (tmp_path / "SE1" / "notes").write_bytes(text)
    assert cls.read(tmp_path).shape == (3, 8, 6)


OPEN = b"\xff\xff\xff\xff"
LONG = {  # elements that claim up to 4 GB
    "known": b"\x08\0\x08\x11OB\0\0\xff\xff\xff\x7f",
    "in an open sequence": b"\x08\0\x40\x11SQ\0\0" + OPEN + b"\xfe\xff\0\xe0" + OPEN + b"\x08\0\0\1OB\0\0\0\0\xff\xf0",
    "of a kind that is none": b"\x08\0\0\1\1\2\xe8\xe8\4\0\0\0" + bytes(40),
}


@pytest.mark.parametrize("element", LONG)
def test_a_length_beyond_the_file_takes_no_memory(element, tmp_path):
    folder = _places(tmp_path, [(0, 0, z) for z in (0, 3, 6)])
    raw = (folder / "001.dcm").read_bytes()
    end = 144 + int.from_bytes(raw[140:144], "little")
    (folder / "001.dcm").write_bytes(raw[:end] + LONG[element] + raw[end:])
    tracemalloc.start()
    with pytest.raises(cls.CordLevelSetError, match=r"001\.dcm|000\.dcm"):
        cls.read(folder)
    assert tracemalloc.get_traced_memory()[1] < 50e6
    tracemalloc.stop()


def test_what_unpacks_to_more_than_any_slice_is_refused(tmp_path, monkeypatch):
    """A bomb of 260 kB would fill the memory."""
    assert dicomfiles.MOST_INFLATED == 8192 * 8192 * 4
    folder = _places(tmp_path, [(0, 0, z) for z in (0, 3, 6)], syntax=DeflatedExplicitVRLittleEndian)
    monkeypatch.setattr(dicomfiles, "MOST_INFLATED", 2000)
    assert cls.read(folder).shape == (3, 8, 6)
    monkeypatch.setattr(dicomfiles, "MOST_INFLATED", 200)
    with pytest.raises(cls.InputError, match=r"000\.dcm is damaged"):
        cls.read(folder)


@pytest.mark.parametrize("bits", [16, 32])
def test_a_packed_slice_that_says_it_is_larger_than_any_is_refused(bits, tmp_path):
    size = {"Rows": 0xFFFF, "Columns": 0xFFFF, "BitsAllocated": bits}
    for path in made.write_classic(
        tmp_path, cls.Volume(np.zeros((3, 8, 6), np.int16), (3.0, 1.0, 1.0)), syntax=RLELossless
    ):
        ds = pydicom.dcmread(path)
        for keyword, value in size.items():
            setattr(ds, keyword, value)
        ds.save_as(path)
    tracemalloc.start()
    with pytest.raises(cls.InputError, match=r"000\.dcm is damaged"):
        cls.read(tmp_path)
    assert tracemalloc.get_traced_memory()[1] < 50e6
    tracemalloc.stop()


def test_lossless_jpeg_as_archives_send_it(rng, tmp_path):
    array = rng.integers(0, 4000, (3, 40, 36), dtype=np.uint16)
    writer = sitk.ImageFileWriter()
    writer.KeepOriginalImageUIDOn()
    writer.SetCompressor("JPEG")
    writer.UseCompressionOn()
    for k, plane in enumerate(array):
        image = sitk.GetImageFromArray(plane[None])
        place = {"0020|0032": f"0\\0\\{3 * k}", "0020|0037": "1\\0\\0\\0\\1\\0"}
        for tag, text in {"0008|0060": "MR", "0020|000e": "1.2.3", "0008|0018": f"1.2.3.{k}", **place}.items():
            image.SetMetaData(tag, text)
        writer.SetFileName(str(tmp_path / f"{k}.dcm"))
        writer.Execute(image)
    assert pydicom.dcmread(tmp_path / "0.dcm").file_meta.TransferSyntaxUID.name.startswith("JPEG Lossless")
    assert (cls.read(tmp_path).array == array).all()


def test_a_soft_mask_is_no_dicom_segmentation(volume, tmp_path):
    made.write_classic(tmp_path / "in", volume)
    image = cls.read(tmp_path / "in")
    with pytest.raises(cls.InputError, match="give the mask, not the soft mask"):
        cls.write(image.like(np.full(image.shape, 0.5)), tmp_path / "cord.dcm")
    assert not (tmp_path / "cord.dcm").exists()


def test_what_was_taken_out_of_the_headers_does_not_matter(volume, tmp_path):
    gone = dict.fromkeys(dicomseg.MAY_BE_EMPTY)
    made.write_classic(tmp_path / "in", volume, SliceThickness=None, **gone)
    image = cls.read(tmp_path / "in")
    cls.write(image.like(np.ones(image.shape, bool)), tmp_path / "cord.dcm")
    seg = pydicom.dcmread(tmp_path / "cord.dcm")
    assert seg.SeriesNumber == 1003
    assert seg.SharedFunctionalGroupsSequence[0].PixelMeasuresSequence[0].SliceThickness == 4


def test_segments_of_other_tools_come_as_labels(volume, tmp_path):
    made.write_classic(tmp_path / "in", volume)
    image = cls.read(tmp_path / "in")
    cls.write(image.like(np.zeros(image.shape, bool)), tmp_path / "one.dcm")
    one = highdicom.seg.segread(tmp_path / "one.dcm")
    labels = np.zeros(image.shape, np.uint8)
    labels[:3, 5:9], labels[3:, 2:4] = 1, 2
    second = copy.deepcopy(one.SegmentSequence[0])
    second.SegmentNumber, second.SegmentLabel = 2, "canal"
    seg = highdicom.seg.Segmentation(
        [pydicom.dcmread(path) for path, _ in image.source], labels, "BINARY", [one.SegmentSequence[0], second],
        highdicom.UID(), 7, highdicom.UID(), 1, "maker", "model", "1", "1",
    )  # fmt: skip
    seg.save_as(tmp_path / "two.dcm")
    assert (cls.read(tmp_path / "two.dcm").array == labels[:, :, :])[1:-1].all()
    with pytest.raises(cls.InputError, match="several segments among 1 'Spinal cord', 2 'canal'"):
        as_mask(tmp_path / "two.dcm", "mask")
    for label in ("Canal", 2):
        assert (as_mask(tmp_path / "two.dcm", "mask", label=label).array == (labels == 2)).all()
    assert not as_mask(tmp_path / "one.dcm", "mask", label="spinal cord").array.any()
    with pytest.raises(cls.InputError, match="no segments 'canal' among 1 'Spinal cord'"):
        as_mask(tmp_path / "one.dcm", "mask", label="canal")
