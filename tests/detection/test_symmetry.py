import numpy as np
import pytest

from cordlevelset.detection import symmetry
from cordlevelset.detection.symmetry import _pairs, _score, _sheared, midline


def _body(shape, spacing, axis_mm, roll_deg=0.0):
    """A body that is the same on both sides of a plane through (middle row, axis), turned by an angle."""
    y, x = ((np.arange(n) - (n - 1) / 2) * d for n, d in zip(shape[1:], spacing[1:], strict=True))
    turn = np.radians(roll_deg)
    aside = x + (shape[2] - 1) / 2 * spacing[2] - axis_mm
    across = np.abs(np.cos(turn) * aside - np.sin(turn) * y[:, None])
    along = np.sin(turn) * aside + np.cos(turn) * y[:, None]
    rng = np.random.default_rng(5)
    profile = np.interp(across, np.arange(0, 120, 3.0), rng.uniform(0, 1, 40))
    rows = np.interp(along, np.arange(-120, 121, 2.0), rng.uniform(0.5, 1.5, 121))
    return np.repeat((0.1 + rows * profile)[None], shape[0], axis=0).astype(np.float32)


@pytest.mark.parametrize(("n_x", "dx"), [(61, 1.0), (16, 4.0), (120, 0.5)])
def test_finds_the_mirror_plane_off_the_middle(n_x, dx):
    axis = 0.4 * n_x * dx
    found = midline(_body((6, 40, n_x), (5.0, 1.0, dx), axis), (5.0, 1.0, dx))
    assert found.shape == (6, 40)
    np.testing.assert_allclose(found, axis, atol=max(0.5, dx / 2))


def test_follows_a_curved_spine():
    z = np.arange(60) * 3.0
    axis = 30 + 12 * np.sin(z / 60)
    x = np.arange(64)[None, None, :] - axis[:, None, None]
    image = np.exp(-((np.abs(x) - 9) ** 2) / 20) + np.exp(-(x**2) / 10) + np.zeros((60, 20, 1))
    assert np.abs(midline(image.astype(np.float32), (3.0, 1.0, 1.0)) - axis[:, None]).max() < 2.5


@pytest.mark.parametrize("spacing", [(5.0, 1.0, 1.0), (5.0, 2.0, 1.0), (5.0, 1.0, 3.0)])
@pytest.mark.parametrize("roll", [6.0, -9.0])
def test_leans_with_a_body_that_lies_turned(spacing, roll):
    shape = (4, round(120 / spacing[1]), round(80 / spacing[2]))
    found = midline(_body(shape, spacing, 38.0, roll), spacing)
    height = (np.arange(shape[1]) - (shape[1] - 1) / 2) * spacing[1]
    np.testing.assert_allclose(found, np.broadcast_to(38 + np.tan(np.radians(roll)) * height, found.shape), atol=1.6)


def test_what_a_resampled_image_is_filled_with_is_no_side():
    image = _body((20, 60, 50), (4.0, 1.0, 1.0), 24.0)
    z, x = np.arange(20)[:, None, None], np.arange(50)
    image[np.broadcast_to(x < z, image.shape)] = 0.0  # a wedge, as after a rotation
    np.testing.assert_allclose(midline(image, (4.0, 1.0, 1.0)), 24.0, atol=0.5)


@pytest.mark.parametrize("dx", [1.0, 4.0])
def test_score_is_the_correlation_of_the_pairs(rng, dx):
    image = rng.uniform(1, 4, (2, 7, 24)).astype(np.float32)
    image[:, :3, :5] = 0.5
    shift = np.array([0, 1, 2, 3, -1, -2, -40])
    score = _score(_sheared(_pairs(image, dx), shift), 60.0).T
    value = np.sqrt(image - 0.5)
    for k, two in np.ndindex(score.shape):
        mirrors = [(j, two + by) for j, by in enumerate(shift)]
        pairs = np.array(
            [
                (value[k, j, i], value[k, j, m - i])
                for j, m in mirrors
                for i in range(24)
                if i < m - i < 24 and (m - 2 * i) * dx / 2 <= 45.0
                if image[k, j, i] > 0.5 and image[k, j, m - i] > 0.5
            ]
        )
        if len(pairs) < 2:
            continue
        a, b = (pairs - pairs.mean()).T
        rho = 2 * (a * b).sum() / (a**2 + b**2).sum()
        assert score[k, two] == pytest.approx(rho * np.sqrt(min(1, len(pairs) / 60)), abs=1e-3)


