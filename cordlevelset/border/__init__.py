"""The exact border of the cord, and its voxels."""
