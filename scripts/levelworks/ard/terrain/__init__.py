"""The terrain under an image: elevation on its grid, slopes, where the sun reaches, how much sky is seen."""
