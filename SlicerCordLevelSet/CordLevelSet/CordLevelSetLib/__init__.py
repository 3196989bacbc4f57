"""Parts of the module without a window."""
