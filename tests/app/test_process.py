"""As a process among others: Ctrl-C, threads, fork and spawn, environment; and what no module may call."""

import ast
import hashlib
import multiprocessing
import os
import pickle
import signal
import subprocess
import sys
import time
from concurrent.futures import ProcessPoolExecutor, ThreadPoolExecutor
from pathlib import Path

import numpy as np
import pytest

import cordlevelset as cls
from cordlevelset.app import children
from cordlevelset.phantom import make_phantom

COMMAND = [sys.executable, "-m", "cordlevelset.app.cli"]
OUTPUTS = ["mask.nii.gz", "soft.nrrd", "line.mrk.json", "measures.csv"]


def _segment(image, folder, **environment):
    """Bytes of all outputs of the command line."""
    folder.mkdir()
    mask, soft, line, table = (str(folder / name) for name in OUTPUTS)
    words = ["segment", str(image), "-o", mask, "--soft", soft, "--centerline-out", line, "--measures", table]
    done = subprocess.run(COMMAND + words, capture_output=True, text=True, env={**os.environ, **environment})
    assert (done.returncode, done.stderr) == (0, "")
    return {name: (folder / name).read_bytes() for name in OUTPUTS}


def test_same_bytes_whatever_the_environment(neck_file, tmp_path):
    threads = ("OMP_NUM_THREADS", "NUMBA_NUM_THREADS", "ITK_GLOBAL_DEFAULT_NUMBER_OF_THREADS", "OPENBLAS_NUM_THREADS")
    one = _segment(neck_file, tmp_path / "1", PYTHONHASHSEED="1", LC_ALL="C", TZ="UTC", **dict.fromkeys(threads, "1"))
    german = {"LC_ALL": "de_DE.UTF-8", "LANG": "de_DE.UTF-8", "TZ": "Asia/Tokyo"}
    four = _segment(neck_file, tmp_path / "Größe 4", PYTHONHASHSEED="2", **german, **dict.fromkeys(threads, "4"))
    assert one == four


@pytest.fixture(scope="module")
def files(tmp_path_factory):
    """Two images, so that one call could disturb another."""
    folder = tmp_path_factory.mktemp("two")
    for n, seed in enumerate((0, 7)):
        image = make_phantom(
            region="cervical", spacing=(2.0, 1.0, 1.0 + n / 4), field_mm=(60.0, 80.0, 50.0), scoliosis_mm=2.0, seed=seed
        ).image
        cls.write(image, folder / f"{n}.nii.gz")
    return [folder / "0.nii.gz", folder / "1.nii.gz"]


def digest(path):
    """Of everything a result holds."""
    r = cls.segment(path)
    parts = (r.mask.array, r.soft_mask.array, r.phi.array, r.centerline.points_mm, r.centerline.confidence)
    return hashlib.sha256(b"".join(np.ascontiguousarray(p).tobytes() for p in parts) + pickle.dumps(r.slices)).digest()


@pytest.fixture(scope="module")
def alone(files):
    return [digest(path) for path in files]


def test_the_order_of_calls_does_not_matter(files, alone):
    assert [digest(path) for path in reversed(files)] == alone[::-1]


def test_four_threads_at_once(files, alone):
    with ThreadPoolExecutor(4) as pool:
        assert list(pool.map(digest, files * 3)) == alone * 3


@pytest.mark.filterwarnings("ignore:.*multi-threaded, use of fork:DeprecationWarning")
@pytest.mark.parametrize("method", ["fork", "spawn"])
def test_processes(method, files, alone):
    if method not in multiprocessing.get_all_start_methods():
        pytest.skip(f"no {method} here")
    with ProcessPoolExecutor(2, mp_context=multiprocessing.get_context(method)) as pool:
        assert list(pool.map(digest, files)) == alone


FLUX = """
import hashlib, sys
import numpy as np
import cordlevelset as cls

image = np.random.default_rng(0).random((3, 40, 40), np.float32)
found = cls.tubularity(image, spacing=(3.0, 1.0, 1.0))
print(hashlib.sha256(found.dark.tobytes() + found.bright.tobytes()).hexdigest())
"""


def test_same_bytes_from_kernels_compiled_now_and_before(tmp_path):
    environment = {**os.environ, "NUMBA_CACHE_DIR": str(tmp_path)}
    words = [sys.executable, "-c", FLUX]
    now, before = (subprocess.run(words, env=environment, capture_output=True, check=True).stdout for _ in range(2))
    assert now == before


HANGING = """
import signal, sys, threading
from cordlevelset.app import cli
from cordlevelset.io import files

signal.signal(signal.SIGINT, signal.default_int_handler)  # a background job of a shell starts without

def never_ends(args):  # as compiled code does: nothing reaches this thread
    with files.whole_or_nothing([args.output]) as (draft,):
        draft.write_text("half")
        print("busy", flush=True)
        threading.Event().wait()

cli._centerline = never_ends
cli.process()
"""


posix = pytest.mark.skipif(os.name == "nt", reason="Windows sends no such signals; test_portable.py simulates its own")


