"""Phase unwrapping: cycles from minimum-cost flow or SNAPHU, connected components, tiles."""
