"""Child processes, which end when the process that started them ends."""

from __future__ import annotations

import signal
import subprocess
from collections.abc import Mapping, Sequence
from threading import Lock

__all__ = ["answer_signals", "end_children", "run_child"]

ENDING_SIGNALS = ("SIGTERM", "SIGBREAK")
"""Names of the signals that ask this process to end, besides Ctrl-C; the second is Windows' own, Ctrl-Break."""
OWN_GROUP: int = getattr(subprocess, "CREATE_NEW_PROCESS_GROUP", 0)
"""Flag for a child under Windows, where Ctrl-Break is sent to a group of processes; 0, no flag, elsewhere."""

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
            command,
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            text=True,
            errors="replace",
            env=env,
            creationflags=OWN_GROUP,
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
            _ask_to_end(child)


def _ask_to_end(child: subprocess.Popen[str]) -> None:
    """Send SIGTERM; under Windows, where that kills at once, Ctrl-Break if there is a console to send it through."""
    ctrl_break = getattr(signal, "CTRL_BREAK_EVENT", None)
    if ctrl_break is not None:
        try:
            child.send_signal(ctrl_break)
            return
        except OSError:  # a program without a console
            pass
    child.terminate()


def answer_signals() -> None:
    """Have the first signal that asks this process to end raise KeyboardInterrupt, Ctrl-C's or another's."""
    for number in _ending_signals():
        if signal.getsignal(number) is not signal.SIG_IGN:  # a background job of a shell keeps ignoring Ctrl-C
            signal.signal(number, _interrupt)


def _interrupt(_: int, __: object) -> None:
    """A host may ask more than once: a second interrupt would break into the answer to the first."""
    for number in _ending_signals():
        signal.signal(number, signal.SIG_IGN)
    raise KeyboardInterrupt


def _ending_signals() -> list[signal.Signals]:
    """Ctrl-C's, and those of `ENDING_SIGNALS` that this system has."""
    return [signal.SIGINT, *(getattr(signal, name) for name in ENDING_SIGNALS if hasattr(signal, name))]
