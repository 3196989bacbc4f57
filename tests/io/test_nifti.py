"""The two matrices of NIfTI: a mask carries those of its image, whatever they are, and lies on it in every program."""

import gzip
import struct

import nibabel as nib
import numpy as np
import pytest
import SimpleITK as sitk

import cordlevelset as cls
from cordlevelset.forms import straight
from cordlevelset.io.nifti import FORMS_TOLERANCE, SIZE_TOLERANCE

SHAPE = (6, 5, 4)
PLAIN = np.array([[-1.0, 0, 0, 10], [0, -1, 0, 20], [0, 0, 2, -30], [0, 0, 0, 1]])
TURNED = np.array([[0.8, -0.6, 0, 0], [0.6, 0.8, 0, 0], [0, 0, 1, 0], [0, 0, 0, 1]]) @ PLAIN
MIRRORED = PLAIN @ np.diag([-1, 1, 1, 1])
MOVED = np.eye(4)
MOVED[:3, 3] = 12, -3, 4
SHEARED = PLAIN.copy()
SHEARED[0, 1] = 0.004  # 0.23 degrees

COMBINATIONS = {  # qform and its code, sform and its code, byte order
    "the same": (PLAIN, 1, PLAIN, 1, "<"),
    "sform elsewhere": (PLAIN, 1, MOVED @ PLAIN, 2, "<"),
    "sform elsewhere, both scanner": (TURNED, 1, MOVED @ PLAIN, 1, "<"),
    "template space": (PLAIN, 2, TURNED, 4, "<"),
    "no qform": (None, 0, TURNED, 2, "<"),
    "no sform": (MIRRORED, 1, None, 0, "<"),
    "none": (None, 0, None, 0, "<"),
    "mirrored, sform sheared": (MIRRORED, 3, SHEARED, 2, "<"),
    "big-endian": (TURNED, 2, MOVED @ TURNED, 3, ">"),
}


def save(path, qform, q_code, sform, s_code, endian="<", change=lambda header: None):
    image = nib.Nifti1Image(np.arange(120, dtype="i2").reshape(SHAPE), np.eye(4), nib.Nifti1Header(endianness=endian))
    image.header["pixdim"][1:4] = 1, 1, 2
    image.set_qform(qform, q_code)
    image.set_sform(sform, s_code)
    change(image.header)
    nib.save(image, path)
    return path


def fields(path):
    """What the header says of the image's place, from its bytes."""
    raw = gzip.decompress(path.read_bytes()) if path.suffix == ".gz" else path.read_bytes()
    endian = "<" if raw[:4] == struct.pack("<i", 348) else ">"
    packed = (("4f", 76), ("B", 123), ("2h", 252), ("6f", 256), ("12f", 280))
    return [struct.unpack_from(endian + kind, raw, at) for kind, at in packed]


@pytest.mark.parametrize("suffix", [".nii", ".nii.gz"])
@pytest.mark.parametrize("name", COMBINATIONS)
def test_a_mask_lies_on_its_image_in_every_program(name, suffix, tmp_path):
    path, out = save(tmp_path / "image.nii", *COMBINATIONS[name]), tmp_path / f"mask{suffix}"
    image = cls.read(path)
    cls.write(image.like((image.array > 50).astype(np.uint8)), out)
    assert fields(out) == fields(path)
    a, b = nib.load(path), nib.load(out)
    assert np.array_equal(b.get_fdata(), np.asanyarray(a.dataobj) > 50)
    assert np.array_equal(a.affine, b.affine)
    for form in ("get_qform", "get_sform"):
        (x, code), (y, same) = (getattr(v, form)(coded=True) for v in (a, b))
        assert code == same
        assert (x is None and y is None) or np.array_equal(x, y)
    c, d = sitk.ReadImage(str(path)), sitk.ReadImage(str(out))
    assert (c.GetOrigin(), c.GetSpacing(), c.GetDirection()) == (d.GetOrigin(), d.GetSpacing(), d.GetDirection())
    again = cls.read(out)
    assert np.array_equal(again.to_lps(np.eye(3)), image.to_lps(np.eye(3)))
    assert again.notes == image.notes
    differ = COMBINATIONS[name][1] and COMBINATIONS[name][3] and name != "the same"
    assert any("sform and qform differ" in note for note in image.notes) == bool(differ)


def test_the_same_mask_is_the_same_file(tmp_path):
    image = cls.read(save(tmp_path / "image.nii", PLAIN, 1, PLAIN, 1))
    for name in ("a.nii.gz", "b.nii.gz"):
        cls.write(image, tmp_path / name)
    assert (tmp_path / "a.nii.gz").read_bytes() == (tmp_path / "b.nii.gz").read_bytes()


def test_a_result_keeps_them(neck, tmp_path):
    path = tmp_path / "image.nii.gz"
    image = nib.Nifti1Image(neck.image.array.T, np.diag([-1.0, -1.0, 2.0, 1.0]))
    image.set_sform(MOVED @ image.affine, 4)
    image.set_qform(image.affine, 2)
    nib.save(image, path)
    result = cls.segment(path)
    for n, volume in enumerate((result.mask, result.soft_mask, result.sac_mask)):
        cls.write(volume, tmp_path / f"{n}.nii.gz")
        assert fields(tmp_path / f"{n}.nii.gz") == fields(path)


