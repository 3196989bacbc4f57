import matplotlib as mpl
import numpy as np
import pytest
from matplotlib import pyplot
from matplotlib.figure import Figure

import cordlevelset as cls
from cordlevelset.errors import InputError
from cordlevelset.outputs import plot, report


@pytest.fixture(autouse=True)
def _without_a_screen():
    before = mpl.get_backend()
    pyplot.switch_backend("Agg")
    yield
    pyplot.close("all")
    pyplot.switch_backend(before)


@pytest.mark.parametrize("n", [1, 5, 12, 100])
def test_mosaic_has_each_section_once(neck_result, n):
    figure = plot.plot_mosaic(neck_result, n_sections=n, figure=Figure())
    titles = [axes.get_title() for axes in figure.axes if axes.get_title()]
    assert len(titles) == len(set(titles)) == min(n, len(neck_result.slices))
    shown = [int(title.split(",")[0].split()[1]) for title in titles]
    assert shown[0] == neck_result.slices[0].slice
    record = next(s for s in neck_result.slices if s.slice == shown[-1])
    x, y = next(axes for axes in reversed(figure.axes) if axes.get_title()).lines[0].get_data()
    in_the_slice = record.area_mm2 / np.cos(np.radians(record.angle_deg))
    assert abs(np.sum(x[:-1] * y[1:] - x[1:] * y[:-1])) / 2 == pytest.approx(in_the_slice, rel=1e-6)


def test_area_of_a_result_and_of_a_mask(neck, neck_result):
    axes = plot.plot_area(neck_result, label="found")
    plot.plot_area(cls.measure(neck.soft_mask), label="truth", color="green", axes=axes)
    found, truth = axes.lines
    assert list(found.get_ydata()) == [s.area_mm2 for s in neck_result.slices]
    assert len(truth.get_xdata()) == len(cls.measure(neck.soft_mask))
    assert axes.get_ylim()[0] == 0


def test_centerline_lies_in_the_cord_in_all_three_planes(neck_result):
    figure = plot.plot_centerline(neck_result)
    assert len(figure.axes) == 3
    grid = neck_result.automatic.image
    for axes, kept in zip(figure.axes, ((1, 0), (2, 0), (2, 1)), strict=True):
        points = neck_result.turn.volume(neck_result.mask).to_index(neck_result.centerline.points_mm)
        for values, axis, limits in zip(
            axes.lines[0].get_data(), kept, (axes.get_xlim(), axes.get_ylim()), strict=True
        ):
            np.testing.assert_allclose(values, points[:, axis] * grid.spacing[axis])
            assert min(limits) <= values.min() <= values.max() <= max(limits)


def test_views(neck_result):
    figure = plot.plot_views(neck_result)
    assert len(figure.axes) == 2
    assert figure in map(pyplot.figure, pyplot.get_fignums())  # notebooks show it


def test_one_line_when_there_is_nothing_to_draw_with(neck_result, monkeypatch):
    monkeypatch.setattr(plot, "find_spec", lambda name: None)
    for draw in (plot.plot_mosaic, plot.plot_views, plot.plot_area, plot.plot_centerline):
        with pytest.raises(InputError, match=rf"{draw.__name__} draws with matplotlib.*cordlevelset\[viz\]"):
            draw(neck_result)


def test_wrong_use(neck_result):
    with pytest.raises(InputError, match="n_sections"):
        plot.plot_mosaic(neck_result, n_sections=0)


def test_a_mosaic_has_four_sections_side_by_side(neck_result):
    grid = plot.plot_mosaic(neck_result, n_sections=6).axes[0].get_gridspec()
    assert (grid.nrows, grid.ncols) == (2, 4)


def test_the_picture_shows_six_sections_of_the_canal_and_its_walls(neck, neck_result, tmp_path, monkeypatch):
    """Of 4 cm, from the side all of the image."""
    seen = []
    monkeypatch.setattr(report, "_panel", lambda axes, picture, outlines, size, *_: seen.append(size))
    report.draw(neck.image, neck_result, tmp_path / "a.png")
    assert seen[0] == (60.0, 80.0)
    assert [height for height, _ in seen[1:]] == pytest.approx([41.0] * 6, abs=1.0)
