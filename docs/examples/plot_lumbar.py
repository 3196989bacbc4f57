"""
A lumbar image with thick slices
================================

Sagittal T2, slices 4 mm thick, pixels of 1 mm: the cord is two or three voxels wide. Nothing is told about the image.
"""

import matplotlib.pyplot as plt
import numpy as np

import cordlevelset as cls
from cordlevelset.phantom import make_phantom

phantom = make_phantom(scoliosis_mm=4.0, place_mm=(0.0, 1.5))
result = cls.segment(phantom.image)

print(f"cord {result.polarity} against the fluid, {result.length_mm:.0f} mm long, confidence {result.confidence:.2f}")
comparison = cls.compare(result.mask, phantom.soft_mask)
print(f"Dice {comparison.dice:.2f}, border {comparison.assd_mm:.2f} mm, bias {comparison.bias_mm:+.2f} mm")

# %%
# The slice through the middle, and the cord from its upper end in the image to the tip of the conus.

array = phantom.image.array
middle = int(phantom.soft_mask.array.sum((0, 1)).argmax())
fig, axes = plt.subplots(1, 2, figsize=(8, 5), layout="constrained")
for ax, soft, color in zip(axes, (phantom.soft_mask, result.soft_mask), ("limegreen", "red"), strict=True):
    ax.imshow(array[:, :, middle], cmap="gray", origin="lower", vmax=np.percentile(array, 99.5))
    ax.contour(soft.array[:, :, middle], [0.5], colors=color, linewidths=1.2)
    ax.set_axis_off()
axes[0].set_title("truth")
axes[1].set_title("found")
plt.show()

# %%
# Area perpendicular to the cord, slice by slice. The dotted line is the tip of the conus with its uncertainty.

truth = cls.measure(phantom.soft_mask)
fig, ax = plt.subplots(figsize=(7, 3.2), layout="constrained")
ax.plot([s.slice for s in truth], [s.area_mm2 for s in truth], color="limegreen", label="truth")
ax.plot([s.slice for s in result.slices], [s.area_mm2 for s in result.slices], color="red", label="found")
tip = phantom.image.to_index(result.conus.tip_mm)[0]
ax.axvline(tip, color="red", ls=":")
ax.axvspan(tip - result.conus.uncertainty_mm, tip + result.conus.uncertainty_mm, color="red", alpha=0.08)
ax.set(xlabel="slice along the body (1 mm)", ylabel="area, mm²", ylim=(0, None))
ax.legend(frameon=False)
plt.show()
