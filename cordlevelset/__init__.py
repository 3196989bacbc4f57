"""Unattended spinal cord segmentation in MR images, lumbar included.

The public names are loaded when first used, so that ``import cordlevelset`` stays light.
"""

from __future__ import annotations

import importlib
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from cordlevelset.compare import Comparison, compare
    from cordlevelset.curve import Centerline
    from cordlevelset.errors import (
        Cancelled,
        ConstraintError,
        CordLevelSetError,
        GeometryError,
        InputError,
        NoCordFoundError,
    )
    from cordlevelset.io import read, write
    from cordlevelset.measure import SliceRecord, measure
    from cordlevelset.segment import Conus, CordSegmentation, Progress, detect_centerline, segment
    from cordlevelset.volume import Volume

__version__ = "0.1.0"

_HOMES = {
    "Cancelled": "errors",
    "Centerline": "curve",
    "Comparison": "compare",
    "ConstraintError": "errors",
    "Conus": "segment",
    "CordLevelSetError": "errors",
    "CordSegmentation": "segment",
    "GeometryError": "errors",
    "InputError": "errors",
    "NoCordFoundError": "errors",
    "Progress": "segment",
    "SliceRecord": "measure",
    "Volume": "volume",
    "compare": "compare",
    "detect_centerline": "segment",
    "measure": "measure",
    "read": "io",
    "segment": "segment",
    "write": "io",
}

__all__ = [
    "Cancelled",
    "Centerline",
    "Comparison",
    "ConstraintError",
    "Conus",
    "CordLevelSetError",
    "CordSegmentation",
    "GeometryError",
    "InputError",
    "NoCordFoundError",
    "Progress",
    "SliceRecord",
    "Volume",
    "compare",
    "detect_centerline",
    "measure",
    "read",
    "segment",
    "write",
]
