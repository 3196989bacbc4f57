"""Figures of any mask: area and diameters, comparison with another mask, surface."""
