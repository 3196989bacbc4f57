"""Completion of the command line in bash, zsh and tcsh, written by shtab."""

from __future__ import annotations

import argparse
from collections.abc import Iterator
from pathlib import Path

from cordlevelset.errors import InputError

__all__ = ["completion_script"]


def completion_script(parser: argparse.ArgumentParser, shell: str) -> str:
    """What a shell reads to complete commands, options and file names.

    Parameters
    ----------
    parser : argparse.ArgumentParser
        Of the whole command line.
    shell : str
        bash, zsh or tcsh.

    Returns
    -------
    str

    Raises
    ------
    InputError
        If shtab is not installed.
    """
    try:
        import shtab
    except ImportError:
        raise InputError("completion needs shtab; install it: pip install 'cordlevelset[completion]'") from None
    for action in _actions(parser):
        if action.type is Path:
            action.complete = shtab.FILE  # type: ignore[attr-defined]
    return shtab.complete(parser, shell)


def _actions(parser: argparse.ArgumentParser) -> Iterator[argparse.Action]:
    """Of a parser and of all its sub-commands."""
    for action in parser._actions:
        yield action
        if isinstance(action.choices, dict):
            for command in action.choices.values():
                yield from _actions(command)
