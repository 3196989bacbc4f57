"""Synthetic spines as sample data."""

from __future__ import annotations

from typing import Any

from cordlevelset.napari.layers import grid_keywords
from cordlevelset.phantom import make_phantom

__all__ = ["cervical", "lumbar"]


def lumbar() -> list[tuple[Any, dict[str, Any], str]]:
    """A lumbar T2 image with 4 mm sagittal slices, the conus in it.

    Returns
    -------
    list of (data, keywords, kind)
        One image layer.
    """
    return _sample("lumbar T2", scoliosis_mm=4.0, place_mm=(0.0, 1.5))


def cervical() -> list[tuple[Any, dict[str, Any], str]]:
    """A cervical T1 image with 1 mm voxels across.

    Returns
    -------
    list of (data, keywords, kind)
        One image layer.
    """
    return _sample("cervical T1", region="cervical", contrast="t1", spacing=(2.0, 1.0, 1.0), scoliosis_mm=2.0)


def _sample(name: str, **options: Any) -> list[tuple[Any, dict[str, Any], str]]:
    volume = make_phantom(**options).image
    return [(volume.array, {"name": name, **grid_keywords(volume)}, "image")]
