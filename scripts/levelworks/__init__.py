"""Level-1 granules and frames in, Level-2 and Level-3 science products out."""

__version__ = "0.1.0"
