"""What the first call costs: nothing compiled, all compiled by an earlier process, all in use. One round each."""

import os
import subprocess
import sys

import pytest

import cordlevelset as cls
from cordlevelset.phantom import make_phantom

PHANTOM = {"region": "cervical", "spacing": (2.0, 1.0, 1.0), "field_mm": (80.0, 90.0, 56.0)}
WHOLE = f"""
import cordlevelset as cls
from cordlevelset.phantom import make_phantom
cls.segment(make_phantom(**{PHANTOM}).image)
"""
ENGINE = """
import numpy as np, cordlevelset as cls
y, x = np.indices((64, 64)) * 0.5
cls.geodesic_active_contour(np.hypot(y - 16, x - 16) - 8, np.ones((64, 64)), spacing=(0.5, 0.5), max_num_iter=5)
"""


def process(code, cache):
    env = {**os.environ, "NUMBA_CACHE_DIR": str(cache)}
    subprocess.run([sys.executable, "-c", code], check=True, env=env)


@pytest.fixture(scope="module")
def cache(tmp_path_factory):
    return tmp_path_factory.mktemp("numba")


@pytest.mark.benchmark(group="start: segmentation of a small phantom, new process")
@pytest.mark.parametrize("state", ["empty cache", "warm cache"])
def test_process(benchmark, cache, state):
    benchmark.pedantic(process, args=(WHOLE, cache), rounds=1)


@pytest.mark.benchmark(group="start: one active contour, new process")
@pytest.mark.parametrize("state", ["empty cache", "warm cache"])
def test_engine(benchmark, cache, state):
    benchmark.pedantic(process, args=(ENGINE, cache), rounds=1)


@pytest.mark.benchmark(group="start: import, new process")
def test_import(benchmark, cache):
    benchmark.pedantic(process, args=("import cordlevelset", cache), rounds=3)


@pytest.mark.benchmark(group="start: segmentation of a small phantom, warm process")
def test_warm(benchmark):
    image = make_phantom(**PHANTOM).image
    benchmark.pedantic(cls.segment, args=(image,), warmup_rounds=1, rounds=3)
