"""Images in and out, through SimpleITK."""

from __future__ import annotations

import os
import stat
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from threading import Lock
from typing import Any

import numpy as np
from numpy.typing import NDArray

from cordlevelset.errors import GeometryError, InputError
from cordlevelset.forms import SHEAR_TOLERANCE, straight
from cordlevelset.io.dicom import read_dicom
from cordlevelset.io.dicomfiles import is_dicom
from cordlevelset.io.dicomseg import DICOM_SUFFIX, write_segmentation
from cordlevelset.io.files import check_writable, whole_or_nothing
from cordlevelset.io.headers import METAIMAGE_SUFFIXES, NIFTI_SUFFIXES, NRRD, NiftiHeader, nifti_pair
from cordlevelset.io.integrity import check_present, check_whole
from cordlevelset.io.nifti import is_nearly_straight, placed, write_forms
from cordlevelset.notes import shear_note
from cordlevelset.volume import ORTHONORMAL_TOLERANCE, Volume

__all__ = [
    "IMAGE_SUFFIXES",
    "MASK_SUFFIXES",
    "as_volume",
    "from_sitk",
    "open_image",
    "read",
    "to_sitk",
    "volume_of",
    "write",
]

IMAGE_SUFFIXES = (".nii", ".nii.gz", ".nrrd", ".mha")
"""Endings of the names of images that are written."""
MASK_SUFFIXES = (*IMAGE_SUFFIXES, DICOM_SUFFIX)
"""Those of masks."""
"""Endings of the images that are written."""
_environment = Lock()


def read(path: str | os.PathLike[str], *, frame: int | None = None, series: str | int | None = None) -> Volume:
    """Read an image.

    Parameters
    ----------
    path : path
        NIfTI, NRRD, MetaImage, a DICOM file, or a folder with DICOM series in it or in folders below.
    frame : int, optional
        Which volume of a 4-D image; needed when there is more than one.
    series : str or int, optional
        Which DICOM series, as `list_series` lists them: its number or label, a part of its description, or its Series
        Instance UID; needed when more than one may be meant.

    Returns
    -------
    Volume
        Its `notes` say what was odd in the header.

    Raises
    ------
    InputError
        If there is no such file, it is not an image, or a frame must be chosen.
    GeometryError
        If its grid is not usable.
    """
    image, header = open_image(Path(path), series=series)
    return volume_of(image, header, frame=frame)


def open_image(path: Path, *, series: str | int | None = None) -> tuple[Any, NiftiHeader | None]:
    """An image as SimpleITK reads it, once its file was checked; DICOM as a volume.

    Parameters
    ----------
    path : Path
        As in `read`.
    series : str or int, optional
        As in `read`.

    Returns
    -------
    image : SimpleITK.Image or Volume
    header : NiftiHeader or None
        None if it is not NIfTI.
    """
    import SimpleITK as sitk

    kind = _kind(path)
    if not stat.S_ISDIR(kind) and not stat.S_ISREG(kind):
        raise InputError(f"{path} is not a file; give one, or a DICOM folder")
    if stat.S_ISDIR(kind) or is_dicom(path):
        return read_dicom(path, series=None if series is None else str(series)), None
    if series is not None:
        raise InputError(f"no series {series}: {path} is not DICOM")
    check_present(path)
    header = check_whole(path)
    reader = _image_io(path, header)
    try:
        try:
            return sitk.ReadImage(str(path), imageIO=reader), header
        except RuntimeError as error:
            if header is None or "orthonormal" not in str(error) or not is_nearly_straight(header.forms):
                raise
            with _sheared_sform_allowed():
                return sitk.ReadImage(str(path), imageIO=reader), header
    except RuntimeError as error:
        raise _reading_error(path, str(error)) from None


@contextmanager
def _sheared_sform_allowed() -> Iterator[None]:
    """ITK reads a sheared sform only if the process's environment says so; where it then lies is ours to say."""
    name = "ITK_NIFTI_SFORM_PERMISSIVE"
    with _environment:
        before = os.environ.get(name)
        os.environ[name] = "1"
        try:
            yield
        finally:
            del os.environ[name]
            if before is not None:
                os.environ[name] = before


