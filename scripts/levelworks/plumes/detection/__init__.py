"""From enhancements to plumes: denoising, detection, sources, false positives."""
