"""Pages are templates in files of their own, beside this one, with places named ``$place``."""

from __future__ import annotations

from importlib.resources import files
from string import Template

__all__ = ["fill", "styles"]


def fill(template: str, **places: str) -> str:
    """A template with its places filled: with markup, so what comes from files is escaped before."""
    return Template(_text(template)).substitute(places)


def styles(*names: str) -> str:
    """Text of stylesheets and scripts, one after the other; they are no templates."""
    return "".join(map(_text, names))


def _text(name: str) -> str:
    return files("cordlevelset.outputs").joinpath(name).read_text(encoding="utf-8")
