"""What to do next where a result is in doubt: a sentence, and the option that mends it."""

from __future__ import annotations

from typing import TYPE_CHECKING

from cordlevelset.notes import LOW_CONFIDENCE

if TYPE_CHECKING:
    from cordlevelset.result import CordSegmentation

__all__ = ["TWO_POINTS", "next_steps"]

TWO_POINTS = (
    "Two points in the cord mend this: place them in 3D Slicer and save them as points.mrk.json, or write a points.csv "
    "with the columns x_lps_mm,y_lps_mm,z_lps_mm. Then run the command again with"
)
"""What mends a path that is not in the cord, and a cord that was not found."""
DRAW = "Is the outline wrong only in places? Draw the cord on a slice there (the weakest is {}) and run again with"
"""What mends a border that is wrong in places."""
TIP = "Does the cord go on below the outline? A point near its tip, beside one further up, mends this:"
"""What mends a lower end that is not sure."""


def next_steps(result: CordSegmentation) -> list[tuple[str, str]]:
    """What mends a doubtful result.

    Parameters
    ----------
    result : CordSegmentation
        A cord.

    Returns
    -------
    list of (str, str)
        A sentence and the option it ends with; empty if nothing is in doubt.
    """
    weakest = min(result.slices, key=lambda s: s.confidence)
    steps = []
    if result.confidence < LOW_CONFIDENCE:
        steps.append((f"Is the outline not on the cord? {TWO_POINTS}", "--centerline points.mrk.json"))
    if weakest.confidence < LOW_CONFIDENCE:
        steps.append((DRAW.format(weakest.slice), "--contours drawn.nii.gz"))
    if result.conus_state == "unclear":
        steps.append((TIP, "--centerline points.mrk.json"))
    return steps
