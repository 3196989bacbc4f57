import gzip
import struct

import nibabel as nib
import numpy as np
import pytest
import SimpleITK as sitk

import cordlevelset as cls
from cordlevelset.io import images as io
from cordlevelset.io import integrity

SUFFIXES = [".nii", ".nii.gz", ".nrrd", ".mha"]


def _oblique(rng):
    c, s = np.cos(0.3), np.sin(0.3)
    direction = np.array([[c, -s, 0], [s, c, 0], [0, 0, -1]])  # left-handed too
    return cls.Volume(rng.random((4, 5, 6)).astype("f4"), (3.0, 0.5, 0.25), (10.0, -20.0, 30.0), direction)


@pytest.mark.parametrize("suffix", SUFFIXES)
def test_written_and_read_again(suffix, rng, tmp_path):
    volume = _oblique(rng)
    path = tmp_path / f"an image, Größe 1{suffix}"
    cls.write(volume, path)
    again = cls.read(path)
    assert np.array_equal(again.array, volume.array)
    np.testing.assert_allclose(again.spacing, volume.spacing, rtol=1e-6)
    np.testing.assert_allclose(again.origin, volume.origin, atol=1e-4)
    np.testing.assert_allclose(again.direction, volume.direction, atol=1e-6)
    assert [p.name for p in tmp_path.iterdir()] == [path.name]


def test_nibabel_agrees_on_the_place(rng, tmp_path):
    volume = _oblique(rng)
    cls.write(volume, tmp_path / "a.nii.gz")
    affine = nib.load(tmp_path / "a.nii.gz").affine
    ras = affine @ [5, 4, 3, 1]
    np.testing.assert_allclose(ras[:3] * [-1, -1, 1], volume.to_lps([3, 4, 5]), atol=1e-4)


def test_simpleitk_image_both_ways(rng):
    image = sitk.GetImageFromArray(rng.random((4, 5, 6)))
    image.SetSpacing((0.5, 0.75, 3.0))
    image.SetOrigin((1.0, 2.0, 3.0))
    volume = io.as_volume(image)
    assert volume.spacing == (3.0, 0.75, 0.5)
    back = volume.to_sitk()
    assert (back.GetSpacing(), back.GetOrigin(), back.GetDirection()) == (
        image.GetSpacing(),
        image.GetOrigin(),
        image.GetDirection(),
    )
    assert io.to_sitk(volume.like(volume.array > 0.5)).GetPixelID() == sitk.sitkUInt8


def test_a_frame_of_a_series(rng, tmp_path):
    array = rng.random((6, 5, 4, 3))
    nib.save(nib.Nifti1Image(array, np.eye(4)), tmp_path / "series.nii")
    with pytest.raises(cls.InputError, match="4-D with 3 volumes"):
        cls.read(tmp_path / "series.nii")
    with pytest.raises(cls.InputError, match="no frame 3"):
        io.read(tmp_path / "series.nii", frame=3)
    assert np.allclose(io.read(tmp_path / "series.nii", frame=2).array, array[..., 2].T)
    nib.save(nib.Nifti1Image(array[..., :1], np.eye(4)), tmp_path / "one.nii")
    assert cls.read(tmp_path / "one.nii").shape == (4, 5, 6)


def test_two_answers_in_the_header_are_noted(rng, tmp_path):
    image = nib.Nifti1Image(rng.random((4, 5, 6)), np.eye(4))
    shifted = np.eye(4)
    shifted[0, 3] = 5
    image.set_qform(np.eye(4), 1)
    image.set_sform(shifted, 2)
    nib.save(image, tmp_path / "a.nii")
    (note,) = cls.read(tmp_path / "a.nii").notes
    assert "differ by up to 5 mm" in note
    nib.save(nib.Nifti1Image(rng.random((4, 5, 6)), None), tmp_path / "b.nii")
    (note,) = cls.read(tmp_path / "b.nii").notes
    assert "does not say" in note
    nib.save(nib.Nifti1Image(rng.random((4, 5, 6)), np.eye(4)), tmp_path / "c.nii")
    assert cls.read(tmp_path / "c.nii").notes == ()


def _nifti(path, array=None, affine=None):
    array = np.arange(8.0 * 9 * 10).reshape(8, 9, 10) if array is None else array
    nib.save(nib.Nifti1Image(array, np.eye(4) if affine is None else affine), path)
    return path


