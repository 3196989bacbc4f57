"""Every command and code block of README and docs runs, and every link leads somewhere.

A page is run from top to bottom in a folder of its own that holds the files of `fill`: phantoms under the names the
pages use. Blocks marked ``python`` share one namespace; ``bash`` blocks must exit with 0; in ``console`` blocks the
lines after ``$`` are run and what follows them is compared, ``...`` standing for anything. A block that cannot be run
here has a comment before it that says why: ``<!-- not run: needs a cluster -->``.
"""

import contextlib
import doctest
import importlib
import io
import os
import re
import shlex
import shutil
import subprocess
import sys
from pathlib import Path
from typing import NamedTuple
from urllib.parse import urlsplit

import dicom_folders
import numpy as np
import pytest

import cordlevelset as cls
from cordlevelset.app.cli import main
from cordlevelset.phantom import make_phantom

ROOT = Path(__file__).parent.parent
DOCS = ROOT / "docs"
LOOKED_UP = sorted(path for folder in ("decisions", "reference") for path in (DOCS / folder).glob("*.md"))
"""Records of what was tried, tables, and pages for those who build on it."""
FOR_USERS = [ROOT / "README.md", *(path for path in sorted(DOCS.glob("*.md")) if path.stem not in ("api", "method"))]
"""What a user may have to read: README and all pages of the topmost folder but the list of names and the equations."""
PAGES = [*FOR_USERS, DOCS / "api.md", DOCS / "method.md", ROOT / "CONTRIBUTING.md", *LOOKED_UP]
MOST_WORDS = 12_000
"""Of all pages for users together, code and tables included: about an hour of reading."""
PACKAGE = Path(cls.__file__).parent
MODULES = sorted(
    ".".join(p.relative_to(PACKAGE).with_suffix("").parts)
    for p in PACKAGE.rglob("*.py")
    if p.stem != "__init__" and "napari" not in p.parts  # the plugin needs its host
)
SHELL = {"bash", "sh", "shell", "console"}
CHECKER, LOOSE = doctest.OutputChecker(), doctest.ELLIPSIS | doctest.NORMALIZE_WHITESPACE


class Block(NamedTuple):
    language: str
    line: int
    code: str
    reason: str  # why it is not run, or nothing


def blocks(text):
    """Fenced blocks of a page, those of directives left out."""
    found, reason, fence = [], "", None
    language, start, indent, body = "", 0, 0, []
    for number, line in enumerate(text.splitlines(), 1):
        mark = re.match(r"\s*(```+|~~~+)\s*(\S*)", line)
        if fence and line.strip() == fence:
            found.append(Block(language, start, "\n".join(body) + "\n", reason))
            fence, reason = None, ""
        elif fence:
            body.append(line[indent:])
        elif mark:
            fence, language, start, body = mark[1], mark[2], number, []
            indent = len(line) - len(line.lstrip())
        elif comment := re.search(r"<!--\s*not run:\s*(.+?)\s*-->", line):
            reason = comment[1]
        elif line.strip() and not line.strip().startswith("<!--"):
            reason = ""
    assert fence is None, "a fence is not closed"
    return found


def fill(folder):
    """The files that pages name: images of two regions, masks, a BIDS tree, a disc."""
    lumbar = make_phantom(field_mm=(160.0, 120.0, 60.0), place_mm=(0.0, 1.5))
    cls.write(lumbar.image, folder / "lumbar_t2.nii.gz")
    cls.write(lumbar.image, folder / "sub-01_T2w.nii.gz")
    cls.write(lumbar.soft_mask, folder / "reference.nii.gz")
    cls.write(lumbar.soft_mask.like((lumbar.soft_mask.array >= 0.5).astype(np.uint8)), folder / "mask.nii.gz")
    t1 = make_phantom(field_mm=(160.0, 120.0, 60.0), place_mm=(0.0, 1.5), contrast="t1")
    dicom_folders.lumbar_disc(folder / "disc", lumbar.image, t1.image)
    for subject in ("sub-01", "sub-02"):
        (folder / "bids" / subject / "anat").mkdir(parents=True)
        shutil.copy(folder / "sub-01_T2w.nii.gz", folder / "bids" / subject / "anat" / f"{subject}_T2w.nii.gz")
    (folder / "bids" / "dataset_description.json").write_text(
        '{"Name": "phantoms", "BIDSVersion": "1.9.0"}', encoding="utf-8"
    )


