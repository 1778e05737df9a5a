"""Trace-gas plumes from imaging-spectrometer radiance."""
