"""Level 1 of Landsat and Sentinel-2 with known truth."""
