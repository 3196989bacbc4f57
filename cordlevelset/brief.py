"""One-line summaries of objects: arrays by their kind and shape."""

from __future__ import annotations

from dataclasses import fields, is_dataclass
from typing import Any

import numpy as np

__all__ = ["LINE_WIDTH", "array_text", "one_line"]

LINE_WIDTH = 120
"""Characters: a line that terminals and notebooks show without wrapping."""
FEW_VALUES = 4
"""Arrays and tuples of up to this many numbers are shown whole: points, spacings, intervals."""
TEXT_WIDTH = 40
"""Longer texts are cut: they are for printing, not for a summary."""


def one_line(thing: Any) -> str:
    """Summary of a dataclass: its name, and each field in a few characters; for use as its ``__repr__``.

    Parameters
    ----------
    thing : dataclass
        Any.

    Returns
    -------
    str
        At most `LINE_WIDTH` characters.
    """
    parts = [f"{field.name}={_short(getattr(thing, field.name))}" for field in fields(thing) if field.repr]
    return _cut(f"{type(thing).__name__}({', '.join(parts)})", LINE_WIDTH)


def _cut(text: str, width: int) -> str:
    """Text of at most `width` characters, with an ellipsis and its closing bracket or quote where it was cut."""
    return text if len(text) <= width else f"{text[: width - 4]}...{text[-1]}"


def _short(value: Any) -> str:
    """A value in a few characters: numbers by four digits, arrays by kind and shape, objects by name."""
    if isinstance(value, np.ndarray):
        return _short(value.tolist()) if value.ndim == 1 and value.size <= FEW_VALUES else array_text(value)
    if isinstance(value, float):
        return f"{value:.4g}"
    if isinstance(value, str):
        return _cut(repr(value), TEXT_WIDTH)
    if isinstance(value, tuple | list):
        if len(value) > FEW_VALUES:
            return f"<{len(value)} {type(value[0]).__name__}>"
        return f"({', '.join(map(_short, value))})"
    return f"<{type(value).__name__}>" if is_dataclass(value) else _cut(repr(value), TEXT_WIDTH)


def array_text(array: np.ndarray[Any, Any]) -> str:
    """Kind and shape of an array, such as ``float32 (30, 80, 50)``."""
    return f"{array.dtype} {array.shape}"
