"""Unattended spinal cord segmentation in MR images, lumbar included.

The public names are loaded when first used, so that ``import cordlevelset`` stays light. No module bears the name of a
public function: Python binds an imported module to its package under its own name and would hide the function.
"""

from __future__ import annotations

import importlib
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from cordlevelset.app.warm import warmup
    from cordlevelset.correction.atlas import register_atlas
    from cordlevelset.correction.drawn import fill_between
    from cordlevelset.curve import Centerline
    from cordlevelset.detection.flux import Tubularity, tubularity
    from cordlevelset.errors import (
        Cancelled,
        ConstraintError,
        CordLevelSetError,
        GeometryError,
        InputError,
        NoCordFoundError,
    )
    from cordlevelset.io.images import read, write
    from cordlevelset.io.series import Series, list_series
    from cordlevelset.levels.column import Disc, Levels
    from cordlevelset.levelset.contour import (
        Evolution,
        StackEvolution,
        geodesic_active_contour,
        geodesic_active_contours,
    )
    from cordlevelset.levelset.distance import signed_distance
    from cordlevelset.levelset.edges import edge_indicator
    from cordlevelset.measures.comparison import Comparison, compare
    from cordlevelset.measures.morphometry import SliceMeasures, measure
    from cordlevelset.outputs.save import save_measures, save_report
    from cordlevelset.pipeline import detect_centerline, segment
    from cordlevelset.progress import Progress
    from cordlevelset.result import Conus, CordSegmentation
    from cordlevelset.vertebral import vertebral_levels
    from cordlevelset.volume import Volume

    __version__: str

UNINSTALLED = "0+unknown"
"""Version of a checkout that is on the path but was never installed."""

_HOMES = {
    "Cancelled": "errors",
    "Centerline": "curve",
    "Comparison": "measures.comparison",
    "ConstraintError": "errors",
    "Conus": "result",
    "CordLevelSetError": "errors",
    "CordSegmentation": "result",
    "Disc": "levels.column",
    "Evolution": "levelset.contour",
    "GeometryError": "errors",
    "InputError": "errors",
    "Levels": "levels.column",
    "NoCordFoundError": "errors",
    "Progress": "progress",
    "Series": "io.series",
    "SliceMeasures": "measures.morphometry",
    "StackEvolution": "levelset.contour",
    "Tubularity": "detection.flux",
    "Volume": "volume",
    "compare": "measures.comparison",
    "detect_centerline": "pipeline",
    "edge_indicator": "levelset.edges",
    "fill_between": "correction.drawn",
    "geodesic_active_contour": "levelset.contour",
    "geodesic_active_contours": "levelset.contour",
    "list_series": "io.series",
    "measure": "measures.morphometry",
    "read": "io.images",
    "register_atlas": "correction.atlas",
    "save_measures": "outputs.save",
    "save_report": "outputs.save",
    "segment": "pipeline",
    "signed_distance": "levelset.distance",
    "tubularity": "detection.flux",
    "vertebral_levels": "vertebral",
    "warmup": "app.warm",
    "write": "io.images",
}
"""Public names and the modules that define them."""

__all__ = [
    "Cancelled",
    "Centerline",
    "Comparison",
    "ConstraintError",
    "Conus",
    "CordLevelSetError",
    "CordSegmentation",
    "Disc",
    "Evolution",
    "GeometryError",
    "InputError",
    "Levels",
    "NoCordFoundError",
    "Progress",
    "Series",
    "SliceMeasures",
    "StackEvolution",
    "Tubularity",
    "Volume",
    "compare",
    "detect_centerline",
    "edge_indicator",
    "fill_between",
    "geodesic_active_contour",
    "geodesic_active_contours",
    "list_series",
    "measure",
    "read",
    "register_atlas",
    "save_measures",
    "save_report",
    "segment",
    "signed_distance",
    "tubularity",
    "vertebral_levels",
    "warmup",
    "write",
]


def __getattr__(name: str) -> Any:
    """Import a public name when it is first asked for."""
    if name == "__version__":
        value: Any = _version()
    elif name in _HOMES:
        value = getattr(importlib.import_module(f"{__name__}.{_HOMES[name]}"), name)
    else:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    globals()[name] = value
    return value


def _version() -> str:
    """What the installation says; the version's one source is the last tag in Git."""
    from importlib import metadata

    try:
        return metadata.version(__name__)
    except metadata.PackageNotFoundError:
        return UNINSTALLED


def __dir__() -> list[str]:
    return [*__all__, "__version__"]
