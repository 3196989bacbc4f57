"""The active-contour engine: what it promises beside the closed forms of test_levelset_oracles.py."""

import itertools
import threading

import numpy as np
import pytest
import SimpleITK as sitk
from scipy import ndimage as ndi
from skimage.measure import find_contours, marching_cubes

from cordlevelset.errors import Cancelled, GeometryError, InputError
from cordlevelset.levelset import window
from cordlevelset.levelset.contour import geodesic_active_contour, geodesic_active_contours
from cordlevelset.levelset.distance import curve_distance
from cordlevelset.levelset.edges import edge_indicator

H = 0.5


def grid(shape, spacing, middle):
    axes = [np.arange(n) * h - m for n, h, m in zip(shape, spacing, middle, strict=True)]
    return np.meshgrid(*axes, indexing="ij")


def contour(phi, spacing):
    """Points of the zero level, mm."""
    if phi.ndim == 2:
        return np.concatenate(find_contours(phi.astype(float), 0)) * spacing
    return marching_cubes(phi.astype(float), 0, spacing=spacing)[0]


def radii(phi, spacing, middle):
    return np.linalg.norm(contour(phi, spacing) - np.array(middle), axis=1)


def ring(r, radius, width=0.8, depth=0.99):
    return 1 - depth * np.exp(-((r - radius) ** 2) / (2 * width**2))


MIDDLE = (15.7, 16.2)


@pytest.fixture(scope="module")
def r():
    return np.hypot(*grid((64, 64), (H, H), MIDDLE))


@pytest.mark.parametrize("direction", [1, -1])
def test_constant_speed_in_order(direction):
    errors = []
    for h in (1.0, 0.5, 0.25):
        n = int(40 / h)
        r = np.hypot(*grid((n, n), (h, h), (20, 20.3)))
        out = geodesic_active_contour(
            r - 8, np.ones_like(r), spacing=(h, h), propagation=direction, curvature=0, advection=0,
            time_step=h / 4, max_num_iter=int(12 / h), tol=0,
        )  # fmt: skip
        assert out.time == pytest.approx(3)
        errors.append(np.abs(radii(out.phi, (h, h), (20, 20.3)) - 8 - 3 * direction).mean())
    assert errors[2] < 0.02 * 0.25
    assert np.log2(errors[0] / errors[2]) / 2 > 1  # better than first order


@pytest.mark.parametrize("start", [5.0, 6.5, 8.0, 9.5])
@pytest.mark.parametrize("kind", [np.float32, np.float64])
def test_ring_is_found_from_inside_and_outside(r, start, kind):
    out = geodesic_active_contour(
        (r - start).astype(kind), ring(r, 7, 1.2).astype(kind), spacing=(H, H), curvature=0.3, max_num_iter=300
    )
    assert out.converged
    assert out.phi.dtype == kind
    found = radii(out.phi, (H, H), MIDDLE)
    assert abs(found.mean() - 7) < 0.1 * H
    assert np.abs(found - 7).max() < 0.2 * H


@pytest.mark.parametrize("start", [5.0, 9.0])
def test_border_of_a_noisy_disc(r, rng, start):
    image = 1 / (1 + np.exp((r - 7) / 0.15)) + 0.05 * rng.standard_normal(r.shape)
    g = edge_indicator(image, spacing=(H, H), sigma=0.5)
    out = geodesic_active_contour(r - start, g, spacing=(H, H), curvature=0.5)
    assert out.converged
    assert abs(radii(out.phi, (H, H), MIDDLE).mean() - 7) < 0.15 * H


def test_intensity_scale_and_offset_change_nothing(r, rng):
    image = 1 / (1 + np.exp((r - 7) / 0.15)) + 0.05 * rng.standard_normal(r.shape)
    results = []
    for gain, offset in ((1, 0), (-250, 900)):
        g = edge_indicator(gain * image + offset, spacing=(H, H), sigma=0.5)
        results.append(geodesic_active_contour(r - 8, g, spacing=(H, H)).phi)
    np.testing.assert_allclose(results[0], results[1], atol=1e-4)


def test_thick_slices_give_the_same_tube():
    """Tilted tube; 6:1 within a tenth of the thick voxel of the truth, as with cubes."""
    tilt = np.radians(10)
    for spacing, shape in (((0.8, 0.8, 0.8), (40, 50, 50)), ((4.8, 0.8, 0.8), (8, 50, 50))):
        z, y, x = grid(shape, spacing, (16, 20, 20.3))
        r = np.hypot((y - np.tan(tilt) * z) * np.cos(tilt), x)
        out = geodesic_active_contour(r - 8, ring(r, 6.5, 1.2), spacing=spacing, curvature=0.3, max_num_iter=300)
        z, y, x = (contour(out.phi, spacing) - (16, 20, 20.3)).T
        found = np.hypot((y - np.tan(tilt) * z) * np.cos(tilt), x)[np.abs(z) < 10]
        assert abs(found.mean() - 6.5) < 0.15 * 0.8
        assert np.abs(found - 6.5).max() < 0.1 * 4.8


