"""``--progress jsonl``: what a program that started the command line reads."""

import argparse
import json
import subprocess
import sys
import warnings

import pytest

import cordlevelset as cls
from cordlevelset.app.cli import main
from cordlevelset.app.lines import warning_lines
from cordlevelset.app.showing import FUNCTIONS_TO_COMPILE, shown
from cordlevelset.progress import COMPILED

OUTPUT = {"segment": "mask.nii.gz", "centerline": "line.csv"}


def lines(text):
    return [json.loads(line) for line in text.splitlines()]


@pytest.mark.parametrize("command", OUTPUT)
def test_progress_is_a_json_object_a_line(command, neck_file, tmp_path, capsys):
    assert main([command, str(neck_file), "-o", str(tmp_path / OUTPUT[command]), "--progress", "jsonl"]) == 0
    said = capsys.readouterr()
    told = [line for line in lines(said.err) if "compiled" not in line]  # a first run has these, too
    assert {frozenset(line) for line in told} == {frozenset({"stage", "fraction"})}
    fractions = [line["fraction"] for line in told]
    assert fractions == sorted(fractions)
    assert 0 < fractions[0] < fractions[-1] <= 1
    assert "mm long" in said.out


def test_the_summary_stays_alone_on_standard_output(neck_file, tmp_path):
    words = ["segment", neck_file, "-o", tmp_path / "mask.nii.gz", "--json", "--progress", "jsonl"]
    done = subprocess.run([sys.executable, "-m", "cordlevelset", *words], capture_output=True, text=True, check=True)
    assert json.loads(done.stdout)["polarity"] == "dark"
    assert lines(done.stderr)[-1] == {"stage": "done", "fraction": 1.0}


def test_failures_are_lines_too(tmp_path, capsys, rng):
    words = ["-o", str(tmp_path / "mask.nii.gz"), "--progress", "jsonl"]
    assert main(["segment", str(tmp_path / "nothing.nii.gz"), *words]) == 1
    (told,) = lines(capsys.readouterr().err)
    assert told["status"] == 1
    assert "nothing.nii.gz" in told["error"]
    cls.write(cls.Volume(rng.rayleigh(size=(30, 60, 50)), (2.0, 1.0, 1.0)), tmp_path / "noise.nii.gz")
    assert main(["segment", str(tmp_path / "noise.nii.gz"), *words]) == 3
    told = lines(capsys.readouterr().err)[-1]
    assert (told["status"], "cord" in told["error"]) == (3, True)


def test_compilation_is_told_in_lines(capsys):
    with shown(argparse.Namespace(progress="jsonl")):
        COMPILED.watcher()
    assert lines(capsys.readouterr().err) == [{"compiled": COMPILED.functions, "of": FUNCTIONS_TO_COMPILE}]
    assert COMPILED.watcher is None


def test_warnings_are_lines_too(capsys):
    with warning_lines(), warnings.catch_warnings(action="always"):
        warnings.warn("two\nrows", stacklevel=1)
    assert lines(capsys.readouterr().err) == [{"warning": "two rows"}]
