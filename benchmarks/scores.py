"""How right a result is: against a phantom's exact truth, a reference mask, or borders at some levels."""

from dataclasses import asdict

import numpy as np
from script import cord_levels, told

import cordlevelset as cls
from cordlevelset.volume import canonical_turn


def phantom_scores(result, phantom):
    """Soft Dice 2 sum min(f, g) / sum (f + g); area error and bias of the slices that hold cord, by soft areas."""
    found, truth = (
        v.array.sum((1, 2), dtype=float) * v.spacing[1] * v.spacing[2] for v in (result.soft_mask, phantom.soft_mask)
    )
    cord = truth > 0
    both = cord & (found > 0)
    shares = [v.array.astype(float) for v in (result.soft_mask, phantom.soft_mask)]
    radii = [np.sqrt(a[both] / np.pi) for a in (found, truth)]
    return _rounded(
        soft_dice=2 * np.minimum(*shares).sum() / (shares[0] + shares[1]).sum(),
        area_error=np.median(np.abs(found - truth)[cord] / truth[cord]),
        bias_mm=(radii[0] - radii[1]).mean(),
        coverage=both.sum() / cord.sum(),
    )


def case_scores(mask, case):
    """Scores of a mask against whatever reference a case holds."""
    if (case / "seg.nii.gz").exists():
        scores = asdict(cls.compare(mask, case / "seg.nii.gz"))
        return _rounded(**{k: scores[k] for k in ("dice", "hd95_mm", "bias_mm", "area_error", "coverage")})
    if (case / "places.json").exists():
        return _place_scores(mask, told(case, "places"))
    return _level_scores(mask, told(case, "levels"))


def is_right(scores, case):
    """Whether a mask's scores pass what is asked of a case, whose case.json is `case`."""
    if "dice" in scores:
        return scores["dice"] >= case.get("pass_dice", 0.9) and scores["coverage"] >= 0.95
    if "place" in scores:
        return scores["place"] >= 0.95 and scores["ends"] == 1
    return scores.get("hit", 0) >= 0.8 and scores["coverage"] >= 0.95 and scores["ends"] == 1


def _middles(mask):
    """Middle of a mask in each plane that holds some of it, LPS mm, from the lowest up."""
    turn = canonical_turn(mask)
    grid = turn.volume(mask)
    planes = np.flatnonzero(grid.array.any((1, 2)))
    return grid.to_lps([(k, *np.argwhere(grid.array[k]).mean(0)) for k in planes])


def _ends_right(found, ends):
    """Whether both ends lie within their tolerance, of those that are told: height and tolerance, mm, or None."""
    return all(end is None or abs(z - end[0]) <= end[1] for z, end in zip(found, ends, strict=True))


def _place_scores(mask, places):
    """Share of the places whose middle lies within the tolerance, and whether the ends do."""
    curve = _middles(mask)
    found = curve[0, 2], curve[-1, 2]
    told = [places.get(name) for name in ("low", "high")]
    ends = [None if e is None else (e["z"], e.get("tolerance_mm", 12.0)) for e in told]
    right = []
    for x, y, z in places["points"]:
        near = [e is not None and abs(z - e[0]) <= e[1] for e in ends]
        if (z < found[0] and near[0]) or (z > found[1] and near[1]):
            continue  # so near an end the end speaks
        at = [np.interp(z, curve[:, 2], curve[:, a]) for a in (0, 1)]
        inside = found[0] - 1 <= z <= found[1] + 1
        right.append(inside and np.hypot(at[0] - x, at[1] - y) <= places.get("tolerance_mm", 3.0))
    return _rounded(place=np.mean(right) if right else 1.0, ends=_ends_right(found, ends))


def _level_scores(mask, levels):
    """Anterior and posterior border at each level, on the column of voxels nearest to the reference."""
    turn = canonical_turn(mask)
    grid = turn.volume(mask)
    errors, widths, hits = [], [], []
    cord = cord_levels(levels)
    for level in cord:
        middle = (level["x"], (level["y_ant"] + level["y_post"]) / 2, level["z"])
        k, _, i = np.round(grid.to_index(middle)).astype(int)
        if not (0 <= k < grid.shape[0] and 0 <= i < grid.shape[2]):
            continue
        rows = np.flatnonzero(grid.array[k, :, i])
        if rows.size:
            y = grid.to_lps([(k, rows[0] - 0.5, i), (k, rows[-1] + 0.5, i)])[:, 1]
            errors += [abs(y[0] - level["y_ant"]), abs(y[1] - level["y_post"])]
            hits.append(max(errors[-2:]) <= 1.5)
            widths.append((y[1] - y[0]) - (level["y_post"] - level["y_ant"]))
    if not errors:
        return {"coverage": 0.0}
    tip = levels.get("conus_tip")
    end = None if tip is None else (tip["z"], 10 + tip.get("uncertainty_mm", 0))
    return _rounded(
        border_mm=np.median(errors),
        bias_mm=np.mean(widths) / 2,
        coverage=len(widths) / len(cord),
        hit=sum(hits) / len(cord),
        ends=_ends_right((_middles(mask)[0, 2], 0), (end, None)),
    )


def _rounded(**values):
    return {name: None if np.isnan(v) else round(float(v), 4) for name, v in values.items()}
