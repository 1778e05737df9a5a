"""Roman Coronagraph EXCAM frames: Level 1 to Level 2a, Level 2b and combined datasets."""
