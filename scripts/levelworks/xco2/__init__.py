"""OCO-2 and OCO-3 target captures: Lite days to per-target cubes."""
