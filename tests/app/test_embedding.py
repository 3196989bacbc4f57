"""What a host application relies on: threads, processes, no global state, progress and cancel."""

import logging
import multiprocessing
import os
import signal
import subprocess
import sys
import threading
import warnings
from pathlib import Path

import numpy as np
import pytest
import SimpleITK as sitk

import cordlevelset as cls

HOST = Path(__file__).with_name("embedded.py")
STARTS = set(multiprocessing.get_all_start_methods())


@pytest.mark.parametrize("how", ["threads", *sorted(STARTS & {"fork", "spawn"})])
def test_at_once_is_as_one_by_one(how):
    done = subprocess.run([sys.executable, "-W", "error", HOST, how], capture_output=True, text=True, timeout=180)
    assert done.stdout.strip() == "same", done.stderr


def _global_state():
    """What a library could change behind its host's back."""
    return {
        "environment": dict(os.environ),
        "folder": os.getcwd(),
        "float errors": np.geterr(),
        "random numbers": np.random.get_state()[1].tobytes(),  # noqa: NPY002
        "print options": np.get_printoptions(),
        "warning filters": list(warnings.filters),
        "log handlers": list(logging.root.handlers),
        "interrupt": signal.getsignal(signal.SIGINT),
        "threads": set(threading.enumerate()),
        "SimpleITK threads": sitk.ProcessObject.GetGlobalDefaultNumberOfThreads(),
    }


def _module_state():
    """Mutable values in the library's modules; the table of public names fills as they are used."""
    return {
        f"{name}.{key}": repr(value)
        for name, module in sys.modules.items()
        if name.startswith("cordlevelset.")
        for key, value in vars(module).items()
        if not key.startswith("__") and isinstance(value, list | dict | set | np.ndarray)
    }


def test_no_global_state(neck, neck_result):
    before, modules = _global_state(), _module_state()
    again = cls.segment(neck.image, callback=lambda state: False)
    with pytest.raises(cls.Cancelled):
        cls.segment(neck.image, callback=lambda state: state.fraction > 0.5)
    assert _global_state() == before
    assert {key: _module_state()[key] for key in modules} == modules
    assert np.array_equal(again.soft_mask.array, neck_result.soft_mask.array)


def test_callback_runs_in_the_calling_thread(neck):
    seen = set()
    cls.segment(neck.image, callback=lambda state: seen.add(threading.get_ident()))
    assert seen == {threading.get_ident()}


def test_an_error_in_the_callback_reaches_the_host(neck):
    with pytest.raises(ZeroDivisionError):
        cls.segment(neck.image, callback=lambda state: 1 / 0)
