"""Frames: sets of bursts that are processed as one image, and what an acquisition has of them."""
