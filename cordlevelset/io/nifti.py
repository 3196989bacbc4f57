"""Where a NIfTI image lies, by the two matrices of its header; and these matrices in the files written on its grid."""

from __future__ import annotations

import gzip
import shutil
from dataclasses import replace
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from cordlevelset.forms import SHEAR_TOLERANCE, NiftiForms, straight
from cordlevelset.notes import shear_note
from cordlevelset.volume import ORTHONORMAL_TOLERANCE, Volume

__all__ = ["is_nearly_straight", "placed", "write_forms"]

FORMS_TOLERANCE = 1e-3
"""Difference between entries of the two matrices, mm, that passes as rounding of float32."""
SIZE_TOLERANCE = 1e-3
"""Relative difference of voxel sizes that passes as rounding: a tenth of what moves an area by a percent."""
RAS_OF_LPS = np.diag([-1.0, -1.0, 1.0])
"""Turns LPS coordinates into those of NIfTI, towards right, anterior, superior, and back."""
HEADER_BYTES = 348
"""Length of a NIfTI-1 header."""
PACKING = 6
"""gzip's own choice between speed and size; a mask of zeros and ones packs to a hundredth anyway."""


def is_nearly_straight(forms: NiftiForms) -> bool:
    """Whether the sform is sheared by so little that the nearest rotation stands for it."""
    if forms.sform is None:
        return False
    directions, _ = _axes(forms.sform)
    return bool(np.isfinite(directions).all()) and straight(directions)[1] <= SHEAR_TOLERANCE


def placed(volume: Volume, forms: NiftiForms) -> Volume:
    """A volume as ITK read it, put where the header says, with the header's forms and with notes on them.

    Parameters
    ----------
    volume : Volume
        As ITK read it. It takes the qform where the two differ, and the voxel sizes from beside the sform.
    forms : NiftiForms
        Of its header.

    Returns
    -------
    Volume
        Where the sform is the one taken, its own voxel sizes count, and of a sheared one the nearest rotation about
        the middle of the image.
    """
    sform, qform = forms.sform, forms.qform
    if sform is None and qform is None:
        note = "the header does not say how the image lies in the patient; its axes were taken as they are"
        return replace(volume, forms=forms, notes=(note,))
    notes: list[str] = []
    taken = sform
    if sform is None:
        taken = None
    elif qform is not None and np.abs(sform - qform).max() > FORMS_TOLERANCE:
        apart = [_apart_mm(volume, form) for form in (sform, qform)]
        words = ("sform", "qform") if apart[0] < apart[1] else ("qform", "sform")
        taken = sform if words[0] == "sform" else None
        notes.append(
            f"the header's sform and qform differ by up to {max(apart):.3g} mm; the {words[0]} was taken, "
            f"other tools may take the {words[1]}"
        )
    if taken is not None:
        volume, more = _on_sform(volume, taken)
        notes += more
    return replace(volume, forms=forms, notes=tuple(notes))


def write_forms(plain: Path, forms: NiftiForms, path: Path) -> None:
    """Put an image's forms into a file on its grid.

    Parameters
    ----------
    plain : Path
        Just written by ITK: one file, uncompressed, little-endian.
    forms : NiftiForms
        Of the image.
    path : Path
        The file to be; ends in .nii or .nii.gz.
    """
    with plain.open("r+b") as stream:
        header = bytearray(stream.read(HEADER_BYTES))
        forms.pack_into(header)
        stream.seek(0)
        stream.write(header)
    if path.suffix != ".gz":
        plain.replace(path)
        return
    # neither name nor time: the same mask is the same file
    with plain.open("rb") as stream, path.open("wb") as out, gzip.GzipFile("", "wb", PACKING, out, 0) as packed:
        shutil.copyfileobj(stream, packed)
    plain.unlink()


def _axes(form: NDArray[np.float64]) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    """LPS directions of i, j, k (columns), and voxel sizes."""
    sizes = np.linalg.norm(form[:3, :3], axis=0)
    with np.errstate(invalid="ignore", divide="ignore"):  # a column of zeros is no direction
        return RAS_OF_LPS @ form[:3, :3] / sizes, sizes


def _on_sform(volume: Volume, sform: NDArray[np.float64]) -> tuple[Volume, list[str]]:
    """The volume by the sform, where ITK took less than all of it; and notes."""
    directions, sizes = _axes(sform)
    off = np.abs(sizes / volume.spacing[::-1] - 1).max()
    if not np.isfinite(directions).all() or not sizes.all():
        return volume, []
    rotation, shear = straight(directions)
    if (off <= SIZE_TOLERANCE and shear <= ORTHONORMAL_TOLERANCE) or shear > SHEAR_TOLERANCE:
        return volume, []
    middle = (np.array(volume.shape[::-1]) - 1) / 2
    corner = RAS_OF_LPS @ (sform[:3, :3] @ middle + sform[:3, 3]) - rotation @ (sizes * middle)
    (dx, dy, dz), (x, y, z) = sizes.tolist(), corner.tolist()
    out = replace(volume, spacing=(dz, dy, dx), origin=(x, y, z), direction=rotation)
    notes = []
    if off > SIZE_TOLERANCE:
        beside = " x ".join(f"{s:.4g}" for s in volume.spacing[::-1])
        notes.append(
            f"the sform's voxels of {dx:.4g} x {dy:.4g} x {dz:.4g} mm were taken; beside it the header says {beside} mm"
        )
    if shear > ORTHONORMAL_TOLERANCE:
        notes.append(shear_note(shear, _apart_mm(out, sform)))
    return out, notes


def _apart_mm(volume: Volume, form: NDArray[np.float64]) -> float:
    """The largest distance along an axis between a volume's corners and where a form puts them."""
    ends = np.array([[k, j, i] for k in (0, 1) for j in (0, 1) for i in (0, 1)]) * (np.array(volume.shape) - 1)
    ras = volume.to_lps(ends) @ RAS_OF_LPS
    return float(np.abs(ends[:, ::-1] @ form[:3, :3].T + form[:3, 3] - ras).max())
