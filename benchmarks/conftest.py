"""Options of the suite: where real cases are, and commands to run beside ours."""

from pathlib import Path


def pytest_addoption(parser):
    parser.addoption("--data", type=Path, help="folder of real cases; docs/reference/benchmarks.md says what one holds")
    parser.addoption("--method", action="append", default=[], help="name='command {image} {out}', may be repeated")
