"""What the scripts share: arguments, what a case's files tell, a process's peak memory, drawing without a screen."""

import argparse
import json
from pathlib import Path


def case_arguments(doc):
    """Parser of a script on real cases whose text is `doc`: the folder that holds them."""
    parser = argparse.ArgumentParser(description=doc, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--data", type=Path, required=True)
    return parser


def folders(data, name="case.json"):
    """Folders of the cases that hold a file of this name."""
    return sorted(path.parent for path in data.glob(f"*/{name}"))


def told(folder, name="case"):
    """What a case's JSON file says."""
    return json.loads((folder / f"{name}.json").read_text(encoding="utf-8"))


def cord_levels(levels):
    """Those levels of a `levels.json` at which a reader saw cord."""
    return [level for level in levels["levels"] if level.get("cord", True)]


def peak_mb():
    """Most memory that this process has held, MB; not what Linux hands on of its parent's in `ru_maxrss`."""
    import resource  # not on Windows

    status = Path("/proc/self/status")
    lines = status.read_text(encoding="utf-8").splitlines() if status.exists() else []
    peak = [line.split()[1] for line in lines if line.startswith("VmHWM")]
    return float(peak[0] if peak else resource.getrusage(resource.RUSAGE_SELF).ru_maxrss) / 1024


def pyplot():
    """Matplotlib's, which draws into files."""
    import matplotlib

    matplotlib.use("Agg")
    import matplotlib.pyplot as plt

    return plt