@pytest.mark.parametrize("before_the_block_ends", [0, 1, 2, 100])
def test_a_gzip_file_of_several_members(before_the_block_ends, tmp_path):
    """As bgzip writes them; the mark of the next may be cut by the blocks the file is read in."""
    array = np.random.default_rng(0).normal(size=(60, 60, 60))
    whole = _nifti(tmp_path / "whole.nii", array).read_bytes()
    size = n = integrity.BLOCK - before_the_block_ends
    while len(first := gzip.compress(whole[:n], 0)) > size:
        n -= len(first) - size
    assert len(first) == size
    path = tmp_path / "image.nii.gz"
    path.write_bytes(first + gzip.compress(whole[n:], 0))
    np.testing.assert_allclose(cls.read(path).array, array.T)


def _zero_spacing(folder):
    path = _nifti(folder / "a.nii")
    raw = bytearray(path.read_bytes())
    struct.pack_into("<f", raw, 80, 0.0)
    path.write_bytes(raw)
    return path


def _cut(folder, suffix):
    path = _nifti(folder / f"a{suffix}")
    path.write_bytes(path.read_bytes()[:-200])
    return path


def _text(folder, name="a.nii"):
    (folder / name).write_text("not an image", encoding="utf-8")
    return folder / name


def _rgb(folder):
    image = sitk.GetImageFromArray(np.zeros((3, 4, 5, 3), np.uint8), isVector=True)
    sitk.WriteImage(image, str(folder / "a.nrrd"))
    return folder / "a.nrrd"


def _sheared(folder):
    return _nifti(folder / "a.nii", affine=np.array([[1, 0.3, 0, 0], [0, 1, 0, 0], [0, 0, 1, 0], [0, 0, 0, 1.0]]))


def _empty_gzip(folder):
    (folder / "a.nii.gz").write_bytes(gzip.compress(b""))
    return folder / "a.nii.gz"


def _folder(folder):
    (folder / "d").mkdir()
    return folder / "d"


def _nifti2(folder):
    nib.save(nib.Nifti2Image(np.zeros((3, 4, 5)), np.eye(4)), folder / "a.nii")
    return folder / "a.nii"


def _with(value):
    array = np.arange(720.0).reshape(8, 9, 10)
    array[3, 4, 5] = value
    return array


def _nan_nrrd(folder):
    sitk.WriteImage(sitk.GetImageFromArray(_with(np.nan)), str(folder / "a.nrrd"))
    return folder / "a.nrrd"


BAD_FILES = {
    "missing": (lambda f: f / "none.nii.gz", cls.InputError, "no such file"),
    "not an image": (_text, cls.InputError, "not an image"),
    "wrong ending": (lambda f: _text(f, "a.txt"), cls.InputError, "not an image"),
    "empty": (lambda f: _nifti(f / "a.nii").write_bytes(b"") or f / "a.nii", cls.InputError, "not an image"),
    "empty gzip": (_empty_gzip, cls.InputError, "not an image"),
    "folder without images": (_folder, cls.InputError, "no DICOM series"),
    "cut": (lambda f: _cut(f, ".nii"), cls.InputError, "damaged"),
    "cut gzip": (lambda f: _cut(f, ".nii.gz"), cls.InputError, "damaged"),
    "2-D": (lambda f: _nifti(f / "a.nii", np.ones((8, 9))), cls.InputError, "2-D"),
    "4-D": (lambda f: _nifti(f / "a.nii", np.ones((8, 9, 10, 2))), cls.InputError, "choose one"),
    "colour": (_rgb, cls.InputError, "3 components"),
    "zero spacing": (_zero_spacing, cls.GeometryError, "voxel size"),
    "sheared": (_sheared, cls.GeometryError, "right angles"),
    "NIfTI-2": (_nifti2, cls.InputError, "convert"),
    "NaN": (lambda f: _nifti(f / "a.nii.gz", _with(np.nan)), cls.InputError, "1 of 720 voxels are not numbers"),
    "infinite": (lambda f: _nifti(f / "a.nii", _with(np.inf).astype("f4")), cls.InputError, "1 values are infinite"),
    "NaN in NRRD": (_nan_nrrd, cls.InputError, "1 of 720 voxels are not numbers"),
    "5 axes": (lambda f: _nifti(f / "a.nii", np.ones((8, 9, 10, 1, 2))), cls.InputError, "has 5 axes; give 3"),
    "6 axes": (lambda f: _nifti(f / "a.nii", np.ones((8, 9, 10, 1, 1, 2))), cls.InputError, "more axes"),
    "constant": (lambda f: _nifti(f / "a.nii", np.ones((8, 9, 10))), cls.InputError, "constant"),
}


