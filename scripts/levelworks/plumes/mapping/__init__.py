"""Scenes on the map: geometry, orthorectification, the Level-2 product."""
