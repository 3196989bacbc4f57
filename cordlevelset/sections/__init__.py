"""Cross-sections along a curve: the image about it, the borders of cord and sac, what is read off them."""
