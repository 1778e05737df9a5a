"""The radar grid of a frame: where bursts lie on it, and cells of looks."""
