"""The Segment Editor effect."""
