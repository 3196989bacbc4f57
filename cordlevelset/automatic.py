"""The image's own answer, which corrections start from."""

from __future__ import annotations

from dataclasses import dataclass

from cordlevelset.brief import one_line
from cordlevelset.correction.constraints import Constraints
from cordlevelset.correction.given import Given
from cordlevelset.progress import Callback, Progress, report
from cordlevelset.sections.boundary import CordContours
from cordlevelset.volume import Volume

__all__ = ["Draft", "make_draft"]


@dataclass(frozen=True, eq=False)
class Draft:
    """What a result is made from: what was asked, and what the image says to it.

    Attributes
    ----------
    image : Volume
        float32 on the canonical grid, with the notes of its file.
    contrast : str
        The hint.
    order : int
        Polarity that was ordered; 0: none.
    given : Given
        Constraints as they came.
    polarity : int
        +1 bright, -1 dark.
    automatic : CordContours
        Contours before any correction.
    """

    image: Volume
    contrast: str
    order: int
    given: Given
    polarity: int
    automatic: CordContours

    __repr__ = one_line


def make_draft(
    image: Volume, contrast: str, order: int, given: Given, constraints: Constraints | None, callback: Callback | None
) -> Draft:
    """Find the cord and its contours by the image, with what was given as hints."""
    from cordlevelset.border.propagate import segment_path
    from cordlevelset.detection.finder import find_cord

    report(callback, "centerline", 0.05)
    hint = None if constraints is None else constraints.hint(image.spacing)
    path = find_cord(image.array, spacing=image.spacing, polarity=order, hint=hint)
    automatic = segment_path(
        image.array,
        spacing=image.spacing,
        path=path,
        known=None if constraints is None else constraints.extent,
        callback=None if callback is None else lambda share: bool(callback(Progress("border", 0.5 + 0.4 * share))),
    )
    return Draft(image, contrast, order, given, path.polarity, automatic)
