"""segeval: score image segmentations, per case and per class, with numbers that say what they are."""

__version__ = "0.1.0"
