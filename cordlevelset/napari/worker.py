"""A job off the window's thread."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from napari.qt.threading import WorkerBase, WorkerBaseSignals
from qtpy.QtCore import Signal

import cordlevelset as cls

__all__ = ["Worker"]


class _Signals(WorkerBaseSignals):  # type: ignore[misc]
    progressed = Signal(object)


class Worker(WorkerBase):  # type: ignore[misc]
    """Runs a job in a thread; its callback tells of progress and asks whether to go on.

    Parameters
    ----------
    job : callable
        Gets the callback, returns a result.
    """

    def __init__(self, job: Callable[[Any], cls.CordSegmentation]) -> None:
        super().__init__(SignalsClass=_Signals)
        self._job = job

    def work(self) -> cls.CordSegmentation:
        """Called by napari in the thread.

        Returns
        -------
        CordSegmentation
        """
        return self._job(self._callback)

    def _callback(self, progress: cls.Progress) -> bool:
        if self.abort_requested:
            return True  # nobody listens any more
        self.progressed.emit(progress)
        return False
