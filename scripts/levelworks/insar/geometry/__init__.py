"""Imaging geometry of TOPS bursts: positions, looks, carriers, baselines."""
