"""
How far it holds
================

The same spine with more and more noise, and with thicker and thicker sagittal slices, two random seeds each. CNR is the step
between cord and CSF over the noise's standard deviation. Phantoms flatter any method: they have no motion, no flow, no
disease. :doc:`/limits` says what real images add.
"""

import matplotlib.pyplot as plt
import numpy as np

import cordlevelset as cls
from cordlevelset.phantom import make_phantom

FIELD = (120.0, 100.0, 60.0)
SEEDS = range(2)


def scores(**scan):
    """Dice and confidence of each seed; no cord found counts as 0 and 0."""
    found = []
    for seed in SEEDS:
        phantom = make_phantom(region="cervical", field_mm=FIELD, seed=seed, place_mm=(0.0, seed - 0.5), **scan)
        try:
            result = cls.segment(phantom.image)
        except cls.NoCordFoundError:
            found.append((0.0, 0.0))
            continue
        found.append((cls.compare(result.mask, phantom.soft_mask).dice, result.confidence))
    return np.array(found)


NOISE = (1.0, 1.5, 2.0, 4.0, 8.0)
THICK = (1.0, 2.0, 4.0, 6.0)
fig, (noise, thick) = plt.subplots(1, 2, figsize=(9, 3.6), layout="constrained", sharey=True)
for contrast, color in (("t1", "tab:orange"), ("t2", "tab:blue")):
    noisy = [scores(contrast=contrast, spacing=(2.0, 1.0, 2.0), cnr=v) for v in NOISE]
    thicker = [scores(contrast=contrast, spacing=(2.0, 1.0, v)) for v in THICK]
    for ax, values, found in ((noise, NOISE, noisy), (thick, THICK, thicker)):
        dice, confidence = np.mean(found, axis=1).T
        ax.plot(values, dice, "o-", color=color, label=f"{contrast.upper()}, Dice")
        ax.plot(values, confidence, "x:", color=color, label=f"{contrast.upper()}, confidence")
noise.set(xlabel="CNR (2 mm slices)", ylim=(0, 1.02))
thick.set(xlabel="thickness of sagittal slices, mm (CNR 12)")
thick.legend(frameon=False, fontsize=8)
plt.show()

# %%
# Where there is no cord, only roots in CSF, the answer should be a refusal. Where it is none, a low confidence and the notes
# are all that warns:

phantom = make_phantom(cord=False)
try:
    result = cls.segment(phantom.image)
    print(f"found something with confidence {result.confidence:.2f}", *result.notes, sep="\n")
except cls.NoCordFoundError as error:
    print(error)
