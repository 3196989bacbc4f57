import itertools

import numpy as np
import pytest
import tubes
from scipy import ndimage as ndi

from cordlevelset import parallel
from cordlevelset.border.evolve import _outwards, _sampler
from cordlevelset.border.evolve import evolve as evolve_contours
from cordlevelset.levelset.contour import geodesic_active_contour
from cordlevelset.levelset.slices import SliceContours
from cordlevelset.sections import polar


def evolve(start, evidence, csf=None, surest=0):
    """Without a region term where `csf` is not given."""
    csf = np.zeros_like(evidence) if csf is None else csf
    return evolve_contours(tubes.stack(start, evidence=evidence, csf_likeness=csf), surest)


def _ridge(radius, height=3.0, width=0.7):
    """Steps (1, A, R) along a closed curve of the given radius on each ray."""
    return (height * np.exp(-((polar.RADII_MM - np.broadcast_to(radius, (64,))[:, None]) ** 2) / (2 * width**2)))[
        None
    ].astype(np.float32)


def as_it_is(phi, g, push, **options):
    """The engine between a start and a result that are not made distances."""
    contours = SliceContours(g[None], push[None], **options)
    return contours.move(0, phi, contours.workspace())


def as_distance(phi, g, push, **options):
    """The same with exact distances before and after."""
    return geodesic_active_contour(phi, g, region=push, **options).phi


def twin(start, evidence, csf, before, engine=as_it_is):
    """One plane, slowly: on a grid of half millimetres up to 11 mm, and read off along each ray."""
    y, x = np.mgrid[-22:23, -22:23] * 0.5
    ray, mm = np.arctan2(y, x) % (2 * np.pi) / (2 * np.pi / 64), np.hypot(y, x)

    def at(values, where):
        closed = np.concatenate([values, values[:1]]).astype(float)
        return ndi.map_coordinates(closed, [ray, where], order=1, mode="nearest")

    def distance(radii):
        return mm - at(np.repeat(radii[:, None], 2, 1), np.zeros_like(mm))

    g = 1 / (1 + np.maximum(at(evidence, np.minimum(mm / 0.25, 59)), 0) ** 2)
    push = -0.3 * at(csf, np.minimum(mm / 0.25, 59)) - 0.2 * np.clip(distance(start), -1.5, 1.5)
    out = start + before
    slant = [np.arctan((out[(t + 1) % 64] - out[t - 1]) / (2 * polar.ANGLES[1]) / out[t]) for t in range(64)]
    cosine = at(np.repeat(np.cos(slant)[:, None], 2, 1), np.zeros_like(mm))
    phi, g, push = (a.astype(np.float32) for a in (cosine * distance(out), g, push))
    stand = engine(phi, g, push, spacing=(0.5, 0.5), curvature=0.1, advection=1.0, max_num_iter=100, tol=0.01)
    for t, angle in enumerate(polar.ANGLES):
        r = np.arange(0, 10.5, 0.25)
        values = ndi.map_coordinates(stand, np.multiply.outer([np.sin(angle), np.cos(angle)], r) / 0.5 + 22, order=1)
        zeros = [
            r[k] + 0.25 * values[k] / (values[k] - values[k + 1])
            for k in range(len(r) - 1)
            if values[k] < 0 <= values[k + 1]
        ]
        out[t] = min(zeros, key=lambda zero: abs(zero - out[t]), default=out[t])
    return out


def test_two_planes_equal_their_twin(rng):
    """Gaps, noise, and a second border; the second plane sets out as the first has moved."""
    radii = 4.5 + 0.5 * np.cos(2 * polar.ANGLES)
    start = np.stack([radii - 0.6, radii + 1.0])
    evidence = np.concatenate([_ridge(radii, 1.5), np.maximum(_ridge(radii, 1.0), _ridge(radii + 2.5, 1.0))])
    evidence += ndi.gaussian_filter(rng.normal(0, 2.0, evidence.shape), (0, 1, 2), mode=("wrap", "wrap", "nearest"))
    evidence[:, 10:20] = 0
    csf = np.tile(np.clip((polar.RADII_MM - 4.4) / 1.5, -1, 1).astype(np.float32), (2, 64, 1))
    moved = evolve(start, evidence.astype(np.float32), csf)
    first = twin(start[0], evidence[0], csf[0], np.zeros(64))
    second = twin(start[1], evidence[1], csf[1], first - start[0])
    np.testing.assert_allclose(moved, [first, second], atol=2e-3)
    exact = twin(start[0], evidence[0], csf[0], np.zeros(64), as_distance)
    np.testing.assert_allclose(moved[0], exact, atol=0.02)  # a twenty-fifth of a pixel


def test_a_border_that_hardly_pulls_gets_a_hundred_steps():
    """From 4 mm away, where it and the anchor nearly balance, it would take 189."""
    start = np.full((1, 64), 4.3)
    csf = np.tile(np.clip((polar.RADII_MM - 8) / 1.5, -1, 1).astype(np.float32), (1, 64, 1))
    moved = evolve(start, _ridge(8.0, 0.25, 1.5), csf)
    np.testing.assert_allclose(moved[0], twin(start[0], _ridge(8.0, 0.25, 1.5)[0], csf[0], np.zeros(64)), atol=2e-3)