def volume_of(
    image: Any, header: NiftiHeader | None = None, *, frame: int | None = None, layer: int | None = None
) -> Volume:
    """A volume from what `open_image` gives.

    Parameters
    ----------
    image : SimpleITK.Image or Volume
        3-D, or 4-D with `frame`.
    header : NiftiHeader, optional
        Of the file it was read from.
    frame : int, optional
        Which volume of a 4-D series.
    layer : int, optional
        Which component of the voxels.

    Returns
    -------
    Volume
        With notes on its header.
    """
    import SimpleITK as sitk

    if isinstance(image, Volume):
        if frame not in (None, 0):
            raise InputError(f"no frame {frame}: DICOM is read as single volumes; choose one with series= (--series)")
        return image
    if layer is not None and image.GetNumberOfComponentsPerPixel() > 1:
        image = sitk.VectorIndexSelectionCast(image, layer)
    volume = from_sitk(image, frame=frame)
    if header is None:
        return volume
    n = volume.array.size
    missing = header.missing - n * (frame or 0)
    missing = missing[(missing >= 0) & (missing < n)]
    if missing.size:  # NumPy writes nan into no integers, not even into none of them
        volume.array.flat[missing] = np.nan  # ITK reads them as 0
    return placed(volume, header.forms)


def write(volume: Volume, path: str | os.PathLike[str]) -> None:
    """Write an image, whole or not at all.

    Parameters
    ----------
    volume : Volume
        The image; bool is written as uint8.
    path : path
        Ends in .nii, .nii.gz, .nrrd or .mha; or in .dcm, for a mask of an image that was read from DICOM, which
        becomes a DICOM segmentation.

    Raises
    ------
    InputError
        If the ending is another or the file cannot be written.
    """
    import SimpleITK as sitk

    suffix = check_writable(path, MASK_SUFFIXES)
    if suffix == DICOM_SUFFIX:
        with whole_or_nothing([path]) as (temporary,):
            write_segmentation(volume, temporary)
        return
    image = to_sitk(volume)
    with whole_or_nothing([path]) as (temporary,):
        try:
            if suffix.startswith(".nii") and volume.forms is not None:
                plain = temporary.with_name("plain.nii")
                sitk.WriteImage(image, str(plain), useCompression=False)
                write_forms(plain, volume.forms, temporary)
            else:
                sitk.WriteImage(image, str(temporary), useCompression=True)
            header = check_whole(temporary)  # NIfTI is cut without a word on a full disk
            if header is None and suffix.startswith(".nii"):
                raise InputError("not even a header")
        except (RuntimeError, InputError):
            raise InputError(f"cannot write {path}: the disk is full or cannot be written to") from None


def as_volume(image: Any, *, frame: int | None = None, series: str | int | None = None) -> Volume:
    """A volume from whatever the public functions take.

    Parameters
    ----------
    image : path, SimpleITK.Image or Volume
        The image.
    frame : int, optional
        Which volume of a 4-D series.
    series : str or int, optional
        Which series of a DICOM folder.

    Returns
    -------
    Volume

    Raises
    ------
    InputError
        If it is none of these.
    """
    if isinstance(image, Volume):
        return image
    if isinstance(image, str | os.PathLike):
        return read(image, frame=frame, series=series)
    if hasattr(image, "GetDirection"):
        return from_sitk(image, frame=frame)
    raise InputError(
        f"cannot take a {type(image).__name__} as image; give a path, a SimpleITK.Image or a cordlevelset.Volume"
    )


def from_sitk(image: Any, *, frame: int | None = None) -> Volume:
    """A volume from a SimpleITK image; the values are copied.

    Parameters
    ----------
    image : SimpleITK.Image
        3-D, or 4-D with `frame`; one component a voxel.
    frame : int, optional
        Which volume of a 4-D series.

    Returns
    -------
    Volume

    Raises
    ------
    InputError
        If it is 2-D, 4-D without a choice, or has several components a voxel.
    GeometryError
        If the grid is not usable.
    """
    import SimpleITK as sitk

    n_components = image.GetNumberOfComponentsPerPixel()
    if n_components != 1:
        raise InputError(f"the image has {n_components} components a voxel, needs one; give one channel")
    if image.GetDimension() == 2:
        raise InputError("the image is 2-D; give a volume")
    if image.GetDimension() > 4:
        raise InputError(f"the image has {image.GetDimension()} axes; give 3, or 4 with a series of volumes")
    if image.GetDimension() == 4:
        n_frames = image.GetSize()[3]
        if frame is None and n_frames > 1:
            raise InputError(
                f"the image is 4-D with {n_frames} volumes; choose one with frame=0..{n_frames - 1} (--frame)"
            )
        if frame is not None and not 0 <= frame < n_frames:
            raise InputError(f"no frame {frame}: the image has {n_frames}, counted from 0")
        image = image[:, :, :, frame or 0]
    elif frame not in (None, 0):
        raise InputError(f"no frame {frame}: the image is a single volume")
    return _straightened(
        sitk.GetArrayFromImage(image), image.GetSpacing(), image.GetOrigin(), np.reshape(image.GetDirection(), (3, 3))
    )


