"""Analysis-ready data: Landsat and Sentinel-2 Level 1 to a tiled cube of surface reflectance with quality bits."""
