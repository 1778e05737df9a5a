"""Archives of SLC products: a folder, an HTTP service, a tape library; what a catalogue has and how it is fetched."""
