"""``python -m cordlevelset``: the command line."""

from cordlevelset.app.cli import process

if __name__ == "__main__":
    process()
