"""Files of the line: rasters, their metadata and catalogues."""