def test_axes_may_be_permuted_and_flipped(rng):
    shape, spacing = (16, 30, 34), (2.0, 0.8, 0.6)
    z, y, x = grid(shape, spacing, (15.0, 11.6, 10.0))
    r = np.sqrt(z**2 / 4 + y**2 + 1.2 * x**2)
    g = np.clip(ring(r, 6, 1.0) + 0.1 * ndi.gaussian_filter(rng.standard_normal(shape), 2), 0.01, 1)
    reference = geodesic_active_contour(r - 7, g, spacing=spacing, max_num_iter=100)
    near = np.abs(reference.phi) < 0.25
    for axes in itertools.permutations(range(3)):
        turned = tuple(np.flip(np.transpose(a, axes), axes.index(1)) for a in (r - 7, g))
        out = geodesic_active_contour(*turned, spacing=tuple(spacing[a] for a in axes), max_num_iter=100)
        back = np.transpose(np.flip(out.phi, axes.index(1)), np.argsort(axes))
        assert np.abs(back - reference.phi)[near].max() < 0.1 * 0.6
        assert np.abs(back - reference.phi)[near].mean() < 0.005 * 0.6


def test_start_need_not_be_a_distance(r):
    g = ring(r, 7, 1.2)
    one = geodesic_active_contour(r - 8, g, spacing=(H, H)).phi
    for start in (100 * (r - 8), np.tanh(r - 8), (r**2 - 64) * 1e-3):
        other = geodesic_active_contour(start, g, spacing=(H, H)).phi
        assert np.abs(other - one)[np.abs(one) < 0.5].max() < 0.02 * H


@pytest.mark.parametrize("band", [None, 1.0, 5.0])
def test_result_is_the_distance_to_its_own_contour(r, band):
    """Measured against the polygon of the result; the contour itself may be a seventh of a voxel off the circle."""
    out = geodesic_active_contour(r - 8, ring(r, 7, 1.2), spacing=(H, H), band=band).phi
    width = band or 4 * H
    polygon = contour(out, (H, H))[:-1]
    exact = np.clip(curve_distance(polygon, shape=r.shape, spacing=(H, H)), -width, width)
    assert np.abs(out).max() == width
    error = np.abs(out - exact)[np.abs(exact) < 4]  # beyond, the distances of opposite sides begin to meet
    assert error.max() < 0.2 * H
    assert error.mean() < 0.05 * H


def test_missing_data_never_spread(r):
    g = ring(r, 7, 1.2)
    whole = geodesic_active_contour(r - 8, g, spacing=(H, H))
    phi, holes = r - 8, g.copy()
    holes[:10] = holes[:, 58:] = np.nan
    phi[61:] = np.nan
    out = geodesic_active_contour(phi, holes, spacing=(H, H))
    np.testing.assert_array_equal(np.isnan(out.phi), np.isnan(phi) | np.isnan(holes))
    near = (np.abs(whole.phi) < 1) & np.isfinite(out.phi)
    assert np.abs(out.phi - whole.phi)[near].max() < 0.02 * H


def test_contour_through_the_edge_of_the_grid(r):
    out = geodesic_active_contour((r - 8)[:, :40], ring(r, 7, 1.2)[:, :40], spacing=(H, H), curvature=0.3)
    assert out.converged
    found = contour(out.phi, (H, H)) - MIDDLE
    inner = found[:, 1] < 2
    assert np.abs(np.linalg.norm(found[inner], axis=1) - 7).max() < 0.2 * H


def test_region_as_a_shape_term(r):
    """Without edges the contour goes to the shape; with edges on half of the way round it holds both."""
    y, x = grid((64, 64), (H, H), MIDDLE)
    shape = np.hypot(y * 0.8, x) - 6
    out = geodesic_active_contour(
        r - 8, np.ones_like(r), spacing=(H, H), region=-2 * shape, curvature=0.05, max_num_iter=400
    )
    assert out.converged
    assert np.abs(shape[np.abs(out.phi) < 0.25]).max() < 0.5
    g = np.where(x < 0, ring(r, 7, 1.2), 1.0)
    out = geodesic_active_contour(
        r - 8, g, spacing=(H, H), region=-0.3 * (r - 6), curvature=0.1, advection=2, max_num_iter=400
    )
    found = contour(out.phi, (H, H)) - MIDDLE
    assert abs(np.linalg.norm(found[found[:, 1] < -2], axis=1).mean() - 7) < 0.5 * H
    assert abs(np.linalg.norm(found[found[:, 1] > 2], axis=1).mean() - 6) < 0.5 * H


