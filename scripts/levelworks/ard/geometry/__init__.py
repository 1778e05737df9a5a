"""Where the sun stands and from where the sensor looks, on the field of an image."""
