"""Unattended spinal cord segmentation in MR images, lumbar included."""

from __future__ import annotations

from importlib import import_module
from typing import Any

__version__ = "0.1.0"

# public name -> module (never of the same name: importing a submodule sets the package attribute of its name); loaded when first used, so that `import cordlevelset` stays light
_PUBLIC = {
    "segment": "pipeline",
    "detect_centerline": "pipeline",
    "CordSegmentation": "pipeline",
    "Centerline": "curve",
    "tubularity": "flux",
    "Tubularity": "flux",
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
