"""Reports over all images of a campaign."""
