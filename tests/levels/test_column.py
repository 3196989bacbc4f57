"""Places in words, and the label image."""

import numpy as np
import pytest

from cordlevelset.levels.column import Disc, Levels, place_in_words
from cordlevelset.volume import Volume


def column(*arclengths, named=True):
    places = [(0.0, 0.0, -float(a)) for a in arclengths]
    return tuple(
        Disc(f"L{1 + i}/{2 + i}" if named else None, 21 + i if named else 1 + i, np.array(p), np.array([0, 0, -1.0]),
             float(a), 1.0, 1.0)
        for i, (a, p) in enumerate(zip(arclengths, places, strict=True))
    )  # fmt: skip


@pytest.mark.parametrize(
    ("at", "words"),
    [
        (-1, ""),
        (3.4, "the disc L1/2"),
        (5.6, "the upper third of L2, between L1/2 and L2/3"),
        (18.5, "the middle third of L2, between L1/2 and L2/3"),
        (31.4, "the lower third of L2, between L1/2 and L2/3"),
        (33.6, "the disc L2/3"),
        (38, ""),
    ],
)
def test_a_disc_takes_an_eighth_of_the_way_at_each_end(at, words):
    """Of the 37 mm from disc to disc 9 are disc; a third is a third of the body between."""
    assert place_in_words(column(0, 37), at) == words


def test_discs_without_names_are_counted():
    assert place_in_words(column(0, 37, named=False), 1.0) == "disc 1 from the top"
    assert "vertebra between disc 1 from the top and disc 2" in place_in_words(column(0, 37, named=False), 18.0)


@pytest.mark.parametrize(
    ("name", "from_conus", "label", "vertebra"),
    [
        ("L1/2", -1, "L1/2", "L2"),
        (None, -2, "conus -2", "conus -1"),
        (None, -1, "conus -1", "conus"),
        (None, 1, "conus +1", "conus +1"),
        (None, None, "disc 21", "vertebra 21"),
    ],
)
def test_without_a_name_discs_are_counted_from_the_conus_or_the_top(name, from_conus, label, vertebra):
    disc = Disc(name, 21, np.zeros(3), np.array([0, 0, -1.0]), 0.0, 1.0, 0.5, from_conus)
    assert (disc.label, disc.vertebra_label) == (label, vertebra)


@pytest.mark.parametrize("spacing", [(1.0, 1.0, 1.0), (0.5, 1.0, 3.0)])
def test_a_label_is_a_ball_of_2_mm(spacing):
    grid = Volume(np.zeros((60, 40, 20), np.float32), spacing)
    middle = np.array([30, 20, 10])
    disc = Disc("L1/2", 21, grid.to_lps(middle[None].astype(float))[0], np.array([0, 0, -1.0]), 0.0, 1.0, 1.0)
    labels = Levels((disc, disc), np.zeros((2, 3)), "told", "").label_image(grid).array
    away = np.linalg.norm((np.stack(np.indices(grid.shape), axis=-1) - middle) * spacing, axis=-1)
    np.testing.assert_array_equal(labels, np.where(away <= 2, 21, 0))
