"""Pictures of a frame: interferograms as maps, the network of dates."""
