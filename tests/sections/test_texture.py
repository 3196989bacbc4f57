"""What is added to the gain of a border where the inside is uneven: against a plain twin, with every number in it."""

import naive_sections as naive
import numpy as np
import pytest
import tubes
from scipy import ndimage as ndi

from cordlevelset.sections import polar, texture
from cordlevelset.sections.steps import Levels


def stack(uneven, *, planes=7, plane_mm=3.0, jump=0.0, seed=0):
    """Rays through dark cords whose brightness jumps from plane to plane, with the levels that they show."""
    rng = np.random.default_rng(seed)
    level = 10.0 + jump * np.array([1, -1] * planes)[:planes]
    values = (level[:, None, None] * rng.uniform(0.4, 2.4, (planes, 64, 60))).astype(np.float32)
    values[:, :, 55:] = 0.0  # the darkest percent
    step = np.full(planes, 5.0)
    core = polar.RADII_MM < 3.0
    values[:, :, core] = (level[:, None, None] + 5.0 * uneven * rng.standard_normal(64)[:, None]).astype(np.float32)
    evidence = rng.normal(0, 1.5, values.shape).astype(np.float32)
    levels = Levels(inside=level.copy(), csf=1.5 * level, step=step)
    return tubes.stack(4.0, spacing=(plane_mm, 1.0, 1.0), values=values, evidence=evidence, levels=levels)


@pytest.mark.parametrize(("uneven", "jump"), [(0.1, 0.0), (0.25, 0.0), (0.5, 3.0)])
def test_gain_equals_the_naive_twin(uneven, jump):
    seen = stack(uneven, jump=jump)
    gain = texture.texture_gain(seen)
    spread = np.median([np.std(plane[:, polar.RADII_MM < 3.0]) for plane in seen.values]) / 5.0
    level = ndi.gaussian_filter1d(seen.levels.inside, 3.0 / 3.0, mode="nearest")
    ratio = np.median(0.5 * seen.levels.inside / level)
    for p in range(len(seen)):
        for t in (0, 17):
            twin = naive.texture_gain(
                gain.shape[2], seen.evidence[p, t], seen.values[p, t], spread, level[p], ratio, dark=0.0
            )
            assert gain[p, t].astype(float) == pytest.approx(twin, abs=2e-2 * float(np.abs(twin).max()))


def test_levels_have_a_floor_in_the_brightest_plane():
    seen = stack(0.3)
    seen.levels.inside[3] = 0.0
    seen.levels.inside[4:] = -50.0
    base, slope = texture._csf_scale(seen)
    share = np.clip((seen.values[:, :, :40] - base) * slope, 0, 1)
    assert np.isfinite(share).all()
    # a cord of a thousandth of the brightest is the darkest there is: its CSF, half as bright again, lies just above it
    dark = np.percentile(seen.values[:, ::4], 1)
    level = ndi.gaussian_filter1d(seen.levels.inside - dark, 1.0, mode="nearest")
    floor = 1e-3 * np.abs(level).max()
    assert level[-1] < 0 < floor
    ratio = np.median(np.maximum(seen.levels.csf - seen.levels.inside, 0) / np.maximum(level, floor))
    rise = (seen.values[-1, :, :40] - dark - floor) / (ratio * floor)
    assert share[-1] == pytest.approx(np.clip(rise, 0, 1), abs=1e-3)


def test_the_darkest_percent_is_read_off_every_fourth_ray(monkeypatch):
    seen, percentile = [], np.percentile
    monkeypatch.setattr(texture.np, "percentile", lambda a, rank: seen.append(a.shape) or percentile(a, rank))
    texture.texture_gain(stack(0.3))
    assert seen == [(7, 16, 60)]
