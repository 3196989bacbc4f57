"""Hidden folders in which files are made before they are moved into place."""

from __future__ import annotations

import os
import re
import shutil
import socket
import tempfile
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

__all__ = ["discard_drafts", "draft_folder", "make_draft_folder", "remove_dead_drafts", "remove_draft_folder"]

DRAFT = ".cordlevelset-"
"""Names of hidden folders begin with it."""
ABANDONED_S = 86400.0
"""A day: age from which on another machine's draft is nobody's; one image may take a quarter of an hour."""
DISCARD_TRIES = 50
"""Half a second: a draft's writer may make a file just as its folder is removed, and some folders cannot be removed."""
_open_folders: set[str] = set()
"""Temporary folders of files being written, for `discard_drafts`."""


@contextmanager
def draft_folder(place: Path) -> Iterator[Path]:
    """A hidden folder for files that are being made, removed at the end with what is left in it.

    Parameters
    ----------
    place : Path
        The folder they are to be moved to.

    Yields
    ------
    Path
    """
    folder = make_draft_folder(place)
    try:
        yield Path(folder.name)
    finally:
        remove_draft_folder(folder)


def make_draft_folder(place: Path) -> tempfile.TemporaryDirectory[str]:
    """Make one that bears the names of machine and process: others can tell whether it is still written to."""
    folder = tempfile.TemporaryDirectory(
        prefix=f"{DRAFT}{socket.gethostname()}-{os.getpid()}-",
        dir=place,
        ignore_cleanup_errors=True,  # Windows removes no file that is open, of a virus scanner say
    )
    _open_folders.add(folder.name)
    return folder


def remove_draft_folder(folder: tempfile.TemporaryDirectory[str]) -> None:
    """Remove one that `make_draft_folder` made."""
    folder.cleanup()
    _open_folders.discard(folder.name)


def remove_dead_drafts(place: Path) -> None:
    """Remove what killed processes left half-written; drafts of living ones stay.

    Parameters
    ----------
    place : Path
        The folder they lie in.
    """
    for draft in place.glob(f"{DRAFT}*"):
        if _is_dead(draft):
            shutil.rmtree(draft, ignore_errors=True)


def _is_dead(draft: Path) -> bool:
    """Whether the process that made it has ended; of other machines' processes only their age is known."""
    made = re.fullmatch(re.escape(DRAFT) + r"(.*)-(\d+)-[^-]*", draft.name)
    if made and made[1] == socket.gethostname() and os.name == "posix":
        try:
            os.kill(int(made[2]), 0)  # asks only
        except (ProcessLookupError, OverflowError):
            return True
        except PermissionError:  # another user's
            return False
        return False
    try:
        return time.time() - draft.stat().st_mtime > ABANDONED_S
    except OSError:  # gone meanwhile
        return False


def discard_drafts() -> None:
    """Remove what is half-written, before the process ends without unwinding its threads."""
    for folder in tuple(_open_folders):
        for _ in range(DISCARD_TRIES):
            shutil.rmtree(folder, ignore_errors=True)
            if not os.path.isdir(folder):
                break
            time.sleep(0.01)
