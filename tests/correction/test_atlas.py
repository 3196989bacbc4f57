"""An atlas says about where the cord is, and no more."""

from concurrent.futures import ThreadPoolExecutor

import numpy as np
import pytest
import SimpleITK as sitk

import cordlevelset as cls
from cordlevelset.app.cli import main
from cordlevelset.correction.constraints import core
from cordlevelset.phantom import make_phantom
from cordlevelset.volume import Turn

FIELD_MM = (90.0, 80.0, 60.0)


@pytest.fixture(scope="module")
def template():
    return make_phantom(region="cervical", spacing=(2.0, 2.0, 2.0), field_mm=FIELD_MM, scoliosis_mm=1.0, seed=3)


@pytest.fixture(scope="module")
def other():
    """The same region in another contrast, elsewhere in the image, bent otherwise, on thick slices."""
    return make_phantom(
        region="cervical", contrast="t2s", spacing=(3.0, 1.5, 1.5), field_mm=FIELD_MM, scoliosis_mm=4.0,
        place_mm=(6.0, -5.0), seed=8,
    )  # fmt: skip


@pytest.fixture(scope="module")
def hint(other, template):
    return cls.register_atlas(other.image, template.image, template.soft_mask)


def middles(array):
    planes = np.flatnonzero(array.any((1, 2)))
    return planes, np.array([np.argwhere(array[k]).mean(0) for k in planes])


def test_the_cord_is_found_within_a_few_mm_in_another_contrast(other, hint):
    planes, found = middles(hint.array > 0)
    truth = np.array([np.argwhere(other.soft_mask.array[k] > 0.5).mean(0) for k in planes])
    assert len(planes) > 0.8 * len(hint.array)
    assert (np.hypot(*(found - truth).T) * 1.5 < 10.0).all()


def test_no_voxel_is_said_to_be_cord(hint):
    assert not core(hint.array > 0, hint.spacing).any()
    assert hint.array.dtype == np.uint8


def test_the_same_twice_and_in_any_orientation(other, template, hint):
    turn = Turn((2, 0, 1), (True, False, True))
    turned = cls.register_atlas(turn.volume(other.image), template.image, template.soft_mask)
    assert np.array_equal(turned.array, turn.array(hint.array))


@pytest.fixture(scope="module")
def decoy(other):
    """The image with a perfect cord in a perfect sac drawn into it, 22 mm before the cord."""
    array = other.image.array.copy()
    cord, csf = np.percentile(array, [5, 99])
    planes, at = middles(other.soft_mask.array > 0.5)
    rows, columns = np.indices(array.shape[1:]) * 1.5
    for k, (y, x) in zip(planes, at * 1.5, strict=True):
        away = np.hypot(rows - (y - 22.0), columns - x)
        array[k] = np.where(away < 4.0, cord, np.where(away < 9.0, csf, array[k]))
    return other.image.like(array)


def test_a_tube_that_looks_more_like_a_cord_is_not_taken(decoy, other, template):
    assert cls.compare(cls.segment(decoy).mask, other.soft_mask).dice < 0.1
    hint = cls.register_atlas(decoy, template.image, template.soft_mask)
    assert cls.compare(cls.segment(decoy, initial=hint).mask, other.soft_mask).dice > 0.8


def test_on_the_command_line(decoy, other, template, tmp_path, capsys):
    paths = [tmp_path / f"{name}.nii.gz" for name in ("image", "template", "cord", "out")]
    for volume, path in zip((decoy, template.image, template.soft_mask), paths, strict=False):
        cls.write(volume, path)
    image, template_path, cord, out = map(str, paths)
    assert main(["segment", image, "-o", out, "--atlas", template_path, cord]) == 0
    assert cls.compare(out, other.soft_mask).dice > 0.8
    assert main(["segment", image, "-o", cord, "--atlas", template_path, cord]) == 1  # an input is never written
    with pytest.raises(SystemExit):
        main(["segment", image, "-o", out, "--atlas", template_path, cord, "--initial", cord])
    capsys.readouterr()
    assert main(["segment", image, "-o", out, "--atlas", template_path, image]) == 1
    assert "atlas mask: values from" in capsys.readouterr().err


def test_what_cannot_be_used_is_refused_in_one_line(other, template):
    mask = template.soft_mask
    for words, changed in (
        ("another grid", other.soft_mask),
        ("empty", mask.like(np.zeros_like(mask.array))),
        ("not finite", mask.like(np.full_like(mask.array, np.nan))),
        ("labels 1, 2; choose", mask.like(np.maximum(mask.array > 0.5, 2 * (mask.array == 0)))),
    ):
        with pytest.raises(cls.CordLevelSetError, match=words) as caught:
            cls.register_atlas(other.image, template.image, changed)
        assert "\n" not in str(caught.value)
    short, short_mask = (cls.Volume(v.array[:30], v.spacing, v.origin, v.direction) for v in (template.image, mask))
    with pytest.raises(cls.ConstraintError, match="the template is 60 mm high, the image 90 mm"):
        cls.register_atlas(other.image, short, short_mask)
    with pytest.raises(cls.InputError, match="constant"):
        cls.register_atlas(other.image, template.image.like(np.ones(mask.shape)), mask)


def test_a_cord_that_comes_to_lie_beside_the_image_is_refused(other, template):
    beside = np.zeros_like(template.soft_mask.array)
    beside[:, :, 0] = 1.0
    crop = other.image.like(other.image.array)
    crop = cls.Volume(np.ascontiguousarray(crop.array[:, 10:, 15:30]), crop.spacing, crop.origin)
    with pytest.raises(cls.ConstraintError, match="atlas: ") as caught:
        cls.register_atlas(crop, template.image, template.soft_mask.like(beside))
    assert "\n" not in str(caught.value)


def test_two_at_once_leave_the_number_of_threads_alone(other, template, hint):
    before = sitk.ProcessObject.GetGlobalDefaultNumberOfThreads()
    with ThreadPoolExecutor(2) as pool:
        found = list(pool.map(lambda _: cls.register_atlas(other.image, template.image, template.soft_mask), range(2)))
    assert sitk.ProcessObject.GetGlobalDefaultNumberOfThreads() == before
    assert all(np.array_equal(f.array, hint.array) for f in found)


def test_it_can_be_cancelled(other, template):
    stages = []
    with pytest.raises(cls.Cancelled):
        cls.register_atlas(
            other.image, template.image, template.soft_mask, callback=lambda p: stages.append(p.stage) or True
        )
    assert stages == ["atlas: rigid"]
