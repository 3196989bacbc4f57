"""Work in a thread that tells how far it is and can be stopped; whoever owns a timer asks it now and then."""

import threading


class Job:
    """A call of `run(callback)` in a thread.

    Attributes
    ----------
    given : set of str
        Names of the corrections it honours.
    stage, fraction : str, float
        How far it is.
    result, error : object or None, Exception or None
        What came of it, once `done`.
    """

    def __init__(self, run, given=()):
        self.given = set(given)
        self.stage, self.fraction = "starting", 0.0
        self.result, self.error = None, None
        self._run, self._stop = run, threading.Event()
        self._thread = threading.Thread(target=self._work, name="cordlevelset", daemon=True)
        self._thread.start()

    @property
    def done(self):
        """Whether it has ended."""
        return not self._thread.is_alive()

    def cancel(self):
        """Ask it to end; it does so at its next step, with `cordlevelset.Cancelled` as error."""
        self._stop.set()

    def wait(self, seconds=None):
        """Wait for its end."""
        self._thread.join(seconds)

    def _callback(self, progress):
        self.stage, self.fraction = progress.stage, progress.fraction
        return self._stop.is_set()

    def _work(self):
        try:
            self.result = self._run(self._callback)
        except Exception as error:
            self.error = error
