import threading

import pytest

from cordlevelset import parallel


@pytest.mark.parametrize(("n", "threads", "parts"), [(7, 4, 1), (31, 4, 1), (33, 4, 2), (64, 2, 2), (200, 4, 4)])
def test_parts_make_up_the_whole(n, threads, parts, monkeypatch):
    monkeypatch.setattr(parallel, "threads", lambda: threads)
    done = []
    parallel.in_parts(done.append, n)
    assert len(done) == parts
    assert sorted(k for part in done for k in range(n)[part]) == list(range(n))


def test_a_failure_in_a_part_is_raised():
    def fail(part):
        raise ValueError(part)

    with pytest.raises(ValueError, match="slice"):
        parallel.in_parts(fail, 64)


def test_items_are_worked_on_at_once_and_keep_their_order(monkeypatch):
    monkeypatch.setattr(parallel, "threads", lambda: 2)
    meet = threading.Barrier(2, timeout=30)
    assert parallel.at_once(lambda item: (meet.wait(), item)[1], [3, 1]) == [3, 1]
