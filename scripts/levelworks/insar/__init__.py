"""Sentinel-1 IW frames: from single-look complex bursts to unwrapped, geocoded interferograms."""
