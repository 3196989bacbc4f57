"""Corrections: what a user knows about the cord, read, checked and honoured."""
