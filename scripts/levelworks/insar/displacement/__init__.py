"""Displacement beside phase: offsets of amplitudes in range and azimuth, and along-track motion in burst overlaps."""
