"""
A lumbar image with thick slices
================================

Sagittal T2, slices 4 mm thick, pixels of 1 mm: the cord is two or three voxels wide. Nothing is told about the image.
"""

import matplotlib.pyplot as plt
import numpy as np

import cordlevelset as cls
from cordlevelset.outputs import plot
from cordlevelset.phantom import make_phantom

phantom = make_phantom(scoliosis_mm=4.0, place_mm=(0.0, 1.5))
result = cls.segment(phantom.image)

print(f"cord {result.polarity} against the CSF, {result.length_mm:.0f} mm long, confidence {result.confidence:.2f}")
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

ax = plot.plot_area(cls.measure(phantom.soft_mask), label="truth", color="limegreen")
plot.plot_area(result, label="found", color="red", axes=ax)
tip = phantom.image.to_index(result.conus.tip_mm)[0]
ax.axvline(tip, color="red", ls=":")
ax.axvspan(tip - result.conus.uncertainty_mm, tip + result.conus.uncertainty_mm, color="red", alpha=0.08)
plt.show()

# %%
# The sections themselves, with the sub-voxel contour: slice, area, confidence.

plot.plot_mosaic(result)
plt.show()

# %%
# And the centerline, in three planes.

plot.plot_centerline(result)
plt.show()
