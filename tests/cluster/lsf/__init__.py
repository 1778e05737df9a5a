"""An emulator of LSF's batch system: real commands, real processes, real limits, emulated hosts."""
