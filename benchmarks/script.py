"""What the scripts on real cases share: their arguments, and a drawing library without a screen."""

import argparse
from pathlib import Path


def case_arguments(doc):
    """Parser of a script whose text is `doc`: the folder of cases, and where to draw."""
    parser = argparse.ArgumentParser(description=doc, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--data", type=Path, required=True)
    parser.add_argument("--plot", type=Path)
    return parser


def pyplot():
    """Matplotlib's, which draws into files."""
    import matplotlib

    matplotlib.use("Agg")
    import matplotlib.pyplot as plt

    return plt
