"""The products of a frame as they are handed on: metadata, the published tree, its validation, progress."""
