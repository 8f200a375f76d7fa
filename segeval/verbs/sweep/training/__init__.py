"""Train a small network for each setting of a sweep: the same start, data and budget, only the loss differs."""
