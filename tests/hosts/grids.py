"""One cord on grids that hosts get wrong: oblique, anisotropic, left-handed, flipped, sagittal."""

import numpy as np

import cordlevelset as cls
from cordlevelset.phantom import make_phantom
from cordlevelset.volume import Turn


def _turned(order, flip, *, oblique=False):
    """The same patient, the array axes in another order and direction, the whole turned in space."""
    size = {"spacing": (2.5, 0.9, 1.1), "field_mm": (60.0, 80.0, 50.0), "place_mm": (1.0, 2.0)}
    volume = Turn(order, flip).volume(make_phantom(region="cervical", **size).image)
    turn = np.eye(3)
    if oblique:
        a, b = np.deg2rad([14.0, -9.0])
        about_x = [[1, 0, 0], [0, np.cos(a), -np.sin(a)], [0, np.sin(a), np.cos(a)]]
        about_z = [[np.cos(b), -np.sin(b), 0], [np.sin(b), np.cos(b), 0], [0, 0, 1]]
        turn = np.array(about_x) @ about_z
    origin = turn @ np.array(volume.origin) + [12.3, -45.6, 78.9]
    return cls.Volume(volume.array, volume.spacing, tuple(origin), turn @ volume.direction)


GRIDS = {
    "axial": _turned((0, 1, 2), (False, False, False)),
    "oblique": _turned((0, 1, 2), (False, False, False), oblique=True),
    "left-handed": _turned((0, 1, 2), (False, False, True)),
    "flipped, oblique": _turned((0, 1, 2), (True, True, False), oblique=True),
    "sagittal, left-handed, oblique": _turned((2, 0, 1), (False, True, True), oblique=True),
}


def corners(shape):
    """(8, 3) array indices."""
    return np.array([(k, j, i) for k in (0, 1) for j in (0, 1) for i in (0, 1)]) * (np.array(shape) - 1.0)


def centroid(mask):
    """(3,) array index."""
    return np.argwhere(mask).mean(axis=0)
