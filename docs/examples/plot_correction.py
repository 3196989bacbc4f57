"""
When the result is wrong
========================

Two ways in which a result can be wrong, and the least that mends each: the wrong tube was followed, or the border is wrong in a
few slices. :doc:`/correction` says what else there is.
"""

import matplotlib.pyplot as plt
import numpy as np

import cordlevelset as cls
from cordlevelset.phantom import make_phantom


def panel(ax, plane, image, outlines, title):
    """A plane of the image with the outlines of masks on it."""
    ax.imshow(plane(image.array), cmap="gray", vmin=0, vmax=np.percentile(image.array, 99.5), origin="lower")
    for volume, color in outlines:
        if plane(volume.array).max() > 0:
            ax.contour(plane(volume.array), [0.5], colors=color, linewidths=1.2)
    ax.set(title=title)
    ax.set_axis_off()


# %%
# The wrong place
# ---------------
# A second tube, drawn into the image 26 mm in front of the cord, has a sharper border than the cord has. It wins.

phantom = make_phantom(region="cervical", spacing=(2.0, 1.0, 1.0), field_mm=(100.0, 100.0, 60.0), scoliosis_mm=3.0)
line = phantom.centerline_mm
array = phantom.image.array.copy()
rows, columns = np.indices(array.shape[1:])
for k, j, i in phantom.image.to_index(line):
    away = np.hypot(rows - j + 26, columns - i)
    plane = array[round(k)]
    array[round(k)] = np.where(away < 4, 0.1 * plane.max(), np.where(away < 9, plane.max(), plane))
image = phantom.image.like(array)

wrong = cls.segment(image)

# %%
# Two points in the cord are enough. Between them, and beyond them, the path follows the image.

points = line[[len(line) // 4, 3 * len(line) // 4]]
right = wrong.corrected(centerline=points)  # or: cls.segment(image, centerline=points)
print(f"Dice {cls.compare(wrong.mask, phantom.soft_mask).dice:.2f}, with two points ", end="")
print(f"{cls.compare(right.mask, phantom.soft_mask).dice:.2f}")

middle = round(float(image.to_index(points)[:, 2].mean()))
fig, axes = plt.subplots(1, 2, figsize=(8, 4.2), layout="constrained")
for ax, result, title in zip(axes, (wrong, right), ("as found", "with two points"), strict=True):
    panel(ax, lambda a: a[:, :, middle], image, [(result.soft_mask, "red")], title)
    ax.set_aspect(image.spacing[0] / image.spacing[1])
axes[1].plot(*image.to_index(points)[:, [1, 0]].T, "o", color="gold")
plt.show()

# %%
# The wrong border
# ----------------
# A lesion as bright as the CSF reaches the left border of the cord over 14 mm. Without an edge there, the contour goes
# around it.

phantom = make_phantom(region="cervical", spacing=(2.0, 0.8, 0.8), field_mm=(100.0, 80.0, 56.0))
array, truth = phantom.image.array.copy(), phantom.soft_mask.array > 0.5
csf = np.percentile(array[phantom.sac_mask.array > 0], 95)
rows, columns = np.indices(array.shape[1:])
for k in range(22, 29):
    j, i = np.argwhere(truth[k]).mean(0)
    array[k][truth[k] & (columns > i + 1.5) & (abs(rows - j) < 4)] = csf
image = phantom.image.like(array)
wrong = cls.segment(image)

# %%
# Two clicks in one slice say that the lesion is cord. Or that slice is drawn. Either is honoured to the voxel, and the
# neighbours follow.

k = 25
j, i = np.rint(np.argwhere(truth[k]).mean(0)).astype(int)
edge = np.flatnonzero(truth[k, j])[-1]
seeds = np.zeros(image.shape, np.uint8)
seeds[k, [j - 2, j + 2], edge - 1] = 1
contours = np.zeros(image.shape, np.uint8)
contours[k] = truth[k]
clicked = wrong.corrected(seeds=image.like(seeds))
drawn = wrong.corrected(contours=image.like(contours))

results = {"as found": wrong, "two clicks: cord": clicked, "one slice drawn": drawn}
fig, axes = plt.subplots(2, 3, figsize=(9, 6), layout="constrained")
for column, (title, result) in zip(axes.T, results.items(), strict=True):
    outlines = [(phantom.soft_mask, "limegreen"), (result.soft_mask, "red")]
    for ax, p in zip(column, (k, k + 2), strict=True):
        panel(ax, lambda a, p=p: a[p, j - 22 : j + 23, i - 26 : i + 27], image, outlines, f"{title}, slice {p}")
axes[0, 1].plot([26 + edge - 1 - i] * 2, [20, 24], "s", color="gold", markersize=3)
plt.show()

for title, result in results.items():
    found = result.mask.array[22:29] > 0
    print(f"{title}: Dice {2 * np.sum(found & truth[22:29]) / (found.sum() + truth[22:29].sum()):.2f} about the lesion")
