"""Level-1 images of Landsat and Sentinel-2: unpacked, opened and checked."""
