"""Sweeps over one set of probability maps: `--maps`."""
