"""Column water vapour: from tables over the world for Landsat, from the image's own bands for Sentinel-2."""
