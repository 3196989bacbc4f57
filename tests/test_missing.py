"""NaN: taken for air around the body, refused within it."""

import numpy as np
import pytest

import cordlevelset as cls
from cordlevelset.missing import TISSUE_SHARE, filled, missing_notes
from cordlevelset.volume import Turn, image_values


@pytest.fixture
def body(rng):
    """A bright cylinder in air."""
    y, x = np.mgrid[:40, :40]
    inside = np.hypot(y - 20, x - 20) < 14
    return np.where(inside, 100.0, 1.0).astype(np.float32)[None] + rng.random((5, 40, 40)).astype(np.float32)


def test_around_the_body_it_is_air(body):
    holed = body.copy()
    holed[:, :5] = holed[2, :, -3:] = holed[0] = np.nan
    holed[3, 6, 7] = np.nan  # one voxel of air
    out = filled(holed)
    missing = np.isnan(holed)
    assert np.array_equal(out[~missing], body[~missing])
    assert (out[missing] == np.nanmin(holed)).all()
    (note,) = missing_notes(cls.Volume(holed, (1.0, 1.0, 1.0)))
    assert note.startswith(f"{missing.mean():.1%} of the voxels")


def test_inside_the_body_it_is_refused(body):
    holed = body.copy()
    holed[2, 20:22, 20] = np.nan
    with pytest.raises(cls.InputError, match="2 of 8000 voxels are not numbers"):
        filled(holed)
    holed[:, 20, :21] = np.nan  # a band that comes from outside: the field of view ends there
    assert np.isfinite(filled(holed)).all()


def test_planes_lie_across_the_body_whatever_the_orientation(body):
    volume = cls.Volume(body.copy(), (1.0, 1.0, 1.0), direction=np.eye(3))
    volume.array[2, 20, 20] = np.nan
    for turn in (Turn((2, 0, 1), (True, False, True)), Turn((1, 2, 0), (False, True, False))):
        with pytest.raises(cls.InputError, match="inside the body"):
            image_values(turn.volume(volume))


def test_nothing_is_touched_where_nothing_is_missing(body):
    assert filled(body) is body
    assert missing_notes(cls.Volume(body, (1.0, 1.0, 1.0))) == ()
    assert missing_notes(cls.Volume(body.astype(np.int16), (1.0, 1.0, 1.0))) == ()


@pytest.mark.parametrize(("ring", "refused"), [(0.5, False), (0.7, False), (1.6, True), (2.2, True)])
def test_what_is_tissue(ring, refused):
    """A ring of some brightness closes around what is missing, if it is tissue."""
    y, x = np.mgrid[:60, :60]
    r = np.hypot(y - 30, x - 30)
    plane = np.where(np.abs(r - 10) < 2, ring * TISSUE_SHARE * 1000, 0.0)
    plane[:10] = 1000.0
    plane[r < 3] = np.nan
    image = np.stack([plane] * 3).astype(np.float32)
    if refused:
        with pytest.raises(cls.InputError, match="inside the body"):
            filled(image)
    else:
        filled(image)
    assert TISSUE_SHARE == 0.06