@pytest.fixture(scope="module")
def prepared(tmp_path_factory):
    folder = tmp_path_factory.mktemp("prepared")
    fill(folder)
    return folder


@pytest.mark.parametrize("page", PAGES, ids=lambda p: p.name)
def test_blocks_run(page, prepared, tmp_path, monkeypatch):
    todo = [b for b in blocks(page.read_text(encoding="utf-8")) if b.language in SHELL | {"python"} and not b.reason]
    if not todo:
        return
    folder = shutil.copytree(prepared, tmp_path / "here")
    monkeypatch.chdir(folder)
    monkeypatch.setenv("MPLBACKEND", "Agg")
    monkeypatch.setenv("PATH", f"{Path(sys.executable).parent}{os.pathsep}{os.environ['PATH']}")
    names = {"__name__": "__main__"}
    for block in todo:
        where = f"{page.name}, line {block.line}"
        try:
            if block.language == "python":
                run_python(block.code, names, where)
            elif block.language == "console":
                for command, expected in commands(block.code):
                    said = run_shell(command)
                    assert not expected or CHECKER.check_output(expected, said, LOOSE), f"{command} printed\n{said}"
            else:
                run_shell(block.code)
        except Exception as error:
            raise AssertionError(f"{where}: {type(error).__name__}: {error}") from error


def run_python(code, names, where):
    if ">>>" not in code:
        exec(compile(code, where, "exec"), names)
        return
    test = doctest.DocTestParser().get_doctest(code, names, where, where, 0)
    said = io.StringIO()
    doctest.DocTestRunner(optionflags=LOOSE).run(test, out=said.write, clear_globs=False)
    names.update(test.globs)
    assert not said.getvalue(), said.getvalue()


def commands(code):
    """(Command, expected output) of a console block."""
    joined = code.replace("\\\n", " ")
    for part in re.split(r"^\$ ", joined, flags=re.MULTILINE)[1:]:
        command, _, expected = part.partition("\n")
        yield command, expected


def run_shell(code):
    """Standard output of commands that must succeed; our own run in this process, which saves their start."""
    lines = [line for line in code.replace("\\\n", " ").splitlines() if line.split("#")[0].strip()]
    if any(not line.startswith("cordlevelset ") or set(line) & set("|<>&;$*`(){}") for line in lines):
        if os.name == "nt":
            pytest.skip("needs a POSIX shell")
        done = subprocess.run(["bash", "-euo", "pipefail", "-c", code], capture_output=True, text=True, timeout=120)
        assert done.returncode == 0, f"exit status {done.returncode}\n{done.stdout}{done.stderr}"
        return done.stdout
    said = io.StringIO()
    for line in lines:
        with contextlib.redirect_stdout(said), contextlib.redirect_stderr(said):
            try:
                status = main(shlex.split(line, comments=True)[1:])
            except SystemExit as ended:  # --help
                status = ended.code
        assert status == 0, f"{line}: exit status {status}\n{said.getvalue()}"
    return said.getvalue()


@pytest.mark.parametrize("name", MODULES)
def test_docstring_examples(name):
    result = doctest.testmod(importlib.import_module(f"cordlevelset.{name}"), optionflags=LOOSE)
    assert result.failed == 0


def links(text):
    """Targets of Markdown links and images outside code."""
    text = re.sub(r"^(```+|~~~+).*?^\1\s*$", "", text, flags=re.MULTILINE | re.DOTALL)
    text = re.sub(r"`[^`\n]*`", "", text)
    return re.findall(r"\]\(\s*<?([^)>\s]+)>?(?:\s+\"[^\"]*\")?\s*\)", text) + re.findall(r"<(https?://[^>]+)>", text)


def anchors(text):
    """Anchors of headings as GitHub makes them, and explicit ones."""
    text = re.sub(r"^(```+|~~~+).*?^\1\s*$", "", text, flags=re.MULTILINE | re.DOTALL)
    titles = re.findall(r"^#+\s+(.+?)\s*$", text, flags=re.MULTILINE)
    made = {re.sub(r"[^\w\- ]", "", t.lower()).replace(" ", "-") for t in titles}
    return made | set(re.findall(r"^\(([\w-]+)\)=$", text, flags=re.MULTILINE))


