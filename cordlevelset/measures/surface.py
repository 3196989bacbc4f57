"""The cord's surface as triangles, closed, smooth, LPS mm, from the sub-voxel contours; STL, PLY and VTK files."""

from __future__ import annotations

import os
from dataclasses import dataclass
from importlib.util import find_spec
from itertools import pairwise
from pathlib import Path

import numpy as np
from numpy.typing import NDArray
from scipy.interpolate import PchipInterpolator

from cordlevelset.brief import one_line
from cordlevelset.errors import InputError
from cordlevelset.io.files import name_suffix, whole_or_nothing
from cordlevelset.sections.contours import CordContours
from cordlevelset.sections.polar import vertices
from cordlevelset.volume import Volume

__all__ = ["MESH_SUFFIXES", "Surface", "check_mesh", "surface_of", "write_surface"]

MESH_SUFFIXES = (".stl", ".ply", ".vtk", ".obj", ".vtp")
"""Endings of the meshes that are written."""
BY_VTK = (".obj", ".vtp")
"""Endings that the library VTK writes, an extra; the others need none."""
RING_MM = 1.0
"""Rings are at most this far apart: about the triangles' width on a large cord, so that they stay well shaped."""
HEADER = "cordlevelset SPACE=LPS units mm"
"""3D Slicer takes the coordinate system from the words SPACE=LPS in a mesh's header."""


@dataclass(frozen=True, eq=False)
class Surface:
    """A closed surface of triangles, normals outward.

    Attributes
    ----------
    points_mm : (N, 3) array
        LPS mm.
    triangles : (T, 3) array of int
        Indices of points, counter-clockwise seen from outside.
    """

    points_mm: NDArray[np.float64]
    triangles: NDArray[np.int64]

    __repr__ = one_line


def surface_of(contours: CordContours, grid: Volume) -> Surface:
    """Close the stack of contours.

    Contours are joined by a monotone cubic (Fritsch and Carlson 1980), which makes no bulge between two planes, and end
    half a plane beyond the last, as voxels do, or at the tip of the conus.

    Parameters
    ----------
    contours : CordContours
        On the canonical grid.
    grid : Volume
        The canonical grid.

    Returns
    -------
    Surface
    """
    step = grid.spacing[0]
    z = (contours.first + np.arange(len(contours.radii_mm))) * step
    bottom = z[0] - step / 2 if contours.conus_mm is None else float(contours.conus_mm[0])
    shape = np.concatenate([contours.centers_mm, contours.radii_mm], axis=1)
    kept = z > bottom + step / 100  # the tip may lie above the middle of its own plane
    knots = np.concatenate([[bottom], z[kept], [z[-1] + step / 2]])
    shape = np.concatenate([shape[:1], shape[kept], shape[-1:]])
    parts = [np.linspace(a, b, int(np.ceil((b - a) / RING_MM)), endpoint=False) for a, b in pairwise(knots)]
    levels = np.concatenate([*parts, knots[-1:]])
    values = PchipInterpolator(knots, shape)(levels)
    centers, radii = values[:, :2], values[:, 2:]
    rings = vertices(centers, radii)
    rings = np.concatenate([np.broadcast_to(levels[:, None, None], (*radii.shape, 1)), rings], axis=2)
    ends = np.column_stack([levels[[0, -1]], centers[[0, -1]]])
    points = grid.to_lps(np.concatenate([rings.reshape(-1, 3), ends]) / grid.spacing)
    return Surface(points, _triangles(*radii.shape))


def check_mesh(path: str | os.PathLike[str]) -> None:
    """Make sure, before the work, that a surface can be written under a name.

    Parameters
    ----------
    path : path
        The file to be.

    Raises
    ------
    InputError
        If the ending is unknown, or it needs VTK and that is not installed.
    """
    if name_suffix(path, MESH_SUFFIXES) in BY_VTK and find_spec("vtkmodules") is None:
        raise InputError(
            f"{path} is written with VTK; install it: pip install 'cordlevelset[mesh]'; or give .stl or .ply"
        )


def write_surface(surface: Surface, path: str | os.PathLike[str]) -> None:
    """Write a surface, whole or not at all.

    Parameters
    ----------
    surface : Surface
        In LPS mm.
    path : path
        Ends in .stl, .ply (both binary), .vtk (legacy, text), .obj or .vtp (both with the extra ``mesh``).

    Raises
    ------
    InputError
        If the ending is another, VTK is missing, or the file cannot be written.
    """
    check_mesh(path)
    suffix = name_suffix(path, MESH_SUFFIXES)
    with whole_or_nothing([path]) as (draft,):
        if suffix in BY_VTK:
            _by_vtk(surface, draft, suffix)
            return
        encode = {".stl": _stl, ".ply": _ply, ".vtk": _vtk}[suffix]
        draft.write_bytes(encode(surface.points_mm.astype("<f4"), surface.triangles.astype("<i4")))


