"""One structure out of whatever comes as a mask: a mask, a soft mask, a label image, a segmentation with names.

Other tools write several structures into one file: as labels (vertebrae, canal, cord), or as named layers (Slicer's
``.seg.nrrd``). Everything that takes a mask takes it through `as_mask`, so that none is taken for one structure as a
whole.
"""

from __future__ import annotations

import os
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from cordlevelset.errors import InputError
from cordlevelset.io.dicomseg import segment_names
from cordlevelset.io.images import as_volume, open_image, volume_of
from cordlevelset.volume import REAL, Volume

__all__ = ["Label", "as_mask"]

Label = int | str
"""A structure's number, or its name where the file has names."""

ROUNDING = 1e-3
"""How far from 0 to 1 a soft mask's values may be: scaled 8-bit values and float32 leave less."""
N_LISTED = 8
"""Labels that an error lists: one line must hold them."""


@dataclass(frozen=True, slots=True)
class _Segment:
    """A structure of a ``.seg.nrrd`` or a DICOM segmentation: its name, the value of its voxels, and their layer."""

    name: str
    value: int
    layer: int


def as_mask(image: Any, name: str, *, label: Label | None = None) -> Volume:
    """The mask of one structure, from whatever the public functions take.

    Parameters
    ----------
    image : path, SimpleITK.Image or Volume
        A mask (0 and one other value), a soft mask (0 to 1), a label image, a ``.seg.nrrd`` or a DICOM segmentation.
    name : str
        What an error calls it.
    label : int or str, optional
        Which structure, by its number or name; needed where there are several.

    Returns
    -------
    Volume
        Values from 0 to 1; of a label image uint8.

    Raises
    ------
    InputError
        If values are not real and finite, or there are several structures and none of them was chosen.
    """
    header, named = None, []
    if isinstance(image, str | os.PathLike):
        path = Path(image)
        image, header = open_image(path)
        named = segment_names(path) if isinstance(image, Volume) and path.is_file() else []
    segments = [_Segment(text, value, 0) for value, text in named] or _segments(image)
    if len(named) == 1:  # of a DICOM segmentation, which may be a soft mask
        _chosen(segments, name, label)
        return _one_structure(image, name, None)
    if not segments:
        return _one_structure(as_volume(image) if header is None else volume_of(image, header), name, label)
    chosen = _chosen(segments, name, label)
    volume = volume_of(image, layer=chosen.layer)
    return volume.like((volume.array == chosen.value).astype(np.uint8))


def _one_structure(volume: Volume, name: str, label: Label | None) -> Volume:
    """A label image's one structure; a mask or soft mask as it is."""
    array = volume.array
    if array.dtype.kind not in REAL or not np.isfinite(array).all():
        raise InputError(f"{name}: values that are not finite real numbers; a mask holds some from 0 to 1")
    if isinstance(label, str):
        raise InputError(
            f"{name}: no structure has a name, so none is '{label}'; choose by number among {_listed(array)}"
        )
    if label is not None:
        mask = array == label
        if label == 0 or not mask.any():
            raise InputError(f"{name}: no label {label} among {_listed(array)}")
        return volume.like(mask.astype(np.uint8))
    low, high = array.min(), array.max()
    if -ROUNDING <= low and high <= 1 + ROUNDING:
        return volume if 0 <= low and high <= 1 else volume.like(np.clip(array, 0, 1))
    if np.isin(array, (0, high)).all():  # 0 and 255, as some tools write masks
        return volume.like((array == high).astype(np.uint8))
    if low < 0 or (array != np.rint(array)).any():
        raise InputError(f"{name}: values from {low:g} to {high:g} are no mask's, which are from 0 to 1")
    raise InputError(
        f"{name}: several structures, {_listed(array)}; choose one with label= (--label), or give a mask of one"
    )


def _listed(array: NDArray[Any]) -> str:
    """The labels, in words."""
    values = np.unique(array[array != 0])
    first = ", ".join(f"{v:g}" for v in values[:N_LISTED])
    more = f" and {values.size - N_LISTED} more" if values.size > N_LISTED else ""
    return f"label{'s' * (values.size != 1)} {first or 'none'}{more}"


def _segments(image: Any) -> list[_Segment]:
    """The named structures of a SimpleITK image that was read from a ``.seg.nrrd``."""
    if not hasattr(image, "GetMetaDataKeys"):
        return []
    keys = (key for key in image.GetMetaDataKeys() if key.isascii())  # SimpleITK does not take back keys that are not
    fields = {key: image.GetMetaData(key) for key in keys if key.startswith("Segment")}
    n_layers = image.GetNumberOfComponentsPerPixel()
    found: list[_Segment] = []
    while f"Segment{len(found)}_Name" in fields:
        n = len(found)
        value = fields.get(f"Segment{n}_LabelValue", "1")
        layer = fields.get(f"Segment{n}_Layer", str(n) if n_layers > 1 else "0")  # older files: one layer a segment
        if not (value.isdecimal() and layer.isdecimal() and int(layer) < n_layers):
            raise InputError(f"segment {n} is said to be value '{value}' of layer '{layer}', which is not there")
        found.append(_Segment(fields[f"Segment{n}_Name"], int(value), int(layer)))
    return found


def _chosen(segments: list[_Segment], name: str, label: Label | None) -> _Segment:
    """The one that was meant."""
    listed = ", ".join(f"{s.value} '{s.name}'" for s in segments[:N_LISTED])
    if label is None:
        fit = segments
    elif isinstance(label, str):
        fit = [s for s in segments if s.name.casefold() == label.casefold()]
    else:
        fit = [s for s in segments if s.value == label]
    if len(fit) == 1:
        return fit[0]
    wrong = "several segments" if label is None else f"{len(fit) or 'no'} segments '{label}'"
    raise InputError(f"{name}: {wrong} among {listed}; choose one with label= (--label), its name or its number")
