"""Bones above C2/3, measured along lines in millimetres."""

import numpy as np
import pytest

import cordlevelset as cls
from cordlevelset.phantom import make_phantom
from cordlevelset.phantom.upper_neck import upper_neck

SHADE = {"muscle": 1.0, "fat": 2.0, "cortex": 3.0, "marrow": 4.0}
STEP_MM = 0.05


def painted(above, front, side=0.0):
    """What is seen at points: the tissue painted last; 0 where nothing is."""
    above, front, side = np.broadcast_arrays(*(np.asarray(v, float) for v in (above, front, side)))
    out = np.zeros(above.shape)
    for value, distance, _ in upper_neck(above, front, side, (15.0, 9.0), SHADE):
        out[distance < 0] = value
    return out


def runs_mm(values, wanted):
    """Length of each stretch of the wanted tissues along a line of points 0.05 mm apart."""
    inside = np.isin(values, wanted).astype(int)
    edges = np.diff(np.concatenate([[0], inside, [0]]))
    return STEP_MM * (np.flatnonzero(edges < 0) - np.flatnonzero(edges > 0))


LINE = np.arange(-5.0, 60.0, STEP_MM)
BONE = [3.0, 4.0]


def test_axis_and_dens_are_36_mm_high_and_end_6_mm_below_the_skull():
    column = painted(LINE, 5.5)
    axis, skull = runs_mm(column, BONE)
    assert axis == pytest.approx(36, abs=1.5)
    assert skull > 5
    gap = LINE[np.flatnonzero(np.isin(column, BONE))]
    assert np.diff(gap).max() == pytest.approx(6 + 5.5, abs=1.5)  # the skull rises by 45 degrees
    assert runs_mm(column, [4.0])[0] == pytest.approx(axis - 2 * 1.2, abs=0.6)


def test_the_body_of_the_axis_goes_over_into_the_dens():
    """15 mm deep and 18 wide below; 11 and 9.3 from 21 mm on."""
    assert runs_mm(painted(6.0, LINE), BONE)[0] == pytest.approx(15 - 4 * 6 / 21, abs=0.5)
    assert runs_mm(painted(22.0, LINE), BONE)[0] == pytest.approx(11, abs=0.5)
    assert runs_mm(painted(22.0, 5.5, LINE - 25), BONE)[0] == pytest.approx(9.3, abs=0.7)


def test_the_arch_of_the_atlas_lies_2_mm_before_the_dens():
    dens, arch = runs_mm(painted(28.5, LINE), BONE)
    assert dens == pytest.approx(11, abs=0.5)
    assert arch == pytest.approx(6, abs=0.3)
    (fat,) = runs_mm(painted(28.5, LINE[LINE > 8]), [2.0])[:1]
    assert fat == pytest.approx(2, abs=0.3)
    assert runs_mm(painted(LINE, 16.0), BONE)[0] == pytest.approx(10, abs=0.5)


def test_only_necks_have_an_axis():
    with pytest.raises(cls.InputError, match="only cervical"):
        make_phantom(axis_mm=60.0)


def test_no_disc_lies_above_the_axis():
    """In front of the canal the brightness of nuclei is found below C2/3 only."""
    quiet = {
        "cnr": np.inf,
        "bias": 1.0,
        "contrast": "t2s",
        "spacing": (1.0, 1.0, 3.0),
        "field_mm": (120.0, 100.0, 42.0),
    }
    neck = make_phantom(region="cervical", axis_mm=70.0, **quiet).image
    column = neck.array[:, :, neck.shape[2] // 2].max(axis=1, where=np.arange(100) < 45, initial=0)
    nuclei = np.flatnonzero(column > 520)
    assert nuclei.max() == pytest.approx(50, abs=2)
    assert nuclei.min() < 34
