"""Plugin for napari; it uses the public face only."""
