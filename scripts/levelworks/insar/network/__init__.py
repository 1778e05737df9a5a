"""The network of pairs: selection, closure of triplets, and repair of cycles."""