@posix
@pytest.mark.parametrize("sign", [signal.SIGINT, signal.SIGTERM])
def test_interrupted_in_compiled_code(sign, tmp_path):
    words = ["centerline", "image.nii", "-o", str(tmp_path / "line.csv")]
    child = subprocess.Popen(
        [sys.executable, "-c", HANGING, *words], stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True
    )
    assert child.stdout.readline() == "busy\n"
    child.send_signal(sign)
    _, said = child.communicate(timeout=60)  # it would hang for ever
    assert child.returncode == 130
    assert said == "cordlevelset: interrupted\n"
    assert not list(tmp_path.iterdir())


@posix
def test_asked_to_end_again_and_again(tmp_path):
    """A host that asks at every line of progress: the second request must not break into the answer to the first."""
    words = ["centerline", "image.nii", "-o", str(tmp_path / "line.csv")]
    child = subprocess.Popen(
        [sys.executable, "-c", HANGING, *words], stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True
    )
    assert child.stdout.readline() == "busy\n"
    while child.poll() is None:
        child.terminate()
    assert child.returncode == 130
    assert child.stderr.read() == "cordlevelset: interrupted\n"
    child.stdout.close()
    child.stderr.close()
    assert not list(tmp_path.iterdir())


STARTING = """
import os, sys
from cordlevelset.app import children
from cordlevelset.app import cli

def start(args):
    children.run_child([sys.executable, "-c", os.environ["CHILD"]], timeout=600, env=os.environ)

cli._centerline = start
cli.process()
"""
CHILD = """
import os, signal, threading
def end(*_):
    open("ended", "w").close()
    os._exit(0)

signal.signal(signal.SIGTERM, end)
open("started", "w").close()
threading.Event().wait(600)
"""


@posix
def test_children_end_with_their_parent(tmp_path):
    words = ["centerline", "image.nii", "-o", str(tmp_path / "line.csv")]
    parent = subprocess.Popen([sys.executable, "-c", STARTING, *words], cwd=tmp_path, env=os.environ | {"CHILD": CHILD})
    _wait_for(tmp_path / "started")
    parent.send_signal(signal.SIGTERM)  # to it alone
    assert parent.wait(timeout=60) == 130
    _wait_for(tmp_path / "ended")


def _wait_for(path):
    for _ in range(600):
        if path.exists():
            return
        time.sleep(0.1)
    raise AssertionError(f"no {path.name}")


def test_a_child_that_takes_too_long_is_killed():
    command = [sys.executable, "-c", "import time; time.sleep(600)"]
    assert children.run_child(command, timeout=0.2, env=os.environ) is None


def test_what_readers_print_is_not_shown(tmp_path):
    (tmp_path / "a.mha").write_bytes(
        b"ObjectType = Image\nNDims = 3\nDimSize = 2 x\nElementDataFile = LOCAL\n" + b"\1" * 99
    )
    words = ["segment", str(tmp_path / "a.mha"), "-o", str(tmp_path / "mask.nii")]
    done = subprocess.run(COMMAND + words, capture_output=True, text=True)
    assert done.returncode == 1
    assert done.stderr.startswith("cordlevelset: ")
    assert done.stderr.count("\n") == 1
    assert done.stdout == ""


@pytest.mark.skipif(sys.platform in ("win32", "darwin"), reason="their names are always text")
def test_a_name_that_is_not_text(tmp_path):
    name = os.fsencode(tmp_path) + b"/image-\xff.nii"
    done = subprocess.run([*COMMAND, "segment", name, "-o", str(tmp_path / "mask.nii")], capture_output=True)
    assert done.returncode == 1
    assert done.stderr.count(b"\n") == 1


PACKAGE = Path(cls.__file__).parent
FORBIDDEN_MODULES = {
    "pickle",
    "cPickle",
    "dill",
    "joblib",
    "marshal",
    "shelve",
    "subprocess",
    "pty",
    "tarfile",
    "zipfile",
}
OURS = {
    "children.py": {"subprocess"},  # runs this program again, without a shell
    "viewers.py": {"subprocess"},  # quotes a line as Windows does, and runs nothing
    "_jit.py": {"pickle"},  # Numba's own cache, which this user wrote, sealed by a checksum
}
FORBIDDEN_CALLS = {"eval", "exec", "compile", "__import__", "system", "popen", "mktemp", "unpack_archive"}


@pytest.mark.parametrize("path", sorted(PACKAGE.rglob("*.py")), ids=lambda path: str(path.relative_to(PACKAGE)))
def test_nothing_from_a_file_is_run_or_unpacked(path):
    for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
        if isinstance(node, ast.Import):
            ours = OURS.get(path.name, set())
            assert not {alias.name.split(".")[0] for alias in node.names} & (FORBIDDEN_MODULES - ours)
        elif isinstance(node, ast.ImportFrom):
            assert (node.module or "").split(".")[0] not in FORBIDDEN_MODULES
        elif isinstance(node, ast.Call):
            name = node.func.attr if isinstance(node.func, ast.Attribute) else getattr(node.func, "id", "")
            module = getattr(getattr(node.func, "value", None), "id", "")
            assert name not in FORBIDDEN_CALLS or (module, name) == ("re", "compile")
            for keyword in node.keywords:
                unsafe = keyword.arg in ("shell", "allow_pickle") and getattr(keyword.value, "value", True)
                assert not unsafe
