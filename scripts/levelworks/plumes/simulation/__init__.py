"""Simulated granules with plumes of known emission rate, as the agencies write them."""
