"""The whole path on phantoms: time, memory and accuracy over kinds of image; growth; accuracy against what degrades it.

The phantoms' truth is exact. ``extra_info``: soft Dice, median area error a slice, signed radial bias (mm), coverage;
``peak_mb``: most memory held at once beyond the image, counted in a run of its own.
"""

import tracemalloc

import numpy as np
import pytest
from scipy import ndimage as ndi
from scores import phantom_scores

import cordlevelset as cls
from cordlevelset.phantom import make_phantom
from cordlevelset.phantom.anatomy import BRIGHTNESS, TISSUES

KINDS = [
    ("cervical", "t2", (1.0, 1.0, 1.0)),
    ("cervical", "t1", (1.0, 1.0, 1.0)),
    ("cervical", "t2s", (3.0, 0.5, 0.5)),
    ("cervical", "t2", (0.8, 0.8, 4.0)),
    ("lumbar", "t2", (1.0, 1.0, 4.0)),
    ("lumbar", "t1", (1.0, 1.0, 4.0)),
    ("lumbar", "t2", (0.7, 0.7, 3.3)),
    ("lumbar", "t2", (1.0, 1.0, 1.0)),
]
BASES = {"cervical": (1.0, 1.0, 1.0), "lumbar": (1.0, 1.0, 4.0)}
CURVES = {
    "CNR": (3, 4, 5, 8, 12, 20),
    "slice thickness, mm": (1, 2, 3, 4, 5, 6),
    "bias field, brightest over darkest": (1, 1.5, 2, 3, 4),
    "blur along phase encoding, mm": (0, 0.5, 1, 1.5, 2),
}
SEEDS = (0, 1)
CNR = 12.0  # of the blurred phantoms, as of the others by default


def record(benchmark, result, phantom, **more):
    benchmark.extra_info.update(phantom_scores(result, phantom), **more)


@pytest.mark.benchmark(group="phantoms: kinds of image")
@pytest.mark.parametrize(("region", "contrast", "spacing"), KINDS, ids=lambda v: str(v).replace(" ", ""))
def test_kind(benchmark, region, contrast, spacing):
    phantom = make_phantom(region=region, contrast=contrast, spacing=spacing)
    result = benchmark.pedantic(cls.segment, args=(phantom.image,), warmup_rounds=1, rounds=3)
    tracemalloc.start()
    cls.segment(phantom.image)
    peak = tracemalloc.get_traced_memory()[1]
    tracemalloc.stop()
    image = phantom.image.array
    label = f"{region} {contrast} {' x '.join(map(str, spacing))} mm"
    sizes = {"voxels": image.size, "image_mb": round(image.nbytes / 1e6, 1), "peak_mb": round(peak / 1e6, 1)}
    record(benchmark, result, phantom, kind=label, **sizes)


@pytest.mark.benchmark(group="phantoms: growth with the volume")
@pytest.mark.parametrize("field", [(160, 140, 60), (160, 140, 120), (160, 200, 120), (160, 200, 180)], ids=str)
def test_volume(benchmark, field):
    """The same cord in more and more tissue."""
    phantom = make_phantom(region="cervical", spacing=BASES["cervical"], field_mm=field)
    result = benchmark.pedantic(cls.segment, args=(phantom.image,), warmup_rounds=1, rounds=3)
    record(benchmark, result, phantom, x=phantom.image.array.size / 1e6, curve="volume, million voxels")


@pytest.mark.benchmark(group="phantoms: growth with the cord")
@pytest.mark.parametrize("length", [60, 120, 180, 240])
def test_length(benchmark, length):
    """A longer and longer piece of cord."""
    phantom = make_phantom(region="cervical", spacing=BASES["cervical"], field_mm=(length, 140, 60))
    result = benchmark.pedantic(cls.segment, args=(phantom.image,), warmup_rounds=1, rounds=3)
    record(benchmark, result, phantom, x=length, curve="cord length, mm")


@pytest.mark.benchmark(group="phantoms: accuracy")
@pytest.mark.parametrize("seed", SEEDS)
@pytest.mark.parametrize("region", BASES)
@pytest.mark.parametrize(("curve", "x"), [(c, x) for c, values in CURVES.items() for x in values])
def test_accuracy(benchmark, curve, x, region, seed):
    info = {"curve": curve, "x": x, "region": region, "failure": None}
    phantom = degraded(curve, x, region, seed)

    def run():
        try:
            return cls.segment(phantom.image)
        except cls.NoCordFoundError as error:
            return error

    result = benchmark.pedantic(run, rounds=1)
    if isinstance(result, cls.NoCordFoundError):
        benchmark.extra_info.update(info, failure=str(result)[:200])
    else:
        record(benchmark, result, phantom, **info)


def degraded(curve, x, region, seed):
    base = {"region": region, "spacing": BASES[region], "seed": seed}
    if curve == "CNR":
        return make_phantom(**base, cnr=x)
    if curve.startswith("slice"):
        return make_phantom(**{**base, "spacing": (1.0, 1.0, float(x))})
    if curve.startswith("bias"):
        return make_phantom(**base, bias=x)
    return blurred(make_phantom(**base, cnr=np.inf), x, seed)


def blurred(phantom, sigma_mm, seed):
    """Blur along the antero-posterior axis, as motion does where phase is encoded, then the noise of the scanner."""
    clean = ndi.gaussian_filter(phantom.image.array, (0, sigma_mm / phantom.image.spacing[1], 0))
    shade = dict(zip(TISSUES, BRIGHTNESS["t2"], strict=True))
    noise = 1000 * abs(shade["csf"] - shade["cord"]) / CNR  # the phantoms' unit is a thousandth
    real, imaginary = noise * np.random.default_rng(seed).standard_normal((2, *clean.shape))
    image = phantom.image.like(np.hypot(clean + real, imaginary).astype(np.float32))
    return type(phantom)(**{**vars(phantom), "image": image})
