"""
The active contour on its own
=============================

:func:`cordlevelset.geodesic_active_contour` is a general engine: any 2-D or 3-D array, true spacing. Here rows lie 2 mm
apart and columns 0.5 mm; the shape has a corner and a gap in its border.
"""

import matplotlib.pyplot as plt
import numpy as np

import cordlevelset as cls
from cordlevelset.levelset.edges import edge_indicator

spacing = (2.0, 0.5)
y, x = np.indices((40, 160)) * np.reshape(spacing, (2, 1, 1)) - 40
inside = (np.hypot(y, x) < 22) | ((np.abs(y - 8) < 12) & (np.abs(x - 16) < 12))
image = 1.0 * inside + 0.5 * ((np.abs(y) < 3) & (x < -15)) + np.random.default_rng(0).normal(0, 0.06, y.shape)
g = edge_indicator(image, spacing=spacing, sigma=1.0)
start = np.hypot(y, x) - 8

fig, axes = plt.subplots(1, 3, figsize=(10, 3.6), layout="constrained")
for ax, curvature in zip(axes, (0.1, 1.0, 4.0), strict=True):
    out = cls.geodesic_active_contour(start, g, spacing=spacing, propagation=1.0, curvature=curvature, max_num_iter=500)
    ax.imshow(image, cmap="gray", aspect=spacing[0] / spacing[1])
    ax.contour(start, [0], colors="orange", linewidths=1)
    ax.contour(out.phi, [0], colors="red", linewidths=1.2)
    ax.set_title(f"curvature {curvature} mm², {out.n_iter} steps", fontsize=10)
    ax.set_axis_off()
plt.show()
