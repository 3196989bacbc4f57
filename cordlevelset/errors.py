"""Exceptions raised by cordlevelset."""

from __future__ import annotations

__all__ = ["Cancelled", "ConstraintError", "CordLevelSetError", "GeometryError", "InputError", "NoCordFoundError"]


class CordLevelSetError(Exception):
    """Base of every error this library raises on purpose; its text is one line: what is wrong, how to correct it."""


class GeometryError(CordLevelSetError, ValueError):
    """The grid is not usable: spacing, directions or number of axes."""


class InputError(CordLevelSetError, ValueError):
    """A file, an array or an option is not what this library can work on."""


class ConstraintError(CordLevelSetError, ValueError):
    """Seeds, contours, masks or centerlines given by the user contradict the image or each other."""


class Cancelled(CordLevelSetError):
    """The callback returned True; nothing was written."""


class NoCordFoundError(CordLevelSetError):
    """No candidate looks like a spinal cord.

    Attributes
    ----------
    score : float
        Evidence of the best candidate per mm of cord, where a perfect tube has 1; nan if there was none to judge.
    """

    def __init__(self, message: str, *, score: float = float("nan")) -> None:
        super().__init__(message)
        self.score = score

    def __reduce__(self) -> tuple[object, ...]:
        """Keep the score across processes."""
        return (_no_cord, (str(self), self.score))


def _no_cord(message: str, score: float) -> NoCordFoundError:
    return NoCordFoundError(message, score=score)
