"""Misregistration measured on the images themselves: amplitudes, burst overlaps, and the network of dates."""
