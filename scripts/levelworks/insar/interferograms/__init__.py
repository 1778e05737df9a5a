"""Interferograms of burst pairs, straight to multilooked sums."""
