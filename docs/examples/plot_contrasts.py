"""
T1, T2 and T2*: no contrast to declare
======================================

The same neck as T1 (cord brighter than the CSF), T2 and T2* (cord darker), sagittal and axial. Each is segmented with
the same call; the polarity is found out from the image.
"""

import matplotlib.pyplot as plt
import numpy as np

import cordlevelset as cls
from cordlevelset.phantom import make_phantom

SCANS = {
    "T1, sagittal 3 mm": {"contrast": "t1", "spacing": (1.0, 1.0, 3.0)},
    "T2, sagittal 3 mm": {"contrast": "t2", "spacing": (1.0, 1.0, 3.0)},
    "T2*, axial 5 mm": {"contrast": "t2s", "spacing": (5.0, 0.6, 0.6)},
}

fig, axes = plt.subplots(2, 3, figsize=(9, 6.4), layout="constrained", height_ratios=(2, 1))
for (name, scan), (side, across) in zip(SCANS.items(), axes.T, strict=True):
    phantom = make_phantom(region="cervical", field_mm=(100.0, 110.0, 60.0), **scan)
    result = cls.segment(phantom.image)
    comparison = cls.compare(result.mask, phantom.soft_mask)
    array, soft, (dz, dy, dx) = phantom.image.array, result.soft_mask.array, phantom.image.spacing
    k, _, i = np.argwhere(soft > 0.5).mean(0).round().astype(int)
    views = (
        (side, array[:, :, i], soft[:, :, i], dz / dy, "lower"),
        (across, array[k, 45:-20], soft[k, 45:-20], dy / dx, "upper"),
    )
    for ax, picture, cord, aspect, origin in views:
        ax.imshow(picture, cmap="gray", aspect=aspect, origin=origin, vmax=np.percentile(array, 99.5))
        ax.contour(cord, [0.5], colors="red", linewidths=1)
        ax.set_axis_off()
    side.set_title(f"{name}\ncord {result.polarity}, Dice {comparison.dice:.2f}", fontsize=10)
plt.show()