def test_region_without_edges(r, rng):
    """Chan and Vese's term alone, on a blurred disc: halfway between the two levels."""
    image = ndi.gaussian_filter((r < 7).astype(float), 3) + 0.02 * rng.standard_normal(r.shape)
    region = 20 * ((image - 0.0) ** 2 - (image - 1.0) ** 2)
    out = geodesic_active_contour(
        r - 9, np.ones_like(r), spacing=(H, H), region=region, curvature=0.1, max_num_iter=400
    )
    level = ndi.map_coordinates(ndi.gaussian_filter(image, 1), contour(out.phi, (H, H)).T / H, order=1)
    assert abs(level.mean() - 0.5) < 0.05


def test_same_end_as_simpleitk(r):
    g, start = ring(r, 7, 1.2).astype(np.float32), (r - 8.5).astype(np.float32)
    images = [sitk.GetImageFromArray(a) for a in (start, g)]
    for image in images:
        image.SetSpacing((H, H))
    itk = sitk.GeodesicActiveContourLevelSetImageFilter()
    itk.SetPropagationScaling(0.0)
    itk.SetNumberOfIterations(300)
    itk.SetMaximumRMSError(0.0)
    theirs = sitk.GetArrayFromImage(itk.Execute(*images))
    ours = geodesic_active_contour(start, g, spacing=(H, H)).phi
    found, other = radii(ours, (H, H), MIDDLE), radii(theirs, (H, H), MIDDLE)
    assert abs(found.mean() - other.mean()) < 0.2 * H
    assert np.abs(found - 7).mean() <= np.abs(other - 7).mean()


def test_without_an_edge_it_shrinks_and_vanishes(r):
    out = geodesic_active_contour(r - 3, np.ones_like(r), spacing=(H, H))
    assert not out.converged
    assert np.isnan(out.rms_change)
    assert (out.phi > 0).all()


def test_two_contours_merge_and_part(r):
    y, x = grid((64, 64), (H, H), MIDDLE)
    two = np.minimum(np.hypot(y, x - 5), np.hypot(y, x + 5)) - 3
    one = np.ones_like(two)
    options = {"spacing": (H, H), "curvature": 0, "advection": 0, "time_step": 0.1, "tol": 0}
    merged = geodesic_active_contour(two, one, propagation=1, max_num_iter=30, **options)
    assert ndi.label(merged.phi < 0)[1] == 1
    parted = geodesic_active_contour(merged.phi, one, propagation=-1, max_num_iter=45, **options)
    assert ndi.label(parted.phi < 0)[1] == 2


@pytest.mark.parametrize(("middle", "band"), [((22, 23), None), ((2.0, 28.0), None), ((22, 23), 9.0)])
def test_window_widens_with_the_contour(middle, band, monkeypatch):
    """A contour that outgrows its window goes as in the whole image, to the byte."""
    r = np.hypot(*grid((96, 90), (H, H), middle))
    run = lambda: geodesic_active_contour(  # noqa: E731
        r - 3, ring(r, 14, 2.0), spacing=(H, H), propagation=0.6, curvature=0.2, max_num_iter=150, band=band
    )
    widened = []
    move_over = window.move_over
    monkeypatch.setattr(window, "move_over", lambda *a: widened.append(a[3][1]) or move_over(*a))
    part = run()
    assert widened
    monkeypatch.setattr(window, "start_window", lambda inside, rim: tuple(slice(0, n) for n in inside.shape))
    whole = run()
    np.testing.assert_array_equal(part.phi, whole.phi)
    np.testing.assert_array_equal(part.history, whole.history)


def test_flat_ends_between_thick_slices_do_not_stop_the_rest():
    """Where |grad phi| is far from 1 the pull to a distance is strong; it must not shorten the step of all."""
    spacing, shape = (4.8, 0.8, 0.8), (12, 40, 40)
    z, y, x = grid(shape, spacing, (28, 16, 16.2))
    length = np.sqrt((z / 20) ** 2 + (y / 7) ** 2 + (x / 6) ** 2)
    out = geodesic_active_contour((length - 1.3) * 6, ring((length - 1) * 6, 0, 1.2), spacing=spacing, tol=0.05)
    assert out.converged
    assert out.time / out.n_iter > 0.1 * 0.8
    assert np.abs(out.phi[6][np.abs((length[6] - 1) * 6) < 0.4]).max() < 0.8


