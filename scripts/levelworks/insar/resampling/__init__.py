"""Secondary bursts brought to the reference's grid."""
