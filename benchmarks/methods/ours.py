"""cordlevelset as a user calls it."""

import cordlevelset as cls

NAME = "cordlevelset"


def segment(image, line):
    return cls.segment(image).mask