def _straightened(
    array: NDArray[Any], size: Sequence[float], origin: Sequence[float], direction: NDArray[np.float64]
) -> Volume:
    """The volume; slightly sheared axes become the nearest straight ones about its middle. Sizes along x, y, z."""
    dx, dy, dz = size
    if np.isfinite(direction).all():
        rotation, shear = straight(direction)
        if ORTHONORMAL_TOLERANCE < shear <= SHEAR_TOLERANCE:
            off = (direction - rotation) @ ((np.array(array.shape[::-1]) - 1) / 2 * size)
            x, y, z = np.add(origin, off).tolist()
            furthest = np.abs(direction - rotation) @ np.multiply(array.shape[::-1], size) / 2
            note = shear_note(shear, float(furthest.max()))
            return Volume(array, (dz, dy, dx), (x, y, z), rotation, (note,))
    x, y, z = origin
    return Volume(array, (dz, dy, dx), (x, y, z), direction)


def to_sitk(volume: Volume) -> Any:
    """A SimpleITK image from a volume.

    Parameters
    ----------
    volume : Volume
        Any; bool becomes uint8, float16 float32.

    Returns
    -------
    SimpleITK.Image
        With the very spacing, origin and direction of the volume.
    """
    import SimpleITK as sitk

    array = volume.array
    assert volume.direction is not None
    image = sitk.GetImageFromArray(np.ascontiguousarray(array, dtype=_written_type(array.dtype)))
    image.SetSpacing(volume.spacing[::-1])
    image.SetOrigin(volume.origin)
    image.SetDirection(volume.direction.ravel().tolist())
    return image


def _written_type(dtype: np.dtype[Any]) -> np.dtype[Any]:
    """The nearest type that SimpleITK has, in the machine's byte order."""
    if dtype.kind == "b":
        return np.dtype(np.uint8)
    if dtype == np.float16:
        return np.dtype(np.float32)
    if dtype.kind not in "iufc" or dtype.itemsize > (16 if dtype.kind == "c" else 8):
        raise InputError(f"values are {dtype}, which no image file holds; give integers or floats of up to 8 bytes")
    return dtype.newbyteorder("=")


def _kind(path: Path) -> int:
    try:
        return path.stat().st_mode
    except FileNotFoundError:
        check_present(path)
        raise InputError(f"no such file: {path}") from None
    except (OSError, ValueError) as error:  # the name is too long, is not text, a folder on the way is closed
        raise InputError(f"cannot read {path}: {getattr(error, 'strerror', None) or error}") from None


def _image_io(path: Path, header: NiftiHeader | None) -> str:
    """ITK's reader for a file whose header was checked here: its others, which it would ask in turn, see none."""
    if header:
        if nifti_pair(path)[0].name.lower().endswith(NIFTI_SUFFIXES):
            return "NiftiImageIO"
        raise InputError(f"{path} is NIfTI under another name; let it end in .nii or .nii.gz")
    if path.suffix.lower() in METAIMAGE_SUFFIXES:
        return "MetaImageIO"
    with path.open("rb") as stream:
        if stream.read(len(NRRD)) == NRRD:
            return "NrrdImageIO"
    raise InputError(f"{path} is not an image that can be read; give NIfTI, NRRD, MetaImage or a DICOM folder")


def _reading_error(path: Path, text: str) -> InputError | GeometryError:
    if "orthonormal" in text:
        return GeometryError(f"{path}: axes not at right angles (sheared matrix); resample it to a straight grid")
    if "pacing" in text:
        return GeometryError(f"{path}: unusable spacing in the header; correct it")
    if "image dimension" in text:
        return InputError(f"{path} has more axes than a series of volumes; give 3 or 4")
    if "allocate memory" in text:
        return InputError(f"{path} asks for more memory than there is; crop it or correct its header")
    return InputError(f"{path} is damaged or not an image that can be read; copy the file again or convert it")
