"""FORCE's own files: its parameter file, and its queue of images."""
