"""Probability maps of all cases as sweeps read them: voxels per probability, and what thresholds make of them."""