def test_beyond_the_largest_cord_nothing_moves():
    """The grid ends at 11 mm."""
    start = np.full((1, 64), 12.0)
    np.testing.assert_array_equal(evolve(start, _ridge(12.8)), start)


def test_contour_moves_onto_the_border():
    radius = 4.5 + 0.6 * np.cos(2 * polar.ANGLES)
    start = np.full((1, 64), 4.6)
    moved = evolve(start, _ridge(radius))
    assert np.abs(moved[0] - radius).max() < 0.2
    assert np.abs(moved[0] - radius).mean() < 0.06


def test_without_a_border_the_start_holds():
    start = 4.5 + 0.3 * np.cos(2 * polar.ANGLES)[None]
    moved = evolve(start, np.zeros((1, 64, polar.RADII_MM.size), np.float32))
    assert np.abs(moved - start).max() < 0.2


def test_gap_in_the_border_is_held():
    evidence = _ridge(5.0)
    evidence[:, 10:22] = 0  # a fifth of the border is gone
    moved = evolve(np.full((1, 64), 4.8), evidence)
    assert np.abs(moved[0, 24:] - 5.0).mean() < 0.1
    assert np.abs(moved[0, 12:20] - 4.8).max() < 0.3


def test_steps_of_the_wrong_sign_do_not_count():
    start = np.full((1, 64), 4.5)
    np.testing.assert_allclose(evolve(start, -_ridge(5.0)), start, atol=0.15)


@pytest.mark.parametrize("n", [1, 5])
def test_every_plane_ends_on_its_own_border(n):
    radii = np.linspace(3.5, 6.0, n)
    moved = evolve(np.repeat(radii[:, None] + 0.4, 64, axis=1), np.concatenate([_ridge(r) for r in radii]))
    np.testing.assert_allclose(moved.mean(1), radii, atol=0.08)


@pytest.mark.parametrize(("n", "surest"), [(1, 0), (2, 1), (7, 0), (7, 4), (7, 6)])
def test_every_plane_follows_a_neighbour_that_has_moved(n, surest):
    done = {surest}
    for k, before in itertools.chain(*_outwards(n, surest)):
        assert abs(k - before) == 1
        assert before in done
        assert k not in done
        done.add(k)
    assert done == set(range(n))


@pytest.mark.parametrize("led_to", [4.0, 6.0])
@pytest.mark.parametrize("surest", [0, 4])
def test_between_two_borders_a_slice_goes_where_its_neighbour_went(led_to, surest):
    both = np.maximum(_ridge(4.0), _ridge(6.0))
    evidence = np.repeat(both, 5, axis=0)
    evidence[surest] = _ridge(led_to)[0]
    moved = evolve(np.full((5, 64), 5.0), evidence, surest=surest)
    np.testing.assert_allclose(moved, led_to, atol=0.15)


def test_what_moved_one_slice_is_not_carried_through_slices_without_a_border():
    evidence = np.concatenate([_ridge(5.5), np.zeros((4, 64, polar.RADII_MM.size), np.float32)])
    moved = evolve(np.full((5, 64), 4.5), evidence)
    assert np.abs(moved[0] - 5.5).max() < 0.1
    assert np.abs(moved[1:] - 4.5).max() < 0.2


def test_region_term_finds_the_half_level_where_no_step_is_steep():
    csf = np.broadcast_to(np.clip((polar.RADII_MM - 5.0) / 2, -1, 1), (1, 64, polar.RADII_MM.size)).astype(np.float32)
    start = np.full((1, 64), 4.2)
    moved = evolve(start, np.zeros_like(csf), csf)
    assert (moved > start + 0.05).all()
    assert (moved < 5.0).all()  # the anchor keeps its share


def test_rays_close_to_a_circle(rng):
    values = rng.normal(size=(3, 8, 5))
    row, column = rng.uniform(0, 8, 50), rng.uniform(0, 4, 50)
    row[:3], column[:3] = (0.0, 7.0, 7.5), (4.0, 0.0, 4.0)
    closed = np.concatenate([values, values[:, :1]], axis=1)
    expected = [ndi.map_coordinates(v, [row, column], order=1) for v in closed]
    np.testing.assert_allclose(_sampler(row, column, (8, 5))(values), expected, atol=1e-12)


@pytest.mark.parametrize("threads", [1, 2, 5])
def test_the_result_does_not_hang_on_the_number_of_threads(threads, monkeypatch, rng):
    start = 4.5 + rng.normal(0, 0.2, (9, 64))
    evidence = np.concatenate([_ridge(r) for r in rng.uniform(4, 5.5, 9)])
    expected = evolve(start, evidence, surest=4)
    monkeypatch.setattr(parallel, "threads", lambda: threads)
    assert (evolve(start, evidence, surest=4) == expected).all()
