"""The layers that show the result of one image."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

import cordlevelset as cls
from cordlevelset.napari.history import painted
from cordlevelset.napari.results import centerline_layer, contour_layer, mask_layer

if TYPE_CHECKING:
    from napari.layers import Layer
    from napari.viewer import Viewer

__all__ = ["ShownResult", "same"]


def same(layer: Any) -> Any:
    """The layer itself: napari hands plugins a proxy, which is another object.

    Parameters
    ----------
    layer : napari.layers.Layer
        Or a proxy of one.

    Returns
    -------
    napari.layers.Layer
    """
    return getattr(layer, "__wrapped__", layer)


class ShownResult:
    """Mask, contour and centerline of an image.

    Parameters
    ----------
    viewer : napari.viewer.Viewer
        Where they are shown.
    name : str
        Of the image.
    """

    def __init__(self, viewer: Viewer, name: str) -> None:
        self._viewer, self._name = viewer, name
        self._layers: dict[str, Layer] = {}
        self._taken: NDArray[Any] | None = None  # the mask as it was shown, or looked at last

    def show(self, result: cls.CordSegmentation) -> None:
        """Put a result into the layers; those that the user removed come back.

        Parameters
        ----------
        result : CordSegmentation
            Of the image.
        """
        for data, keywords, kind in (mask_layer(result), contour_layer(result), centerline_layer(result)):
            old = self._present(kind)
            if old is not None and kind == "labels":
                old.data = data  # the user's colors and his undo of the view stay
                continue
            if old is not None:
                keywords["visible"] = old.visible
                self._viewer.layers.remove(old)
            name = f"{self._name} {keywords.pop('name')}"
            self._layers[kind] = same(getattr(self._viewer, f"add_{kind}")(data, name=name, **keywords))
        self._taken = result.mask.array.copy()

    def painted(self) -> NDArray[np.uint8] | None:
        """What the user painted into the mask, or erased from it, since it was shown or taken.

        Returns
        -------
        (K, J, I) array of uint8 or None
            1 painted, 2 erased; None if nothing was.
        """
        mask = self._present("labels")
        if mask is None or self._taken is None or mask.data.shape != self._taken.shape:
            return None
        changes = painted(self._taken, mask.data)
        return changes if changes.any() else None

    def taken(self) -> None:
        """What was painted up to now is known."""
        mask = self._present("labels")
        if mask is not None:
            self._taken = np.array(mask.data)

    def _present(self, kind: str) -> Any:
        layer = self._layers.get(kind)
        return layer if layer is not None and layer in self._viewer.layers else None
