"""What a person at a terminal sees while it runs."""

import argparse
import contextlib
import io
import logging
import re
from pathlib import Path

import numba
import pytest

import cordlevelset
from cordlevelset.app import showing
from cordlevelset.app.cli import main
from cordlevelset.progress import COMPILED


class Terminal(io.StringIO):
    def isatty(self):
        return True


@contextlib.contextmanager
def terminal():
    with contextlib.redirect_stderr(Terminal()) as out:
        yield out


def segment(neck_file, tmp_path, *options):
    assert main(["segment", str(neck_file), "-o", str(tmp_path / "mask.nii.gz"), *options]) == 0


def test_stages_and_a_bar_on_a_terminal(neck_file, tmp_path):
    with terminal() as out:
        segment(neck_file, tmp_path)
    for words in ("reading", *showing.STAGE_WORDS.values()):
        assert words in out.getvalue()
    assert COMPILED.watcher is None


@pytest.mark.parametrize("command", ["centerline", "segment"])
def test_quiet(command, neck_file, tmp_path):
    output = tmp_path / {"centerline": "x.csv", "segment": "x.nii"}[command]
    with terminal() as out:
        assert main([command, str(neck_file), "-o", str(output), "--quiet"]) == 0
    assert out.getvalue() == ""


def test_nothing_in_a_pipe(neck_file, tmp_path, capsys):
    segment(neck_file, tmp_path)
    assert capsys.readouterr().err == ""


def test_verbose(neck_file, tmp_path, capsys):
    segment(neck_file, tmp_path, "--verbose")
    said = capsys.readouterr().err
    for words in ("canonical grid (30, 80, 50)", "polarity -1", "progress: border", "conus outside", "compiled"):
        assert words in said
    assert re.match(r" *\d+ ms ", said)
    assert not logging.getLogger("cordlevelset").handlers


def test_compilation_is_said_once_and_counted():
    before = COMPILED.functions, COMPILED.seconds
    with terminal() as out, showing.shown(argparse.Namespace(quiet=False)):
        for k in (1, 2):
            function = numba.njit(lambda x, k=k: x + k)
            function.py_func.__module__ = "cordlevelset.test"
            function(1)
    assert COMPILED.functions >= before[0] + 2
    assert COMPILED.seconds > before[1]
    assert out.getvalue().count("first run") == 1
    assert f"compiled {COMPILED.functions} of about {showing.FUNCTIONS_TO_COMPILE} functions" in out.getvalue()


def test_number_of_functions():
    """Kernels and their parts, but for what is compiled for three axes, for distances, and for thick voxels."""
    texts = (p.read_text(encoding="utf-8") for p in Path(cordlevelset.__file__).parent.rglob("_*.py"))
    there = sum(len(re.findall(r"^@(?:njit|part)$", text, re.M)) for text in texts)
    assert 0.6 * there < showing.FUNCTIONS_TO_COMPILE <= there
