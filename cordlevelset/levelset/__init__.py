"""Geodesic active contours for any image: a level-set engine on anisotropic grids."""
