"""The automatic result: the cord's path and its contours as the image shows them, which corrections start from."""

from __future__ import annotations

import logging
from dataclasses import dataclass

from cordlevelset.brief import one_line
from cordlevelset.correction.constraints import Constraints
from cordlevelset.correction.given import Given
from cordlevelset.progress import Callback, Progress, report
from cordlevelset.sections.contours import CordContours
from cordlevelset.volume import Volume

__all__ = ["AutomaticResult", "find_and_outline"]

log = logging.getLogger(__name__)


@dataclass(frozen=True, eq=False)
class AutomaticResult:
    """What was asked, and what the image says to it.

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
    contours : CordContours
        Before any correction.
    """

    image: Volume
    contrast: str
    order: int
    given: Given
    polarity: int
    contours: CordContours

    __repr__ = one_line


def find_and_outline(
    image: Volume, contrast: str, order: int, given: Given, constraints: Constraints | None, callback: Callback | None
) -> AutomaticResult:
    """Find the cord and draw its contours by the image, with what was given as hints."""
    from cordlevelset.border.planes import SpacedPlanes
    from cordlevelset.border.propagate import segment_path
    from cordlevelset.detection.finder import find_cord

    log.info("canonical grid %s, %s mm", image.shape, image.spacing)
    report(callback, "centerline", 0.05)
    hint = None if constraints is None else constraints.hint(image.spacing)
    path = find_cord(image.array, spacing=image.spacing, polarity=order, hint=hint)
    log.info("path %d planes, polarity %+d, ordered %+d", len(path.centers_mm), path.polarity, order)
    report(callback, "border", 0.5)
    planes = SpacedPlanes.along(image.array, image.spacing, path)
    sections = segment_path(
        planes.array,
        spacing=planes.spacing,
        path=planes.path,
        callback=None if callback is None else lambda share: bool(callback(Progress("border", 0.5 + 0.4 * share))),
    )
    contours = planes.on_all_planes(sections)
    log.info("cord in %d planes, %d outlined", len(contours.radii_mm), len(sections.radii_mm))
    log.info("conus %s", contours.conus_state)
    return AutomaticResult(image, contrast, order, given, path.polarity, contours)
