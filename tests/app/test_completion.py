"""Completion, tried in the shell itself."""

import shutil
import subprocess

import pytest

from cordlevelset.app.cli import main

COMPLETE = """
source ./script
COMP_WORDS=({words}) COMP_CWORD={last} COMP_LINE="{words}" COMP_POINT=${{#COMP_LINE}}
_shtab_cordlevelset
printf '%s\\n' "${{COMPREPLY[@]}}"
"""


@pytest.fixture(scope="module")
def folder(tmp_path_factory):
    folder = tmp_path_factory.mktemp("shell")
    (folder / "lumbar_t2.nii.gz").write_text("", encoding="utf-8")
    return folder


@pytest.mark.skipif(shutil.which("bash") is None, reason="no bash here")
@pytest.mark.parametrize(
    ("words", "expected"),
    [
        ("cordlevelset seg", {"segment"}),
        ("cordlevelset segment --pol", {"--polarity"}),
        ("cordlevelset segment a.nii --polarity br", {"bright"}),
        ("cordlevelset segment lum", {"lumbar_t2.nii.gz"}),
        ("cordlevelset segment a.nii -o lum", {"lumbar_t2.nii.gz"}),
    ],
)
def test_bash_completes(words, expected, folder, capsys):
    pytest.importorskip("shtab")
    assert main(["completion", "bash"]) == 0
    (folder / "script").write_text(capsys.readouterr().out, encoding="utf-8")
    text = COMPLETE.format(words=words, last=len(words.split()) - 1)
    done = subprocess.run(["bash", "-c", text], cwd=folder, capture_output=True, text=True, check=True)
    assert {line.strip() for line in done.stdout.splitlines()} == expected


@pytest.mark.parametrize("shell", ["zsh", "tcsh"])
def test_other_shells_get_a_script(shell, capsys):
    pytest.importorskip("shtab")
    assert main(["completion", shell]) == 0
    assert "cordlevelset" in capsys.readouterr().out


def test_without_shtab_it_says_so(monkeypatch, capsys):
    monkeypatch.setitem(__import__("sys").modules, "shtab", None)
    assert main(["completion", "bash"]) == 1
    assert "cordlevelset[completion]" in capsys.readouterr().err
