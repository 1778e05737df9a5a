"""Sentinel-2's 20 m bands at 10 m."""
