"""Public functions on any shape, spacing, type and stride: a right answer or an error of this library."""

import warnings

import hypothesis.extra.numpy as hnp
import numpy as np
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

import cordlevelset as cls
from cordlevelset.io import files

SETTINGS = settings(
    max_examples=50, deadline=None, derandomize=True, suppress_health_check=[HealthCheck.function_scoped_fixture]
)
DTYPES = st.sampled_from(["?", "i1", "u2", ">i2", "i8", "u8", "f2", "f4", ">f4", "f8", "g", "c8"])
NUMBERS = st.one_of(st.floats(0.2, 8.0), st.sampled_from([0.0, -1.0, np.nan, np.inf, 1e-30, 1e-6, 1e6, 1e300]))


def _turned(array, how):
    """The same values with other strides."""
    if how == "fortran":
        return np.asfortranarray(array)
    if how == "backwards":
        return array[tuple(slice(None, None, -1) for _ in array.shape)]
    if how == "every second":
        return np.repeat(array, 2, axis=0)[::2] if array.ndim else array
    if how == "read only":
        array = array.copy()
        array.setflags(write=False)
    return array


def arrays(dims, most=7):
    made = DTYPES.flatmap(lambda t: hnp.arrays(t, hnp.array_shapes(min_dims=dims[0], max_dims=dims[1], max_side=most)))
    how = st.sampled_from(["as made", "fortran", "backwards", "every second", "read only"])
    return st.builds(_turned, made, how)


SPACINGS = st.one_of(st.tuples(NUMBERS, NUMBERS, NUMBERS), st.tuples(NUMBERS, NUMBERS), st.just((2.0, 1.0, 1.0)))


def allowed(function, *args, **options):
    """The answer, or None after an error of this library."""
    said = ""
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", RuntimeWarning)  # overflow of odd values
        warnings.simplefilter("ignore", UserWarning)  # notes on a mask; with NumPy 1 a fit to areas of next to nothing
        try:
            return function(*args, **options)
        except cls.CordLevelSetError as error:
            said = str(error)
    assert said
    assert "\n" not in said
    return None


def _volume(array, spacing):
    return allowed(cls.Volume, array, spacing)


@SETTINGS
@given(arrays((2, 4)), SPACINGS)
def test_volume(array, spacing):
    volume = _volume(array, spacing)
    assert volume is None or volume.shape == array.shape


@SETTINGS
@given(arrays((3, 3)), st.tuples(*[st.floats(0.2, 8.0)] * 3))
def test_segment_and_measure(array, spacing):
    volume = cls.Volume(array, spacing)
    allowed(cls.segment, volume)  # never a cord: a few voxels
    allowed(cls.detect_centerline, volume)
    allowed(cls.measure, volume)
    allowed(cls.fill_between, volume)


EXTENT_MM = st.tuples(st.floats(20, 90), st.floats(30, 60), st.floats(30, 60))
VALUES = st.sampled_from([(1, 0), (1, -5000), (-1, 0), (1e-6, 0), (1e6, 1e9)])  # factor and offset


def test_segment_tubes_in_noise():
    found = []

    @settings(SETTINGS, max_examples=30)
    @given(
        EXTENT_MM, st.tuples(st.floats(0.8, 6.0), *[st.floats(0.5, 2.0)] * 2), VALUES,
        st.tuples(st.integers(0, 3), st.integers(0, 3)), st.integers(0, 2**32 - 1),
    )  # fmt: skip
    def segment(extent, spacing, values, padding, seed):
        rng = np.random.default_rng(seed)
        shape = tuple(max(2, round(e / s)) for e, s in zip(extent, spacing, strict=True))
        _, y, x = np.indices(shape)
        at = shape * rng.uniform(0.3, 0.7, 3)
        r = np.hypot((y - at[1]) * spacing[1], (x - at[2]) * spacing[2])
        array = np.where(r < 4, 300, np.where(r < 9, 900, 500)) + rng.normal(0, 40, shape)
        array = np.pad(array * values[0] + values[1], (padding, (0, 0), (0, 0)))
        volume = cls.Volume(array, spacing)
        result = allowed(cls.segment, volume)
        allowed(cls.segment, volume, centerline=volume.to_lps([(0, *at[1:]), (1, *at[1:])]))
        found.append(result is not None)
        if result is not None:
            assert 0 <= result.confidence <= 1
            assert result.mask.shape == volume.shape
            assert np.isfinite(result.soft_mask.array).all()
            assert np.isfinite(result.phi.array).all()
            assert np.isfinite(result.centerline.points_mm).all()

    segment()
    assert sum(found) > len(found) / 2


@SETTINGS
@given(arrays((3, 3), 5), arrays((3, 3), 5), SPACINGS)
def test_compare(a, b, spacing):
    one, other = _volume(a, spacing), _volume(b, spacing)
    if one is not None and other is not None:
        allowed(cls.compare, one, other)
        figures = allowed(cls.compare, one, one)
        assert figures is None or figures.dice in (0, 1)


@SETTINGS
@given(arrays((1, 4)), SPACINGS)
def test_tubularity_edges_and_distance(array, spacing):
    allowed(cls.tubularity, array, spacing=spacing)
    allowed(cls.edge_indicator, array, spacing=spacing, sigma=1.0)
    allowed(cls.signed_distance, array, spacing=spacing)


@SETTINGS
@given(arrays((1, 4)), arrays((1, 4)), SPACINGS, st.sampled_from([None, 0.1, -1.0, np.nan]))
def test_active_contours(phi, g, spacing, step):
    for speed in (g, np.ones(phi.shape)):
        found = allowed(cls.geodesic_active_contour, phi, speed, spacing=spacing, time_step=step, max_num_iter=5)
        assert found is None or found.phi.shape == phi.shape


@SETTINGS
@given(array=arrays((3, 3)), name=st.sampled_from(["a.nii", "a.nii.gz", "a.nrrd", "a.mha"]))
def test_written_and_read_again(array, name, tmp_path):
    volume = cls.Volume(array, (2.0, 1.0, 0.5))
    if allowed(cls.write, volume, tmp_path / name) is None and not (tmp_path / name).exists():
        return
    again = allowed(cls.read, tmp_path / name)
    (tmp_path / name).unlink()
    if again is not None:
        np.testing.assert_array_equal(again.array, array.astype(again.array.dtype))


@settings(SETTINGS, max_examples=15)
@given(
    points=hnp.arrays("f8", st.tuples(st.integers(0, 5), st.integers(0, 4)), elements=st.floats(-60, 200)),
    array=arrays((3, 3)),
)
def test_constraints(points, array, neck):
    allowed(cls.segment, neck.image, centerline=points)
    values = np.resize(array, neck.image.shape)
    for name in ("seeds", "contours", "initial"):
        allowed(cls.segment, neck.image, **{name: neck.image.like(values)})


@SETTINGS
@given(content=st.binary(max_size=200), name=st.sampled_from(["a.csv", "a.mrk.json"]))
def test_centerline_files(content, name, tmp_path):
    (tmp_path / name).write_bytes(content)
    with pytest.raises(cls.InputError, match="holds no curve"):
        files.read_centerline(tmp_path / name)