def test_history_and_limits(r):
    out = geodesic_active_contour(r - 9, ring(r, 7, 1.2), spacing=(H, H), max_num_iter=7)
    assert (out.n_iter, out.converged, out.history.shape) == (7, False, (7,))
    assert out.history[-1] == out.rms_change
    assert (out.history > 0).all()
    assert (out.history < 0.75 * H).all()
    loose, tight = (geodesic_active_contour(r - 9, ring(r, 7, 1.2), spacing=(H, H), tol=t) for t in (0.05, 1e-4))
    assert loose.converged
    assert tight.converged
    assert loose.n_iter < tight.n_iter
    assert np.abs(loose.phi - tight.phi)[np.abs(tight.phi) < 0.25].max() < 0.2 * H


def test_callback_watches_and_cancels(r):
    seen = []
    geodesic_active_contour(r - 9, ring(r, 7, 1.2), spacing=(H, H), callback=lambda e: seen.append(e.n_iter))
    assert seen[:1] == [10]
    assert seen == sorted(seen)
    plain = geodesic_active_contour(r - 9, ring(r, 7, 1.2), spacing=(H, H))
    assert seen[-1] == plain.n_iter
    with pytest.raises(Cancelled):
        geodesic_active_contour(r - 9, ring(r, 7, 1.2), spacing=(H, H), callback=lambda _: True)
    with pytest.raises(Cancelled):
        geodesic_active_contours(np.stack([r - 9] * 3), np.stack([r] * 3), spacing=(H, H), callback=lambda _: True)


@pytest.fixture(scope="module")
def stack(r):
    """Rings of many sizes; one slice without a contour, one whose contour vanishes."""
    sizes = np.linspace(4, 10, 14)
    phi = np.stack([r - s - 1 for s in sizes]).astype(np.float32)
    g = np.stack([ring(r, s, 1.2) for s in sizes]).astype(np.float32)
    phi[3] = 5
    phi[5], g[5] = r - 2, 1
    return phi, g


def test_stack_stops_slice_by_slice(stack):
    phi, g = stack
    shares = []
    out = geodesic_active_contours(phi, g, spacing=(H, H), callback=lambda s: shares.append(s))
    assert shares[-1] == 1
    geodesic_active_contours(np.abs(phi) + 1, g, spacing=(H, H), callback=lambda s: shares.append(-s))
    assert shares[-1] == -1  # nothing to move is all done
    np.testing.assert_array_equal(out.phi[3], phi[3])
    assert (out.n_iter[3], out.converged[3], out.converged[5]) == (0, False, False)
    rest = np.delete(np.arange(14), [3, 5])
    assert out.converged[rest].all()
    assert np.unique(out.n_iter[rest]).size > 1
    for s in rest:
        one = geodesic_active_contour(phi[s], g[s], spacing=(H, H))
        np.testing.assert_array_equal(out.phi[s], one.phi)
        assert (out.n_iter[s], out.rms_change[s]) == (one.n_iter, one.rms_change)
    np.testing.assert_array_equal(phi[5], stack[0][5])  # the input is left alone


def test_threads_do_not_matter(stack):
    one = geodesic_active_contours(*stack, spacing=(H, H), workers=1)
    results = {}

    def run(name):
        results[name] = geodesic_active_contours(*stack, spacing=(H, H), workers=3)

    threads = [threading.Thread(target=run, args=(i,)) for i in range(3)]
    for t in threads:
        t.start()
    for t in threads:
        t.join()
    for out in results.values():
        np.testing.assert_array_equal(out.phi, one.phi)


PHI = np.hypot(*np.indices((9, 9)) - 4.0) - 2


@pytest.mark.parametrize(
    ("phi", "g", "options", "error"),
    [
        (PHI, np.ones((9, 8)), {}, InputError),
        (PHI, PHI, {"spacing": (1,)}, GeometryError),
        (PHI, PHI, {"spacing": (1, -1)}, GeometryError),
        (PHI + 9, PHI, {}, InputError),
        (PHI, PHI, {"curvature": -1}, InputError),
        (PHI, PHI, {"propagation": np.inf}, InputError),
        (PHI, PHI, {"max_num_iter": 0}, InputError),
        (PHI, PHI, {"time_step": 0}, InputError),
        (PHI, PHI, {"tol": np.nan}, InputError),
        (PHI, PHI, {"tol": -1.0}, InputError),
        (PHI, PHI, {"band": -1}, InputError),
        (PHI, PHI, {"region": np.ones(9)}, InputError),
        (PHI[0], PHI[0], {}, InputError),
    ],
)
def test_errors(phi, g, options, error):
    with pytest.raises(error):
        geodesic_active_contour(phi, g, **{"spacing": (1, 1), **options})
