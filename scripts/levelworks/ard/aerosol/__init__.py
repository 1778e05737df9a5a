"""Aerosol optical depth of an image: coarse sums of its dark targets, and what they say of the air above them."""
