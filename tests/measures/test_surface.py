import numpy as np
import pytest
import trimesh

import cordlevelset as cls
from cordlevelset.app.cli import main
from cordlevelset.border.rasterise import partial_volume_fraction
from cordlevelset.measures.surface import surface_of, write_surface
from cordlevelset.sections import polar
from cordlevelset.sections.contours import CordContours


def _contours(n, *, conus=None, step=4.0):
    z = np.arange(n) * step
    radii = 4 + np.cos(2 * polar.ANGLES) + 0.02 * z[:, None]
    centers = np.column_stack([20 + 0.2 * z, 20 + 4 * np.sin(z / 20)])
    tip = None if conus is None else np.array([conus, 20.0, 20.0])
    return CordContours(2, centers, radii, radii + 3, np.ones(n), np.ones(n), conus_mm=tip)


@pytest.mark.parametrize("conus", [None, 6.3, 8.0, 9.7])
@pytest.mark.parametrize("step", [1.0, 4.0])
def test_closed_and_as_large_as_the_soft_mask(conus, step):
    scaled = None if conus is None else conus * step / 4
    contours = _contours(20, conus=scaled, step=step)
    grid = cls.Volume(np.zeros((24, 100, 90)), (step, 0.5, 0.5), (-5.0, 7.0, 11.0))
    surface = surface_of(contours, grid)
    mesh = trimesh.Trimesh(surface.points_mm, surface.triangles, process=False)
    assert mesh.is_watertight
    assert mesh.is_winding_consistent
    soft = partial_volume_fraction(contours, shape=grid.shape, spacing=grid.spacing)
    assert mesh.volume == pytest.approx(soft.sum() * np.prod(grid.spacing), rel=0.01)


@pytest.mark.parametrize("ending", ["stl", "ply", "obj"])
def test_files_that_others_read(neck_result, tmp_path, ending):
    write_surface(neck_result.surface, tmp_path / f"cord.{ending}")
    mesh = trimesh.load(tmp_path / f"cord.{ending}")
    assert mesh.is_watertight
    soft = neck_result.soft_mask
    assert mesh.volume == pytest.approx(soft.array.sum() * np.prod(soft.spacing), rel=0.01)
    middle = (mesh.bounds[0] + mesh.bounds[1]) / 2
    np.testing.assert_allclose(middle, neck_result.centerline.points_mm.mean(0), atol=2.0)


def test_vtk_and_the_command_line(neck_file, neck_result, tmp_path):
    path = tmp_path / "cord.vtk"
    assert main(["segment", str(neck_file), "-o", str(tmp_path / "m.nii"), "--mesh", str(path)]) == 0
    lines = path.read_text(encoding="utf-8").splitlines()
    assert "SPACE=LPS" in lines[1]
    n = len(neck_result.surface.points_mm)
    assert lines[4] == f"POINTS {n} float"
    np.testing.assert_allclose(np.loadtxt(lines[5 : 5 + n]), neck_result.surface.points_mm, atol=1e-4)


def test_vtp_says_that_it_is_lps(neck_result, tmp_path):
    reader = pytest.importorskip("vtkmodules.vtkIOXML").vtkXMLPolyDataReader()
    write_surface(neck_result.surface, tmp_path / "cord.vtp")
    reader.SetFileName(str(tmp_path / "cord.vtp"))
    reader.Update()
    mesh, surface = reader.GetOutput(), neck_result.surface
    assert mesh.GetFieldData().GetAbstractArray("SPACE").GetValue(0) == "LPS"
    assert mesh.GetNumberOfCells() == len(surface.triangles)
    for n in (0, 17, len(surface.points_mm) - 1):
        np.testing.assert_allclose(mesh.GetPoint(n), surface.points_mm[n], atol=1e-4)
    corners = mesh.GetCell(5).GetPointIds()
    assert [corners.GetId(n) for n in range(3)] == surface.triangles[5].tolist()


def test_without_vtk_it_says_so_before_the_work(neck_file, neck_result, tmp_path, monkeypatch, capsys):
    monkeypatch.setattr("cordlevelset.measures.surface.find_spec", lambda name: None)
    monkeypatch.setattr("cordlevelset.pipeline.segment", lambda *_, **__: pytest.fail("the work began"))
    words = ["segment", str(neck_file), "-o", str(tmp_path / "m.nii"), "--mesh", str(tmp_path / "cord.vtp")]
    assert main(words) == 1
    assert "cordlevelset[mesh]" in capsys.readouterr().err
    write_surface(neck_result.surface, tmp_path / "cord.stl")
    assert [p.name for p in tmp_path.iterdir()] == ["cord.stl"]


def test_another_ending_is_refused(neck_result, tmp_path):
    with pytest.raises(cls.InputError, match=r"\.stl"):
        write_surface(neck_result.surface, tmp_path / "cord.glb")
    assert not list(tmp_path.iterdir())


def test_rings_are_a_millimetre_apart():
    """Planes 4 mm apart: three rings between two."""
    surface = surface_of(_contours(20), cls.Volume(np.zeros((24, 100, 90)), (4.0, 0.5, 0.5)))
    heights = np.unique(np.round(surface.points_mm[:, 2], 3))
    assert np.diff(heights).max() == pytest.approx(1.0)
