"""The data cube: grids of tiles, warping, merging, mosaics."""
