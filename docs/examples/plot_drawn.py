"""
Thick slices: draw three
========================

Sagittal slices 6 mm thick make a cord too small. Three slices across it drawn by hand (here: taken from the truth) come back as
drawn, and the others follow.
"""

import matplotlib.pyplot as plt
import numpy as np

import cordlevelset as cls
from cordlevelset.phantom import make_phantom

phantom = make_phantom(region="cervical", spacing=(2.0, 1.0, 6.0), field_mm=(100.0, 110.0, 66.0), place_mm=(0.0, 1.5))
truth = phantom.soft_mask
result = cls.segment(phantom.image)

drawn = np.zeros(truth.shape, np.uint8)
for k in (8, 25, 42):
    drawn[k] = truth.array[k] >= 0.5
contours = phantom.image.like(drawn)
corrected = result.corrected(contours=contours)
between = cls.fill_between(contours)

for name, mask in (("automatic", result.mask), ("corrected", corrected.mask), ("shape alone", between)):
    c = cls.compare(mask, truth)
    print(f"{name:20s} Dice {c.dice:.3f}, bias {c.bias_mm:+.2f} mm")

# %%
# The drawn slices are those at the dotted lines; :func:`cordlevelset.fill_between` only interpolates their shape, without
# the image, and ends with the outermost of them.

fig, ax = plt.subplots(figsize=(7, 3.4), layout="constrained")
for slices, color, label in (
    (cls.measure(truth), "limegreen", "truth"),
    (result.slices, "red", "automatic"),
    (corrected.slices, "tab:blue", "corrected"),
):
    ax.plot([s.slice for s in slices], [s.area_mm2 for s in slices], color=color, label=label)
for k in (8, 25, 42):
    ax.axvline(k, color="gray", ls=":")
ax.set(xlabel="slice along the body (2 mm)", ylabel="area, mm²", ylim=(0, None))
ax.legend(frameon=False)
plt.show()
