"""Arguments and run of ``levelworks simulate ard``."""

from levelworks.ard.simulation.simulate_command import add_arguments, simulate

__all__ = ["add_arguments", "simulate"]
