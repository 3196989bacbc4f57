"""What a user painted into a result, or erased from it, as seeds."""

import numpy as np

CORD, NOT_CORD = 1, 2
"""Labels of seeds."""


class Painted:
    """Compares a mask with what was written there last.

    An undo brings back a mask that was there before: that is known, and no painting.
    """

    def __init__(self):
        self._known = []  # (mask, seeds) as written, and as they were before
        self.seeds = None

    def show(self, before, after):
        """Tell what a result is about to replace, and with what.

        Parameters
        ----------
        before, after : (K, J, I) array
            Masks.
        """
        seeds = np.zeros(after.shape, np.uint8) if self.seeds is None else self.seeds
        self._known += [(before != 0, seeds), (after != 0, seeds)]
        self.seeds = seeds

    def take(self, mask):
        """See what was painted since.

        Parameters
        ----------
        mask : (K, J, I) array
            As it is now.

        Returns
        -------
        (K, J, I) array of uint8
            `CORD` where it was painted, `NOT_CORD` where it was erased; all 0 if nothing was written here before.
        """
        cord = mask != 0
        changes = np.zeros(cord.shape, np.uint8)
        for known, seeds in reversed(self._known):
            if np.array_equal(known, cord):
                self.seeds = seeds
                return changes
        if self._known and self._known[-1][0].shape == cord.shape:
            changed = cord != self._known[-1][0]
            changes[changed] = np.where(cord[changed], CORD, NOT_CORD)
            self.seeds = np.where(changed, changes, self.seeds)
            self._known.append((cord, self.seeds))
        return changes
