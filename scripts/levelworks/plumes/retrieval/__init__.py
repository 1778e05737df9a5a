"""From radiance to enhancements: absorption, quality, background statistics, matched filters."""
