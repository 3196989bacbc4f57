from dataclasses import replace

import numpy as np

import cordlevelset as cls
from cordlevelset import result
from cordlevelset.notes import (
    CLIPPED_SHARE,
    LOW_CONFIDENCE,
    SURE_END,
    clipping_notes,
    end_notes,
    hint_notes,
    weak_notes,
)
from cordlevelset.outputs.page import report_page


def _notes(confidence, step_mm=2.0):
    confidence = np.asarray(confidence, dtype=float)
    places = np.arange(len(confidence))
    return weak_notes(confidence, 100 - places, 50.0 - step_mm * places)


def test_nothing_weak():
    assert _notes([0.9, LOW_CONFIDENCE, 0.5]) == []


def test_one_stretch_is_named_by_slices_and_height():
    (note,) = _notes([0.9] * 20 + [0.25, 0.15, 0.29])
    assert "slices 80 to 78 (z 10 to 6 mm)" in note
    assert "3 of 23 slices" in note
    assert "0.15" in note


def test_a_single_slice():
    (note,) = _notes([0.9, 0.9, 0.2, 0.9])
    assert "slice 98 (z 46 mm)" in note


def test_near_stretches_are_one():
    (note,) = _notes([0.9] * 9 + [0.2, 0.9, 0.9, 0.1] + [0.9] * 9)
    assert "slices 91 to 88" in note
    assert "2 of 22" in note
    assert len(_notes([0.9] * 9 + [0.2, 0.9, 0.9, 0.1] + [0.9] * 9, step_mm=6.0)) == 2


def test_worst_first_and_few_sentences():
    confidence = np.full(100, 0.9)
    confidence[[5, 25, 45, 65, 85]] = 0.25, 0.1, 0.2, 0.05, 0.15
    notes = _notes(confidence)
    assert [float(note.rsplit(" ", 1)[1]) for note in notes[:3]] == [0.05, 0.1, 0.15]
    assert "2 more slices" in notes[3]
    assert len(notes) == 4


def test_low_all_over_is_said_once():
    (note,) = _notes(np.full(30, 0.2))
    assert "0.20" in note
    assert len(_notes([0.2] * 29 + [0.9])) == 2


def test_hint():
    assert hint_notes("auto", 1) == hint_notes("t2", -1) == []
    assert "t1" in hint_notes("t1", -1)[0]


def test_a_weak_result_is_never_without_notes(neck_result):
    assert neck_result.notes == ()
    contours = neck_result.automatic.contours
    faded = np.where(np.arange(len(contours.confidence)) < 5, 0.15, contours.confidence)
    weaker = replace(neck_result.automatic, contours=replace(contours, confidence=faded))
    weak = result.result_of(neck_result.mask, neck_result.turn, weaker, None, None)
    (note,) = weak.notes
    low = [s for s in weak.slices if s.confidence < LOW_CONFIDENCE]
    assert f"slices {low[0].slice} to {low[-1].slice} " in note
    page = report_page(weak, name="neck")
    assert "weak border" in page
    assert "nothing was odd" not in page


def test_clipped_fluid_is_told():
    csf = np.linspace(0, 1, 1000, dtype=np.float32)
    for clipped in (0, 0.5 * CLIPPED_SHARE, 1.5 * CLIPPED_SHARE):
        top = 1 - clipped
        notes = clipping_notes(np.minimum(csf, np.float32(top)), top)
        assert len(notes) == (clipped > CLIPPED_SHARE)
        assert clipping_notes(-np.minimum(csf, np.float32(top)), -top) == notes
    assert "15%" in notes[0]
    assert clipping_notes(csf[:0], 1.0) == []


def test_an_image_that_was_clipped_gets_the_note(neck, neck_result):
    assert not any("clipped" in note for note in neck_result.notes)
    level = np.percentile(neck.image.array, 97)
    for array in (np.minimum(neck.image.array, level), -np.minimum(neck.image.array, level)):
        assert any("clipped" in note for note in cls.segment(neck.image.like(array)).notes)


def test_ends_that_are_unsure_are_told():
    assert end_notes(0.0, 1.0) == end_notes(SURE_END + 0.01, 1 - SURE_END - 0.01) == ()
    below, above = end_notes(0.7, 0.2)
    assert "lower end is unsure: it is taken that the cord ends in the image" in below
    assert "probability of 0.70" in below
    assert "(bottom)" in below
    assert "upper end is unsure: it is taken that the cord leaves the image" in above
    assert "probability of 0.80" in above
    assert "(top)" in above
