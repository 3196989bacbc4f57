"""Methods beside each other on real cases: ``--data DIR``; all start from the same detected centerline.

The time is the method's own; the centerline's is in ``extra_info``, for it is part of ours.
"""

import time

import methods
import pytest
from scores import case_scores
from script import folders, told

import cordlevelset as cls


def pytest_generate_tests(metafunc):
    data = metafunc.config.getoption("--data")
    cases = folders(data) if data else []
    metafunc.parametrize("case", cases, ids=lambda c: c.name, scope="module")
    names = methods.load(metafunc.config.getoption("--method"))
    metafunc.parametrize(("name", "segment"), names.items(), ids=list(names))


@pytest.fixture(scope="module")
def given(case):
    """Image, centerline (or why there is none) and the seconds it took."""
    cls.warmup()
    image = cls.read(case / "image.nii.gz")
    start = time.perf_counter()
    try:
        line = cls.detect_centerline(image)
    except cls.NoCordFoundError as error:
        line = error
    return image, line, time.perf_counter() - start


@pytest.mark.benchmark(group="real cases")
def test_case(benchmark, case, name, segment, given):
    image, line, seconds = given
    about = told(case)
    info = benchmark.extra_info
    info.update(case=case.name, method=name, contrast=about["contrast"], centerline_s=round(seconds, 2))
    info.update(expected=about.get("expect", "cord"), failure=None)

    def run():
        try:
            return line if isinstance(line, Exception) else segment(image, line)
        except Exception as error:  # whatever a method does to a case is a result
            return error

    mask = benchmark.pedantic(run, rounds=1)
    if isinstance(mask, Exception):
        info["failure"] = f"{type(mask).__name__}: {mask}"[:200]
    elif info["expected"] == "cord":
        info.update(case_scores(mask, case))
