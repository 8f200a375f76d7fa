"""Losses as torch modules: a batch is read, its sums are taken, the formula is averaged over its groups."""
