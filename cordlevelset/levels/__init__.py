"""Vertebral levels: the discs before the canal, their names, and what is measured between them."""
