"""Fingerprint of every result: ``python benchmarks/digest.py [--data CASES] > digest.txt``, then ``diff`` two of them.

One line an image, phantoms first, then the cases of ``CASES/*/image.nii.gz``: confidence, conus, and SHA-256 (first 12
digits) of mask, soft mask, contours and notes; an error is printed as its text. A change that should leave every result
as it was, such as moving code, is checked by comparing the lines before and after.
"""

import argparse
import hashlib
from concurrent.futures import ProcessPoolExecutor
from pathlib import Path

import numpy as np

import cordlevelset as cls
from cordlevelset.phantom import make_phantom

PHANTOMS = [
    (region, contrast, spacing)
    for region in ("cervical", "lumbar")
    for contrast in ("t2", "t1", "t2s", "dwi")
    for spacing in ((1.0, 1.0, 1.0), (0.8, 0.8, 4.0), (4.0, 0.6, 0.6))
]


def short(*parts):
    """First digits of the SHA-256 of arrays and texts."""
    digest = hashlib.sha256()
    for part in parts:
        digest.update(part.encode() if isinstance(part, str) else np.ascontiguousarray(part).tobytes())
    return digest.hexdigest()[:12]


def fingerprint(image):
    """Digest of what `segment` makes of an image."""
    try:
        result = cls.segment(image)
    except cls.CordLevelSetError as error:
        return f"{type(error).__name__}: {error}"
    c = result.contours
    conus = "-" if result.conus is None else f"{np.round(result.conus.tip_mm, 6).tolist()}"
    confidence = [s.confidence for s in result.slices]
    return (
        f"confidence {result.confidence!r} {short(np.array(confidence))} conus {result.conus_state} {conus} "
        f"mask {short(result.mask.array)} soft {short(result.soft_mask.array)} "
        f"contours {short(c.centers_mm, c.radii_mm, c.sac_mm)} notes {short(*result.notes)}"
    )


def line(what):
    """One line of the table: of a phantom's kind, or of a case's path."""
    if isinstance(what, Path):
        return f"{what.parent.name}: {fingerprint(cls.read(what, frame=0))}"
    region, contrast, spacing = what
    phantom = make_phantom(region=region, contrast=contrast, spacing=spacing)
    return f"{region} {contrast} {spacing}: {fingerprint(phantom.image)}"


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--data", type=Path)
    parser.add_argument("--jobs", type=int, default=2)
    args = parser.parse_args()
    cases = sorted(args.data.glob("*/image.nii.gz")) if args.data else []
    with ProcessPoolExecutor(args.jobs) as pool:
        for text in pool.map(line, [*PHANTOMS, *cases]):
            print(text, flush=True)


if __name__ == "__main__":
    main()