def test_constant_image_and_single_column():
    assert (midline(np.ones((3, 4, 1), np.float32), (1.0, 1.0, 1.0)) == 0).all()
    assert midline(np.ones((3, 4, 8), np.float32), (1.0, 1.0, 1.0)).shape == (3, 4)


@pytest.mark.parametrize(("plane_mm", "looked_at"), [(2.5, 8), (4.0, 12), (5.0, 24), (9.0, 24)])
def test_planes_closer_than_half_the_smoothing_are_left_out(plane_mm, looked_at, monkeypatch):
    image, seen = _body((24, 40, 40), (plane_mm, 1.0, 1.0), 17.0), []
    monkeypatch.setattr(symmetry, "_pairs", lambda part, dx: seen.append(len(part)) or _pairs(part, dx))
    np.testing.assert_allclose(midline(image, (plane_mm, 1.0, 1.0)), 17.0, atol=0.5)
    assert seen == [looked_at]


@pytest.mark.parametrize(("row_mm", "looked_at"), [(0.4, 8), (0.9, 20), (1.1, 40), (3.0, 40)])
def test_rows_closer_than_2_mm_are_left_out(row_mm, looked_at, monkeypatch):
    image, seen = _body((3, 40, 40), (5.0, row_mm, 1.0), 17.0), []
    monkeypatch.setattr(symmetry, "_pairs", lambda part, dx: seen.append(part.shape[1]) or _pairs(part, dx))
    np.testing.assert_allclose(midline(image, (5.0, row_mm, 1.0)), 17.0, atol=0.5)
    assert seen == [looked_at]


@pytest.mark.parametrize(("elsewhere", "follows"), [(0.2, True), (0.35, False)])
def test_a_plane_alone_counts_by_its_share_of_half_a_vertebra(elsewhere, follows, monkeypatch):
    """Of 10 mm under a Gaussian of 15: 0.27. All planes are somewhat alike about 20, one wholly about 30."""
    scores = np.zeros((25, 79))
    scores[:, 40] = elsewhere
    scores[12, 60] = 1.0
    monkeypatch.setattr(symmetry, "_score", lambda sums, widest: scores.T)
    found = midline(np.ones((25, 10, 40), np.float32), (10.0, 1.0, 1.0))[:, 0]
    assert found[12] == (30 if follows else 20)
    assert (np.delete(found, range(10, 15)) == 20).all()


def test_halves_without_contrast_are_not_alike_by_rounding():
    """Ten pairs, all alike but for 0.5e-4 of their power: a spread under 1e-4 counts as that."""
    power, pairs = 40.0, 10.0
    spread = 0.5e-4 * power
    total = np.sqrt(2 * pairs * (power - spread))
    product = total**2 / (4 * pairs) + spread / 2  # mirrored to the digit
    score = _score(np.array([product, total, power, pairs])[:, None, None], 10.0)
    assert score == pytest.approx(0.5)


@pytest.mark.parametrize(("half_mm", "covered"), [(30.0, 1.0), (45.0, 1.0), (90.0, 1.0)])
def test_all_of_the_window_is_covered_in_the_middle(half_mm, covered, monkeypatch):
    """The halves are compared over 45 mm, or what the image has."""
    asked = []
    monkeypatch.setattr(symmetry, "_score", lambda sums, widest: asked.append((sums, widest)) or _score(sums, widest))
    columns = round(2 * half_mm / 2)
    midline(_body((2, 10, columns), (5.0, 2.0, 2.0), half_mm), (5.0, 2.0, 2.0))
    (_, _, _, n), widest = asked[0]
    assert n.max() / widest == pytest.approx(covered, abs=0.05)
    assert widest == min(half_mm, 45.0) / 2 * 10
