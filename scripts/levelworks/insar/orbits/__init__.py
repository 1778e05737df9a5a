"""Orbits: state vectors of precise, restituted and annotated orbits, chosen and interpolated."""
