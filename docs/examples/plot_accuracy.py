"""
How exact on phantoms
=====================

Synthetic spines with exact truth in the grids of clinical protocols, two random seeds each. The bias is the mean difference of
radii (positive: too large), the area error the median over slices.
"""

import matplotlib.pyplot as plt
import numpy as np

import cordlevelset as cls
from cordlevelset.phantom import make_phantom

NECK = {"region": "cervical", "field_mm": (100.0, 110.0, 60.0)}
LOWER = {"region": "lumbar", "field_mm": (180.0, 120.0, 60.0)}
SCANS = {
    "neck T2, 1 mm isotropic": {**NECK, "contrast": "t2", "spacing": (1.0, 1.0, 1.0)},
    "neck T1, 1 mm isotropic": {**NECK, "contrast": "t1", "spacing": (1.0, 1.0, 1.0)},
    "neck T2*, axial 5 mm, pixels 0.6 mm": {**NECK, "contrast": "t2s", "spacing": (5.0, 0.6, 0.6)},
    "neck T2, sagittal 2 mm": {**NECK, "contrast": "t2", "spacing": (1.0, 1.0, 2.0)},
    "neck T2, sagittal 4 mm": {**NECK, "contrast": "t2", "spacing": (1.0, 1.0, 4.0)},
    "neck T1, sagittal 4 mm": {**NECK, "contrast": "t1", "spacing": (1.0, 1.0, 4.0)},
    "neck T2, sagittal 6 mm": {**NECK, "contrast": "t2", "spacing": (1.0, 1.0, 6.0)},
    "lumbar T2, sagittal 4 mm": {**LOWER, "contrast": "t2", "spacing": (1.0, 1.0, 4.0)},
    "lumbar T1, sagittal 4 mm": {**LOWER, "contrast": "t1", "spacing": (1.0, 1.0, 4.0)},
}

errors = {}
print(f"{'':36s}  Dice  bias mm  area error  conus mm")
for name, scan in SCANS.items():
    found = []
    for seed in (0, 1):
        phantom = make_phantom(**scan, seed=seed, place_mm=(0.0, seed + 0.5), scoliosis_mm=2.0)
        result = cls.segment(phantom.image)
        c = cls.compare(result.mask, phantom.soft_mask)
        tip = np.nan
        if result.conus is not None and phantom.conus_mm is not None:
            tip = result.conus.tip_mm[2] - phantom.conus_mm[2]
        truth = {s.slice: s.area_mm2 for s in cls.measure(phantom.soft_mask)}
        area = np.array([(s.area_mm2, truth[s.slice]) for s in result.slices if s.slice in truth]).T
        found.append((c.dice, c.bias_mm, np.median(np.abs(area[0] / area[1] - 1)), tip))
    dice, bias, error, tip = np.mean(found, axis=0)
    errors[name] = 100 * error
    print(f"{name:36s} {dice:5.2f}   {bias:+5.2f} {100 * error:8.0f} %    {'' if np.isnan(tip) else f'{tip:+5.0f}'}")

# %%
# The area of the sub-voxel contour, against the truth:

fig, ax = plt.subplots(figsize=(7.5, 3.6), layout="constrained")
bars = ax.barh(list(errors), list(errors.values()), color="tab:red")
ax.bar_label(bars, fmt="%.0f %%", padding=3)
ax.invert_yaxis()
ax.set(xlabel="median area error, %", xlim=(0, 1.15 * max(errors.values())))
ax.spines[["top", "right"]].set_visible(False)
plt.show()