def _triangles(n_rings: int, n_rays: int) -> NDArray[np.int64]:
    """Two triangles for each quadrilateral between neighbouring rings, a fan at each end."""
    ring = np.arange(n_rings * n_rays).reshape(n_rings, n_rays)
    a, b = ring[:-1], np.roll(ring, -1, axis=1)[:-1]
    c, d = ring[1:], np.roll(ring, -1, axis=1)[1:]
    bottom, top = np.full(n_rays, ring.size), np.full(n_rays, ring.size + 1)
    parts = [
        np.stack([a, b, d], axis=-1).reshape(-1, 3),
        np.stack([a, d, c], axis=-1).reshape(-1, 3),
        np.stack([bottom, np.roll(ring[0], -1), ring[0]], axis=-1),
        np.stack([top, ring[-1], np.roll(ring[-1], -1)], axis=-1),
    ]
    return np.concatenate(parts)


def _stl(points: NDArray[np.float32], triangles: NDArray[np.int32]) -> bytes:
    corners = points[triangles]
    normals = np.cross(corners[:, 1] - corners[:, 0], corners[:, 2] - corners[:, 0])
    normals /= np.maximum(np.linalg.norm(normals, axis=1, keepdims=True), np.finfo(np.float32).tiny)
    facets = np.zeros(len(triangles), dtype=[("normal", "<f4", 3), ("corners", "<f4", (3, 3)), ("rest", "<u2")])
    facets["normal"], facets["corners"] = normals, corners
    return HEADER.encode().ljust(80) + np.array(len(triangles), "<u4").tobytes() + facets.tobytes()


def _ply(points: NDArray[np.float32], triangles: NDArray[np.int32]) -> bytes:
    faces = np.zeros(len(triangles), dtype=[("n", "u1"), ("corners", "<i4", 3)])
    faces["n"], faces["corners"] = 3, triangles
    head = [
        "ply\nformat binary_little_endian 1.0",
        f"comment {HEADER}",
        f"element vertex {len(points)}",
        *(f"property float {axis}" for axis in "xyz"),
        f"element face {len(triangles)}\nproperty list uchar int vertex_indices\nend_header\n",
    ]
    return "\n".join(head).encode() + points.tobytes() + faces.tobytes()


def _vtk(points: NDArray[np.float32], triangles: NDArray[np.int32]) -> bytes:
    lines = [f"# vtk DataFile Version 3.0\n{HEADER}\nASCII\nDATASET POLYDATA\nPOINTS {len(points)} float"]
    lines += [" ".join(f"{v:.5f}" for v in point) for point in points.tolist()]
    lines.append(f"POLYGONS {len(triangles)} {4 * len(triangles)}")
    lines += ["3 {} {} {}".format(*triangle) for triangle in triangles.tolist()]
    return ("\n".join(lines) + "\n").encode()


def _by_vtk(surface: Surface, path: Path, suffix: str) -> None:
    """Written by VTK; 3D Slicer takes the coordinate system of a .vtp from a field named SPACE."""
    from vtkmodules.util.numpy_support import numpy_to_vtk, numpy_to_vtkIdTypeArray
    from vtkmodules.vtkCommonCore import vtkPoints, vtkStringArray
    from vtkmodules.vtkCommonDataModel import vtkCellArray, vtkPolyData
    from vtkmodules.vtkIOGeometry import vtkOBJWriter
    from vtkmodules.vtkIOXML import vtkXMLPolyDataWriter

    points, cells, mesh = vtkPoints(), vtkCellArray(), vtkPolyData()
    points.SetData(numpy_to_vtk(surface.points_mm.astype("<f4"), deep=True))
    corners = np.full((len(surface.triangles), 4), 3, dtype=np.int64)
    corners[:, 1:] = surface.triangles
    cells.ImportLegacyFormat(numpy_to_vtkIdTypeArray(corners.ravel(), deep=True))
    mesh.SetPoints(points)
    mesh.SetPolys(cells)
    space = vtkStringArray()
    space.SetName("SPACE")
    space.InsertNextValue("LPS")
    mesh.GetFieldData().AddArray(space)
    writer = vtkOBJWriter() if suffix == ".obj" else vtkXMLPolyDataWriter()
    writer.SetFileName(os.fspath(path))
    writer.SetInputData(mesh)
    if not writer.Write():
        raise InputError(f"cannot write {path}; make room or give another place")
