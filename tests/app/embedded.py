"""A host application in a fresh process: `python embedded.py threads|fork|spawn`. Prints "same" if all went well."""

import multiprocessing
import sys
from concurrent.futures import ProcessPoolExecutor, ThreadPoolExecutor
from threading import Barrier

import numpy as np

import cordlevelset as cls


def volumes(n):
    """Small phantoms, each different."""
    from cordlevelset.phantom import make_phantom

    size = {"spacing": (2.0, 1.0, 1.0), "field_mm": (50.0, 70.0, 46.0)}
    return [make_phantom(region="cervical", contrast=("t2", "t1")[k % 2], seed=k, **size).image for k in range(n)]


def cord(volume):
    """What the host keeps of a result."""
    return cls.segment(volume).soft_mask.array


def in_threads(images):
    """All at once, the first use of the library included; one more is cancelled meanwhile."""
    start = Barrier(len(images) + 1)

    def work(image):
        start.wait()
        return cord(image)

    def cancelled():
        start.wait()
        try:
            cls.segment(images[0], callback=lambda state: state.stage == "border")
        except cls.Cancelled:
            return True
        return False

    with ThreadPoolExecutor(len(images) + 1) as pool:
        stopped = pool.submit(cancelled)
        results = list(pool.map(work, images))
        assert stopped.result()
    return results


def in_processes(images, method):
    """Two processes, for fork after the library has worked in this one."""
    if method == "fork":
        cord(images[0])
    with ProcessPoolExecutor(2, mp_context=multiprocessing.get_context(method)) as pool:
        return list(pool.map(cord, images))


if __name__ == "__main__":
    how = sys.argv[1]
    images = volumes(4 if how == "threads" else 2)
    found = in_threads(images) if how == "threads" else in_processes(images, how)
    same = all(np.array_equal(cord(image), one) for image, one in zip(images, found, strict=True))
    print("same" if same and all(one.any() for one in found) else "different")
