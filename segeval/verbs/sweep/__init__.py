"""Sweeps: what a parameter of a loss does to a segmentation, one table per question."""
