"""Area along the cord, twice: ``python benchmarks/repeatability.py [--pair A B] ...``.

A and B are images of the same cord in two visits. Both are segmented, and their areas compared every 5 mm of scanner
height that both cover. Phantoms always follow: one spine seen with a dark and with a bright cord.

Printed: mean areas (mm2), the coefficient of variation (sd over mean of the two, %) of these means, and the root mean
square of the coefficients of variation place by place (%).
"""

import argparse

import numpy as np

import cordlevelset as cls
from cordlevelset.phantom import make_phantom

STEP_MM = 5.0


def areas(image):
    """Height, mm, and area, mm2, from the lowest plane up."""
    result = cls.segment(image)
    z = result.centerline.points_mm[::-1, 2]
    return z, np.array([s.area_mm2 for s in result.slices])[::-1]


def variation(a, b):
    """Coefficient of variation of two values, %."""
    return 100 * np.abs(a - b) / np.sqrt(2) / ((a + b) / 2)


def row(name, first, second):
    """Figures of one pair, as text."""
    (za, a), (zb, b) = areas(first), areas(second)
    z = np.arange(max(za[0], zb[0]), min(za[-1], zb[-1]) + 1e-6, STEP_MM)
    a, b = np.interp(z, za, a), np.interp(z, zb, b)
    local = np.sqrt((variation(a, b) ** 2).mean())
    return f"| {name} | {a.mean():.2f} | {b.mean():.2f} | {variation(a.mean(), b.mean()):.2f} | {local:.2f} |"


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--pair", nargs=2, action="append", default=[], metavar=("A", "B"))
    print("| pair | mean area 1 | mean area 2 | CV of the means % | CV by place % |\n|---|---|---|---|---|")
    for first, second in parser.parse_args().pair:
        print(row(f"{first}, {second}", first, second), flush=True)
    for region, spacing in (("cervical", (1.0, 1.0, 1.0)), ("cervical", (5.0, 0.6, 0.6)), ("lumbar", (1.0, 1.0, 4.0))):
        pair = (make_phantom(region=region, contrast=c, spacing=spacing, cnr=5.0, seed=2).image for c in ("t2", "t1"))
        print(row(f"phantom, {region}, {spacing} mm, T2 and T1", *pair), flush=True)


if __name__ == "__main__":
    main()