@pytest.mark.parametrize("case", list(BAD_FILES))
def test_bad_files_are_named(case, tmp_path):
    make, error, words = BAD_FILES[case]
    with pytest.raises(error, match=words) as caught:
        cls.segment(make(tmp_path))
    assert "\n" not in str(caught.value)


def test_not_an_image_object():
    with pytest.raises(cls.InputError, match="cannot take a ndarray"):
        cls.segment(np.zeros((3, 3, 3)))


@pytest.mark.parametrize("value", [np.nan, np.inf])
@pytest.mark.parametrize("offset", [256, 268, 280, 292, 324])  # of the qform's numbers and the sform's
def test_a_nifti_matrix_of_no_numbers_never_reaches_itk(tmp_path, offset, value):
    """Its decomposition there may never end."""
    cls.write(cls.Volume(np.ones((4, 3, 2), np.float32), (1.0, 1.0, 1.0)), tmp_path / "a.nii")
    raw = bytearray((tmp_path / "a.nii").read_bytes())
    raw[252:256] = b"\1\0\1\0"
    raw[offset : offset + 4] = np.float32(value).tobytes()
    (tmp_path / "a.nii").write_bytes(raw)
    with pytest.raises(cls.GeometryError, match="not numbers"):
        cls.read(tmp_path / "a.nii")


@pytest.mark.parametrize("size", [b"\xaf\1\0\0", b"\0\0\0\0", b"\1\x5c\0\0"])
def test_a_nifti_header_that_begins_as_none_never_reaches_itk(tmp_path, size):
    """Which reads it all the same, with whatever else is damaged in it."""
    cls.write(cls.Volume(np.ones((4, 3, 2), np.float32), (1.0, 1.0, 1.0)), tmp_path / "a.nii")
    raw = bytearray((tmp_path / "a.nii").read_bytes())
    raw[:4] = size
    (tmp_path / "a.nii").write_bytes(raw)
    with pytest.raises(cls.InputError, match="does not begin as a NIfTI header"):
        cls.read(tmp_path / "a.nii")


@pytest.mark.parametrize("names", [("a.hdr", "a.img"), ("A.HDR", "A.IMG"), ("a.hdr.gz", "a.img.gz")])
def test_a_nifti_pair_is_checked_by_either_name(rng, tmp_path, names):
    """ITK finds the other file by itself, and reads what is missing as zeros."""
    image = rng.normal(size=(4, 3, 2)).astype(np.float32)
    sitk.WriteImage(io.to_sitk(cls.Volume(image, (1.0, 2.0, 3.0))), tmp_path / "b.hdr")
    pair = tuple((tmp_path / name).read_bytes() for name in ("b.hdr", "b.img"))

    def paths(*contents):
        for name, content in zip(names, contents, strict=True):
            (tmp_path / name).write_bytes(gzip.compress(content) if name.endswith("gz") else content)
        return [tmp_path / name for name in names]

    for path in paths(*pair):
        np.testing.assert_array_equal(cls.read(path).array, image)
    for path in paths(pair[0], pair[1][:-5]):
        with pytest.raises(cls.InputError, match="holds 91 bytes, its header asks for 96"):
            cls.read(path)
    for path in paths(pair[0][:344] + bytes(8), pair[1]):
        with pytest.raises(cls.InputError, match="Analyze"):
            cls.read(path)


MHA = b"ObjectType = Image\nNDims = 3\nDimSize = 2 3 4\nElementType = MET_SHORT\n"


@pytest.mark.parametrize("suffix", ["mha", "mhd"])
@pytest.mark.parametrize(
    "last",
    [
        b"ElementDataFile!= LOCAL",
        b"ElementDataFile : LOCAL",
        b"elementdatafile = LOCAL\nElementDataFile : %s%n",
        b"Comment = ElementDataFile\nElementDataFile = %n",
        b"ElementDataFile = LOCAL\x0b%n",
        b"ElementDataFile = LOCAL\0%n",
        b"ElementDataFile = %s%s%n",
        b"ElementDataFile = %0900d 1 4 1",
        b"ElementDataFile = a%d.raw 1 4 0",
        b"ElementDataFile = LIST\na.raw",
        b"ElementDataFile =",
        b"Comment = " + bytes(range(97, 123)) * 2600 + b"\nElementDataFile = %n",
    ],
)
def test_a_metaimage_that_does_not_name_one_file_never_reaches_itk(tmp_path, suffix, last):
    """ITK takes the name for a format string: some of these end the process."""
    path = tmp_path / f"a.{suffix}"
    path.write_bytes(MHA + last + b"\n" + bytes(48))
    with pytest.raises(cls.InputError, match="which one file"):
        cls.read(path)


