"""How right a result is: against a phantom's exact truth, a reference mask, or borders at some levels."""

import json
from dataclasses import asdict

import numpy as np

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
    return _level_scores(mask, json.loads((case / "levels.json").read_text()))


def _level_scores(mask, levels):
    """Anterior and posterior border at each level, on the column of voxels nearest to the reference."""
    turn = canonical_turn(mask)
    grid = turn.volume(mask)
    errors, widths = [], []
    cord = [v for v in levels["levels"] if v.get("cord", True)]
    for level in cord:
        middle = (level["x"], (level["y_ant"] + level["y_post"]) / 2, level["z"])
        k, _, i = np.round(grid.to_index(middle)).astype(int)
        if not (0 <= k < grid.shape[0] and 0 <= i < grid.shape[2]):
            continue
        rows = np.flatnonzero(grid.array[k, :, i])
        if rows.size:
            y = grid.to_lps([(k, rows[0] - 0.5, i), (k, rows[-1] + 0.5, i)])[:, 1]
            errors += [abs(y[0] - level["y_ant"]), abs(y[1] - level["y_post"])]
            widths.append((y[1] - y[0]) - (level["y_post"] - level["y_ant"]))
    if not errors:
        return {"coverage": 0.0}
    return _rounded(border_mm=np.median(errors), bias_mm=np.mean(widths) / 2, coverage=len(widths) / len(cord))


def _rounded(**values):
    return {name: None if np.isnan(v) else round(float(v), 4) for name, v in values.items()}
