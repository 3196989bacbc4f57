"""Synthetic cords with exact truth."""

from cordlevelset.phantom.make import Phantom, make_phantom

__all__ = ["Phantom", "make_phantom"]