@pytest.mark.parametrize(
    "line",
    [
        b"NDims = -2",  # ITK takes it for an array's length: some of these end the process, or never end
        b"NDims : -2",
        b"\tNDims=4294967299\r",
        b"NDims = -2\nndims = 3",
        b"NDims = 65536",
        b"NDims = 2",
        b"ndims = 3",
        b"NDims = 3\nDimSize = 1e308 1e308 1e308",
        b"NDims = 3\nDimSize = -2 -3 4",
        b"NDims = 3\nName = " + 256 * b"x",  # ITK keeps 256, its closing 0 with them
        b"NDims = 3\nName : " + 9999 * b"x",
    ],
)
def test_a_metaimage_whose_size_or_name_is_odd_never_reaches_itk(tmp_path, line):
    path = tmp_path / "a.mha"
    path.write_bytes(MHA.replace(b"NDims = 3\n", b"") + line + b"\nElementDataFile = LOCAL\n" + bytes(48))
    with pytest.raises(cls.InputError, match="no size, or too long a name"):
        cls.read(path)


def test_a_metaimage_with_other_separators_and_a_name_is_read(tmp_path):
    path = tmp_path / "a.mha"
    head = MHA.replace(b" = ", b":") + b"BinaryData:True\n"
    path.write_bytes(head + b"Name = " + 255 * b"x" + b"\nElementDataFile = LOCAL\n" + bytes(48))
    assert cls.read(path).shape == (4, 3, 2)


NRRD = b"NRRD0005\ntype: short\ndimension: 3\nsizes: 2 3 4\nencoding: raw\nendian: little\n"


@pytest.mark.parametrize("newline", [b"\n", b"\r\n"])
@pytest.mark.parametrize(
    ("line", "whole"),
    [
        (b"space: " + 999 * b"x", False),  # ITK writes its complaint past the end of its buffer: the process ends
        (b"kinds: " + 999 * b"1 ", False),
        (b"dimension=" + 999 * b"x", False),
        (b"content=" + 999 * b"x", False),
        (b"#\r" + 999 * b"x", False),
        (b"# " + 9999 * b"x", True),
        (b"content: " + 9999 * b"x", True),
        (b"Segment0_Tags:=" + 9999 * b"x", True),
    ],
)
def test_an_nrrd_with_a_field_without_end_never_reaches_itk(tmp_path, line, newline, whole):
    path = tmp_path / "a.nrrd"
    path.write_bytes((NRRD + line + b"\n\n").replace(b"\n", newline) + bytes(range(48)))
    if whole:
        assert cls.read(path).array[0, 0, 1] == 0x0302
        path.write_bytes(path.read_bytes()[:-1])
    with pytest.raises(cls.InputError, match="damaged: it holds 47" if whole else "a field of its header has"):
        cls.read(path)


def test_an_nrrd_whose_header_does_not_end(tmp_path):
    path = tmp_path / "a.nrrd"
    path.write_bytes(NRRD + b"# a comment\n" * (1 << 17))
    with pytest.raises(cls.InputError, match="does not end"):
        cls.read(path)


@pytest.mark.parametrize("name", ["a.vtk", "a.tif", "a.png", "a.mrc"])
def test_formats_that_do_not_say_how_an_image_lies_are_not_read(name, tmp_path):
    sitk.WriteImage(
        sitk.GetImageFromArray(np.zeros((1, 4, 5) if name != "a.png" else (4, 5), np.uint8)), tmp_path / name
    )
    with pytest.raises(cls.InputError, match="is not an image that can be read; give NIfTI, NRRD, MetaImage"):
        cls.read(tmp_path / name)


@pytest.mark.parametrize("name", ["a.txt", "a.mhd", "a.nii.bz2"])
def test_endings_that_cannot_be_written(name, rng, tmp_path):
    with pytest.raises(cls.InputError, match="must end in"):
        cls.write(_oblique(rng), tmp_path / name)
    assert not list(tmp_path.iterdir())
