"""Readers of Sentinel-1 IW SLC products in the agency's SAFE layout."""
