"""Radiative transfer in clear air: scattering and gas tables made from 6S, and the forward model of reflectance."""
