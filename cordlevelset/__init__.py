"""Unattended spinal cord segmentation in MR images, lumbar included."""

from __future__ import annotations

from importlib import import_module
from typing import Any

__version__ = "0.1.0"

# public name -> module; loaded when first used, so that `import cordlevelset` stays light
_PUBLIC = {
    "segment": "segment",
    "detect_centerline": "segment",
    "CordSegmentation": "segment",
    "Centerline": "curve",
    "tubularity": "tubularity",
    "Tubularity": "tubularity",
    "Volume": "volume",
    "read": "io",
    "write": "io",
    "CordLevelSetError": "errors",
    "GeometryError": "errors",
    "InputError": "errors",
    "ConstraintError": "errors",
    "NoCordFoundError": "errors",
    "Cancelled": "errors",
}

__all__ = ["__version__", *_PUBLIC]  # noqa: PLE0604


def __getattr__(name: str) -> Any:
    if name not in _PUBLIC:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    value = getattr(import_module(f"{__name__}.{_PUBLIC[name]}"), name)
    globals()[name] = value
    return value


def __dir__() -> list[str]:
    return sorted(__all__)
