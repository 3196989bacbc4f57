"""The numbers of the decision in use, held against those that the fit gives on phantoms."""

import fit_decisions as fitting
import numpy as np
import pytest

from cordlevelset.detection import coefficients
from cordlevelset.phantom import make_phantom

SMALL = {"spacing": (2.0, 1.0, 2.0), "field_mm": (90.0, 90.0, 56.0), "cnr": 6.0}


def extracted(contrast, cord, seed):
    """Windows of a neck, as the fit takes them, with what is true of each."""
    phantom = make_phantom(region="cervical", contrast=contrast, cord=cord, seed=seed, **SMALL)
    return fitting.of_phantom(contrast, contrast, contrast, phantom)


@pytest.fixture(scope="module")
def cases():
    return [extracted(contrast, cord, seed) for seed, contrast in enumerate(("t2", "t1")) for cord in (True, False)]


@pytest.fixture(scope="module")
def windows(cases):
    """Figures (N, 10) and truth (N,) of the windows of which it is known."""
    curves = [curve for case in cases for curve in case.curves]
    known = [curve.truth >= 0 for curve in curves]
    figures = np.concatenate([c.figures[k] for c, k in zip(curves, known, strict=True)])
    return figures, np.concatenate([c.truth[k] for c, k in zip(curves, known, strict=True)]) == 1


def right(numbers, windows):
    """Mean share of cords and of others that have log odds of the right sign."""
    (intercept, weights), (figures, cord) = numbers, windows
    said = intercept + figures @ np.asarray(weights) > 0
    return (said[cord].mean() + (~said[~cord]).mean()) / 2


def test_there_are_windows_of_both_kinds(windows):
    assert windows[1].sum() > 20
    assert (~windows[1]).sum() > 20


def ranked(weights, windows):
    """Share of pairs of a cord and another that have their log odds the right way round."""
    figures, cord = windows
    odds = figures @ np.asarray(weights)
    return (odds[cord][:, None] > odds[~cord]).mean()


def test_they_tell_cords_as_well_as_numbers_fitted_here(cases, windows):
    fitted = ranked(fitting.fit(cases)[1], windows)
    assert fitted > 0.85
    assert ranked(coefficients.WEIGHTS, windows) > fitted - 0.07


def test_they_say_the_same_of_a_window(cases, windows):
    """Log odds of the two rise and fall together; with the weights on other figures they do not."""
    figures, _ = windows
    fitted, in_use = figures @ fitting.fit(cases)[1], figures @ np.asarray(coefficients.WEIGHTS)
    assert np.corrcoef(fitted, in_use)[0, 1] > 0.8
    others = [np.corrcoef(fitted, figures @ np.roll(coefficients.WEIGHTS, k))[0, 1] for k in range(1, 10)]
    assert max(others) < np.corrcoef(fitted, in_use)[0, 1]


@pytest.mark.parametrize("factor", [0.5, 2.0])
def test_another_intercept_would_be_noticed(factor, cases, windows):
    """Half as many log odds at the start, or twice, and phantoms are told less well than by numbers fitted here."""
    moved = factor * coefficients.INTERCEPT, coefficients.WEIGHTS
    assert right(moved, windows) < right((coefficients.INTERCEPT, coefficients.WEIGHTS), windows) - 0.05


def test_they_find_the_cords(cases):
    numbers = coefficients.INTERCEPT, np.array(coefficients.WEIGHTS)
    judged = [fitting.judge(case, numbers) for case in cases if case.has_cord]
    assert len(judged) == 2
    assert all(j["on_cord"] and j["ends"] for j in judged)


def test_the_script_prints_every_number(cases, capsys):
    fitting.print_numbers(cases, fitting.without_own(cases))
    printed = [line.split() for line in capsys.readouterr().out.splitlines() if "in use" in line]
    in_use = [coefficients.INTERCEPT, *coefficients.WEIGHTS]
    assert [float(words[-1]) for words in printed] == pytest.approx(in_use, abs=5e-4)


def test_ends_are_right_as_often_as_counted():
    """18 of 21 lower ends and 4 of 4 upper ones, by the rule of succession: one more right, and one more wrong."""
    assert pytest.approx(19 / 23, abs=0.005) == coefficients.LOWER_END_RIGHT
    assert pytest.approx(5 / 6, abs=0.005) == coefficients.UPPER_END_RIGHT


def test_a_logistic_regression_finds_the_slopes_it_was_drawn_from():
    rng = np.random.default_rng(0)
    x = rng.normal(size=(20_000, 2))
    y = (rng.random(len(x)) < 1 / (1 + np.exp(-(0.5 + x @ [2.0, -1.0])))).astype(float)
    assert fitting.logistic(x, y, np.ones(len(x)), 0.1) == pytest.approx([0.5, 2.0, -1.0], abs=0.1)
