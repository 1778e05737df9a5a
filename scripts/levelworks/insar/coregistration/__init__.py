"""Passes brought to the pixels of a frame's reference."""
