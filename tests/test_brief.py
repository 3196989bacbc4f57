"""What the public objects show of themselves in a terminal."""

from dataclasses import dataclass

import numpy as np
import pytest

import cordlevelset as cls
from cordlevelset.brief import LINE_WIDTH, one_line
from cordlevelset.phantom import make_phantom


@pytest.fixture(scope="module")
def objects(neck, neck_result):
    phi = np.hypot(*np.mgrid[-8:9, -8:9]) - 5.0
    g = np.ones_like(phi)
    disc = cls.Disc("L4/5", 24, np.zeros(3), np.array([0.0, 0.0, -1.0]), 212.0, 0.9, 0.99)
    return {
        "CordSegmentation": neck_result,
        "Volume": cls.Volume(neck.image.array, (0.123456789,) * 3, (-123.456789,) * 3, notes=("odd",)),
        "Centerline": neck_result.centerline,
        "SliceMeasures": neck_result.slices[0],
        "Conus": cls.Conus(np.array([1.0, -20.123456, 300.0]), 5.0),
        "Comparison": cls.compare(neck_result.mask, neck.soft_mask),
        "Surface": neck_result.surface,
        "Tubularity": cls.tubularity(neck.image.array, spacing=neck.image.spacing, polarity="dark"),
        "Evolution": cls.geodesic_active_contour(phi, g, spacing=(1.0, 1.0), max_num_iter=2),
        "StackEvolution": cls.geodesic_active_contours(phi[None], g[None], spacing=(1.0, 1.0), max_num_iter=2),
        "Phantom": make_phantom(region="lumbar", spacing=(4.0, 2.0, 2.0)),
        "Progress": cls.Progress("rasterise", 1 / 3),
        "CordContours": neck_result.contours,
        "AutomaticResult": neck_result.automatic,
        "Turn": neck_result.turn,
        "Series": cls.Series(
            "3", "t2_tse_sag " * 9, "20250101", "1.2.840." * 8, 12, 512, 512, 3.0, 3.3, "sagittal", "t2", False, "", ()
        ),
        "Disc": disc,
        "Levels": cls.Levels((disc, disc), np.zeros((9, 3)), "none", "discs in view from disc 1 to disc 2"),
    }


def test_every_object_shows_itself_in_one_line(objects):
    for name, thing in objects.items():
        text = repr(thing)
        assert text.startswith(name + "(")
        assert text.endswith(")")
        assert "\n" not in text
        assert len(text) <= LINE_WIDTH, text


def test_every_public_class_is_among_them(objects):
    classes = {name for name in cls.__all__ if isinstance(getattr(cls, name), type)}
    assert {name for name in classes if not issubclass(getattr(cls, name), Exception)} <= set(objects)


def test_a_result_says_what_matters(neck_result):
    text = repr(neck_result)
    assert f"{len(neck_result.slices)} slices" in text
    assert f"confidence {neck_result.confidence:.2f}" in text
    assert "conus outside" in text


def test_arrays_are_shown_by_kind_and_shape_and_points_by_value():
    line = cls.Centerline(np.zeros((7, 3)), np.ones(7), "dark", np.ones(7))
    assert "points_mm=float64 (7, 3)" in one_line(line)
    assert one_line(cls.Conus(np.array([1.0, -2.5, 300.0]), 5.0)) == "Conus(tip_mm=(1, -2.5, 300), uncertainty_mm=5)"


@dataclass
class Thing:
    """With one field."""

    value: object


@pytest.mark.parametrize(
    ("value", "shown"),
    [
        ((1, 2, 3, 4), "(1, 2, 3, 4)"),
        ((1, 2, 3, 4, 5), "<5 int>"),
        (np.array([1.0, 2, 3, 4]), "(1, 2, 3, 4)"),
        (np.zeros(5), "float64 (5,)"),
        ("x" * 38, f"'{'x' * 38}'"),
        ("x" * 39, f"'{'x' * 35}...'"),
    ],
)
def test_up_to_four_values_and_forty_characters_are_shown_whole(value, shown):
    assert one_line(Thing(value)) == f"Thing(value={shown})"


def test_a_line_is_as_long_as_a_terminal_is_wide():
    """A tuple of four texts, each short enough, is cut at 120 characters."""
    text = one_line(Thing(("y" * 36,) * 4))
    assert len(text) == 120
    assert text.endswith("y...)")
