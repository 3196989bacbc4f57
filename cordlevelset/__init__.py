"""Unattended spinal cord segmentation in MR images, lumbar included."""
