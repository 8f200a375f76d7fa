"""Sweeps over the predictions of models that were trained elsewhere: `--runs`."""
