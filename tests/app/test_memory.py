"""One store of freed memory for all threads, where the C library has such a thing."""

import ctypes
import subprocess
import sys

import pytest

from cordlevelset.app.memory import share_memory

ARENAS = """
import ctypes, re, sys, tempfile, threading
from cordlevelset.app.memory import share_memory
if sys.argv[1] == "shared":
    share_memory()
libc, all_in = ctypes.CDLL(None), threading.Barrier(4)
libc.malloc.restype, libc.fopen.restype = ctypes.c_void_p, ctypes.c_void_p
libc.malloc_info.argtypes, libc.fclose.argtypes = (ctypes.c_int, ctypes.c_void_p), (ctypes.c_void_p,)
def take():
    all_in.wait()
    libc.malloc(ctypes.c_size_t(1000))
    all_in.wait()
threads = [threading.Thread(target=take) for _ in range(4)]
for thread in threads: thread.start()
for thread in threads: thread.join()
with tempfile.NamedTemporaryFile() as file:
    stream = libc.fopen(file.name.encode(), b"w")
    libc.malloc_info(0, stream)
    libc.fclose(stream)
    print(len(re.findall("<heap", file.read().decode())))
"""


@pytest.mark.skipif(sys.platform != "linux", reason="glibc only")
@pytest.mark.parametrize(("how", "stores"), [("shared", 1), ("apart", 2)])
def test_threads_of_the_command_share_one_store(how, stores):
    if not hasattr(ctypes.CDLL(None), "malloc_info"):
        pytest.skip("not glibc")
    run = subprocess.run([sys.executable, "-c", ARENAS, how], capture_output=True, text=True, check=True)
    assert min(int(run.stdout), 2) == stores


def test_other_c_libraries_are_left_alone(monkeypatch):
    monkeypatch.setattr(sys, "platform", "linux")
    monkeypatch.setattr(ctypes, "CDLL", lambda name: object())
    share_memory()
