"""Corrections of the atmosphere: delays of GACOS, and delay that goes with height."""