def test_on_another_grid_they_are_dropped(tmp_path):
    image = cls.read(save(tmp_path / "image.nii", PLAIN, 2, PLAIN, 4))
    assert image.forms is not None
    moved = cls.Volume(image.array, image.spacing, (1.0, 2.0, 3.0), image.direction, (), image.forms)
    assert moved.forms is None
    cls.write(moved, tmp_path / "moved.nii")
    assert np.allclose(cls.read(tmp_path / "moved.nii").origin, (1, 2, 3))


@pytest.mark.parametrize("shear", [0.004, 0.0095])
def test_a_slightly_sheared_sform_becomes_the_nearest_rotation(shear, tmp_path):
    sheared = PLAIN.copy()
    sheared[0, 1] = shear
    path = save(tmp_path / "image.nii", None, 0, sheared, 2)
    image = cls.read(path)
    direction = image.direction
    assert np.allclose(direction.T @ direction, np.eye(3), atol=1e-12)
    middle = (np.array(SHAPE) - 1) / 2
    expected = (sheared @ [*middle, 1])[:3] * [-1, -1, 1]
    assert np.allclose(image.to_lps(middle[::-1]), expected, atol=1e-5)
    corner = image.to_lps((0, 0, 0)) - (sheared @ [0, 0, 0, 1])[:3] * [-1, -1, 1]
    assert np.abs(corner).max() < shear * 2.5  # half of it each way, over two voxels and a half
    (note,) = image.notes
    assert f"{np.degrees(np.arcsin(shear)):.2f} degrees off right angles" in note
    cls.write(image, tmp_path / "again.nii")
    assert fields(tmp_path / "again.nii") == fields(path)


def test_a_large_shear_is_refused(tmp_path):
    sheared = PLAIN.copy()
    sheared[0, 1] = 0.012
    with pytest.raises(cls.GeometryError, match="right angles"):
        cls.read(save(tmp_path / "image.nii", None, 0, sheared, 2))


@pytest.mark.parametrize(("shear", "fine"), [(0.004, True), (0.0095, True), (0.012, False), (0.3, False)])
def test_shear_in_other_formats(shear, fine, tmp_path):
    head = (
        "NRRD0004\ntype: uchar\ndimension: 3\nspace: left-posterior-superior\nsizes: 4 5 6\n"
        f"space directions: (1,{shear},0) (0,1,0) (0,0,2)\nkinds: domain domain domain\nencoding: raw\n"
        "space origin: (1,2,3)\n\n"
    )
    (tmp_path / "a.nrrd").write_bytes(head.encode() + bytes(120))
    if not fine:
        with pytest.raises(cls.GeometryError, match="right angles"):
            cls.read(tmp_path / "a.nrrd")
        return
    image = cls.read(tmp_path / "a.nrrd")
    assert "off right angles" in image.notes[0]
    middle = np.array([2.5, 2.0, 1.5])
    assert np.allclose(image.to_lps(middle), [1 + 1.5, 2 + 2.0 + 1.5 * shear, 3 + 5.0], atol=1e-4)


def test_the_sforms_own_voxel_sizes_count(tmp_path):
    """ITK takes those beside it, and would give an area 1.21 times too small."""
    larger = PLAIN @ np.diag([1.1, 1.1, 1.1, 1])

    def change(header):
        header["pixdim"][1:4] = 1, 1, 2

    path = save(tmp_path / "image.nii", None, 0, larger, 2, change=change)
    image = cls.read(path)
    assert np.allclose(image.spacing, (2.2, 1.1, 1.1))
    assert "the sform's voxels of 1.1 x 1.1 x 2.2 mm were taken; beside it the header says 1 x 1 x 2 mm" in image.notes
    for index in ((0, 0, 0), (3, 4, 5)):
        assert np.allclose(image.to_lps(index), (larger @ [*index[::-1], 1])[:3] * [-1, -1, 1], atol=1e-4)


def test_tolerances(tmp_path):
    assert (FORMS_TOLERANCE, SIZE_TOLERANCE) == (1e-3, 1e-3)
    for shift, notes in ((0.0005, 0), (0.002, 1)):
        moved = PLAIN.copy()
        moved[0, 3] += shift
        assert len(cls.read(save(tmp_path / "image.nii", PLAIN, 1, moved, 2)).notes) == notes
    for factor, notes in ((1.0005, 0), (1.002, 1)):
        larger = PLAIN @ np.diag([1, factor, 1, 1])
        path = save(tmp_path / "b.nii", None, 0, larger, 2, change=lambda h: h["pixdim"].__setitem__(2, 1))
        assert len(cls.read(path).notes) == notes


def test_nearest_rotation_is_the_polar_factor():
    skew = np.eye(3)
    skew[0, 1] = 0.02
    unit = skew / np.linalg.norm(skew, axis=0)
    rotation, shear = straight(unit)
    assert shear == pytest.approx(unit[:, 0] @ unit[:, 1])
    assert np.allclose(rotation, unit @ np.linalg.inv(_root(unit.T @ unit)))
    assert straight(np.eye(3))[1] == 0


def _root(symmetric):
    values, vectors = np.linalg.eigh(symmetric)
    return vectors @ np.diag(np.sqrt(values)) @ vectors.T
