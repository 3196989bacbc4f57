"""The list of a DICOM folder's series, and which one is meant."""

import json

import dicom_files as made
import dicom_folders
import numpy as np
import pytest

import cordlevelset as cls
from cordlevelset.app.cli import main
from cordlevelset.io import series as module
from cordlevelset.io.series import choose, list_series


def _stack(n=3, **options):
    return cls.Volume(np.zeros((n, 8, 6), np.int16), (4.0, 1.0, 1.0), **options)


def _one(folder, **options):
    made.write_classic(folder, _stack(), **options)
    (one,) = list_series(folder)
    return one


def test_a_disc_is_listed(tmp_path, capsys):
    dicom_folders.disc(tmp_path)
    assert main(["series", str(tmp_path)]) == 0
    assert capsys.readouterr().out.splitlines() == [
        "series  description  date      slices  size     mm  plane     contrast  remark",
        "1.1     loc          20240102  3       40 x 40  20  axial     t2        localizer",
        "1.2     loc          20240102  3       40 x 40  20  sagittal  t2        localizer",
        "1.3     loc          20240102  3       40 x 40  20  coronal   t2        localizer",
        "3       t2_tse_sag   20240102  30      80 x 50  2   axial     t2",
    ]


def test_the_list_as_json_says_what_is_damaged_and_what_cannot_be_read(tmp_path, capsys):
    made.write_classic(tmp_path, _stack(4), planes=[0, 1, 3])
    dicom_folders.cut(made.write_classic(tmp_path / "more", _stack(1))[0])
    assert main(["series", str(tmp_path), "--json"]) == 0
    listed = json.loads(capsys.readouterr().out)
    (one,) = listed["series"]
    assert (one["label"], one["n_slices"], one["spacing_mm"], one["thickness_mm"]) == ("3", 3, None, 4.0)
    assert "some are missing" in one["problem"]
    assert listed["damaged"] == [str(tmp_path / "more" / "000.dcm")]


def test_a_folder_without_series_is_no_list(tmp_path, capsys):
    assert main(["series", str(tmp_path)]) == 1
    assert "no DICOM image in" in capsys.readouterr().err


def test_a_dicomdir_stands_for_its_folder(tmp_path):
    dicom_folders.disc(tmp_path)
    assert cls.read(tmp_path / "DICOMDIR").shape == (30, 80, 50)


@pytest.mark.parametrize(
    ("times", "contrast"),
    [
        ({"EchoTime": "100", "RepetitionTime": "3500"}, "t2"),
        ({"EchoTime": "51"}, "t2"),
        ({"EchoTime": "49", "RepetitionTime": "3500"}, ""),
        ({"EchoTime": "10", "RepetitionTime": "600"}, "t1"),
        ({"EchoTime": "10", "RepetitionTime": "1190"}, "t1"),
        ({"EchoTime": "10", "RepetitionTime": "1210"}, ""),
        ({"EchoTime": "60", "InversionTime": "160"}, "stir"),
        ({"EchoTime": "60", "InversionTime": "290"}, "stir"),
        ({"EchoTime": "60", "InversionTime": "310"}, "t2"),
        ({"EchoTime": "9", "ScanningSequence": "GR"}, "t2s"),
        ({"EchoTime": "7", "ScanningSequence": "GR"}, "t1"),
        ({"EchoTime": "70", "DiffusionBValue": 500.0}, "dwi"),
        ({"EchoTime": None}, ""),
    ],
)
def test_the_contrast_is_guessed_from_how_the_image_was_taken(times, contrast, tmp_path):
    assert _one(tmp_path, **times).contrast == contrast


@pytest.mark.parametrize(
    "name", ["localizer", "LOC", "t2_loc_3pl", "Survey", "scout", "3-plane", "SmartBrain", "FAST PILOT"]
)
def test_what_a_series_is_planned_on_is_told_by_its_name(name, tmp_path):
    assert _one(tmp_path, description=name).overview


@pytest.mark.parametrize("name", ["t2_tse_sag", "block", "T1 local shim", "cervical"])
def test_other_names_are_no_overview(name, tmp_path):
    assert not _one(tmp_path, description=name).overview


def test_a_single_other_series_of_few_slices_is_not_meant(tmp_path):
    made.write_classic(tmp_path, _stack(module.LEAST_SLICES), number=3)
    made.write_classic(tmp_path, _stack(module.LEAST_SLICES - 1), number=4, prefix="b")
    volume = cls.read(tmp_path)
    assert volume.shape[0] == 3
    assert volume.notes == ("series 3 (t2_tse_sag) was taken, the only one of 2 in the folder that may be meant",)
    assert cls.read(tmp_path, series=4).shape[0] == 2
    assert cls.read(tmp_path, series=f"{made.STUDY}.4").notes == ()


@pytest.mark.filterwarnings("ignore:The value length")  # pydicom writes it all the same
def test_an_error_names_no_more_series_than_one_reads(tmp_path):
    for number in range(1, module.N_NAMED + 3):
        made.write_classic(tmp_path, _stack(), number=number, prefix=f"{number}_", description=70 * "x")
    with pytest.raises(cls.InputError) as caught:
        cls.read(tmp_path)
    assert "6 (" in str(caught.value)
    assert "7 (" not in str(caught.value)
    assert "and 2 more" in str(caught.value)
    assert list_series(tmp_path)[0].description == 64 * "x"


def test_a_series_in_which_one_slice_differs_is_read_when_it_is_named(tmp_path):
    made.write_classic(tmp_path, _stack(5), slices={4: {"ImageOrientationPatient": [1, 0, 0, 0, 0.96, 0.28]}})
    with pytest.raises(cls.InputError, match=r"004\.dcm is not parallel, unlike the other 4 slices; take it out"):
        cls.read(tmp_path, series=3)
    assert cls.read(tmp_path, series="3.1").shape[0] == 4


def test_a_series_that_is_not_there(tmp_path):
    made.write_classic(tmp_path, _stack())
    with pytest.raises(cls.InputError, match=r"no series 'stir' in .*; there are 3 \(t2_tse_sag, 3 slices\)"):
        choose(list_series(tmp_path), "stir", tmp_path)


def test_thirty_series_of_one_number_have_labels_of_their_own(tmp_path):
    for n in range(30):
        made.write_classic(tmp_path, _stack(1), prefix=f"{n:02}_", SeriesInstanceUID=f"1.2.{n + 1}", SeriesNumber=None)
    labels = [one.label for one in list_series(tmp_path)]
    assert labels[:2] == ["0a", "0b"]
    assert labels[25:28] == ["0z", "0aa", "0ab"]
    assert len(set(labels)) == 30


def test_damaged_files_are_counted_by_folder(tmp_path, capsys):
    made.write_classic(tmp_path / "a", _stack())
    for path in made.write_classic(tmp_path / "b", _stack()):
        dicom_folders.cut(path)
    assert main(["series", str(tmp_path)]) == 0
    last = capsys.readouterr().out.splitlines()[-1]
    assert last == f"not read, damaged: {tmp_path / 'b' / '000.dcm'} and 2 more beside it"
