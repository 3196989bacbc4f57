"""Two passes of different brightness: found in thick and thin stacks, and only where they are."""

import numpy as np
import pytest

import cordlevelset as cls
from cordlevelset.detection import interleaf
from cordlevelset.detection.interleaf import slice_gains, without_interleaf
from cordlevelset.phantom import make_phantom

ISOTROPIC = (1.0, 1.0, 1.0)


@pytest.fixture
def stack(rng):
    """Tissue of random brightness, the same in all slices, in air."""
    plane = np.zeros((40, 40))
    plane[8:32, 8:32] = rng.uniform(300, 900, (24, 24))
    noise = rng.normal(0, 5, (12, 40, 40))
    return np.abs(plane + noise).astype(np.float32)


def darker(image, gain, axis=0, start=1):
    out = image.copy()
    np.moveaxis(out, axis, 0)[start::2] *= np.float32(gain)
    return out


@pytest.mark.parametrize("axis", [0, 1, 2])
@pytest.mark.parametrize("start", [0, 1])
@pytest.mark.parametrize("gain", [0.9, 0.85, 0.7, 0.5])
def test_the_gain_is_found(gain, start, axis, stack):
    image = np.moveaxis(stack, 0, axis)
    gains = slice_gains(darker(image, gain, axis, start), axis)
    expected = np.ones(12)
    expected[start::2] = gain
    assert np.allclose(gains, expected, atol=0.01)
    evened, (note,) = without_interleaf(darker(image, gain, axis, start), ISOTROPIC)
    assert np.allclose(evened, image, rtol=0.02, atol=1e-3)
    assert f"every other {('axial', 'coronal', 'sagittal')[axis]} slice is {1 - gain:.0%} darker" in note


def test_without_a_pattern_the_image_is_the_very_same(stack):
    assert without_interleaf(stack, ISOTROPIC) == (stack, ())


@pytest.mark.parametrize("contrast", ["t2", "t1", "t2s", "dwi"])
@pytest.mark.parametrize("spacing", [(1.0, 1.0, 4.0), (4.0, 1.0, 1.0), (1.5, 1.5, 1.5)])
def test_phantoms_stay_as_they_are(contrast, spacing):
    image = make_phantom(
        region="cervical", contrast=contrast, spacing=spacing, field_mm=(80.0, 80.0, 60.0), scoliosis_mm=8.0
    ).image.array
    assert without_interleaf(image, spacing)[0] is image


@pytest.mark.parametrize(("step", "found"), [(0.05, False), (0.07, False), (0.09, True), (0.15, True)])
def test_how_much_is_a_pattern(step, found, stack):
    assert (slice_gains(darker(stack, np.exp(-step)), 0) is not None) == found


@pytest.mark.parametrize(("spread", "found"), [(0.0, True), (0.25, True), (0.45, False), (0.75, False)])
def test_how_even_it_must_be(spread, found, stack, rng):
    """Every slice has a gain of its own beside that of its pass."""
    step = 0.3
    logs = np.where(np.arange(41) % 2, -step, 0) + spread * step * rng.choice([-1, 1], 41)
    image = np.tile(stack[:1], (41, 1, 1)) * np.exp(logs)[:, None, None].astype(np.float32)
    assert (slice_gains(image, 0) is not None) == found


@pytest.mark.parametrize(("n_odd", "found"), [(0, True), (1, True), (4, False)])
def test_how_many_slices_must_show_it(n_odd, found, stack):
    image = darker(np.tile(stack[:1], (41, 1, 1)), 0.8)
    image[4 : 4 + 4 * n_odd : 4] *= np.float32(0.6)  # a bright slice that is the darkest
    assert (slice_gains(image, 0) is not None) == found


@pytest.mark.parametrize(("n", "found"), [(4, False), (6, False), (7, True), (12, True)])
def test_how_many_slices_there_must_be(n, found, stack):
    assert (slice_gains(darker(stack, 0.7)[:n], 0) is not None) == found


@pytest.mark.parametrize(("side", "found"), [(7, False), (9, False), (11, True), (14, True)])
def test_how_much_tissue_there_must_be(side, found, rng):
    image = np.zeros((12, 60, 60), np.float32)
    image[:, 20 : 20 + side, 20 : 20 + side] = rng.uniform(300, 900, (side, side))
    assert (slice_gains(darker(image, 0.7), 0) is not None) == found


def test_large_slices_are_sampled(monkeypatch, stack):
    large = np.kron(stack, np.ones((1, 8, 8), np.float32))  # 102 400 voxels a slice
    seen = []
    median = np.median
    monkeypatch.setattr(
        interleaf.np, "median", lambda values, *a, **k: seen.append(np.size(values)) or median(values, *a, **k)
    )
    assert np.allclose(slice_gains(darker(large, 0.7), 0)[1], 0.7, atol=0.02)
    tissue = 0.36 * large[0].size / 3**2
    assert max(seen) == pytest.approx(tissue, rel=0.1)


def test_at_first_fewer_are_looked_at(monkeypatch, stack):
    large, seen, median = np.kron(stack, np.ones((1, 8, 8), np.float32)), [], np.median
    monkeypatch.setattr(interleaf.np, "median", lambda values: seen.append(np.size(values)) or median(values))
    assert slice_gains(large, 0) is None
    assert max(seen) == pytest.approx(0.36 * large[0].size / 7**2, rel=0.1)


@pytest.mark.parametrize(("others_mm", "found"), [(1.0, True), (1.7, True), (2.3, False), (4.0, False)])
@pytest.mark.parametrize("axis", [0, 1, 2])
def test_slices_are_not_thinner_than_half_a_pixel(axis, others_mm, found, stack):
    spacing = [others_mm] * 3
    spacing[axis] = 1.0
    image = np.moveaxis(darker(stack, 0.7), 0, axis)
    assert (without_interleaf(image, tuple(spacing))[0] is not image) == found


@pytest.mark.parametrize("gain", [0.85, 0.7])
def test_the_result_is_as_without_it(gain):
    phantom = make_phantom(region="cervical", spacing=(2.0, 1.0, 4.0), field_mm=(80.0, 90.0, 56.0))
    plain = cls.segment(phantom.image)
    image = darker(phantom.image.array, gain, axis=2)
    result = cls.segment(phantom.image.like(image))
    assert cls.compare(result.mask, plain.mask).dice > 0.97
    assert result.mean_area_mm2 == pytest.approx(plain.mean_area_mm2, rel=0.03)
    assert result.confidence == pytest.approx(plain.confidence, abs=0.03)
    (note,) = set(result.notes) - set(plain.notes)
    assert note.startswith("every other sagittal slice is ")
    assert note.endswith("darker (acquired in two passes); it was made as bright as the others")
