"""Co-registration of an image with base images of the same place."""
