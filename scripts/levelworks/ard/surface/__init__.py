"""From the top of the atmosphere to the surface: inversion, surroundings, slopes, viewing geometry, uncertainty."""
