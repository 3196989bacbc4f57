"""
Step by step
============

What happens inside, on one lumbar T2 image with 2 mm slices. :doc:`/method` has the equations. The modules used here
are not part of the public face and may change.
"""

import matplotlib.pyplot as plt
import numpy as np

import cordlevelset as cls
from cordlevelset.detection.finder import find_cord
from cordlevelset.detection.flux import SAC_RADII_MM, flux, normalised_gradient
from cordlevelset.detection.searchgrid import search_grid
from cordlevelset.detection.symmetry import midline
from cordlevelset.phantom import make_phantom
from cordlevelset.sections import polar
from cordlevelset.sections.boundary import start_contours

phantom = make_phantom(spacing=(1.0, 1.0, 2.0), field_mm=(180.0, 120.0, 60.0), scoliosis_mm=4.0, place_mm=(0.0, 2.0))
array, spacing = phantom.image.array, phantom.image.spacing

# %%
# **Search grid.** The image is averaged to about 1 mm in the plane and 4 mm along the body.
#
# **Mirror plane.** In each plane the line about which the image is most like its mirror image (yellow, at the cord's depth).
#
# **Tubularity.** A dark tube of the cord's size inside a bright one of the sac's size; both are computed for either
# polarity.

grid = search_grid(array, spacing)
cord = cls.tubularity(grid.image, spacing=grid.spacing).dark
sac = flux(normalised_gradient(grid.image, grid.spacing), grid.spacing, SAC_RADII_MM, (1.0, 1.4)).bright
row = round(float(phantom.centerline_mm[:, 1].mean() - phantom.image.origin[1]) - grid.offset[1])
middle = midline(grid.image, grid.spacing)[:, row]
column = round(float(np.median(middle)) / grid.spacing[2])

fig, axes = plt.subplots(1, 4, figsize=(11, 4.2), layout="constrained")
tall, wide = grid.spacing[0] / grid.spacing[1], grid.spacing[0] / grid.spacing[2]
axes[0].imshow(grid.image[:, row], cmap="gray", origin="lower", aspect=wide)
axes[0].plot(middle / grid.spacing[2], np.arange(len(middle)), color="gold")
axes[0].set_title("from the front, mirror plane")
axes[1].imshow(grid.image[:, :, column], cmap="gray", origin="lower", aspect=tall)
axes[1].set_title("from the side")
axes[2].imshow(cord[:, :, column], cmap="RdBu_r", vmin=-1, vmax=1, origin="lower", aspect=tall)
axes[2].set_title("dark tube of the cord's size")
axes[3].imshow(sac[:, :, column], cmap="RdBu_r", vmin=-1, vmax=1, origin="lower", aspect=tall)
axes[3].set_title("bright tube of the sac's size")
for ax in axes:
    ax.set_axis_off()
plt.show()

# %%
# **Path.** The best path through both, between the ends that the windows along it show: here the field of view holds too
# little of the sac for that, and the path runs on.

path = find_cord(array, spacing=spacing)
planes = path.first + np.arange(len(path.centers_mm))
x = round(float(np.median(path.centers_mm[:, 1])) / spacing[2])
result = cls.segment(phantom.image, bottom=phantom.conus_mm)  # the field of view holds too little of the sac

fig, axes = plt.subplots(1, 2, figsize=(6.6, 4.4), layout="constrained")
for ax in axes:
    ax.imshow(array[:, :, x], cmap="gray", origin="lower", vmax=np.percentile(array, 99.5))
    ax.set_axis_off()
axes[0].plot(path.centers_mm[:, 0] / spacing[1], planes, color="orange")
axes[0].set_title("path")
axes[1].contour(result.soft_mask.array[:, :, x], [0.5], colors="red", linewidths=1)
axes[1].axhline(phantom.image.to_index(result.conus.tip_mm)[0], color="red", ls=":")
axes[1].set_title("result and tip of the conus")
plt.show()

# %%
# **Border.** One plane seen along rays from the path, and the signed steps on them: red where the step goes from cord to
# CSF, blue where it goes from CSF to the wall of the canal. The closed curve of greatest gain starts the active contour,
# whose end (dashed) is the border.

p = len(planes) - 40
start = start_contours(array, spacing=spacing, first=path.first, centers_mm=path.centers_mm, polarity=path.polarity)
final = result.contours.radii_mm[planes[p] - result.contours.first]
degrees = np.rad2deg(polar.ANGLES)
extent = (0, 360, 0, polar.RADII_MM[-1])

fig, axes = plt.subplots(2, 1, figsize=(7, 5), layout="constrained", sharex=True)
axes[0].imshow(start.values[p].T, cmap="gray", origin="lower", extent=extent, aspect="auto")
axes[1].imshow(start.evidence[p].T, cmap="RdBu_r", vmin=-3, vmax=3, origin="lower", extent=extent, aspect="auto")
for ax in axes:
    ax.plot(degrees, start.radii_mm[p], color="orange", label="start contour")
    ax.plot(degrees, final, color="black", ls="--", label="after the active contour")
    ax.set_ylabel("radius, mm")
axes[0].set_title("brightness")
axes[1].set_title("signed steps")
axes[1].set_xlabel("angle, degrees (0: left, 90: posterior)")
axes[0].legend(loc="upper right", fontsize=8)
plt.show()
