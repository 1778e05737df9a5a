"""Clouds, cirrus, their shadows, snow and water, buffers around them, and the quality bits of a product."""
