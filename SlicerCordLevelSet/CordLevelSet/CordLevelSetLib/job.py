"""`cordlevelset segment` as a process of its own; whoever owns a timer asks it now and then.

Slicer's event loop keeps Python's lock while it idles, so a thread would run only between its polls. What the process
says goes into files: nothing waits for a pipe to be read.
"""

import json
import shutil
import subprocess
import sys
import tempfile
from dataclasses import dataclass
from pathlib import Path

import numpy as np

import cordlevelset as cls

END_SECONDS = 2.0
"""Time to end in peace; the command needs some hundredths. Then it is killed: the user wants his button back."""
LONG_STAGES = ("starting", "centerline")
"""Stages without steps."""
POINTS_HEADER = "x_lps_mm,y_lps_mm,z_lps_mm"


@dataclass(frozen=True)
class Outcome:
    """What a job brings.

    Attributes
    ----------
    mask : cordlevelset.Volume
        uint8 on the image's grid.
    centerline_mm : (N, 3) array
        From the top down, LPS mm.
    measures : dict of str to (N,) array
        Columns, a row a slice.
    summary : dict
        As `cordlevelset segment --json` prints it.
    """

    mask: cls.Volume
    centerline_mm: np.ndarray
    measures: dict
    summary: dict


class Job:
    """One image in a process of its own.

    Parameters
    ----------
    image : cordlevelset.Volume
        The image.
    contrast, polarity : str
        As in `cordlevelset.segment`.
    **given
        centerline, top, bottom : (N, 3) array; seeds, contours, initial : Volume. As in `cordlevelset.segment`.

    Attributes
    ----------
    stage, fraction : str, float
        How far it is.
    percent : int or None
        The same for a bar, of the kernels while they are compiled; None where it cannot be told: the search has no
        steps.
    outcome, error : Outcome or None, str or None
        What came of it, once `poll` says True.
    """

    def __init__(self, image, *, contrast="auto", polarity="auto", **given):
        self.stage, self.fraction = "starting", 0.0
        self.outcome, self.error = None, None
        self._image = image
        self._folder = Path(tempfile.mkdtemp(prefix="cordlevelset-"))
        self._read, self._process, self._compiled = 0, None, None
        try:
            words = ["--contrast", contrast, "--polarity", polarity, *self._written(given)]
            self._process = self._started(words)
        except BaseException:
            self._clear()
            raise

    @property
    def percent(self):
        """Share done for a bar, or None."""
        if self._compiled is not None:
            return round(100 * self._compiled)
        return None if self.stage in LONG_STAGES else round(100 * self.fraction)

    def poll(self):
        """Read what it has said since.

        Returns
        -------
        bool
            True once it has ended.
        """
        if self._process is None:
            return True
        status = self._process.poll()  # before reading: what it said before its end is then read
        self._listen()
        if status is None:
            return False
        try:
            if status == 0:
                self.outcome = self._outcome()
            elif self.error is None:
                self.error = self._last_words(status)
        except Exception as error:
            self.error = f"what the process wrote cannot be read: {error}"
        self._clear()
        return True

    def cancel(self):
        """End it, whatever it is at."""
        if self._process is None:
            return
        self._process.terminate()
        try:
            self._process.wait(END_SECONDS)
        except subprocess.TimeoutExpired:
            self._process.kill()
            self._process.wait()
        self.error = "Cancelled."
        self._clear()

    def _written(self, given):
        """Inputs as files; the options that name them."""
        cls.write(self._image, self._folder / "image.nrrd")
        words = []
        for name, value in given.items():
            points = isinstance(value, np.ndarray)
            path = self._folder / f"given_{name}.{'csv' if points else 'nrrd'}"
            if points:
                np.savetxt(path, value, delimiter=",", header=POINTS_HEADER, comments="")
            else:
                cls.write(value, path)
            words += [f"--{name}", str(path)]
        return words

    def _started(self, words):
        python = shutil.which("PythonSlicer") or sys.executable
        outputs = {"-o": "mask.nrrd", "--centerline-out": "centerline.csv", "--measures": "measures.csv"}
        files = [word for option, name in outputs.items() for word in (option, str(self._folder / name))]
        command = [python, "-m", "cordlevelset", "segment", str(self._folder / "image.nrrd"), *files, *words]
        with (self._folder / "stdout").open("wb") as stdout, (self._folder / "stderr").open("wb") as stderr:
            return subprocess.Popen(
                [*command, "--json", "--progress", "jsonl"],
                stdin=subprocess.DEVNULL,
                stdout=stdout,
                stderr=stderr,
                creationflags=getattr(subprocess, "CREATE_NO_WINDOW", 0),
            )

    def _listen(self):
        """Whole lines only: the last may still be in the making."""
        said = (self._folder / "stderr").read_bytes()
        end = said.rfind(b"\n") + 1
        for line in said[self._read : end].splitlines():
            word = told(line)
            if not word:
                continue  # of Python itself, before the command runs: for `_last_words`
            self._compiled = word.get("compiled")  # until the next stage comes
            self.stage = word.get("stage", self.stage)
            self.fraction = word.get("fraction", self.fraction)
            self.error = word.get("error", self.error)
        self._read = end

    def _last_words(self, status):
        said = (self._folder / "stderr").read_text(encoding="utf-8", errors="replace").split("\n")
        words = [line for line in said if line and not line.startswith("{")]
        return words[-1] if words else f"the process ended with status {status}"

    def _outcome(self):
        table = np.atleast_1d(
            np.genfromtxt(self._folder / "measures.csv", delimiter=",", names=True, dtype=None, encoding="utf-8")
        )
        return Outcome(
            mask=self._image.like(cls.read(self._folder / "mask.nrrd").array),
            centerline_mm=np.loadtxt(self._folder / "centerline.csv", delimiter=",", skiprows=1, ndmin=2),
            measures={name: table[name] for name in table.dtype.names},
            summary=json.loads((self._folder / "stdout").read_text(encoding="utf-8")),
        )

    def _clear(self):
        self._process = None
        shutil.rmtree(self._folder, ignore_errors=True)


def told(line):
    """What one line of `--progress jsonl` says.

    Parameters
    ----------
    line : bytes
        Any line of the process; libraries and Python itself may have written it.

    Returns
    -------
    dict
        ``stage`` and ``fraction``, ``compiled`` (the share of the kernels), or ``error``; empty if it is no such line.
    """
    try:
        word = json.loads(line)
        out = {name: str(word[name]) for name in ("stage", "error") if name in word}
        if "fraction" in word:
            out["fraction"] = min(1.0, max(0.0, float(word["fraction"])))
        if "compiled" in word:
            out["compiled"] = min(1.0, max(0.0, word["compiled"] / word["of"]))
    except (ValueError, TypeError, KeyError, ArithmeticError, RecursionError):
        return {}
    return out
