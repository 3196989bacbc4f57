"""Processes of our own that end with the one that started them."""

from __future__ import annotations

import subprocess
from collections.abc import Mapping, Sequence
from threading import Lock

__all__ = ["end_children", "run_child"]

_children: set[subprocess.Popen[str]] = set()
_lock = Lock()
_ending = False  # no child is started any more


def run_child(
    command: Sequence[str], *, timeout: float, env: Mapping[str, str]
) -> subprocess.CompletedProcess[str] | None:
    """Run a process to its end and catch what it prints.

    Parameters
    ----------
    command : sequence of str
        Program and arguments.
    timeout : float
        Seconds after which it is killed.
    env : mapping
        Its environment.

    Returns
    -------
    subprocess.CompletedProcess or None
        None if it took too long.

    Raises
    ------
    InterruptedError
        If this process is about to end.
    """
    with _lock:
        if _ending:
            raise InterruptedError("this process is about to end")
        child = subprocess.Popen(
            command, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True, errors="replace", env=env
        )
        _children.add(child)
    try:
        printed, said = child.communicate(timeout=timeout)
    except subprocess.TimeoutExpired:
        child.kill()
        child.communicate()
        return None
    finally:
        _children.discard(child)
    return subprocess.CompletedProcess(command, child.returncode, printed, said)


def end_children() -> None:
    """Ask all running children to end, and start no other: a signal to this process alone does not reach them."""
    global _ending
    with _lock:
        _ending = True
        for child in tuple(_children):
            child.terminate()