@pytest.mark.parametrize("page", [*PAGES, ROOT / "CHANGELOG.md"], ids=lambda p: p.name)
def test_links_lead_somewhere(page):
    for target in links(page.read_text(encoding="utf-8")):
        parts = urlsplit(target)
        if parts.scheme:
            assert parts.scheme in ("https", "mailto"), f"{target}: https, please"
            assert parts.scheme == "mailto" or re.fullmatch(r"[\w.-]+\.\w{2,}", parts.netloc), f"{target} is no address"
            continue
        file = page if not parts.path else (page.parent / parts.path)
        if made := re.search(r"gallery/(?:images/sphx_glr_)?(index|plot_[a-z]+)[_\d]*\.(?:rst|png)$", target):
            file = ROOT / "docs" / "examples" / ("GALLERY_HEADER.rst" if made[1] == "index" else f"{made[1]}.py")
        assert file.exists(), f"{target} does not exist"
        if parts.fragment and file.suffix == ".md":
            assert parts.fragment in anchors(file.read_text(encoding="utf-8")), f"{target} has no such heading"


@pytest.mark.parametrize("page", PAGES, ids=lambda p: p.name)
def test_constants_are_there(page):
    for name in re.findall(r"\{value\}`([\w.]+)`", page.read_text(encoding="utf-8")):
        module, _, constant = name.rpartition(".")
        assert isinstance(getattr(importlib.import_module(f"cordlevelset.{module}"), constant), int | float), name


@pytest.mark.parametrize("page", [*sorted(DOCS.glob("*.md")), *LOOKED_UP], ids=lambda p: p.name)
def test_pages_are_listed(page):
    listed = (DOCS / "index.md").read_text(encoding="utf-8").splitlines()
    name = page.relative_to(DOCS).with_suffix("").as_posix()
    record = re.match(r"decisions/2\d{3}-\d\d-\d\d-", name)  # docs/decisions/index.md lists them by their date
    assert record or name in [*listed, "index"], f"add {name} to a toctree of docs/index.md"


def test_pages_for_users_are_short():
    words = {page.name: len(page.read_text(encoding="utf-8").split()) for page in FOR_USERS}
    assert len(words) > 15
    assert sum(words.values()) <= MOST_WORDS, words


def test_the_same_figures_everywhere():
    """README and the page on the confidence sum up the table that `benchmarks/fit_decisions.py` prints."""
    page = (DOCS / "reliability.md").read_text(encoding="utf-8")
    rows = re.findall(r"^\w+ +(\d+) +(\d+) +\d+ +\d+$", page, flags=re.MULTILINE)
    n, right = (sum(map(int, column)) for column in zip(*rows, strict=True))
    assert len(rows) > 10
    assert f"{right} of {n} came out right" in " ".join(page.split())
    readme = " ".join((ROOT / "README.md").read_text(encoding="utf-8").split())
    assert f"On {n} images, each segmented" in readme
    assert f"{right} came out right" in readme


def sentences(text):
    """Sentences of a page's prose: headings, table cells, items of lists; no code, no formulas."""
    text = re.sub(r"^(```+|~~~+).*?^\1\s*$", "", text, flags=re.MULTILINE | re.DOTALL)
    text = re.sub(r"<!--.*?-->|\$\$.*?\$\$|^\([\w-]+\)=$", "", text, flags=re.MULTILINE | re.DOTALL)
    for block in re.split(r"\n\s*\n|\n(?=\s*[-*|:#>]|\s*\d+\. )|\|", text):
        yield from re.split(r"(?<=[.!?:])\s+", " ".join(block.split()))


@pytest.mark.parametrize("page", [page for page in PAGES if page not in LOOKED_UP], ids=lambda p: p.name)
def test_no_sentence_must_be_read_twice(page):
    for sentence in sentences(page.read_text(encoding="utf-8")):
        assert len(sentence.split()) <= 40, sentence


def test_reference_names_every_public_name():
    listed = set(
        re.findall(r"^\s+([A-Za-z_]\w*)$", (ROOT / "docs" / "api.md").read_text(encoding="utf-8"), re.MULTILINE)
    )
    assert set(cls.__all__) <= listed, f"add to docs/api.md: {sorted(set(cls.__all__) - listed)}"
