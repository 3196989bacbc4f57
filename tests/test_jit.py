"""The kernels' cache is a help and never needed: damaged, full, shared, or nowhere, the kernel still runs."""

import contextlib
import errno
import importlib.util
import os
import subprocess
import sys
import warnings
from pathlib import Path

import numba
import pytest

import cordlevelset._jit as jit

SOURCE = "from cordlevelset._jit import njit\n@njit\ndef times(x):\n    return {factor} * x\n"


@pytest.fixture
def folder(tmp_path, monkeypatch):
    """A kernel's source; its cache lies beside it."""
    monkeypatch.setattr(numba.config, "CACHE_DIR", str(tmp_path / "cache"))
    (tmp_path / "kernel.py").write_text(SOURCE.format(factor=2), encoding="utf-8")
    return tmp_path


def load(folder, module=jit):
    """The kernel as a new process has it: nothing compiled yet."""
    module._told.clear()
    spec = importlib.util.spec_from_file_location("kernel", folder / "kernel.py")
    kernel = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(kernel)
    return kernel.times


def run(folder, value=1.5):
    """Result, warnings, and whether it came from the cache."""
    with warnings.catch_warnings(record=True) as caught:
        warnings.simplefilter("always")
        times = load(folder)
        out = times(value)
    return out, [str(w.message) for w in caught], bool(times.stats.cache_hits)


def files(folder, kind):
    return sorted((folder / "cache").rglob(f"*.{kind}"))


def test_a_kernel_is_cached(folder):
    assert run(folder) == (3.0, [], False)
    assert run(folder) == (3.0, [], True)


def _flipped(raw):
    changed = bytearray(raw)
    changed[len(raw) // 2] ^= 4
    return bytes(changed)


DAMAGES = {"empty": lambda raw: b"", "cut": lambda raw: raw[: len(raw) // 2], "zeros": lambda raw: bytes(len(raw))}


@pytest.mark.parametrize("damage", [*DAMAGES, "a bit"])
@pytest.mark.parametrize("kind", ["nbi", "nbc"])
def test_a_damaged_file_is_replaced_with_one_warning(kind, damage, folder):
    run(folder)
    (file,) = files(folder, kind)
    file.write_bytes(DAMAGES.get(damage, _flipped)(file.read_bytes()))
    out, told, cached = run(folder)
    assert (out, cached) == (3.0, False)
    if (kind, damage) != ("nbi", "a bit"):  # in an index it may be no damage, but an entry that is not looked for
        assert len(told) == 1
        assert "is damaged" in told[0]
    assert run(folder) == (3.0, [], True)


@contextlib.contextmanager
def no_room(monkeypatch):
    def full(*_):
        raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))

    with monkeypatch.context() as patch:
        patch.setattr("numba.core.caching.IndexDataCacheFile._save_data", full)
        yield


def test_a_full_disk_costs_the_cache_only(folder, monkeypatch):
    with no_room(monkeypatch):
        out, told, _ = run(folder)
    assert out == 3.0
    assert len(told) == 1
    assert "No space left" in told[0]
    assert "NUMBA_CACHE_DIR" in told[0]
    assert run(folder) == (3.0, [], False)
    assert run(folder) == (3.0, [], True)


def test_the_code_of_another_signature_is_not_run(folder):
    """Two processes on a cold cache give their files the same name; the index of one then leads to the other's code."""
    run(folder, 1.5)
    (of_float,) = files(folder, "nbc")
    code = of_float.read_bytes()
    for file in (of_float, *files(folder, "nbi")):
        file.unlink()
    run(folder, 2)
    of_float.write_bytes(code)  # where the code for integers was
    assert run(folder, 3) == (6, [], False)


def test_the_code_of_an_older_source_is_not_run(folder):
    run(folder)
    (data,) = files(folder, "nbc")
    old = data.read_bytes()
    (folder / "kernel.py").write_text(SOURCE.format(factor=5), encoding="utf-8")
    run(folder)
    data.write_bytes(old)  # by a process that still runs it
    assert run(folder) == (7.5, [], False)


def test_processes_that_fill_it_together(folder):
    code = "import sys; sys.path.insert(0, sys.argv[1]); import kernel; print(kernel.times(eval(sys.argv[2])))"
    started = [
        subprocess.Popen(
            [sys.executable, "-B", "-c", code, str(folder), value],
            env=os.environ | {"NUMBA_CACHE_DIR": str(folder / "cache")}, stdout=subprocess.PIPE, text=True,
        )
        for value in ("1.5", "1", "2.5")
    ]  # fmt: skip
    assert [process.communicate()[0].strip() for process in started] == ["3.0", "2", "5.0"]
    assert [run(folder, value)[0] for value in (1.5, 1)] == [3.0, 2]


def test_without_a_place_it_says_so_once(folder, monkeypatch):
    monkeypatch.setattr(jit._Sealed, "_locator_classes", [])
    with pytest.warns(UserWarning, match="no writable cache; set NUMBA_CACHE_DIR") as caught:
        times = load(folder)
    assert times(1.5) == 3.0
    jit._tell(str(caught[0].message))
    assert len(caught) == 1


@pytest.mark.parametrize(("home", "kept"), [("/home/someone", True), ("~", False)])
def test_no_folder_named_tilde_is_made(home, kept, monkeypatch):
    """What `expanduser` leaves as it is where a container's user has neither HOME nor an entry in passwd."""
    monkeypatch.setattr(os.path, "expanduser", lambda path: path.replace("~", home))
    spec = importlib.util.spec_from_file_location("jit_again", Path(jit.__file__))
    again = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(again)
    assert any("UserWide" in locator.__name__ for locator in again._Sealed._locator_classes) == kept


def test_kernels_of_the_package_use_it():
    from cordlevelset.levelset import _kernels

    assert isinstance(_kernels.advance._cache, jit._Cache)
