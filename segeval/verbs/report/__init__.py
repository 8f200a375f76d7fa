"""The report: stored runs in, one HTML file out that leads from the verdict to the worst voxel."""
