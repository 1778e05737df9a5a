"""From the radar cells of a frame to its geographic grid."""
